"""The population loss of a network, from the potential of its measure at its own neurons.

``L = ½ E_x (f(x) − f*(x))² = ½ ∫ V d(μ − ν)`` with ``V(θ) = ∫ K(θ·θ') d(μ − ν)(θ') = E_x (f(x) − f*(x)) max(θ·x, 0)``.
Training follows ``a_j' = −|w_j| V(θ_j)``, ``w_j' = −a_j (V(θ_j) θ_j + ∇V(θ_j))``, which is −m times the gradient of L.
"""

import itertools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from gridflow.compute.harmonics import PointTransform, SphereTransform
from gridflow.compute.matmul import product
from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.compute.threads import available, team
from gridflow.domains.base import Domain
from gridflow.domains.circle import Circle
from gridflow.domains.sphere import SphereGrid
from gridflow.equation.flow import Equation
from gridflow.equation.kernels import ReLU
from gridflow.errors import InputError
from gridflow.measures import spectra
from gridflow.networks.measures import angles
from gridflow.networks.weights import Weights

AT_ONCE, ATOMS = 512, 128
"""Numbers of neurons and atoms whose pairs are processed at once, so that they fit the cache of a core."""
POINTS_PER_PIECE = 2**13
"""Number of neurons on S² for which another harmonic transform is worth its cost."""
MAX_PARTIAL_SUMS = 16
"""Largest number of pieces that neurons or samples are split into; their sums are added in order."""


class Potential(Protocol):
    """The potential that moves the neurons, for repeated evaluation.

    Attributes
    ----------
    values
        V at the neurons of the last evaluation, shape (m,).
    gradient
        Surface gradient of V there, as tangent vectors, shape (m, inputs).
    """

    values: np.ndarray
    gradient: np.ndarray

    def evaluate(self, directions: np.ndarray, masses: np.ndarray) -> float:
        """Evaluate the potential of the neurons' masses minus the target at the neurons; return ½ ∫ V d(μ − ν)."""


class CirclePotential:
    """On S¹: the Fourier modes of the flow's grid, by non-uniform FFTs between neurons and modes.

    Parameters
    ----------
    flow
        The equation on the circle.
    teacher
        The target as atoms; None for the trigonometric polynomial with the cell averages of ``flow.target``.
    count
        Number of neurons m.
    accuracy
        Relative L² error of the transforms.
    threads
        Number of threads; the result does not depend on it.
    """

    def __init__(
        self, flow: Equation[Any], teacher: Weights | None, count: int, accuracy: float, threads: int | None = None
    ) -> None:
        grid = flow.grid
        self._grid, self._target = grid, circle_modes(flow, teacher, accuracy, threads)
        self._transform = NonuniformTransform(grid.lengths, grid.shape, count, accuracy, threads=threads)
        self._symbol = spectra.whole_symbol(flow.kernel, grid)
        # V and V' are real: the real and the imaginary part of one transform, of K̂ f̂ + i (iξ) K̂ f̂
        self._factors = self._symbol * (1 - spectra.wave_vectors(grid)[0])
        self._difference = np.empty(grid.shape, complex)
        self.values, self.gradient = np.empty(count), np.empty((count, 2))

    def evaluate(self, directions: np.ndarray, masses: np.ndarray) -> float:
        """See :class:`Potential`."""
        self._transform.place(angles(directions)[:, None])
        np.multiply(self._transform.to_modes(masses), 1 / self._grid.volume, out=self._difference)
        self._difference -= self._target
        for piece, found in self._transform.at_points((self._factors * self._difference)[None]):
            self.values[piece] = found[0].real
            np.multiply(found[0].imag, -directions[piece, 1], out=self.gradient[piece, 0])
            np.multiply(found[0].imag, directions[piece, 0], out=self.gradient[piece, 1])
        return 0.5 * spectra.discrepancy(self._grid, self._symbol, self._difference)


def circle_modes(flow: Equation[Any], teacher: Weights | None, accuracy: float, threads: int | None) -> np.ndarray:
    """Fourier coefficients of the target on the modes of the flow's grid."""
    if teacher is None:
        return spectra.of_density(flow.grid, flow.target)
    at = angles(teacher.directions)[:, None]
    return spectra.of_particles(flow.grid, at, teacher.masses, accuracy, threads)


