"""Densities of networks as pictures show them: smoothed, since on a grid a few neurons are spikes in a void."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gridflow.compute.harmonics import SphereTransform
from gridflow.domains.base import Domain
from gridflow.domains.circle import Circle
from gridflow.domains.sphere import SphereGrid
from gridflow.runtime.schema import Snapshot

TOGETHER = 2
"""Neurons in the patch over which a density is smoothed."""


def smoothed(grid: Domain, frame: Snapshot) -> Snapshot:
    """A snapshot whose densities, if it is of a network, are smoothed by heat flow over a few of its neurons.

    Its width is about the radius of a patch that holds :data:`TOGETHER` of m evenly spread neurons; mass stays.
    """
    if frame.inner_weights is None:
        return frame
    share = TOGETHER / len(frame.inner_weights)
    negative = None if frame.negative is None else _warmed(grid, frame.negative, share)
    return replace(frame, density=_warmed(grid, frame.density, share), negative=negative)


def _warmed(grid: Domain, density: np.ndarray, share: float) -> np.ndarray:
    """A density after heat has flowed over a patch that is this share of the domain."""
    return _HEAT[type(grid)](grid, density, share) if type(grid) in _HEAT else density


def _on_circle(grid: Circle, density: np.ndarray, share: float) -> np.ndarray:
    modes = np.arange(grid.spectral_shape[0])
    return np.fft.irfft(np.fft.rfft(density) * np.exp(-((np.pi * share * modes) ** 2) / 2), grid.shape[0])


def _on_sphere(grid: SphereGrid, density: np.ndarray, share: float) -> np.ndarray:
    transform = SphereTransform(grid)
    coefficients = transform.analyse(density.astype(float))
    # heat flow over the time τ has the width √(2τ), and a patch of the area 4π share the radius 2 √share
    decay = np.exp(-share * transform.degree * (transform.degree + 1))
    return transform.synthesise(coefficients * decay).copy()


_HEAT: dict[type[Domain], Callable[..., np.ndarray]] = {Circle: _on_circle, SphereGrid: _on_sphere}
"""Heat flow on each domain of networks that has cells."""
