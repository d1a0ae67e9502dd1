"""The stages of exponential Runge–Kutta steps in Fourier space: workspace and threads."""

from collections.abc import Callable

import numpy as np

from gridflow.compute.fft import Transform, as_planes
from gridflow.compute.threads import Team, team_for_modes
from gridflow.domains.torus import Grid
from solvers.loops import exponential
from solvers.stepping.schemes import ExponentialRungeKutta, PhiWeights

STEEPEST = 1.6
"""Largest max μ / a, for a linearisation about a constant density a, of a stable step.

As Δt → ∞, a mode whose rate is (1 + δ) times that of the linear part is multiplied by 4δ⁴ + 2δ³ − δ², which is at most
1 for −1 ≤ δ ≤ 0.67.
"""


def background(mean: float, max_density: float) -> float:
    """Return the constant density a to linearise about: the mean or, if that is larger, max μ / 1.6."""
    return max(mean, max_density / STEEPEST)


class Increments:
    """Increments of the stages of a step relative to the modes at its start.

    For every stage, the owner calls :meth:`stage` and reads the increment of the modes from ``work``. It replaces the
    increment by the unnormalised modes of the tendency at this stage and calls :meth:`differ`, or :meth:`conclude` for
    the last stage.

    Parameters
    ----------
    grid, dtype
        Grid and precision.
    scheme
        The exponential scheme.
    rates
        ω ≥ 0 on the half-spectrum: the linear part is −a ω.
    transform, team
        The FFTs, which allocate the buffers, and the threads.
    columns
        Number of modes to process in every row. The other modes must vanish in every tendency. Default: all.
    """

    def __init__(
        self,
        grid: Grid,
        dtype: np.dtype,
        scheme: ExponentialRungeKutta,
        rates: np.ndarray,
        transform: Transform,
        team: Team,
        columns: int | None = None,
    ) -> None:
        planes, rows, _ = as_planes(grid.shape)
        modes = columns or grid.spectral_shape[-1]
        self._scheme = scheme
        self._rates = np.ascontiguousarray(rates.reshape(planes, rows, -1)[:, :, :modes], dtype=float)
        self._table = np.zeros((planes, rows, 3, modes))
        self._team = team_for_modes(self._rates.size, team)
        self._dtype, self._has_nyquist = dtype, columns is None and grid.shape[-1] % 2 == 0
        self._terms, self._power = np.zeros((self._team.size, modes)), np.zeros(planes)
        self.work = transform.spectrum()
        spectra = [transform.spectrum() for _ in range(len(scheme.nodes) + 1)]
        self._views = [spectrum.lines[:, :rows, : 2 * modes] for spectrum in spectra]
        self._work = self.work.lines[:, :rows, : 2 * modes]
        self._weights = [_of_three(weights) for weights in scheme.weights]
        self._error, self._last = _of_three(scheme.error[:-1]), tuple(map(float, scheme.error[-1]))
        self._stages = [
            exponential.stage(len(weights), c == 1) for c, weights in zip(scheme.nodes, scheme.weights, strict=True)
        ]
        self._dt = self._half = self._tabulated = 0.0

    @property
    def tendency(self) -> np.ndarray:
        """Modes of the tendency at the start of the step, (planes, rows, numbers)."""
        return self._views[0]

    def compile(self) -> None:
        """Compile every pass, or load it from the disk cache, by calling it on nothing."""
        self.begin(0.0, 1.0)
        for number in range(len(self._scheme.nodes)):
            self.stage(number)
        self.differ(0, 0.0)
        self.conclude(0.0)

    def first(self, scale: float) -> None:
        """Store the modes in ``work``, scaled, as the tendency at the start of the step."""
        np.multiply(self._work, self._dtype.type(scale), out=self._views[0])

    def begin(self, background: float, dt: float) -> None:
        """Begin a step of dt, linearised about the constant density a = ``background``."""
        self._dt, self._half = dt, -0.5 * background * dt
        if self._half != self._tabulated:
            self._run(exponential.tabulate(), self._rates, self._half, self._table)
            self._tabulated = self._half

    def stage(self, number: int) -> None:
        """Write the increment of a stage into ``work``."""
        self._run(
            self._stages[number], self._rates, self._half, self._table, self._dt, self._weights[number],
            self._views[0], self._differences, self._work, self._views[number + 1],
        )  # fmt: skip

    def differ(self, number: int, scale: float) -> None:
        """Store the modes in ``work``, scaled, as the tendency at a stage."""
        self._run(
            exponential.difference(), self._work, self._dtype.type(scale), self._views[0], self._views[number + 1]
        )

    def conclude(self, scale: float) -> float:
        """Store the modes in ``work``, scaled, as the tendency at the end; return Σ |error|² over all modes."""
        self._run(
            exponential.conclude(), self._rates, self._half, self._table, self._dt, self._error, self._last,
            self._views[0], self._differences, self._work, self._dtype.type(scale), self._views[-1], self._has_nyquist,
        )  # fmt: skip
        return float(self._power.sum())

    def accept(self) -> None:
        """Use the tendency at the end of the step as that at the start of the next one."""
        self._views[0], self._views[-1] = self._views[-1], self._views[0]

    @property
    def _differences(self) -> tuple[np.ndarray, ...]:
        """Differences of three stages; those that a scheme does not have get weight 0."""
        last = len(self._views) - 1
        return tuple(self._views[min(number, last - 1)] for number in (1, 2, 3))

    def _run(self, run: Callable[..., None], *arguments: object) -> None:
        concluding = run is exponential.conclude()

        def job(lo: int, hi: int, thread: int) -> None:
            own = (self._terms[thread], self._power) if concluding else ()
            run(lo, hi, *arguments, *own)

        self._team.share(len(self._rates), job)


def _of_three(weights: tuple[PhiWeights, ...]) -> tuple[tuple[float, ...], ...]:
    """Pad weights with zeros to those of three differences."""
    missing = (PhiWeights(0.0, 0.0, 0.0),) * (3 - len(weights))
    return tuple(tuple(map(float, weight)) for weight in (*weights, *missing))
