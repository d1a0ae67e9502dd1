"""The FFT pair and its buffers against numpy.fft."""

import math

import numpy as np
import pytest

from gridflow.compute.fft import SerialTransform, as_planes
from gridflow.domains.torus import Grid

SHAPES = ((8, 9), (4, 4), (17, 1000), (5, 4, 6), (31, 16, 24), (64, 64))
"""Also tiny ones, and one for which FFTW's plans depend on the number of threads."""


def round_off(grid, dtype):
    """Relative error in the 2-norm of a fast transform: a few log2(N) ε (Higham, 2002, theorem 24.2)."""
    return 4 * math.log2(grid.size) * float(np.finfo(dtype).eps)


def noise(shape, dtype):
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def loaded(transform, values):
    """A field of the transform's own that holds some values."""
    field = transform.field()
    field[...] = values
    return field


@pytest.fixture(params=[np.float64, np.float32])
def dtype(request):
    return request.param


@pytest.fixture
def transform(torus, dtype):
    return SerialTransform(torus, dtype)


@pytest.fixture
def values(torus, dtype):
    return noise(torus.shape, dtype)


def test_forward_is_the_unnormalised_real_fft_and_leaves_the_field_alone(torus, dtype, transform, values):
    field, spectrum = loaded(transform, values), transform.spectrum()
    transform.forward(field, spectrum)
    expected = np.fft.rfftn(values.astype(float))
    assert spectrum.modes.shape == torus.spectral_shape
    # the bound is on the 2-norm of the whole spectrum, √N ‖f‖; half of it is stored
    error = np.linalg.norm(spectrum.modes - expected)
    assert error <= round_off(torus, dtype) * math.sqrt(torus.size) * np.linalg.norm(values)
    assert field.tobytes() == values.tobytes()


def test_backward_is_the_unnormalised_inverse(torus, dtype, transform, values):
    modes = np.fft.rfftn(values.astype(float))
    spectrum = transform.spectrum()
    spectrum.modes[...] = modes
    transform.backward(spectrum)
    expected = np.fft.irfftn(modes, s=torus.shape, axes=tuple(range(torus.dim))) * torus.size
    assert spectrum.values.shape == torus.shape
    assert np.linalg.norm(spectrum.values - expected) <= 2 * round_off(torus, dtype) * np.linalg.norm(expected)


def test_a_round_trip_multiplies_by_the_number_of_cells(torus, dtype, transform, values):
    field, spectrum = loaded(transform, values), transform.spectrum()
    for _ in range(2):  # the buffers serve again
        transform.forward(field, spectrum)
        transform.backward(spectrum)
        error = np.linalg.norm(spectrum.values / dtype(torus.size) - values)
        assert error <= 2 * round_off(torus, dtype) * np.linalg.norm(values)


def test_fields_and_spectra_are_new_zero_and_of_the_precision(torus, dtype, transform):
    for array in (transform.field(), transform.spectrum().values):
        assert array.dtype == dtype
        assert array.shape == torus.shape
        assert not array.any()
    assert transform.field().flags.c_contiguous
    assert transform.spectrum().modes.dtype == np.result_type(dtype, np.complex64)
    assert SerialTransform(torus).field().dtype == np.float64


def test_two_spectra_of_a_transform_share_nothing(transform, values):
    field, first, second = loaded(transform, values), transform.spectrum(), transform.spectrum()
    transform.forward(field, first)
    assert not second.lines.any()
    transform.forward(field, second)
    assert first.lines.tobytes() == second.lines.tobytes()
    transform.backward(first)
    transform.backward(second)
    assert first.lines.tobytes() == second.lines.tobytes()
    other = transform.field()
    assert not other.any()
    assert not np.shares_memory(other, field)


def test_two_transforms_give_the_same_bits(torus, dtype, values):
    kept = []
    for _ in range(2):
        transform = SerialTransform(torus, dtype)
        spectrum = transform.spectrum()
        transform.forward(loaded(transform, values), spectrum)
        modes = spectrum.modes.tobytes()
        transform.backward(spectrum)
        kept.append((modes, spectrum.values.tobytes()))
    assert kept[0] == kept[1]


def test_the_lines_of_a_spectrum_are_its_modes_and_its_values(torus, dtype, transform, values):
    """One memory seen in three ways: contiguous, rows of whole cache lines, an odd number of them."""
    spectrum = transform.spectrum()
    planes, rows, cells = as_planes(torus.shape)
    lines = spectrum.lines
    assert lines.flags.c_contiguous
    assert (lines.shape[0], lines.dtype) == (planes, dtype)
    assert lines.shape[1] >= rows
    assert lines.shape[2] >= 2 * torus.spectral_shape[-1]
    row = lines.shape[2] * lines.itemsize
    assert row % 64 == 0
    assert row // 64 % 2 == 1
    transform.forward(loaded(transform, values), spectrum)
    pairs = lines[:, :rows, : 2 * torus.spectral_shape[-1]].reshape(*torus.shape[:-1], -1, 2)
    assert (pairs[..., 0] == spectrum.modes.real).all()
    assert (pairs[..., 1] == spectrum.modes.imag).all()
    transform.backward(spectrum)
    assert (lines[:, :rows, :cells].reshape(torus.shape) == spectrum.values).all()


def test_the_padding_changes_nothing(transform, values):
    """Whatever stands beside the modes, as after a transform in place, the result is the same."""
    spectrum, soiled = transform.spectrum(), transform.spectrum()
    soiled.lines.fill(np.nan)
    for each in (spectrum, soiled):
        transform.forward(loaded(transform, values), each)
    assert soiled.modes.tobytes() == spectrum.modes.tobytes()
    for each in (spectrum, soiled):
        transform.backward(each)
    assert soiled.values.tobytes() == spectrum.values.tobytes()


def test_the_zero_mode_is_the_sum():
    transform = SerialTransform(Grid((8, 9), (1.0, 2.0)))
    spectrum = transform.spectrum()
    transform.forward(loaded(transform, np.arange(72.0).reshape(8, 9)), spectrum)
    assert spectrum.modes[0, 0] == 71 * 72 / 2  # sums of small whole numbers do not round


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_threads_change_no_bit(shape, dtype, threads):
    values, kept = noise(shape, dtype), []
    for number in (1, threads):
        transform = SerialTransform(Grid(shape), dtype, number)
        assert transform.threads in (1, number)
        spectrum = transform.spectrum()
        transform.forward(loaded(transform, values), spectrum)
        modes = spectrum.modes.tobytes()
        transform.backward(spectrum)
        kept.append((modes, spectrum.values.tobytes()))
    assert kept[0] == kept[1]


def test_one_dimension_keeps_to_one_thread():
    assert SerialTransform(Grid(4096), threads=2).threads == 1


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("planes", [1, 4, 5, 12])
def test_the_halo_wraps_around_the_torus(planes, depth):
    """Plane −1 is the last and plane n the first, also where there are fewer planes than the depth."""
    transform = SerialTransform(Grid(8))
    lines = np.arange(planes * 6.0).reshape(planes, 2, 3)
    below, above = transform.halo(lines, depth)
    assert below.shape == above.shape == (depth, 2, 3)
    for k in range(depth):
        assert (below[depth - 1 - k] == lines[(-1 - k) % planes]).all()
        assert (above[k] == lines[k % planes]).all()
    if planes >= depth:  # no copy, so that a halo costs nothing and follows the array
        assert np.shares_memory(below, lines)
        assert np.shares_memory(above, lines)
