"""Potential, energy and face velocities as the solver works them out, against the flow's own and numpy's FFT."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import team
from solvers.finite_volume.velocity import velocity_field

KERNELS = {
    "coulomb": gf.Riesz(1, "mimetic"),
    "spectral": gf.Riesz(1.7),
    "rough": gf.Riesz(0.4),
    "matern": gf.Matern(1.5, 0.3),
    "skew": gf.Symbol(lambda *xi: 1 / (1 + sum((a + 1) * x**2 for a, x in enumerate(xi)) + xi[0] * xi[-1] / 2)),
}


COMBINATIONS = (
    ("coulomb", "float64", "uniform"),
    ("coulomb", "float32", "rough"),
    ("spectral", "float64", "rough"),
    ("rough", "float32", "uniform"),
    ("matern", "float64", "rough"),
    ("skew", "float64", "uniform"),
    ("skew", "float32", "rough"),
)
"""Kernel, precision and target, each with each of the others: a symbol is a table of numbers, whatever it stands for,
and that of ``skew`` alone knows the signs of wave vectors."""


@pytest.fixture(params=COMBINATIONS, ids="-".join)
def combination(request):
    return request.param


@pytest.fixture
def dtype(combination):
    return np.dtype(combination[1])


@pytest.fixture
def case(combination, torus, dtype):
    """A flow to a target of a kind, and a random density of unit mass in the precision."""
    kernel, kind = KERNELS[combination[0]], combination[2]
    target, density = (gf.normalize(torus, np.random.default_rng(seed).random(torus.shape)) for seed in (1, 2))
    if kind == "uniform":
        target = gf.uniform(torus)
    return gf.Flow(torus, kernel, target, growth=2.0), density.astype(dtype)


def round_off(flow, density):
    """Bound on |V| as computed: a pair of transforms is right to a few log2(N) ε of the 2-norm of what it transforms.

    Transforming μ and ν rather than their difference, and rounding them to the precision, moves f by ε of them
    (Higham, 2002, theorem 24.2).
    """
    size = flow.symbol.max() * (np.linalg.norm(density) + np.linalg.norm(flow.target))
    return 16 * math.log2(flow.grid.size) * float(np.finfo(density.dtype).eps) * size


def made(name, flow, dtype, threads=1):
    return velocity_field(name, flow, dtype, SerialTransform(flow.grid, dtype, threads), team(threads))


def aligned(density):
    """A density where the transforms can read it."""
    field = SerialTransform(gf.Grid(density.shape), density.dtype).field()
    field[...] = density
    return field


@pytest.mark.parametrize(("name", "threads"), [("difference", 1), ("difference", 2), ("spectral", 2)])
def test_potential_and_energy_are_those_of_the_flow(case, dtype, name, threads):
    flow, density = case
    exact, allowed = density.astype(float), round_off(flow, density)
    own = aligned(density)
    field = made(name, flow, dtype, threads)
    for _ in range(2):
        energy = field.evaluate(own, measure=True)
        # E = ½ ⟨f, V⟩ h^d, so an error of V times the size of f
        size = (abs(exact).sum() + flow.target.sum()) * flow.grid.cell_volume
        assert energy == pytest.approx(flow.energy(exact), rel=0, abs=allowed * size)
        planes = field.potential(1)
        rows = math.prod(flow.grid.shape[1:-1])
        under_growth = planes.inner[:, :rows, : flow.grid.shape[-1]].reshape(flow.grid.shape)
        assert under_growth == pytest.approx(flow.potential(exact), rel=0, abs=allowed)
        assert math.isnan(field.evaluate(own, measure=False))
    v = field.potential_of(own)
    assert v.dtype == dtype
    assert v == pytest.approx(flow.potential(exact), rel=0, abs=allowed)
    assert (own == density).all()


def test_differences_are_those_of_the_flow(case, dtype):
    flow, density = case
    own = aligned(density)
    field = made("difference", flow, dtype)
    field.evaluate(own, measure=False)
    for axis, u in enumerate(flow.face_velocity(density.astype(float))):
        allowed = 4 * round_off(flow, density) / flow.grid.spacing[axis]
        assert field.face(axis) == pytest.approx(u, rel=0, abs=allowed)


def test_spectral_velocities_diverge_by_the_laplacian_of_the_potential(case, dtype):
    """The sum over a cell's faces of u/h has the symbol |ξ|² K̂, for the Nyquist modes too."""
    flow, density = case
    grid = flow.grid
    own = aligned(density)
    field = made("spectral", flow, dtype)
    field.evaluate(own, measure=False)
    divergence = sum(
        (field.face(axis).astype(float) - np.roll(field.face(axis).astype(float), 1, axis)) / h
        for axis, h in enumerate(grid.spacing)
    )
    symbol = sum(xi**2 for xi in grid.wavevector())
    modes = np.fft.rfftn(flow.potential(density.astype(float))) * symbol
    expected = np.fft.irfftn(modes, s=grid.shape, axes=tuple(range(grid.dim)))
    # modes of u are up to |ξ| times those of V (1/sinc ≤ π/2), and a divergence has up to 2/h of it
    largest = sum(2 / h * math.pi / h * math.pi / 2 for h in grid.spacing)
    assert divergence == pytest.approx(expected, rel=0, abs=round_off(flow, density) * largest)
