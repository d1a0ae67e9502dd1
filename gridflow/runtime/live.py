"""A run: its live view, and its result."""

import time
from collections.abc import Mapping

import numpy as np

from gridflow.equation.contract import DENSITY, NEGATIVE, Solver, State
from gridflow.runtime import summaries, thumbnails
from gridflow.runtime.callbacks import Series
from gridflow.runtime.schedule import Moment


class Run:
    """A run: the live view for callbacks, and the result that :func:`gridflow.run` returns.

    Attributes
    ----------
    solver, state
        The solver and its current state.
    t_end
        Time at which the run ends.
    status
        ``running``, ``finished`` (t_end reached), ``stopped`` (a condition was met), ``interrupted`` (a signal) or
        ``failed``.
    reason
        Why it ended, in one line.
    crossing
        Time at which a stopping condition was met, within the last step; None without one.
    recorder
        Recorder of the time series.

    In a notebook it is shown as a table and two small pictures.
    """

    def __init__(self, solver: Solver, state: State, t_end: float, recorder: Series, start: np.ndarray) -> None:
        self.solver = solver
        self.state = state
        self.t_end = t_end
        self.status = "running"
        self.reason = ""
        self.crossing: float | None = None
        self.recorder = recorder
        self._start = thumbnails.small(solver.flow.grid, start)
        self._diagnosed: tuple[int, Mapping[str, float]] | None = None
        self._began = time.monotonic()

    def __repr__(self) -> str:
        name = self.solver.settings().get("solver", type(self.solver).__name__)
        return f"<Run of {name}: {self.status} at t = {self.time:.6g} after {self.steps} steps>"

    def _repr_html_(self) -> str:
        """Show the run in a notebook: what was solved, how far it has got, and the first and the last density."""
        flow, settings = self.solver.flow, self.solver.settings()
        rows = [("status", f"{self.status}: {self.reason}" if self.reason else self.status)]
        rows += summaries.equation_rows(flow.grid, repr(flow.kernel), settings)
        rows += summaries.series_rows(self.series, self.t_end, flow.grid.measure)
        fields = self.solver.fields(self.state)
        net = fields[DENSITY] if NEGATIVE not in fields else fields[DENSITY] - fields[NEGATIVE]
        now = thumbnails.small(flow.grid, net)
        drawn = [("t = 0", self._start), (f"t = {self.time:.4g}", now)]
        pictures = [(caption, pixels) for caption, pixels in drawn if pixels is not None]
        return summaries.Summary("Run", rows, pictures, NEGATIVE in fields).html()

    @property
    def density(self) -> np.ndarray:
        """Current density as cell averages of shape ``grid.shape`` (mass / volume); the solver's own array."""
        return self.solver.density(self.state)

    @property
    def energy(self) -> float:
        """Current energy ½ KMD², which the next step needs too."""
        return self.solver.energy(self.state)

    @property
    def diagnosis(self) -> Mapping[str, float]:
        """Mass, min, max, energy and dissipation, determined once after a step; see :meth:`Solver.diagnose`.

        A callback that changes the state does so after those that use these numbers.
        """
        if self._diagnosed is None or self._diagnosed[0] != self.state.step:
            self._diagnosed = self.state.step, self.solver.diagnose(self.state)
        return self._diagnosed[1]

    @property
    def time(self) -> float:
        """Simulated time reached."""
        return self.state.time

    @property
    def steps(self) -> int:
        """Number of steps since time 0."""
        return self.state.step

    @property
    def series(self) -> dict[str, np.ndarray]:
        """Scalar diagnostics, one array per column; see :class:`gridflow.runtime.callbacks.Series`."""
        return self.recorder.columns

    def moment(self) -> Moment:
        """Return the current moment of the run."""
        return Moment(self.state.time, self.state.step, time.monotonic() - self._began)

    def stop(self, reason: str, crossing: float | None = None) -> None:
        """End the run after this step, with the status ``stopped``; ``crossing`` is when a condition was met."""
        self.status, self.reason, self.crossing = "stopped", reason, crossing
