"""Training of a shallow ReLU network; for infinitely many neurons it becomes the flow with growth 2."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.matmul import ENTRIES
from gridflow.compute.threads import FEWEST_CELLS_PER_THREAD, available
from gridflow.compute.threads import count as thread_count
from gridflow.domains.base import Domain
from gridflow.domains.circle import Circle
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.equation.contract import INNER, NEGATIVE, NEURONS, OUTER, Representation, State
from gridflow.equation.flow import MASS_TOLERANCE, Equation
from gridflow.errors import InputError, RunError, whole_number
from gridflow.networks.measures import TRAINING, measure_from_network
from gridflow.networks.weights import Weights
from solvers.points.losses import EmpiricalLoss, Samples, labels_of
from solvers.points.population import MAX_PARTIAL_SUMS, PopulationLoss, potential_of, relu_of
from solvers.stepping import schemes
from solvers.stepping.adaptive import PROPOSAL, adapt, no_step
from solvers.stepping.bounds import left, tick
from solvers.stepping.known import Known
from solvers.stepping.options import checked_tolerance, restored

FIRST_STEP = 0.01
"""Largest change of a neuron in the very first step, relative to the typical size of the weights."""
ROUND_OFF = 1e-9
"""Relative excess by which the remaining time may exceed a step and still be covered by it."""
EULER = "euler"
INTEGRATORS = ("rk45", "rk23", EULER)


LIBRARIES: dict[type[Domain], tuple[str, ...]] = {Circle: ("finufft",), SphereGrid: ("ducc0",), WholeSphere: ()}


@takes_numbers
class Network:
    """A shallow network ``f(x) = (1/m) Σ_j a_j max(w_j·x, 0)`` trained by gradient descent.

    The equations are ``a_j' = −m ∂L/∂a_j`` and ``w_j' = −m ∂L/∂w_j``. Time is the learning rate times the number of
    steps, for gradients multiplied by m. L is the population loss ``½ E_x (f(x) − f*(x))²`` or the loss on samples.
    From balanced weights, ``|a_j| = |w_j|``, the directions follow −∇V and, where a_j > 0, the masses a_j |w_j| grow at
    the rate −2 V. For many neurons this is the flow with growth 2. The result has the same bits for any number of
    threads.

    Parameters
    ----------
    flow
        The equation, with growth 2 and the kernel ``ReLU()`` or ``ReLU(inputs="gaussian")``: a ``Flow`` on a
        ``Circle``, a ``SphereFlow`` or a ``WholeSphereFlow``. Its target is f*, unless there is a teacher.
    weights
        Weights at time 0.
    loss
        ``population`` (default) or ``empirical``.
    method
        Evaluation of the population loss. ``harmonic``: on the modes that the grid keeps, O(m log m). ``pairs``: in
        closed form, O(m (m + neurons of the teacher)). Default: ``harmonic`` if the domain has cells.
    teacher
        Another network that defines f*; its mass must be that of the target. ``WholeSphereFlow`` and ``pairs`` need
        one.
    samples, batch
        Number of fixed samples, and number that each step draws from them without repetition. Without ``batch`` every
        step uses all samples; without ``samples`` every step draws a new batch.
    learning_rate
        Step of gradient descent, in the flow's time.
    noise
        Standard deviation of the label noise. Default: 0.
    seed
        Seed of samples, noise and batches. Default: 0.
    integrator
        For the population loss: ``rk45`` or ``rk23`` with error control, or ``euler``, plain gradient descent. Training
        on samples always uses ``euler``. Its steps are shortened only to land on the times of a schedule.
    tolerance
        Estimated error of an ``rk`` step in any weight, relative to the root mean square of |(w_j, a_j)|.
    accuracy
        Relative L² error of the transforms.
    threads
        Number of threads. Default: as many cores as the number of neurons justifies.

    Raises
    ------
    InputError
        If an option, or a combination of options, is not allowed.

    References
    ----------
    Chizat and Bach, NeurIPS 2018 (the limit); Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977 (its rate).
    """

    representation = Representation(NEURONS)

    def __init__(
        self,
        flow: Equation[Any],
        weights: Weights,
        loss: str = "population",
        method: str | None = None,
        teacher: Weights | None = None,
        samples: int | None = None,
        batch: int | None = None,
        learning_rate: float | None = None,
        noise: float = 0.0,
        seed: int = 0,
        integrator: str = "rk45",
        tolerance: float = 1e-7,
        accuracy: float = 1e-9,
        threads: int | None = None,
    ) -> None:
        kernel = relu_of(flow)
        _check_problem(flow, weights, teacher)
        if loss not in ("population", "empirical"):
            raise InputError(f'loss "{loss}": allowed are population and empirical')
        on_samples = loss == "empirical"
        if integrator not in INTEGRATORS:
            raise InputError(f'integrator "{integrator}": allowed are {", ".join(INTEGRATORS)}')
        integrator = EULER if on_samples else integrator
        _check_samples(on_samples, samples, batch, noise, seed)
        self._rate = _checked_rate(integrator, learning_rate)
        self._scheme = schemes.EMBEDDED.get(integrator)
        self.flow, self.tolerance = flow, checked_tolerance(tolerance)
        self.threads = thread_count(threads, FEWEST_CELLS_PER_THREAD * available())  # bounded by what there is to share
        self._start = weights
        self.libraries = flow.grid.one_of(LIBRARIES, "training of networks")
        chosen = method or ("harmonic" if flow.grid.has_cells else "pairs")
        potential = potential_of(flow, chosen, teacher, weights.count, accuracy, self.threads)
        self._population = PopulationLoss(potential, weights.count)
        self._empirical: EmpiricalLoss | None = None
        if on_samples:
            labels = labels_of(flow, teacher, accuracy, self.threads)
            drawn = Samples(labels, weights.dim + 1, kernel.inputs, samples, batch, float(noise), int(seed))
            self._empirical = EmpiricalLoss(drawn, weights.count, weights.dim + 1, self.threads)
        # with |w_j| ≤ |a_j| = a_j an output weight never changes its sign
        self._signed = bool((weights.outer < 0).any() or (weights.balance > ROUND_OFF * weights.outer**2).any())
        self._size = weights.inner.size
        stages = 1 if self._scheme is None else len(self._scheme.stages) + 1
        self._speeds = np.zeros((stages, self._size + weights.count))
        self._now, self._reached, self._moved, self._term = np.zeros((4, self._size + weights.count))
        self._known: Known[tuple[int, float]] = Known()
        self._settings: dict[str, object] = {
            "solver": "Network",
            "count": weights.count,
            "inputs": weights.dim + 1,
            "weights_sha256": weights.sha256,
            "teacher_sha256": None if teacher is None else teacher.sha256,
            "loss": loss,
            "method": chosen,
            "accuracy": float(accuracy),
            "integrator": integrator,
        }
        if self._scheme is not None:
            self._settings["tolerance"] = self.tolerance
        else:
            self._settings["learning_rate"] = self._rate
        if on_samples:
            self._settings |= {"samples": samples, "batch": batch, "noise": float(noise), "seed": int(seed)}

    @staticmethod
    def memory(count: int, shape: tuple[int, ...], samples: int = 0) -> int:
        """Estimate the bytes of memory of a solver on a grid and its state: stages, weights, transforms, samples."""
        inputs = len(shape) + 1
        stages = 7 + 5 + 3
        held = count * (inputs + 1) * stages + count * 40 + math.prod(shape) * 60
        threads = min(available(), MAX_PARTIAL_SUMS)
        on_samples = samples * (inputs + 1) + MAX_PARTIAL_SUMS * count * inputs
        on_samples += threads * (count * inputs + max(ENTRIES, 16 * count))
        return 8 * (held + (on_samples if samples else 0))

    def compile(self) -> None:
        """Compile what recognises a known state, the only compiled loop, or load it from the disk cache."""
        self._known.compile(self._now)

    def settings(self) -> Mapping[str, object]:
        """Return the name, the options, and checksums of the weights at time 0 and of the teacher."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None = None) -> State:
        """Return the state at time 0, with the weights given to the constructor.

        ``initial``, the density that they represent, is only checked and recorded with the run.
        """
        if initial is not None:
            self.flow.check_density(initial, "the initial density")
        return self._begin(State({INNER: self._start.inner.copy(), OUTER: self._start.outer.copy()}))

    def restore(self, state: State) -> State:
        """Return a state read from a checkpoint in this solver's own buffers; InputError if it does not fit."""
        return self._begin(restored(state, {INNER: self._start.inner, OUTER: self._start.outer}))

    def weights(self, state: State) -> Weights:
        """Return a copy of the state's weights, shapes (m, inputs) and (m,)."""
        return Weights(state.arrays[INNER], state.arrays[OUTER])

    def energy(self, state: State) -> float:
        """Return the population loss; training on samples does not need it otherwise."""
        return self._look(state) if self._empirical is None else self.diagnose(state)["energy"]

    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> None:
        """None: this method does not advance averages on cells."""

    def density(self, state: State) -> np.ndarray:
        """Measure of the positive output weights as cell averages on ``flow.grid``, shape ``grid.shape``."""
        return measure_from_network(self.flow.grid, self.weights(state))[0]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot: weights, the density, and the density of negative output weights if any."""
        positive, negative = measure_from_network(self.flow.grid, self.weights(state))
        found = {**state.arrays, "density": positive}
        if self._signed or negative.any():
            found[NEGATIVE] = negative
        return found

    def stable_dt(self, state: State) -> float:
        """Return the learning rate, or the step that the error control proposed last."""
        if self._scheme is None:
            return self._rate
        return state.control[PROPOSAL] or self._first_step(state)

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> None:
        """None: steps follow from the error of each."""

    @np.errstate(over="ignore", invalid="ignore")  # of weights that diverge, which the next step tells
    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return signed mass, population loss, its dissipation by gradient flow, and min and max of the density.

        With fixed samples there is also ``empirical_loss``, on all of them.
        """
        inner, outer = state.arrays[INNER], state.arrays[OUTER]
        if self._empirical is None:
            energy, speeds = self._look(state), self._speeds[0]
        else:
            speeds = self._term
            energy = self._population.descend(inner, outer, state.step, self._split(speeds))
        weights = self.weights(state)
        density = measure_from_network(self.flow.grid, weights)[0]
        found = {
            "mass": float(weights.masses.sum()),
            "min": float(density.min()),
            "max": float(density.max()),
            "energy": energy,
            "dissipation": float(np.square(speeds).sum()) / len(outer),
        }
        kept = None if self._empirical is None else self._empirical.of_kept(inner, outer)
        if kept is not None:
            found["empirical_loss"] = kept
        return found

    @np.errstate(over="ignore", invalid="ignore")  # weights that are not finite are detected below
    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one step, which ends at ``until`` at the latest and then exactly there.

        Raises
        ------
        InputError
            If ``until`` is not later than the time of the state.
        RunError
            If a weight is no longer finite, or if no step, however short, meets the tolerance.
        """
        loss = self._look(state)
        ahead = left(state.time, until)
        np.concatenate([state.arrays[INNER].ravel(), state.arrays[OUTER]], out=self._now)
        if self._scheme is None:
            dt = ahead if ahead < self._rate * (1 + ROUND_OFF) else self._rate
            self._sum((1.0,), dt)
            np.add(self._now, self._moved, out=self._reached)
            self._require_finite(state.time + dt, "learning_rate")
        else:
            dt, loss = self._adaptive(state, self._scheme, until)
        inner, outer = self._split(self._reached)
        state.arrays[INNER][...], state.arrays[OUTER][...] = inner, outer
        tick(state, dt, until)
        if self._scheme is not None:  # the tendency at its last stage is that of the new state
            self._speeds[0] = self._speeds[-1]
            self._known.keep((state.step, loss), *state.arrays.values())

    def _adaptive(self, state: State, scheme: schemes.EmbeddedRungeKutta, until: float) -> tuple[float, float]:
        """Compute a step that meets the tolerance, into ``reached``; return its length and the loss at its end."""
        loss = math.nan

        def attempt(dt: float) -> float:
            nonlocal loss
            error, loss = self._attempt(scheme, state, dt)
            return error

        dt = adapt(state, until, self.stable_dt(state), attempt, scheme, self.tolerance)
        if dt is None:
            raise no_step(state, self.tolerance)
        return dt, loss

    def _attempt(self, scheme: schemes.EmbeddedRungeKutta, state: State, dt: float) -> tuple[float, float]:
        """Compute a step; return the largest error of a weight relative to the size of the weights, and the loss."""
        loss = math.nan
        for stage, row in enumerate(scheme.stages, start=1):
            self._sum(row, dt)
            np.add(self._now, self._moved, out=self._reached)
            self._require_finite(state.time + dt, "tolerance")
            loss = self._population.descend(*self._split(self._reached), state.step, self._split(self._speeds[stage]))
        self._sum(scheme.error, dt)
        return max(float(self._moved.max()), -float(self._moved.min())) / self._typical(), loss

    def _require_finite(self, time: float, remedy: str) -> None:
        if not math.isfinite(float(self._reached.sum())):
            raise RunError(f"at t = {time:.10g} a weight is not finite; try a smaller {remedy}")

    def _typical(self) -> float:
        """Root mean square of |(w_j, a_j)|."""
        return math.sqrt(float(np.square(self._now).sum()) / self._start.count) or 1.0

    def _first_step(self, state: State) -> float:
        """Return the first step, from the rate of change of the weights relative to their size."""
        self._look(state)
        fastest = float(abs(self._speeds[0]).max())
        np.concatenate([state.arrays[INNER].ravel(), state.arrays[OUTER]], out=self._now)
        return FIRST_STEP * self._typical() / fastest if fastest > 0 else math.inf

    def _split(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Split a vector of all weights into w and a."""
        return flat[: self._size].reshape(self._start.inner.shape), flat[self._size :]

    def _sum(self, row: tuple[float, ...], dt: float) -> None:
        """Compute ``Δt Σ_j row_j speeds_j`` into ``moved``."""
        schemes.add_up(row, dt, self._speeds, self._moved, self._term)

    def _begin(self, state: State) -> State:
        if self._scheme is not None:
            state.control = {PROPOSAL: 0.0} | state.control
        self._known.forget()
        return state

    def _look(self, state: State) -> float:
        """Compute the speeds of a state, unless they are known already; return the loss whose gradient they are."""
        known = self._known.get(*state.arrays.values())
        if known is not None and known[0] == state.step:  # samples are those of a step
            return known[1]
        descended = self._population if self._empirical is None else self._empirical
        loss = descended.descend(state.arrays[INNER], state.arrays[OUTER], state.step, self._split(self._speeds[0]))
        self._known.keep((state.step, loss), *state.arrays.values())
        return loss