class SpherePotential:
    """On S²: the harmonics that the flow's grid resolves, by non-uniform transforms; parameters as on the circle.

    The neurons are split into pieces, whose number depends only on m, and each piece has a single-threaded transform.
    The result therefore does not depend on the number of threads, as it would with the library's own threads.
    """

    def __init__(
        self, flow: Equation[Any], teacher: Weights | None, count: int, accuracy: float, threads: int | None = None
    ) -> None:
        grid: SphereGrid = flow.grid
        number = min(max(1, count // POINTS_PER_PIECE), MAX_PARTIAL_SUMS)
        cuts = [count * i // number for i in range(number + 1)]
        self._pieces = [slice(start, end) for start, end in itertools.pairwise(cuts)]
        self._transforms = [PointTransform(grid.lmax, accuracy, threads=1) for _ in self._pieces]
        self._target = sphere_coefficients(flow, teacher, accuracy)
        self._symbol = flow.symbol
        self._team = team(min(threads or available(), number))
        self._parts: list[Any] = [None] * number
        self.values, self.gradient = np.empty(count), np.empty((count, 3))

    def evaluate(self, directions: np.ndarray, masses: np.ndarray) -> float:
        """See :class:`Potential`."""

        def analyse(number: int, _: int) -> None:
            piece, transform = self._pieces[number], self._transforms[number]
            transform.place(directions[piece])
            self._parts[number] = transform.analyse(masses[piece])

        def synthesise(number: int, _: int) -> None:
            piece, transform = self._pieces[number], self._transforms[number]
            self.values[piece] = transform.synthesise(pull)
            self.gradient[piece] = transform.gradient(pull)

        self._team.deal(len(self._pieces), analyse)
        difference = self._parts[0]
        for part in self._parts[1:]:
            difference += part
        difference -= self._target
        harmonics = self._transforms[0]
        pull = difference * self._symbol[harmonics.degree]
        self._team.deal(len(self._pieces), synthesise)
        return 0.5 * float((self._symbol * harmonics.power(difference)).sum())


def sphere_coefficients(flow: Equation[Any], teacher: Weights | None, accuracy: float) -> np.ndarray:
    """Harmonic coefficients of the target up to the degree that the flow's grid resolves, of all orders."""
    at = PointTransform(flow.grid.lmax, accuracy, threads=1)
    if teacher is not None:
        at.place(teacher.directions)
        return at.analyse(teacher.masses)
    result = np.zeros(at.count, complex)
    found = SphereTransform(flow.grid, threads=1).analyse(flow.target)
    result[: found.size] = found  # ordered by m, so that the orders beyond the grid's longitudes come last
    return result


class PairPotential:
    """On S^d of any dimension: the closed form of the kernel for all pairs of directions, O(m (m + atoms)).

    Parameters
    ----------
    flow
        The equation, of which only the kernel is used.
    teacher
        The target as atoms.
    count, threads
        As on the circle.
    """

    def __init__(self, flow: Equation[Any], teacher: Weights, count: int, threads: int | None = None) -> None:
        self._kernel = relu_of(flow)
        self._dim = flow.grid.dim
        # K = κ (sin + (π − angle) cos) and dK / dcos = κ (π − angle): one arc cosine serves both
        self._unit = float(self._kernel.between(np.zeros(1), self._dim)[0])
        self._atoms, self._atom_masses = teacher.directions, teacher.masses
        self._threads = threads or available()
        self.values, self.gradient = np.empty(count), np.empty((count, self._dim + 1))
        self._of_target = np.empty(count)
        own, own_gradient = np.zeros(teacher.count), np.zeros(self._atoms.shape)
        self._add(self._atoms, self._atoms, self._atom_masses, own, own_gradient)
        self._energy_of_target = float((self._atom_masses * own).sum())

    def evaluate(self, directions: np.ndarray, masses: np.ndarray) -> float:
        """See :class:`Potential`."""
        for array in (self.values, self.gradient, self._of_target):
            array.fill(0)
        self._add(directions, self._atoms, -self._atom_masses, self._of_target, self.gradient)
        self._add(directions, directions, masses, self.values, self.gradient)
        twice = float((masses * (self.values + 2 * self._of_target)).sum()) + self._energy_of_target
        self.values += self._of_target
        self.gradient -= np.einsum("ij,ij->i", self.gradient, directions)[:, None] * directions
        return twice / 2

    def _add(
        self, at: np.ndarray, atoms: np.ndarray, masses: np.ndarray, values: np.ndarray, gradient: np.ndarray
    ) -> None:
        """Add the potential of atoms at points, and its gradient before projection onto the tangent space."""
        tiles = -(-len(at) // AT_ONCE)
        size, rows_at_once = min(self._threads, tiles), min(AT_ONCE, len(at))
        cosines, pulls = np.empty((size, rows_at_once, ATOMS)), np.empty((size, rows_at_once, at.shape[1]))

        @np.errstate(over="ignore", invalid="ignore")  # diverging weights, which the solver reports
        def work(tile: int, thread: int) -> None:
            rows = slice(tile * AT_ONCE, min((tile + 1) * AT_ONCE, len(at)))
            count = rows.stop - rows.start
            for first in range(0, len(atoms), ATOMS):
                some, weight = atoms[first : first + ATOMS], masses[first : first + ATOMS]
                cosine = cosines[thread, :count, : len(some)]
                product(at[rows], some.T, cosine)
                np.clip(cosine, -1.0, 1.0, out=cosine)
                slope = self._kernel.slope(cosine, self._dim)
                sine = np.sqrt((1 - cosine) * (1 + cosine))
                values[rows] += np.einsum("ij,j->i", slope * cosine + self._unit * sine, weight)
                gradient[rows] += product(slope, weight[:, None] * some, pulls[thread, :count])

        team(size).deal(tiles, work)


class PopulationLoss:
    """The rates of change of the weights that the potential gives.

    Parameters
    ----------
    potential
        One of the potentials above.
    count
        Number of neurons m.
    """

    def __init__(self, potential: Potential, count: int) -> None:
        self.potential = potential
        self._norms, self._masses = np.empty(count), np.empty(count)
        self._directions = np.empty_like(potential.gradient)

    def evaluate(self, inner: np.ndarray, outer: np.ndarray) -> float:
        """Evaluate the loss, and with it the potential at the neurons."""
        np.einsum("ij,ij->i", inner, inner, out=self._norms)
        np.sqrt(self._norms, out=self._norms)
        np.multiply(outer, self._norms, out=self._masses)
        self._masses /= len(outer)
        still = self._norms == 0
        self._norms[still] = 1.0
        np.divide(inner, self._norms[:, None], out=self._directions)
        self._directions[still, 0] = 1.0
        self._norms[still] = 0.0
        return self.potential.evaluate(self._directions, self._masses)

    def descend(
        self,
        inner: np.ndarray,
        outer: np.ndarray,
        step: int,  # noqa: ARG002 - selects the samples of the other losses
        speeds: tuple[np.ndarray, np.ndarray],
    ) -> float:
        """Write w' and a' into ``speeds``; return the loss. A neuron with w = 0 does not move, since σ'(0) = 0 here."""
        loss = self.evaluate(inner, outer)
        values, gradient = self.potential.values, self.potential.gradient
        w, a = speeds
        np.multiply(values[:, None], self._directions, out=w)
        w += gradient
        w *= -outer[:, None]
        w[self._norms == 0] = 0.0
        np.multiply(self._norms, values, out=a)
        np.negative(a, out=a)
        return loss


def relu_of(flow: Equation[Any]) -> ReLU:
    """Return the flow's kernel; InputError unless it is that of max(t, 0)."""
    if not isinstance(flow.kernel, ReLU) or flow.kernel.power != 1:
        raise InputError(
            f"networks train with the kernel ReLU() or ReLU(inputs='gaussian'), of power 1, not {flow.kernel}"
        )
    return flow.kernel


HARMONIC: dict[type[Domain], Callable[..., Potential]] = {Circle: CirclePotential, SphereGrid: SpherePotential}
"""The potential by modes on each domain that has cells."""


def potential_of(
    flow: Equation[Any], method: str, teacher: Weights | None, count: int, accuracy: float, threads: int | None
) -> Potential:
    """Return the potential by method ``harmonic`` or ``pairs``; InputError if the flow's domain does not allow it."""
    if method not in ("harmonic", "pairs"):
        raise InputError(f'method "{method}": allowed are harmonic and pairs')
    if method == "pairs":
        if teacher is None:
            raise InputError('method "pairs" needs the target as atoms: give a teacher')
        return PairPotential(flow, teacher, count, threads)
    harmonic = flow.grid.among(HARMONIC)
    if harmonic is None:
        raise InputError(f'method "harmonic" needs the circle or S²; on {flow.grid} there is "pairs"')
    return harmonic(flow, teacher, count, accuracy, threads)
