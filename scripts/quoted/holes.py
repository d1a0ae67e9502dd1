"""Holes of the Coulomb flow: what the README prints, and how accurate areas, plateaus and volumes are."""

import contextlib
import dataclasses
import io
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import gridflow as gf
from quoted.bundled import run
from solvers import FiniteVolume
from solvers.finite_volume import reconstruction

README = Path(__file__).parents[2] / "README.md"
TIMES = (1.0, 2.0, 3.0)


def of_the_example() -> list[float]:
    """Steps and energy that the README's snippet prints; its code is taken from the page, without the picture."""
    code = README.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        exec(code.replace("gf.plot(", "(lambda *_: None)("), {})
    found = re.fullmatch(r"finished after (\d+) steps, energy (\S+)\n", printed.getvalue())
    assert found, printed.getvalue()
    return [float(number) for number in found.groups()]


def steps_of_the_case() -> int:
    """Steps of `gridflow run hole2d.toml`."""
    return run("hole2d").steps


def laws(time: float) -> list[float]:
    """Area, its error in per cent, plateau, its error, least density and energy of the case."""
    series = run("hole2d").series
    row = {name: float(values[np.flatnonzero(series["time"] == time)[0]]) for name, values in series.items()}
    area, plateau = row["contour_volume"], row["plateau"]
    errors = 100 * (row["contour_volume_ratio"] - 1), row["plateau_ratio"] - 1
    return [area, errors[0], plateau, errors[1], row["min"], row["energy"]]


def masses() -> list[float]:
    """Errors of the mass of the case at t = 0, 1, 2, 3, 4."""
    series = run("hole2d").series
    return [float(series["mass"][series["time"] == time][0]) - 1 for time in range(5)]


@cache
def hole(cells: int, times: tuple[float, ...], dim: int = 2, symbol: str = "spectral", **options: Any) -> np.ndarray:
    """A ball of radius ¼: per cent that the volume is off, error of the plateau, and of the mass, at some times."""
    grid = gf.Grid((cells,) * dim)
    flow, start = gf.Flow(grid, gf.Riesz(1, symbol), gf.uniform(grid)), gf.ball_hole(grid, 0.25)
    law, solver = gf.theory.HoleLaw.of(flow, start), FiniteVolume(flow, tracer=False, **options)
    state = solver.initialize(start)
    found = []
    for until in times:
        while state.time < until:
            solver.step(state, until)
        density, plateau = solver.density(state), float(law.plateau(until))
        volume = gf.diagnostics.volume_below(grid, density, plateau / 2)
        found.append(
            (
                100 * (volume / float(law(until)) - 1),
                density.max() / plateau - 1,
                gf.diagnostics.mass(grid, density) - 1,
            )
        )
    return np.array(found)


def disc(plateau: bool = True, times: int = 3, **options: Any) -> list[float]:
    """Errors of the area on 256² cells at the first of TIMES, and the size of that of the plateau at the first."""
    found = hole(256, TIMES, integrator="ssprk3", **options)
    return [*found[:times, 0], *[abs(found[0, 1])] * plateau]


def plateau(**options: Any) -> float:
    """Size of the error of the plateau at t = 1."""
    return abs(float(hole(256, (1.0,), integrator="ssprk3", **options)[0, 1]))


def orders(**options: Any) -> list[float]:
    """Orders of the area's error from 64² to 512² at t = 1 and 2."""
    sizes = (64, 128, 256, 512)
    found = np.array([hole(n, TIMES[:2], integrator="ssprk3", **options)[:, 0] for n in sizes])
    return [gf.diagnostics.fitted_order(1 / np.array(sizes), abs(found[:, k])) for k in range(2)]


def ball(cells: int) -> list[float]:
    """Errors of the volume of a ball at t = 1 and 2."""
    return list(hole(cells, TIMES[:2], dim=3)[:, 0])


def value_of_beta() -> list[float]:
    """A row of the table of steepnesses: disc at three times, its plateau; ball at two, its plateau at the first."""
    in_space = hole(64, TIMES[:2], dim=3, integrator="ssprk3")
    return [*disc(), *in_space[:, 0], abs(in_space[0, 1])]


def stencil() -> list[float]:
    """Errors of the area at three times, of the plateau, and of the volume of a ball at two."""
    return value_of_beta()[:6]


def single(**options: Any) -> list[float]:
    """In single precision, at t = 1: relative change of the area, errors of plateau and mass."""
    double = hole(256, (1.0,), integrator="ssprk3", **options)[0]
    found = hole(256, (1.0,), integrator="ssprk3", dtype="float32", **options)[0]
    return [abs((100 + found[0]) / (100 + double[0]) - 1), abs(found[1]), abs(found[2])]


def single_muscl() -> list[float]:
    """For muscl with its mimetic symbol, change of the area and error of the mass."""
    change, _, mass = single(reconstruction="muscl", symbol="mimetic")
    return [change, mass]


def single_plateau() -> float:
    """Error of its plateau."""
    return single(reconstruction="muscl", symbol="mimetic")[1]


def integrators() -> list[float]:
    """Error of the plateau with ssprk2 over that with ssprk3: sharp, and muscl with its mimetic symbol."""
    found = []
    for options in ({}, {"reconstruction": "muscl", "symbol": "mimetic"}):
        three, two = (abs(hole(256, (1.0,), integrator=name, **options)[0, 1]) for name in ("ssprk3", "ssprk2"))
        found.append(two / three)
    return found


def overshoots() -> list[float]:
    """Errors of the plateau at t = 1 if a cell may lose a quarter of its volume in a step, and half."""
    return [overshoot(share) for share in (0.25, 0.5)]


def overshoot(share: float) -> float:
    """The same for one share."""
    own = reconstruction.RECONSTRUCTIONS["sharp"]
    reconstruction.RECONSTRUCTIONS["sharp"] = lambda limiter: dataclasses.replace(own(limiter), outflow_limit=share)
    try:
        return abs(float(hole.__wrapped__(256, (1.0,), integrator="ssprk3")[0, 1]))
    finally:
        reconstruction.RECONSTRUCTIONS["sharp"] = own


@cache
def smooth_minimum(cells: int, reconstruction: str = "sharp") -> float:
    """Error of the minimum of 1 + 0.9 cos 2πx cos 2πy at t = 1, by trigonometric interpolation of cell averages."""
    grid = gf.Grid((cells, cells))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    solver = FiniteVolume(flow, reconstruction, integrator="ssprk3", tolerance=1e-9)
    state = solver.initialize(gf.cosine(grid, 0.9))
    while state.time < 1.0:
        solver.step(state, 1.0)
    modes = np.fft.fftn(solver.density(state)) / grid.size
    for axis, x in enumerate((0.5, 0.0)):
        k = np.fft.fftfreq(cells, 1 / cells)
        modes = modes * grid.along(axis, np.exp(2j * np.pi * k * (x - 0.5 / cells)) / np.sinc(k / cells))
    return abs(float(modes.sum().real) - float(gf.theory.LogisticLaw(0.1, 1.0)(1.0)))


def smooth_minima(reconstruction: str = "sharp") -> list[float]:
    """On 64², 128² and 256² cells, and the order."""
    sizes = (64, 128, 256)
    errors = [smooth_minimum(n, reconstruction) for n in sizes]
    return [*errors, gf.diagnostics.fitted_order(1 / np.array(sizes), np.array(errors))]


def smooth_order(reconstruction: str) -> float:
    """The order alone."""
    return smooth_minima(reconstruction)[-1]
