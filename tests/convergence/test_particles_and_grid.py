"""Particles and grid converge to each other: two methods that share no discretisation of the density."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.measures import spectra
from gridflow.measures.diagnostics import fitted_order
from solvers import FiniteVolume, Particles, Spectral

PROBLEMS = {
    "d = 1, s = 1": ((256,), 1.0, 1.0),
    "d = 1, s = 2": ((128,), 2.0, 40.0),
    "d = 2, s = 1.5": ((48, 40), 1.5, 4.0),
    "d = 3, s = 1": ((20, 16, 24), 1.0, 0.7),
}


def made(name):
    shape, s, t_end = PROBLEMS[name]
    grid = gf.Grid(shape, (1.0, 1.2, 0.9)[: len(shape)])
    target = gf.normalize(grid, gf.uniform(grid) + 0.3 * gf.cosine(grid, 0.5))
    bump = gf.gaussian(grid, [0.4 * length for length in grid.lengths], 0.22)
    start = gf.normalize(grid, bump + gf.uniform(grid))
    return gf.Flow(grid, gf.Riesz(s), target), start, t_end


def distance(flow, density, positions, weights):
    """KMD of particles and density, and that of independent samples."""
    grid = flow.grid
    found, symbol = spectra.of_density(grid, density), spectra.whole_symbol(flow.kernel, grid)
    squared = spectra.discrepancy(grid, symbol, spectra.of_particles(grid, positions, weights) - found)
    return squared**0.5, spectra.sampling_noise(grid, symbol, found, len(weights)) ** 0.5


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("method", [FiniteVolume, Spectral])
def test_many_quasi_random_particles_are_near_the_grid(name, method):
    """Below a tenth of the sampling noise of as many independent samples, in three dimensions a third."""
    flow, start, t_end = made(name)
    density = gf.run(method(flow), start, t_end).density
    positions, weights = gf.sample(flow.grid, start, 2**14, "quasi-random")
    end = gf.run(Particles(flow, positions, weights), t_end=t_end).state.arrays["positions"]
    found, noise = distance(flow, density, end, weights)
    assert found < (0.35 if flow.grid.dim == 3 else 0.1) * noise
    moved, _ = distance(flow, start, end, weights)
    assert moved > 3 * noise  # so that not moving would have been seen


@pytest.mark.long
def test_the_distance_of_independent_particles_falls_like_the_root_of_their_number():
    """Root mean square over seeds of the KMD at t = 1 fitted over a factor 64 in N: N^(−0.5 ± 0.05)."""
    flow, start, t_end = made("d = 1, s = 1")
    density = gf.run(FiniteVolume(flow), start, t_end).density
    counts, found = [250, 1000, 4000, 16000], []
    for count in counts:
        squares = []
        for seed in range(60 if count < 16000 else 30):
            positions, weights = gf.sample(flow.grid, start, count, seed=seed)
            end = gf.run(Particles(flow, positions, weights, tolerance=1e-5), t_end=t_end).state.arrays["positions"]
            squares.append(distance(flow, density, end, weights)[0] ** 2)
        found.append(np.mean(squares) ** 0.5)
    assert fitted_order(np.array(counts), np.array(found)) == pytest.approx(-0.5, abs=0.05)


def test_quasi_random_particles_reach_the_error_of_the_grid():
    """Against 2^16 particles on a line a coarse grid is off by its own error, which falls at its order."""
    errors = []
    cells = (32, 64, 128)
    fine = gf.Grid(256)
    smooth = gf.gaussian(fine, [0.4], 0.15) + gf.uniform(fine)
    positions, weights = gf.sample(fine, gf.normalize(fine, smooth), 2**16, "quasi-random")
    flow = gf.Flow(fine, gf.Riesz(1), gf.uniform(fine))
    end = gf.run(Particles(flow, positions, weights), t_end=0.5).state.arrays["positions"]
    for n in cells:
        grid = gf.Grid(n)
        start = gf.normalize(grid, gf.gaussian(grid, [0.4], 0.15) + gf.uniform(grid))
        coarse = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
        density = gf.run(FiniteVolume(coarse, reconstruction="muscl"), start, 0.5).density
        errors.append(distance(coarse, density, end, weights)[0])
    assert fitted_order(1 / np.array(cells), np.array(errors)) == pytest.approx(2, abs=0.4)
