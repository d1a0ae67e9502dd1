"""Geometry, modes and checks of the grid."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from gridflow.domains.torus import FEWEST_CELLS, Grid
from gridflow.errors import InputError

EPS = np.finfo(float).eps


def test_cells_tile_the_torus(torus):
    assert torus.dim == len(torus.shape) == len(torus.lengths)
    assert torus.size == np.prod(torus.shape)
    # each of the 2 d products and quotients rounds once
    assert torus.cell_volume * torus.size == pytest.approx(torus.volume, rel=4 * torus.dim * EPS)
    assert torus.volume == pytest.approx(np.prod(torus.lengths), rel=4 * EPS)
    for axis, (n, length) in enumerate(zip(torus.shape, torus.lengths, strict=True)):
        edges, centers = torus.edges(axis), torus.centers(axis)
        # positions up to L from a quotient and a product: two roundings of at most L each
        assert edges == pytest.approx(np.linspace(0, length, n + 1), rel=0, abs=4 * EPS * length)
        assert centers == pytest.approx((edges[1:] + edges[:-1]) / 2, rel=0, abs=4 * EPS * length)
        assert torus.spacing[axis] == length / n


def test_the_mesh_is_ij_ordered(torus):
    mesh = torus.mesh()
    assert len(mesh) == torus.dim
    assert np.broadcast_shapes(*(x.shape for x in mesh)) == torus.shape
    reference = np.meshgrid(*(torus.centers(axis) for axis in range(torus.dim)), indexing="ij")
    for ours, theirs in zip(mesh, reference, strict=True):
        assert (np.broadcast_to(ours, torus.shape) == theirs).all()


def test_along_broadcasts_along_one_axis(torus):
    for axis, n in enumerate(torus.shape):
        column = torus.along(axis, np.arange(n))
        assert column.shape == tuple(n if a == axis else 1 for a in range(torus.dim))
        assert (column.ravel() == np.arange(n)).all()


def test_wavevector_is_that_of_the_real_fft(torus):
    last = torus.dim - 1
    for axis, xi in enumerate(torus.wavevector()):
        n, h = torus.shape[axis], torus.spacing[axis]
        frequencies = np.fft.rfftfreq(n, h) if axis == last else np.fft.fftfreq(n, h)
        # 2π k / L against 2π · (k / (n h)): at most four roundings
        assert xi.ravel() == pytest.approx(2 * np.pi * frequencies, rel=4 * EPS)
        assert xi.shape == tuple(len(frequencies) if a == axis else 1 for a in range(torus.dim))
        expected = np.fft.rfftfreq(n, 1 / n) if axis == last else np.fft.fftfreq(n, 1 / n)
        assert torus.mode_numbers[axis] == pytest.approx(expected, rel=4 * EPS)
    assert np.broadcast_shapes(*(xi.shape for xi in torus.wavevector())) == torus.spectral_shape
    assert np.fft.rfftn(np.zeros(torus.shape)).shape == torus.spectral_shape


def test_a_plane_wave_sits_in_its_own_mode(torus):
    """cos(ξ·x + φ), sampled at cell centres, has no other Fourier coefficient than that of ξ and −ξ."""
    index = (torus.shape[0] - 1, 2, 1)[: torus.dim] if torus.dim > 1 else (2,)  # the first one stands for k_0 = −1
    xi = [component.ravel()[i] for component, i in zip(torus.wavevector(), index, strict=True)]
    phase = sum(k * x for k, x in zip(xi, torus.mesh(), strict=True)) + 0.4
    spectrum = abs(np.fft.rfftn(np.cos(phase))) / torus.size
    assert spectrum[index] == pytest.approx(0.5, rel=1e-13)
    spectrum[index] = 0
    # phases up to 2π n round by ε times as much, the transform adds log2(N) ε
    assert spectrum.max() <= (2 * np.pi * max(torus.shape) + 4 * math.log2(torus.size)) * EPS


def test_multiplicity_counts_the_full_spectrum(torus):
    multiplicity = np.broadcast_to(torus.mode_multiplicity(), torus.spectral_shape)
    assert multiplicity.sum() == torus.size
    values = np.random.default_rng(0).standard_normal(torus.shape)
    parseval = (multiplicity * abs(np.fft.rfftn(values)) ** 2).sum() / torus.size
    # an FFT is right to a few log2(N) ε in the 2-norm, its square to twice that
    assert parseval == pytest.approx((values**2).sum(), rel=8 * math.log2(torus.size) * EPS)


def test_defaults_and_single_numbers():
    assert Grid(8) == Grid((8,)) == Grid((8,), (1.0,)) == Grid(8, 1)
    assert Grid((8, 9)).lengths == (1.0, 1.0)
    assert Grid([8, 9], [1, 2]).lengths == (1.0, 2.0)
    numpy_sizes = Grid(tuple(np.array([8, 9])), tuple(np.array([1, 2])))
    assert numpy_sizes == Grid((8, 9), (1.0, 2.0))
    assert [type(n) for n in numpy_sizes.shape] == [int, int]
    assert [type(length) for length in numpy_sizes.lengths] == [float, float]


def test_a_grid_is_a_value():
    grid = Grid((8, 9))
    assert hash(grid) == hash(Grid((8, 9)))
    assert grid != Grid((9, 8))
    with pytest.raises(FrozenInstanceError):
        grid.shape = (4, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((),), ("0 axes", "1, 2 or 3")),
        (((8, 8, 8, 8),), ("(8, 8, 8, 8)", "4 axes", "1, 2 or 3")),
        (((8, 3),), ("(8, 3)", f"at least {FEWEST_CELLS}")),
        (((8.0,),), ("(8.0,)", "whole number")),
        ((-8,), ("-8", f"at least {FEWEST_CELLS}")),
        (((8, 8), (1.0,)), ("(1.0,)", "(8, 8)", "2 axes")),
        (((8,), (0.0,)), ("(0.0,)", "positive")),
        (((8,), (-1.0,)), ("(-1.0,)", "positive")),
        (((8,), (math.inf,)), ("(inf,)", "finite")),
        (((8, 8), (1.0, math.nan)), ("nan", "finite")),
    ],
)
def test_errors_name_the_value_and_what_is_allowed(arguments, words):
    with pytest.raises(InputError) as error:
        Grid(*arguments)
    assert all(word in str(error.value) for word in words)


def test_the_fewest_cells_are_allowed():
    assert Grid((FEWEST_CELLS,) * 3).size == FEWEST_CELLS**3


def test_checks_of_values(torus):
    values = np.ones(torus.shape)
    assert torus.check(values, "it") is values
    with pytest.raises(InputError, match="it has shape") as error:
        torus.check(np.ones(torus.size + 1), "it")
    assert str(torus.shape) in str(error.value)
    assert str((torus.size + 1,)) in str(error.value)
    for type_ in ("complex128", "<U3"):
        with pytest.raises(InputError, match=f"it has numbers of type {type_}; real numbers are needed"):
            torus.check(np.ones(torus.shape).astype(type_), "it")
    cell = tuple(n - 2 for n in torus.shape)
    for bad, word in ((np.nan, "nan"), (-np.inf, "-inf")):
        values[cell] = bad
        with pytest.raises(InputError, match=f"the field is not finite: {word} in cell") as error:
            torus.check(values, "the field")
        assert str(list(cell)) in str(error.value)


def test_checks_of_densities(torus):
    assert torus.check_density(np.ones(torus.shape, dtype=np.float32), "it").dtype == np.float64
    assert torus.check_density(np.zeros(torus.shape, dtype=int), "it").dtype == np.float64
    values = np.ones(torus.shape)
    cell = tuple(n - 1 for n in torus.shape)
    values[cell] = -0.25
    with pytest.raises(InputError, match=r"it is negative: -0\.25 in cell") as error:
        torus.check_density(values, "it")
    assert str(list(cell)) in str(error.value)
