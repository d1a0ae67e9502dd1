"""Kernels of shallow networks: their symbols against closed forms, quadrature and sampled inputs."""

import json
import math

import numpy as np
import pytest
from scipy.special import eval_legendre

import gridflow as gf
from gridflow.domains.sphere import SphereGrid, WholeSphere, area_of_sphere
from gridflow.equation.kernels import Activation, Kernel, ReLU

CIRCLE = gf.Circle(2**16)
ANGLES = np.linspace(0, np.pi, 9)


@pytest.mark.parametrize("power", [1, 2])
def test_the_sum_over_modes_on_the_circle_is_the_closed_form(power):
    symbol = ReLU(power).multiplier(CIRCLE) / (2 * np.pi)
    modes = np.arange(1, symbol.size)
    found = symbol[0] + 2 * np.cos(np.multiply.outer(ANGLES, modes)) @ symbol[1:]
    assert abs(found - ReLU(power).between(np.cos(ANGLES), 1)).max() < 1e-12


@pytest.mark.parametrize("power", [1, 2])
def test_the_sum_over_degrees_on_the_sphere_is_the_closed_form(power):
    degrees = np.arange(8000)  # the tail beyond is below ℓ⁻³ / 8π
    symbol = ReLU(power).multiplier(SphereGrid((degrees.size, 4)))
    found = [float((symbol * (2 * degrees + 1) / (4 * np.pi)) @ eval_legendre(degrees, c)) for c in np.cos(ANGLES)]
    assert abs(found - ReLU(power).between(np.cos(ANGLES), 2)).max() < 1e-12


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("dim", [1, 2, 3, 6])
def test_the_symbol_is_the_transform_of_the_closed_form(power, dim):
    kernel = ReLU(power)
    transformed = Activation(lambda cosine: kernel.between(cosine, dim)).eigenvalues(dim, 60)
    symbol = kernel.eigenvalues(dim, 60) ** 2 / area_of_sphere(dim)
    assert abs(transformed - symbol).max() < 1e-12


@pytest.mark.parametrize("power", [0, 1, 2, 3])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_closed_numbers_of_an_activation_are_those_of_quadrature(power, dim):
    kernel = ReLU(power)
    found = Activation(kernel.activation).eigenvalues(dim, 80)
    assert abs(found - kernel.eigenvalues(dim, 80)).max() < 1e-13


def test_the_numbers_of_the_plane_are_those_of_its_fourier_series():
    numbers = ReLU().eigenvalues(1, 9) / (2 * np.pi)
    even = [(-1) ** (n + 1) / (np.pi * (4 * n**2 - 1)) for n in range(5)]
    assert numbers[::2] == pytest.approx(even, rel=1e-14)
    assert numbers[1] == pytest.approx(1 / 4, rel=1e-14)
    assert (numbers[3::2] == 0).all()


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("dim", [1, 2])
def test_the_symbol_falls_with_twice_the_order(power, dim):
    grid = CIRCLE if dim == 1 else SphereGrid((3000, 4))
    symbol = ReLU(power).multiplier(grid)[:3000]
    seen = np.flatnonzero(symbol)
    seen = seen[seen > 200]
    slope = np.polyfit(np.log(seen + (dim - 1) / 2), np.log(symbol[seen]), 1)[0]
    assert -slope == pytest.approx(2 * ReLU(power).order(dim), rel=0.01)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("dim", [1, 2, 4])
def test_slopes_are_derivatives(power, dim):
    kernel, cosines, step = ReLU(power), np.linspace(-0.9, 0.9, 7), 1e-6
    difference = (kernel.between(cosines + step, dim) - kernel.between(cosines - step, dim)) / (2 * step)
    assert kernel.slope(cosines, dim) == pytest.approx(difference, abs=1e-9)


@pytest.mark.parametrize("inputs", ["uniform", "gaussian"])
@pytest.mark.parametrize("power", [0, 1, 2])
def test_the_kernel_is_the_mean_over_inputs(power, inputs):
    rng = np.random.default_rng(5)
    kernel, one, other = ReLU(power, inputs), np.array([1.0, 0, 0]), np.array([0.6, 0.8, 0])
    x = rng.normal(size=(400_000, 3))
    if inputs == "uniform":
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    products = kernel.activation(x @ one) * kernel.activation(x @ other)
    assert kernel.between(0.6, 2) == pytest.approx(products.mean(), abs=5 * products.std() / math.sqrt(products.size))


def test_a_polynomial_activation_sees_no_degree_beyond_its_own():
    found = Activation(lambda t: t**2).eigenvalues(2, 12)
    assert found[:3] == pytest.approx([4 * np.pi / 3, 0, 8 * np.pi / 15], abs=1e-13)
    assert abs(found[3:]).max() < 1e-13


def test_an_activation_may_be_given_by_its_numbers():
    kernel = Activation(lambda degrees: 1.0 / (1 + degrees), given_numbers=True)
    assert kernel.multiplier(SphereGrid((6, 8))) == pytest.approx(1 / (1 + np.arange(6.0)) ** 2 / (4 * np.pi))


def test_the_loss_is_half_the_mean_square_of_the_difference():
    grid = gf.Circle(256)
    difference = gf.gaussian(grid, [2.0], 0.3, mass=1.5) - gf.uniform(grid, mass=2.0)
    flow = gf.Flow(grid, ReLU(), gf.uniform(grid, mass=2.0), growth=2.0)
    directions = np.stack([np.cos(grid.centers(0)), np.sin(grid.centers(0))])
    output = np.maximum(directions.T @ directions, 0) @ difference * grid.cell_volume
    assert flow.energy(difference + flow.target) == pytest.approx(0.5 * (output**2).mean(), rel=1e-3)


def test_what_a_network_kernel_lives_on():
    for grid in (gf.Grid((16,)), gf.Grid((16,), (2 * np.pi,)), gf.Grid((16, 16), (2 * np.pi, 2 * np.pi))):
        with pytest.raises(gf.InputError, match=r"lives on spheres, S¹ is Circle and S² is SphereGrid"):
            ReLU().multiplier(grid)
    assert ReLU().multiplier(WholeSphere(4)).shape == (1,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReLU(-1), "ReLU power = -1: a whole number from 0 to 8 is needed"),
        (lambda: ReLU(1.0), "ReLU power = 1.0: a whole number"),
        (lambda: ReLU(inputs="cube"), 'ReLU inputs "cube": allowed are "uniform" and "gaussian"'),
        (lambda: ReLU(3).between(0.5, 2), "has no closed form here"),
        (lambda: ReLU(0).slope(0.5, 2), "has no closed form here"),
        (lambda: Activation(lambda t: t / 0.0 * 0).eigenvalues(2, 4), "number of degree 0 is nan"),
    ],
)
def test_what_is_not_allowed(make, message):
    with np.errstate(all="ignore"), pytest.raises(gf.InputError, match=message):
        make()


@pytest.mark.parametrize("kernel", [ReLU(), ReLU(2, "gaussian")], ids=["relu", "squared"])
def test_a_kernel_is_made_again_from_its_record(kernel):
    assert Kernel.from_record(json.loads(json.dumps(kernel.record()))) == kernel
