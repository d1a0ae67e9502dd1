"""A text, None or a bool where a number belongs is refused with one line, everywhere in the public interface."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from inspect import isclass
from typing import Annotated, get_type_hints

import numpy as np
import pytest

import gridflow as gf
import solvers
from gridflow import decay, networks, theory
from gridflow.arguments import Numbers, takes_numbers

LINE = gf.Grid((8,))
PLANE = gf.Grid((8, 8))
GLOBE = gf.SphereGrid((6, 12))
TIMES, FALL = np.linspace(0.1, 4.0, 40), np.exp(-np.linspace(0.1, 4.0, 40))


@cache
def flow():
    return gf.Flow(LINE, gf.Riesz(1.0), gf.uniform(LINE))


@cache
def round_flow():
    return gf.SphereFlow(GLOBE, gf.Riesz(1.0), gf.uniform(GLOBE))


@cache
def weights():
    return networks.random_weights(3, 2)


@cache
def network_flow():
    circle = gf.Circle(16)
    return gf.Flow(circle, gf.ReLU(), gf.uniform(circle), 2.0)


def start():
    return gf.cosine(LINE, 0.5)


CALLS = {
    gf.Circle: {"shape": 8},
    gf.Grid: {"shape": (8,), "lengths": (1.0,)},
    gf.SphereGrid: {"shape": (6, 12)},
    gf.WholeSphere: {"dimension": 3},
    gf.Gaussian: {"width": 0.1},
    gf.Matern: {"nu": 1.0, "length": 0.2},
    gf.ReLU: {"power": 1},
    gf.Riesz: {"s": 1.0},
    gf.Flow: lambda: {"grid": LINE, "kernel": gf.Riesz(1.0), "target": gf.uniform(LINE), "growth": 0.0},
    gf.SphereFlow: lambda: {"grid": GLOBE, "kernel": gf.Riesz(1.0), "target": gf.uniform(GLOBE), "growth": 0.0},
    gf.WholeSphereFlow: lambda: {
        "grid": gf.WholeSphere(3),
        "kernel": gf.ReLU(),
        "target": np.ones(1),
        "growth": 2.0,
    },
    gf.AtTimes: {"times": [1.0]},
    gf.EverySteps: {"steps": 1},
    gf.EveryTime: {"interval": 1.0},
    gf.EveryWall: {"seconds": 1.0},
    gf.log_times: {"first": 0.1, "last": 1.0, "count": 3},
    gf.stop_when_energy_below: {"energy": 1e-3},
    gf.stop_when_steady: {"rate": 1e-3},
    gf.run: lambda: {
        "solver": solvers.FiniteVolume(flow(), "upwind"),
        "initial": start(),
        "t_end": 0.01,
        "progress": False,
    },
    gf.ball_hole: {"grid": PLANE, "radius": 0.25, "center": (0.5, 0.5), "mass": 1.0},
    gf.box_hole: {"grid": PLANE, "sides": 0.25, "center": (0.5, 0.5), "mass": 1.0},
    gf.shell_hole: {"grid": PLANE, "inner": 0.1, "outer": 0.3, "center": (0.5, 0.5), "mass": 1.0},
    gf.lattice_of_holes: {"grid": PLANE, "counts": 1, "radius": 0.25, "mass": 1.0},
    gf.cosine: {"grid": PLANE, "amplitude": 0.5, "modes": 1, "mass": 1.0},
    gf.gaussian: {"grid": PLANE, "centers": [[0.5, 0.5]], "widths": 0.2, "weights": [1.0], "mass": 1.0},
    gf.random_sobolev: {"grid": PLANE, "r": 1.0, "amplitude": 0.1, "seed": 0, "mass": 1.0},
    gf.uniform: {"grid": PLANE, "mass": 1.0},
    gf.normalize: lambda: {"grid": PLANE, "density": gf.uniform(PLANE), "mass": 1.0},
    gf.from_function: {"grid": LINE, "function": np.ones_like, "mass": 1.0, "points": 2},
    gf.from_expression: {"grid": LINE, "expression": "1 + x", "mass": 1.0},
    gf.from_shape: lambda: {"grid": PLANE, "parts": gf.shapes.ball(0.2), "inside": 0.0, "outside": 1.0, "mass": 1.0},
    gf.from_particles: {"grid": LINE, "positions": np.array([0.5]), "mass": 1.0},
    gf.sample: lambda: {"grid": LINE, "density": start(), "count": 3, "seed": 0},
    gf.network_from_measure: lambda: {
        "grid": network_flow().grid,
        "density": network_flow().target,
        "count": 3,
        "balance": 0.0,
        "seed": 0,
    },
    gf.regions.ball: {"grid": PLANE, "radius": 0.25, "center": (0.5, 0.5)},
    gf.regions.box: {"grid": PLANE, "sides": 0.25, "center": (0.5, 0.5)},
    gf.regions.shell: {"grid": PLANE, "inner": 0.1, "outer": 0.3, "center": (0.5, 0.5)},
    gf.regions.lattice: {"grid": PLANE, "counts": 1, "radius": 0.25},
    gf.shapes.ball: {"radius": 0.2, "center": (0.5, 0.5)},
    gf.shapes.box: {"size": 0.2, "center": (0.5, 0.5)},
    gf.shapes.ellipsoid: {"semiaxes": (0.2, 0.1), "center": (0.5, 0.5)},
    gf.shapes.cylinder: {"radius": 0.2, "height": 0.1, "center": (0.5, 0.5, 0.5)},
    gf.shapes.torus: {"radius": 0.2, "tube": 0.1, "center": (0.5, 0.5)},
    gf.sphere_densities.cap: {"grid": GLOBE, "radius": 0.5, "center": (0, 0, 1)},
    gf.sphere_densities.cap_hole: {"grid": GLOBE, "radius": 0.5, "center": (0, 0, 1), "mass": 1.0},
    gf.sphere_densities.bumps: {
        "grid": GLOBE,
        "centers": [[0, 0, 1]],
        "concentrations": 2.0,
        "weights": [1.0],
        "mass": 1.0,
    },
    gf.sphere_densities.harmonic: {"grid": GLOBE, "degree": 1, "amplitude": 0.5, "axis": (0, 0, 1), "mass": 1.0},
    gf.sphere_densities.random_sobolev_on_sphere: {"grid": GLOBE, "r": 1.0, "amplitude": 0.1, "seed": 0, "mass": 1.0},
    gf.sphere_densities.from_function_on_sphere: {
        "grid": GLOBE,
        "function": lambda *at: np.ones_like(at[0]),
        "mass": 1.0,
        "points": 2,
    },
    gf.diagnostics.volume_below: lambda: {"grid": LINE, "field": start(), "level": 1.0},
    gf.diagnostics.crossing_time: {"times": [0.0, 1.0], "values": [2.0, 1.0], "level": 1.5},
    gf.sobolev.norm: lambda: {"grid": LINE, "f": start(), "r": 1.0},
    solvers.FiniteVolume: lambda: {"flow": flow(), "cfl": 0.9, "tolerance": 1e-5, "threads": 1},
    solvers.Spectral: lambda: {"flow": flow(), "cfl": 0.9, "tolerance": 1e-5, "threads": 1},
    solvers.SphereFiniteVolume: lambda: {"flow": round_flow(), "cfl": 0.9, "tolerance": 1e-5, "threads": 1},
    solvers.Particles: lambda: {
        "flow": flow(),
        "positions": np.array([0.5]),
        "modes": 4,
        "tolerance": 1e-5,
        "accuracy": 1e-6,
        "threads": 1,
    },
    solvers.Network: lambda: {"flow": network_flow(), "weights": weights(), "tolerance": 1e-5, "threads": 1},
    theory.ConvexityFloor: {"energy": 1.0, "rate": 1.0, "curvature": 1.0},
    theory.CoulombCertificate: {"energy": 1.0, "minimum": 0.5, "background": 1.0},
    theory.CoulombFloor: {"energy": 1.0, "maximum": 2.0, "background": 1.0},
    theory.DissipationFloor: {"energy": 1.0, "rate": 1.0, "growth": 0.0},
    theory.ExponentialRate: {"background": 1.0},
    theory.HoleBounds: {"volume": 0.1, "least": 0.5, "largest": 2.0},
    theory.HoleFilling: {"s": 2.0, "dim": 1},
    theory.HoleLaw: {"volume": 0.1, "torus_volume": 1.0, "background": 1.0},
    theory.LogisticLaw: {"start": 0.5, "background": 1.0},
    theory.PowerLaw: {"s": 2.0, "r": 1.0},
    theory.SmoothDecay: {"s": 2.0},
    theory.Window: {"start": 0.1, "end": 1.0, "before": "", "after": ""},
    decay.local_exponents: {"times": TIMES, "energies": FALL, "width": 0.5},
    decay.seen_window: {"times": TIMES, "energies": FALL, "floor": 1e-3},
    decay.round_off_energy: lambda: {"flow": flow(), "largest": 1.0},
    decay.numerical_share: lambda: {"flow": flow(), "density": start(), "dissipation": 1.0},
    networks.random_weights: {"count": 3, "inputs": 2, "seed": 0, "scale": 1.0},
}
"""Public functions and constructors that take numbers, and a call of each that is right."""
ELSEWHERE = {
    gf.Callback, gf.Run, gf.compare, gf.from_file, gf.from_image, gf.movie, gf.plot, gf.predict, gf.rates,
    gf.resume_case, gf.sweep,
    theory.HoleBalance, theory.HoleCertificate, theory.MinimumCertificate, theory.RieszCertificate,
    theory.HoleEnergy, decay.Fit, decay.HoleEvent,
}  # fmt: skip
"""Those that need a run, a case or a file, and results."""


def numbers_of(called):
    hints = get_type_hints(called.__init__ if isclass(called) else called, include_extras=True)
    found = {name: Numbers.of(hint) for name, hint in hints.items() if name != "return"}
    return {name: numbers for name, numbers in found.items() if numbers is not None}


@pytest.mark.parametrize("called", CALLS, ids=lambda called: called.__name__)
def test_what_is_no_number_is_named(called):
    given = CALLS[called]() if callable(CALLS[called]) else CALLS[called]
    called(**given)
    for name, numbers in numbers_of(called).items():
        for other in ("two", None, True):
            if name in given and not (other is None and numbers.optional):
                with pytest.raises(gf.InputError, match=rf"{name}|grid shape|sphere of dim") as caught:
                    called(**given | {name: other})
                assert len(str(caught.value).splitlines()) == 1


def test_every_public_function_that_takes_numbers_is_among_them():
    public = {getattr(package, name) for package in (gf, solvers, theory, decay, networks) for name in package.__all__}
    taking = {each for each in public if isinstance(each, Callable) and numbers_of(each)}
    errors = {gf.InputError, gf.RunError}
    assert taking - errors - set(CALLS) <= ELSEWHERE


def test_what_needs_a_run_or_a_case_refuses_texts_before_it_looks_for_them():
    for call in (
        lambda: gf.predict("none.toml", "little"),
        lambda: gf.rates("none.run", "smooth"),
        lambda: gf.resume_case("none.run", "later"),
        lambda: gf.sweep("none.toml", {"kernel.s": [1]}, jobs="all"),
        lambda: gf.compare("none.run", np.ones(1), np.ones((1, 1, 1)), level="strict"),
    ):
        with pytest.raises(gf.InputError, match=r"^\w+ \w+ = '\w+': it must be a (whole )?number"):
            call()


@pytest.mark.parametrize(
    ("annotation", "allowed", "refused"),
    [
        (float, (1, 2.5, np.float32(1), np.int8(1), np.array(0.5), math.nan), ("1", None, True, [1.0], 1j, np.True_)),
        (float | None, (None, 1.0), ("", [])),
        (Annotated[int, "limits"], (1, np.int64(2), 2.0), ("2", None, False)),  # 2.0 is for the function to refuse
        (Sequence[float], ([1, 2], (0.5,), np.ones(2), [], range(3), [[1], [2]], 1.0), ("12", None, [None], [True])),
        (float | Sequence[float], (1.0, [1.0]), ({1.0}, ["1"], [[1], [1, 2]])),
        (float | np.ndarray, (1.0, np.ones(2)), ("1", np.array(["1"]))),
    ],
)
def test_what_an_annotation_allows(annotation, allowed, refused):
    numbers = Numbers.of(annotation)
    assert all(numbers.allow(value) for value in allowed)
    assert not any(numbers.allow(value) for value in refused)


def test_other_annotations_are_not_looked_at():
    assert all(Numbers.of(each) is None for each in (str, np.ndarray, bool, str | float, Sequence[str], Callable))

    @takes_numbers
    def function(text: str, number: float = 1.0, **more: float) -> tuple:
        """Its own."""
        return text, number, more

    assert function("a", 2.0, other=3.0) == ("a", 2.0, {"other": 3.0})
    assert function.__doc__ == "Its own."
    with pytest.raises(TypeError, match="missing"):
        function()
