"""The flow near a constant target, where every Fourier mode decays by itself."""

from dataclasses import dataclass

import numpy as np

from gridflow.errors import InputError
from gridflow.flow import Flow


@dataclass(frozen=True, eq=False)
class LinearModes:
    """Linearised flow about ν ≡ a: ``f̂_k(t) = exp(−a (λ + β) K̂ t) f̂_k(0)`` as the amplitude tends to 0.

    λ is |ξ|²; for a Riesz kernel of the spectral symbol the rate is ``a |ξ|^{2−2s}``.

    Parameters
    ----------
    flow
        A flow to a constant target.
    """

    flow: Flow

    def __post_init__(self) -> None:
        target = self.flow.target
        if target.max() - target.min() > 1e-12 * target.max():
            raise InputError("LinearModes needs a constant target")

    def rate(self, mode: tuple[int, ...]) -> float:
        """Rate of decay of the mode with these mode numbers (1 / time)."""
        grid = self.flow.grid
        if len(mode) != grid.dim or any(2 * abs(k) > n for k, n in zip(mode, grid.shape, strict=True)):
            raise InputError(f"mode {mode} is not one of the grid of shape {grid.shape}")
        if mode[-1] < 0:
            mode = tuple(-k for k in mode)
        squared = sum((2 * np.pi * k / length) ** 2 for k, length in zip(mode, grid.lengths, strict=True))
        symbol = self.flow.symbol[tuple(k % n for k, n in zip(mode, grid.shape, strict=True))]
        return float(self.flow.target_mass / grid.volume * (squared + self.flow.growth) * symbol)

    def __call__(self, time: float, mode: tuple[int, ...]) -> float:
        """Factor by which the mode's amplitude has decayed at a time ≥ 0."""
        return float(np.exp(-self.rate(mode) * time))
