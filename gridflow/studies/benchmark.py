"""Speed of the solvers on this machine, relative to the transforms that they need in any case."""

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyfftw

from gridflow._version import __version__
from gridflow.compute import threads as pool
from gridflow.compute.fft import SerialTransform
from gridflow.densities.anywhere import uniform
from gridflow.densities.torus import cosine
from gridflow.domains.torus import Grid
from gridflow.equation.contract import State
from gridflow.equation.flow import Flow
from gridflow.equation.kernels import Riesz
from gridflow.files import publish_text
from solvers import FiniteVolume, Spectral
from solvers.finite_volume.velocity import VELOCITIES

SHAPES = ((256, 256), (512, 512), (1024, 1024), (2048, 2048), (64, 64, 64), (128, 128, 128), (256, 256, 256))
SCHEMES = ("upwind", "muscl", "sharp")
_BUDGET = 4.0
"""Seconds for the rounds of one grid and scheme."""
_ROUNDS = (5, 40)


def machine() -> dict[str, Any]:
    """Describe the machine and software of the measurements."""
    return {
        "processor": _processor(),
        "cores": pool.available(),
        "memory": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyfftw": pyfftw.__version__,
        "gridflow": __version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def interleaved(jobs: dict[str, Callable[[], object]], budget: float = _BUDGET) -> dict[str, list[float]]:
    """Time every job in every round, in seconds; all jobs take turns, so that a slow moment affects them equally."""
    for job in jobs.values():
        job()
    times: dict[str, list[float]] = {name: [] for name in jobs}
    began, least, most = time.perf_counter(), *_ROUNDS
    for number in range(most):
        if number >= least and time.perf_counter() - began > budget:
            break
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - start)
    return times


def ratio(times: dict[str, list[float]], name: str, to: str) -> float:
    """Median over the rounds of one job's time in units of another's."""
    return statistics.median(a / b for a, b in zip(times[name], times[to], strict=True))


def bandwidth(threads: int) -> float:
    """Memory bandwidth in bytes per second for ``a = b + c`` on arrays beyond the caches, counted as in STREAM."""
    n = 2**24
    a, b, c = (np.ones(n) for _ in range(3))
    team = pool.team(threads)

    def part(number: int) -> None:
        lo, hi = number * n // threads, (number + 1) * n // threads
        np.add(b[lo:hi], c[lo:hi], out=a[lo:hi])

    return 3 * 8 * n / min(interleaved({"add": lambda: team.run(part)}, 1.0)["add"])


def plain_pair(shape: tuple[int, ...], dtype: str, threads: int) -> Callable[[], None]:
    """One forward and one inverse real transform in their simplest form: contiguous arrays, FFTW_ESTIMATE."""
    values, back = pyfftw.zeros_aligned(shape, dtype=dtype), pyfftw.zeros_aligned(shape, dtype=dtype)
    modes = pyfftw.zeros_aligned((*shape[:-1], shape[-1] // 2 + 1), dtype=np.result_type(dtype, np.complex64))
    axes = tuple(range(len(shape)))
    plans = [
        pyfftw.FFTW(a, b, axes=axes, direction=direction, flags=("FFTW_ESTIMATE", *more), threads=threads)
        for a, b, direction, more in (
            (values, modes, "FFTW_FORWARD", ()),
            (modes, back, "FFTW_BACKWARD", ("FFTW_DESTROY_INPUT",)),
        )
    ]
    values[...] = np.random.default_rng(0).random(shape)

    def pair() -> None:
        for plan in plans:
            plan.execute()

    return pair


def own_transforms(grid: Grid, dtype: str, threads: int, inverse: int, forward: int = 1) -> Callable[[], None]:
    """The transforms of one right-hand side alone, on the solver's own buffers."""
    transform = SerialTransform(grid, np.dtype(dtype), threads)
    values, spectra = transform.field(), [transform.spectrum() for _ in range(inverse)]
    values[...] = np.random.default_rng(0).random(grid.shape)

    def run() -> None:
        for spectrum in spectra[-forward:]:
            transform.forward(values, spectrum)
        for spectrum in spectra:
            transform.backward(spectrum)

    return run


def measure(shape: Sequence[int], scheme: str, dtype: str = "float64", threads: int | None = None) -> dict[str, Any]:
    """Time one grid and scheme: the FFTs alone, one right-hand side, one step, and one row of diagnostics.

    A step is one of SSP-RK2, or of ETDRK4 for the scheme ``spectral``.

    Returns
    -------
    dict
        Medians in seconds, and medians over the rounds of their ratios.
    """
    grid = Grid(tuple(shape))
    flow = Flow(grid, Riesz(1), uniform(grid))
    spectral = scheme == "spectral"
    solver: FiniteVolume | Spectral
    evaluate: Callable[[State, float], np.ndarray]
    if spectral:
        solver = dealiased = Spectral(flow, dtype=dtype, threads=threads, tolerance=1.0)
        evaluate = lambda state, _: dealiased.right_hand_side(state)  # noqa: E731
        inverse, forward = grid.dim + 1, grid.dim
        held = Spectral.memory(grid.shape, dtype)
    else:
        solver = positive = FiniteVolume(flow, scheme, integrator="ssprk2", dtype=dtype, threads=threads)
        evaluate = positive.euler
        velocity = VELOCITIES[str(solver.settings()["velocity"])]
        inverse, forward = grid.dim if velocity.spectral else 1, 1
        held = FiniteVolume.memory(grid.shape, dtype, scheme, threads=solver.threads)
    state = solver.initialize(cosine(grid))
    dt = solver.stable_dt(state) / 100  # the same work, without going anywhere

    def step() -> None:
        state.time = 0.0
        solver.step(state, dt)

    def diagnose() -> None:
        solver.diagnose(state)

    times = interleaved(
        {
            "pair": plain_pair(grid.shape, dtype, solver.threads),
            "transforms": own_transforms(grid, dtype, solver.threads, inverse, forward),
            "rhs": lambda: evaluate(state, dt),
            "step": step,
            "diagnose": diagnose,
        }
    )
    seconds = {name: statistics.median(values) for name, values in times.items()}
    return {
        "shape": list(grid.shape),
        "scheme": scheme,
        "dtype": dtype,
        "threads": solver.threads,
        "rounds": len(times["rhs"]),
        "seconds": seconds,
        "rhs_per_pair": ratio(times, "rhs", "pair"),
        "rhs_per_plain_transforms": ratio(times, "rhs", "pair") * 2 / (forward + inverse),
        "rhs_per_transforms": ratio(times, "rhs", "transforms"),
        "step_per_rhs": ratio(times, "step", "rhs"),
        "diagnose_per_step": ratio(times, "diagnose", "step"),
        "cells_per_second": grid.size / seconds["rhs"],
        "bytes_per_cell": held / grid.size,
    }


def write(path: Path, results: Sequence[dict[str, Any]], threads: int) -> None:
    """Write results as JSON, with the machine and the bandwidth of its memory."""
    content = {"machine": machine(), "bandwidth": bandwidth(threads), "results": list(results)}
    publish_text(path, json.dumps(content, indent=2) + "\n")
