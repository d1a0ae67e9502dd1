"""The finite-volume discretisation in space, which the integrators advance in time."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from gridflow.compute.fft import SerialTransform, as_planes
from gridflow.compute.threads import Team
from gridflow.equation.contract import DENSITY, NEGATIVE, TRACER, State
from gridflow.equation.flow import Flow
from gridflow.errors import RunError
from solvers.finite_volume.reconstruction import Reconstruction
from solvers.finite_volume.sweeps import Sweeps, Totals
from solvers.finite_volume.velocity import velocity_field
from solvers.stepping.bounds import Noise
from solvers.stepping.space import Arrays, Evaluated, Look, Space


class Semidiscrete(Space[Look]):
    """A flow discretised in space by upwind finite volumes, with the workspace of its right-hand sides.

    Parameters
    ----------
    flow
        The equation.
    scheme, velocity
        Reconstruction of face values, and kind of face velocities.
    edge_exponent
        Exponent of the density at the edge of a hole, for a reconstruction that sharpens.
    dtype
        float64 or float32.
    names
        Names of the densities: μ, and perhaps a second one, which counts as negative. A state of one density may also
        have the volume fraction χ of a hole, which is then carried; see :meth:`make_room_for_tracer`.
    transform, team
        The FFTs and the threads.
    """

    def __init__(
        self,
        flow: Flow,
        scheme: Reconstruction,
        velocity: str,
        edge_exponent: float,
        dtype: np.dtype,
        names: Sequence[str],
        transform: SerialTransform,
        team: Team,
    ) -> None:
        super().__init__(flow, [{name: transform.field() for name in names} for _ in range(2)])
        self.dtype, self.transform, self.team = dtype, transform, team
        self.velocity = velocity_field(velocity, flow, dtype, transform, team)
        self._net = transform.field() if NEGATIVE in names else None
        self._sweeps = Sweeps(
            flow.grid, dtype, scheme, self.velocity, flow.growth, flow.reference, edge_exponent, transform, team,
        )  # fmt: skip
        # margin so that round-off of a few terms makes no cell negative at the bound
        self._round_off = 1 - 32 * float(np.finfo(dtype).eps)
        self._noise = Noise(flow, self.velocity.divergence(), dtype)

    def compile(self) -> None:
        """Compile every loop of a right-hand side, or load it from the disk cache."""
        self._outdate()
        field = self.stages[0][DENSITY]
        self.velocity.potential_of(field)
        self.velocity.evaluate(field, measure=True)
        self._sweeps.compile(field)
        self._known.compile(field)

    def make_room_for_tracer(self) -> None:
        """Provide the arrays of stages that states with a tracer need."""
        for stage in self.stages:
            stage.setdefault(TRACER, self.transform.field())

    def change(self, at: Evaluated, dt: float, name: str = DENSITY) -> tuple[np.ndarray, float]:
        """Compute Δt times the tendency of a density.

        With ``sharp`` and ``weno5`` the tendency depends on Δt through the limiter.

        Returns
        -------
        ndarray
            The change, shape ``grid.shape`` (mass / volume); the array of the second stage.
        float
            Largest relative rate of loss of a cell (1 / time); see :func:`solvers.loops.stages.loss_rate`.

        Raises
        ------
        RuntimeError
            If ``at`` is outdated.
        """
        self._require_latest(at)
        density, change = at.arrays[name], self.stages[1][name]
        rate, _ = self._sweeps.advance_density(density, density, change, dt, 0.0, self.signs[name], change=True)
        return change, rate

    def totals(self, at: Evaluated, dt: float, potential: np.ndarray) -> Totals:
        """Return the net mass, the extrema of all densities, and ∫ V δμ dx for their net change in a step of dt."""
        found = {
            sign: self._sweeps.totals(at.arrays[name], self.change(at, dt, name)[0], potential)
            for name, sign in self.signs.items()
        }
        return Totals(
            mass=sum(sign * each.mass for sign, each in found.items()),
            least=min(each.least for each in found.values()),
            largest=max(each.largest for each in found.values()),
            work=sum(sign * each.work for sign, each in found.items()),
        )

    def potential(self, state: State) -> np.ndarray:
        """Return V of a state as an array (planes, rows, numbers), valid until something else is evaluated.

        If the velocity does not keep V, the array is that of the first stage, and earlier evaluations become outdated.
        """
        kept = self.velocity.kept_potential()
        if kept is not None:
            self.look(state)
            return kept
        self._outdate()
        values = self.stages[0][DENSITY]
        values[...] = self.velocity.potential_of(state.arrays[DENSITY])
        return values.reshape(as_planes(values.shape))

    def strict_bounds(self, rate: float, max_density: float, time: float) -> tuple[float, float]:
        """The bounds on Δt by positivity and by relaxation, from the largest share that a cell loses per time."""
        if self._sweeps.carries:
            rate += self.velocity.local_response * max_density
        if not rate * max_density < float(np.finfo(self.dtype).max):
            raise self._overflow(time)
        stiffness = self.velocity.stiffness
        return (
            self._round_off / rate if rate > 0 else math.inf,
            2 / (max_density * stiffness) if max_density * stiffness > 0 else math.inf,
        )

    def _look(self, arrays: Arrays, time: float) -> Look:
        self._sweeps.carries = TRACER in arrays
        energy = self.velocity.evaluate(self._driving(arrays), measure=True)
        found = [self._sweeps.survey(arrays[name], sign) for name, sign in self.signs.items()]
        rate, max_density = _largest(each.rate for each in found), sum(each.max_density for each in found)
        self.require_sound(arrays, max_density, time)
        positivity, relaxation = self.strict_bounds(rate, max_density, time)
        if not math.isfinite(energy):
            raise self._overflow(time)
        decay_time = self._noise.decay_time(energy, sum(each.decay for each in found), max_density)
        return Look(dict(arrays), positivity, relaxation, decay_time, energy, max_density)

    def _evaluate(self, arrays: Arrays, time: float) -> Evaluated:  # noqa: ARG002 - the bounds report an overflow
        self.velocity.evaluate(self._driving(arrays), measure=False)
        return Evaluated(dict(arrays))

    def _advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        rates, tops = zip(
            *(
                self._sweeps.advance_density(current[name], old[name], new[name], dt, blend, sign)
                for name, sign in self.signs.items()
            ),
            strict=True,
        )
        if self._sweeps.carries:
            self._sweeps.advance_tracer(current[TRACER], current[DENSITY], old[TRACER], new[TRACER], dt, blend)
        return _largest(rates), sum(tops)

    def _driving(self, arrays: Arrays) -> np.ndarray:
        """Return the density that determines V: μ, or μ⁺ − μ⁻ of two densities."""
        if self._net is None:
            return arrays[DENSITY]
        return np.subtract(arrays[DENSITY], arrays[NEGATIVE], out=self._net)

    def _overflow(self, time: float) -> RunError:
        return RunError(f"at t = {time:.10g} the fluxes overflow {self.dtype}; choose other units or float64")


def _largest(rates: Iterable[float]) -> float:
    """Return the largest rate; NaN if any rate is NaN."""
    return max(rates, key=lambda rate: math.inf if math.isnan(rate) else rate)
