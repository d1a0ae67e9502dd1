"""Fourier coefficients of densities and particles, and what sampling does to them."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.measures import spectra


def test_the_noise_of_samples_is_that_of_what_they_are_drawn_from():
    """All samples of a point mass are at that point; those of a uniform density have white noise."""
    grid = gf.Grid((9, 7), (1.3, 2.0))
    symbol = spectra.whole_symbol(gf.Gaussian(0.2), grid)
    point = spectra.of_particles(grid, np.array([[0.4, 1.1]]), np.array([3.0]), accuracy=1e-12)
    assert spectra.sampling_noise(grid, symbol, point, 10) == pytest.approx(0, abs=1e-10)
    even = spectra.of_density(grid, gf.uniform(grid, 3.0))
    expected = grid.volume / 10 * (3 / grid.volume) ** 2 * (symbol.sum() - symbol[0, 0])
    assert spectra.sampling_noise(grid, symbol, even, 10) == pytest.approx(expected, rel=1e-12)


def test_the_effective_number_of_particles():
    assert spectra.effective_count(np.full(7, 0.3)) == pytest.approx(7)
    assert spectra.effective_count(np.array([1.0, 1.0, 2.0, 0.0])) == pytest.approx(16 / 6)
