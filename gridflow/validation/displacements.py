"""Displacements of particles between stored frames, and those predicted by the exact velocities.

Over an interval of length Δt, an exact code satisfies ``Δx = ∫ v dt`` with v = −∇V of the particles' own potential. The
integral, S, is approximated by Simpson's rule along a cubic path through both end points. This needs no density and has
no sampling noise. Single displacements are dominated by the nearest neighbours and by the short-range treatment of a
code. What is compared is therefore the displacement of mass on scales beyond the particle spacing: its low Fourier
modes, in which the forces between close particles cancel.
"""

import math
from dataclasses import dataclass

import numpy as np

from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.domains.torus import Grid
from gridflow.equation.flow import Flow
from gridflow.measures import spectra
from gridflow.particles.mean_field import MeanField
from gridflow.validation.images import WithoutImages
from gridflow.validation.trajectories import Trajectory, masses

FINEST = 16
"""Largest number of modes along an axis in which displacements of mass are compared."""


@dataclass(frozen=True)
class Displacement:
    """Displacement of mass over one interval, by its modes, with the particle data behind it.

    Attributes
    ----------
    start, dt
        Beginning and length of the interval.
    weights
        Masses of the particles, shape (N,).
    middle, exact
        Position at the middle of the interval, and S, of every particle; shapes (N, d), in units of length.
    columns
        Modes of Δx, of S, of E (see :mod:`gridflow.validation.motion`), and of Δt along each axis, weighted by mass.
    trapezoid
        Modes of the difference between the trapezoidal rule and S.
    moved
        Root mean square of S over the particles, in units of length.
    energies
        ½ KMD² of the particles at both ends.
    """

    start: float
    dt: float
    weights: np.ndarray
    middle: np.ndarray
    exact: np.ndarray
    columns: list[np.ndarray]
    trapezoid: np.ndarray
    moved: float
    energies: tuple[float, float]


class Displacements:
    """Displacements along a trajectory, and those predicted by the particles' own potential.

    Parameters
    ----------
    flow
        The equation.
    given
        The particles, on the flow's torus.
    modes
        Number of modes of the potential along each axis.

    Attributes
    ----------
    field
        The potential.
    columns_size
        Number of complex entries of a column of a :class:`Displacement`.
    """

    def __init__(self, flow: Flow, given: Trajectory, modes: tuple[int, ...]) -> None:
        self._flow, self._given = flow, given
        count, dim = len(given.frame(0)[0]), flow.grid.dim
        self.field = MeanField(flow, count, modes)
        self._lengths = np.array(flow.grid.lengths)
        across = int(np.clip(count ** (1 / dim) / 2, 5, FINEST))
        self._scales = NonuniformTransform(flow.grid.lengths, (across,) * dim, count)
        self.columns_size = dim * across**dim

    def _velocity(self, positions: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
        self.field.evaluate(positions, weights)
        return self.field.velocity.copy(), self.field.energy

    def _of_mass(self, weights: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Modes of ``Σ_i w_i moved_i δ_{x_i} / Σ_i w_i`` at the positions placed last; one row per axis."""
        share = weights / weights.sum()
        return np.stack([self._scales.to_modes(share * component).ravel().copy() for component in moved.T])

    def over(self, number: int) -> Displacement:
        """Return the displacements from one frame to the next.

        The end slopes of the cubic path are α times the velocities there, α being fitted first.
        """
        start, held = self._given.frame(number)
        end, _ = self._given.frame(number + 1)
        weights = masses(self._flow, held, len(start))
        moved = end - start
        moved -= self._lengths * np.round(moved / self._lengths)  # the nearest periodic image
        dt = float(self._given.times[number + 1] - self._given.times[number])
        first, energy = self._velocity(start, weights)
        last, later = self._velocity(start + moved, weights)
        middle = start + moved / 2
        between, _ = self._velocity(middle, weights)
        share = weights[:, None]
        straight = dt / 6 * (first + 4 * between + last)
        square = float((share * straight**2).sum())
        factor = float((share * moved * straight).sum()) / square if square > 0 else 1.0
        middle = middle + factor * dt / 8 * (first - last)
        between, _ = self._velocity(middle, weights)
        exact = dt / 6 * (first + 4 * between + last)
        self._scales.place(middle)
        drifts = [np.broadcast_to(dt * unit, moved.shape) for unit in np.eye(len(self._lengths))]
        columns = [self._of_mass(weights, one) for one in (moved, exact, dt / 2 * (first - last), *drifts)]
        return Displacement(
            float(self._given.times[number]),
            dt,
            weights,
            middle,
            exact,
            columns,
            self._of_mass(weights, dt / 2 * (first + last) - exact),
            math.sqrt(float((share * exact**2).sum()) / float(weights.sum())),
            (energy, later),
        )

    def pull(self, seen: Displacement) -> np.ndarray:
        """Return the modes of q with ``Re Σ S̄ δS = ∫ q η dx``, δS being the change of S if the target is ν − η.

        Removing η from the target changes the velocities by ``−∇K * η``. S̄ is S restricted to its low modes.
        """
        field, modes = self.field, self.field.modes
        shape = self._scales.modes
        smooth = [np.zeros(modes.shape, complex) for _ in shape]
        places = np.ix_(*(np.fft.fftfreq(m, 1 / m).astype(int) for m in shape))
        total = np.zeros(modes.shape, complex)
        share = seen.weights / seen.weights.sum()
        for axis, xi in enumerate(spectra.wave_vectors(modes)):
            smooth[axis][places] = seen.columns[1][axis].reshape(shape)
            at = np.fft.ifftn(
                smooth[axis] * modes.size
            ).real  # Σ_k over the low modes, at the lower corners of the cells
            weighted = share * _nearest(modes, at, seen.middle)
            total += 1j * xi * spectra.of_particles(modes, seen.middle, weighted)
        return seen.dt * field.symbol * total

    def noise_of_target(self, pull: np.ndarray, samples: int) -> float:
        """Return the standard deviation of ∫ q (ν − ν^M) dx over samples ν^M of the target, q being given by modes."""
        flow, modes = self._flow, self.field.modes
        values = np.fft.ifftn(pull * modes.size).real
        target = np.maximum(spectra.to_density(modes, spectra.of_density(flow.grid, flow.target, modes)), 0.0)
        share = target / target.sum()
        mean = float((share * values).sum())
        variance = float((share * (values - mean) ** 2).sum())
        return flow.target_mass * math.sqrt(variance / samples)

    def without_images(self, chosen: np.ndarray) -> tuple[str, float] | None:
        """Return the variant without periodic images that fits best, and the relative residual; None without variants.

        The residual is the root mean square of the unexplained displacement, relative to that of the displacements.
        """
        other = WithoutImages.of(self._flow)
        if other is None:
            return None
        left: dict[str, float] = {}
        total = 0.0
        for number in chosen:
            seen = self.over(int(number))
            total += float((abs(seen.columns[0]) ** 2).sum())
            for name, change in other.changes(seen.middle, seen.weights).items():
                rest = seen.columns[0] - seen.columns[1] - seen.dt * self._of_mass(seen.weights, change)
                left[name] = left.get(name, 0.0) + float((abs(rest) ** 2).sum())
        best = min(left, key=lambda name: left[name])
        return best, math.sqrt(left[best] / total)


def _nearest(grid: Grid, values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Interpolate values at the lower corners of cells to positions, by the nearest corner."""
    index = np.round(positions / np.array(grid.spacing)).astype(int) % np.array(grid.shape)
    found: np.ndarray = values[tuple(index.T)]
    return found
