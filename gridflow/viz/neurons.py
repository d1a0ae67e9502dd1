"""Smoothed densities of networks for figures: on a grid, a few neurons are isolated spikes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gridflow.compute.harmonics import SphereTransform
from gridflow.domains.base import Domain
from gridflow.domains.circle import Circle
from gridflow.domains.sphere import SphereGrid
from gridflow.runtime.schema import Snapshot

TOGETHER = 2
"""Number of neurons in the patch over which a density is smoothed."""


def smoothed(grid: Domain, frame: Snapshot) -> Snapshot:
    """Return a snapshot whose densities, for a network, are smoothed by heat flow over a few neurons.

    The width is about the radius of a patch that contains :data:`TOGETHER` of m evenly spread neurons. Mass is
    conserved.
    """
    if frame.inner_weights is None:
        return frame
    share = TOGETHER / len(frame.inner_weights)
    negative = None if frame.negative is None else _warmed(grid, frame.negative, share)
    return replace(frame, density=_warmed(grid, frame.density, share), negative=negative)


def _warmed(grid: Domain, density: np.ndarray, share: float) -> np.ndarray:
    """Return a density after heat flow over a patch that covers a given share of the domain."""
    heat = grid.among(_HEAT)
    return density if heat is None else heat(grid, density, share)


def _on_circle(grid: Circle, density: np.ndarray, share: float) -> np.ndarray:
    modes = np.arange(grid.spectral_shape[0])
    return np.fft.irfft(np.fft.rfft(density) * np.exp(-((np.pi * share * modes) ** 2) / 2), grid.shape[0])


def _on_sphere(grid: SphereGrid, density: np.ndarray, share: float) -> np.ndarray:
    transform = SphereTransform(grid)
    coefficients = transform.analyse(density.astype(float))
    # Heat flow for a time τ has width √(2τ), and a patch of area 4π share has radius 2 √share.
    decay = np.exp(-share * transform.degree * (transform.degree + 1))
    return transform.synthesise(coefficients * decay).copy()


_HEAT: dict[type[Domain], Callable[..., np.ndarray]] = {Circle: _on_circle, SphereGrid: _on_sphere}
"""Heat flow on each domain of networks with cells."""
