"""Finite volumes for two densities moved in opposite directions: networks with output weights of both signs."""

import numpy as np

from gridflow.domains.torus import torus
from gridflow.equation.contract import CELLS, NEGATIVE, Representation
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.files import sha256
from solvers.finite_volume.torus import TorusFiniteVolume
from solvers.stepping import schemes


class SignedFiniteVolume(TorusFiniteVolume):
    """Finite volumes for two densities, ``∂_t μ± = ±(∇·(μ± ∇V) − β μ± V)`` with ``V = K * (μ⁺ − μ⁻ − ν)``.

    This is the infinite-width limit of a shallow network. Neurons with positive output weights form μ⁺, those with
    negative ones μ⁻, and gradient descent moves each density along its own gradient. Both are advanced by the explicit
    scheme of :class:`solvers.FiniteVolume`, and both stay ≥ 0 exactly.

    Parameters
    ----------
    flow
        The equation on the torus, with growth > 0 and a target of either sign.
    negative
        Density μ⁻ at time 0 as cell averages of shape ``grid.shape``, ≥ 0; it may vanish everywhere.
    reconstruction, limiter, velocity, cfl, dtype, tolerance, threads
        See :class:`solvers.FiniteVolume`.
    integrator
        ``ssprk3``, ``ssprk2`` or ``euler``.

    Raises
    ------
    InputError
        If an option is not allowed, or if the flow has no growth. Without growth, μ⁺ and μ⁻ would be charges of fixed
        mass, which this solver does not treat.
    """

    representation = Representation(CELLS, signed=True)

    def __init__(
        self,
        flow: Flow,
        negative: np.ndarray,
        reconstruction: str = "sharp",
        limiter: str = "vanleer",
        velocity: str | None = None,
        integrator: str = "ssprk3",
        cfl: float = 0.9,
        dtype: str | np.dtype | type = "float64",
        tolerance: float = 1e-5,
        threads: int | None = None,
    ) -> None:
        if not flow.growth > 0:
            raise InputError(f"growth = {flow.growth}: measures of both signs need growth > 0")
        if integrator not in schemes.EXPLICIT:
            raise InputError(f'integrator "{integrator}": allowed are {", ".join(schemes.EXPLICIT)}')
        torus(flow.grid, "SignedFiniteVolume")
        extra_arrays = {NEGATIVE: flow.grid.check_density(negative, "the negative density")}
        super().__init__(
            flow, extra_arrays, schemes.EXPLICIT[integrator], reconstruction=reconstruction, limiter=limiter,
            velocity=velocity, integrator=integrator, cfl=cfl, dtype=dtype, tolerance=tolerance, threads=threads,
        )  # fmt: skip
        hashed = sha256(extra_arrays[NEGATIVE])
        self._settings = {"solver": "SignedFiniteVolume", **self._settings, "negative_sha256": hashed}
