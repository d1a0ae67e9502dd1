"""The FFT pair against numpy.fft."""

import math

import numpy as np
import pytest

from gridflow.grid import Grid
from gridflow.transforms import SerialTransform


def round_off(grid, dtype):
    """Relative error in the 2-norm of a fast transform: a few log2(N) ε (Higham, 2002, theorem 24.2)."""
    return 4 * math.log2(grid.size) * float(np.finfo(dtype).eps)


@pytest.fixture(params=[np.float64, np.float32])
def dtype(request):
    return request.param


@pytest.fixture
def values(torus, dtype):
    return np.random.default_rng(1).standard_normal(torus.shape).astype(dtype)


def test_forward_is_the_unnormalised_real_fft(torus, dtype, values):
    transform = SerialTransform(torus, dtype)
    transform.real[...] = values
    transform.forward()
    expected = np.fft.rfftn(values.astype(float))
    assert transform.spectrum.shape == torus.spectral_shape
    # the bound is on the 2-norm of the whole spectrum, √N ‖f‖; half of it is stored
    error = np.linalg.norm(transform.spectrum - expected)
    assert error <= round_off(torus, dtype) * math.sqrt(torus.size) * np.linalg.norm(values)
    assert (transform.real == values).all()  # reads, does not destroy


def test_backward_is_the_unnormalised_inverse(torus, dtype, values):
    transform = SerialTransform(torus, dtype)
    spectrum = np.fft.rfftn(values.astype(float))
    transform.spectrum[...] = spectrum
    transform.backward()
    expected = np.fft.irfftn(spectrum, s=torus.shape, axes=tuple(range(torus.dim))) * torus.size
    assert np.linalg.norm(transform.real - expected) <= 2 * round_off(torus, dtype) * np.linalg.norm(expected)


def test_a_round_trip_multiplies_by_the_number_of_cells(torus, dtype, values):
    transform = SerialTransform(torus, dtype)
    for _ in range(2):  # the buffers serve again
        transform.real[...] = values
        transform.forward()
        transform.backward()
        error = np.linalg.norm(transform.real / dtype(torus.size) - values)
        assert error <= 2 * round_off(torus, dtype) * np.linalg.norm(values)


def test_precision_of_the_buffers(torus):
    for real, spectral in ((np.float64, np.complex128), (np.float32, np.complex64)):
        transform = SerialTransform(torus, real)
        assert transform.real.dtype == real
        assert transform.spectrum.dtype == spectral
        assert transform.real.shape == torus.shape
        assert not transform.real.any()
    assert SerialTransform(torus).real.dtype == np.float64


def test_two_transforms_give_the_same_bits_and_share_nothing(torus, dtype, values):
    first, second = SerialTransform(torus, dtype), SerialTransform(torus, dtype)
    first.real[...] = second.real[...] = values
    first.forward()
    assert not second.spectrum.any()
    second.forward()
    assert (first.spectrum == second.spectrum).all()
    first.backward()
    assert (second.real == values).all()
    second.backward()
    assert (first.real == second.real).all()


def test_the_zero_mode_is_the_sum():
    grid = Grid((8, 9), (1.0, 2.0))
    transform = SerialTransform(grid)
    transform.real[...] = np.arange(72.0).reshape(8, 9)
    transform.forward()
    assert transform.spectrum[0, 0] == 71 * 72 / 2  # sums of small whole numbers do not round
