"""The carried hole for s ≠ 1, where no law gives its volume, against markers moved with the velocity."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

import gridflow as gf
from solvers import FiniteVolume


def marker_velocity(flow, density, positions):
    """−∇V at the markers: spectral derivatives at cell centres, interpolated linearly."""
    grid = flow.grid
    modes = np.fft.rfft2(flow.potential(density))
    cells = [x / h - 0.5 for x, h in zip(positions, grid.spacing, strict=True)]
    gradient = [np.fft.irfft2(1j * xi * modes, s=grid.shape) for xi in grid.wavevector()]
    return -np.stack([map_coordinates(part, cells, order=1, mode="grid-wrap") for part in gradient])


@pytest.mark.long
@pytest.mark.parametrize(("s", "t_end"), [(1.5, 6.0), (2.0, 40.0)])
def test_tracer_and_markers_enclose_the_same_area(s, t_end):
    """Both methods are first order at the edge, from below and from above, so their difference halves with h."""
    differences = []
    for n in (64, 128, 256):
        grid = gf.Grid((n, n))
        flow = gf.Flow(grid, gf.Riesz(s, "mimetic"), gf.uniform(grid))
        solver = FiniteVolume(flow, "muscl", "superbee", tracer=gf.regions.ball(grid, 0.25))
        state = solver.initialize(gf.ball_hole(grid, 0.25))
        angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
        markers = 0.5 + 0.25 * np.stack([np.cos(angles), np.sin(angles)])
        while state.time < t_end:
            before = marker_velocity(flow, solver.density(state), markers)
            solver.step(state, t_end)
            after = marker_velocity(flow, solver.density(state), markers + state.dt * before)
            markers = markers + state.dt * (before + after) / 2
        x, y = markers
        enclosed = 0.5 * float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
        carried = grid.volume - gf.diagnostics.volume_below(grid, state.arrays["tracer"], 0.5)
        assert carried < np.pi / 16  # it has shrunk
        differences.append(carried / enclosed - 1)
    assert abs(differences[-1]) <= 0.01
    assert gf.diagnostics.fitted_order([1 / 64, 1 / 128, 1 / 256], differences) >= 0.8
