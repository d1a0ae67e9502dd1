"""Comparison of particles with the density of a grid run at one time: distances, masses and centres of mass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gridflow.domains.torus import Grid
from gridflow.validation.reference import Reference, effective_count
from gridflow.validation.trajectories import Trajectory, masses

Verdict = Literal["consistent", "better-than-sampling", "inconsistent"]
MASS_TOLERANCE = 1e-5
"""Relative difference between masses that files in single precision may have."""


@dataclass(frozen=True)
class FrameComparison:
    """Comparison of particles and density at one time.

    Attributes
    ----------
    time
        Time, in the run's unit.
    verdict
        Verdict for this time, from the probabilities of the distances and from the masses.
    kmd, noise
        KMD of the run's kernel between particles and density, and its root mean square for N independent samples.
    z, p_above, p_below
        KMD² in standard deviations above the mean for samples, and the probabilities that samples are farther away and
        closer.
    smooth_kmd, smooth_noise, smooth_p_above
        The same for the smoother kernel.
    wasserstein_name, wasserstein, wasserstein_error, wasserstein_noise
        Name of the Wasserstein distance, its value and error, in units of length, and its mean for N samples; see
        :class:`gridflow.validation.transport.TransportTo`.
    mass, mass_expected
        Masses of the particles and of the density.
    center, center_expected
        Centres of mass on the circle of each axis, in units of length; NaN where there is none.
    inside_hole
        For s = 1 and an initial hole: share of the mass inside the remaining hole, at least two cells from its edge;
        else None.
    """

    time: float
    verdict: Verdict
    kmd: float
    noise: float
    z: float
    p_above: float
    p_below: float
    smooth_kmd: float
    smooth_noise: float
    smooth_p_above: float
    wasserstein_name: str
    wasserstein: float
    wasserstein_error: float
    wasserstein_noise: float
    mass: float
    mass_expected: float
    center: tuple[float, ...]
    center_expected: tuple[float, ...]
    inside_hole: float | None

    @classmethod
    def of(cls, reference: Reference, given: Trajectory, index: int, frame: int, level: float) -> "FrameComparison":
        """Compare a frame with a snapshot.

        Parameters
        ----------
        reference, index
            The run, and the index of the snapshot.
        given, frame
            The particles, and the index of the frame.
        level
            Probability, on either side, with which correct samples may be called inconsistent.
        """
        flow = reference.flow
        grid = flow.grid
        positions, held = given.frame(frame)
        weights = masses(flow, held, len(positions))
        density = reference.density(index)
        count = effective_count(weights)
        squared = reference.squared_distances(index, positions, weights)
        stated, smooth = reference.calibrations(index, count)
        expected = float(density.sum()) * grid.cell_volume
        mass = float(weights.sum())
        above, below = stated.exceeded_by(squared[0]), stated.undercut_by(squared[0])
        smooth_above = smooth.exceeded_by(squared[1])
        wrong = min(above, smooth_above) < level or mass_is_off(mass, expected)
        moved = reference.transport(index, positions, weights)
        centers = _centers(grid, density, positions, weights)
        return cls(
            time=float(reference.times[index]),
            verdict="inconsistent" if wrong else "better-than-sampling" if below < level else "consistent",
            kmd=math.sqrt(squared[0]),
            noise=math.sqrt(stated.mean),
            z=stated.z(squared[0]),
            p_above=above,
            p_below=below,
            smooth_kmd=math.sqrt(squared[1]),
            smooth_noise=math.sqrt(smooth.mean),
            smooth_p_above=smooth_above,
            wasserstein_name=moved.name,
            wasserstein=moved.distance,
            wasserstein_error=moved.error,
            wasserstein_noise=reference.transport_noise(index, count),
            mass=mass,
            mass_expected=expected,
            center=centers[0],
            center_expected=centers[1],
            inside_hole=reference.inside_hole(index, positions, weights),
        )


def center(grid: Grid, first_modes: np.ndarray, mass: float) -> tuple[float, ...]:
    """Return the centre of mass on the circle of each axis from ``∫ μ e^{−2πi x_a / L_a} dx``; NaN where this is 0."""
    return tuple(
        float(np.mod(-np.angle(mode) / (2 * np.pi), 1.0) * length) if abs(mode) > 1e-9 * mass else math.nan
        for mode, length in zip(first_modes, grid.lengths, strict=True)
    )


def _first_modes(grid: Grid, positions: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> np.ndarray:
    pairs = zip(positions, weights, grid.lengths, strict=True)
    return np.array([(mass * np.exp(-2j * np.pi * at / length)).sum() for at, mass, length in pairs])


def _centers(grid: Grid, density: np.ndarray, positions: np.ndarray, weights: np.ndarray) -> tuple[Any, Any]:
    """Return the centres of mass of particles and of a density."""
    theirs = _first_modes(grid, list(positions.T), [weights] * grid.dim)
    other_axes = [tuple(b for b in range(grid.dim) if b != axis) for axis in range(grid.dim)]
    marginals = [density.sum(axis=others) * grid.cell_volume for others in other_axes]
    ours = _first_modes(grid, [grid.centers(axis) for axis in range(grid.dim)], marginals)
    return center(grid, theirs, float(weights.sum())), center(grid, ours, float(density.sum()) * grid.cell_volume)


def mass_is_off(mass: float, expected: float) -> bool:
    """Whether a mass differs from the expected one by more than single precision explains."""
    return abs(mass - expected) > MASS_TOLERANCE * expected