def _check_problem(flow: Equation[Any], weights: Weights, teacher: Weights | None) -> None:
    if flow.growth != TRAINING:
        raise InputError(f"growth = {flow.growth:g}: the flow of a network has growth = {TRAINING:g}")
    for name, given in (("weights", weights), ("teacher", teacher)):
        if given is not None and given.dim != flow.grid.dim:
            raise InputError(
                f"the {name} have {given.dim + 1} inputs; on S^{flow.grid.dim} there are {flow.grid.dim + 1}"
            )
    if teacher is None:
        if not flow.grid.has_cells:
            raise InputError(f"{flow.grid} resolves only the mean of the target: give a teacher")
        return
    mass, wanted = float(teacher.masses.sum()), flow.target_mass
    if abs(mass - wanted) > MASS_TOLERANCE * max(float(abs(teacher.masses).sum()), abs(wanted)):
        raise InputError(
            f"the teacher has mass {mass:.12g} but the flow's target has mass {wanted:.12g}; the target should be "
            "the positive minus the negative part of measure_from_network(grid, teacher)"
        )


def _check_samples(on_samples: bool, samples: int | None, batch: int | None, noise: float, seed: int) -> None:
    if not on_samples:
        if samples is not None or batch is not None or noise:
            raise InputError('samples, batch and noise are for loss "empirical"; the population loss has none')
        return
    for name, given in (("samples", samples), ("batch", batch)):
        if given is not None:
            whole_number(name, given, 1)
    if samples is None and batch is None:
        raise InputError('loss "empirical" needs samples, or a batch to draw afresh for each step')
    if samples is not None and batch is not None and batch > samples:
        raise InputError(f"batch = {batch}: there are {samples} samples")
    if not (math.isfinite(noise) and noise >= 0):
        raise InputError(f"noise = {noise}: it must be ≥ 0")
    whole_number("seed", seed, 0)


def _checked_rate(integrator: str, learning_rate: float | None) -> float:
    """Return the learning rate of gradient descent, or NaN for an adaptive scheme."""
    if integrator != EULER:
        if learning_rate is not None:
            raise InputError(
                f'learning_rate = {learning_rate}: {integrator} chooses its own steps; only "euler" takes one'
            )
        return math.nan
    if learning_rate is None or not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning_rate = {learning_rate}: gradient descent needs a positive one, in units of time")
    return float(learning_rate)
