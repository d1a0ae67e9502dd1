"""Small perturbations of a constant density: every Fourier mode decays by itself (O4)."""

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume

MODES = {(128,): (2,), (64, 64): (1, 2), (24, 24, 24): (1, 0, 1)}
"""By the shape of the grid."""
SCHEMES = ({"reconstruction": "muscl"}, {"reconstruction": "weno5"}, {})


@pytest.mark.parametrize("s", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        *((shape, options) for shape in MODES for options in SCHEMES),
        *((shape, {"reconstruction": "muscl", "velocity": "spectral"}) for shape in MODES if len(shape) < 3),
    ],
    ids=str,
)
def test_rate_of_a_mode(s, options, shape):
    """At amplitude 1e−3 the rate is that of the linear theory: O(amplitude), for muscl O(h²) of the mode, below 1 %."""
    mode, allowed = MODES[shape], 0.01 if options.get("reconstruction") == "muscl" else 1e-3
    grid = gf.Grid(shape)
    flow = gf.Flow(grid, gf.Riesz(s, "spectral"), gf.uniform(grid))
    law = gf.theory.LinearModes(flow)
    phase = sum(2 * np.pi * k * x for k, x in zip(mode, grid.mesh(), strict=True))
    solver = FiniteVolume(flow, **options)
    state = solver.initialize(1 + 1e-3 * np.cos(phase))
    until = 1 / law.rate(mode)
    amplitudes = []
    for time in (0.0, until):
        while state.time < time:
            solver.step(state, time)
        amplitudes.append(abs((solver.density(state) * np.exp(-1j * phase)).mean()))
    measured = np.log(amplitudes[0] / amplitudes[1]) / until
    # the stencil's symbol of −Δ is λ = |ξ|² (1 − h² ξ²/12): 0.6 % on the coarsest grid
    assert measured == pytest.approx(law.rate(mode), rel=allowed)


@pytest.mark.parametrize("reconstruction", ["muscl", "sharp"])
def test_rates_of_other_kernels(reconstruction):
    grid = gf.Grid((256,))
    for kernel in (gf.Gaussian(0.1), gf.Matern(0.5, 0.3)):
        flow = gf.Flow(grid, kernel, gf.uniform(grid))
        law = gf.theory.LinearModes(flow)
        x = grid.centers(0)
        solver = FiniteVolume(flow, reconstruction)
        state = solver.initialize(1 + 1e-3 * np.cos(2 * np.pi * x))
        until = 1 / law.rate((1,))
        while state.time < until:
            solver.step(state, until)
        amplitude = 2 * abs((solver.density(state) * np.exp(-2j * np.pi * x)).mean())
        assert np.log(1e-3 / amplitude) == pytest.approx(1, rel=0.01)
