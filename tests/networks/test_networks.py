"""Weights, the measures they stand for, networks made from measures, and files of weights."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow import networks
from gridflow.compute.harmonics import PointTransform, SphereTransform
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.errors import InputError
from gridflow.networks.measures import (
    Weights,
    from_state_dict,
    load_weights,
    measure_from_network,
    network_from_measure,
    random_weights,
    save_weights,
    to_state_dict,
)
from gridflow.networks.weights import product

CIRCLE = gf.Circle(64)
SPHERE = SphereGrid((16, 32))


def on_circle(grid=CIRCLE):
    return 1 + 0.8 * np.cos(grid.centers(0))


def on_sphere(grid=SPHERE):
    x, y, z = np.moveaxis(grid.points, -1, 0)
    return 1 + 0.5 * x + 0.3 * y * z


def test_a_network_is_the_function_of_its_measure():
    weights = random_weights(300, 3, seed=2)
    x = np.random.default_rng(0).normal(size=(50, 3))
    plain = (np.maximum(x @ weights.inner.T, 0) * weights.outer).mean(axis=1)
    of_measure = np.maximum(x @ weights.directions.T, 0) @ weights.masses
    np.testing.assert_allclose(weights.outputs(x), plain, atol=1e-13)
    np.testing.assert_allclose(weights.outputs(x), of_measure, atol=1e-13)
    assert abs(weights.balance).max() < 1e-13


@pytest.mark.parametrize(("rows", "terms", "columns"), [(7, 300, 5), (200, 3, 1500), (65, 65, 65), (1, 64, 1)])
def test_products_in_tiles_are_products(rows, terms, columns):
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(rows, terms)), rng.normal(size=(terms, columns))
    np.testing.assert_allclose(product(left, right, np.empty((rows, columns))), left @ right, atol=1e-12)


def test_a_neuron_of_no_weight_has_no_mass_and_points_along_the_first_axis():
    weights = Weights([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]], [3.0, -1.0])
    assert weights.directions.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert weights.masses.tolist() == [0, -1]


@pytest.mark.parametrize("grid", [CIRCLE, SPHERE, WholeSphere(4)])
def test_deposits_keep_the_masses_of_both_signs(grid):
    weights = random_weights(1000, grid.dim + 1, seed=3, scale=1.3)
    positive, negative = measure_from_network(grid, weights)
    assert grid.integral(positive) == pytest.approx(weights.masses[weights.masses > 0].sum(), rel=1e-13)
    assert grid.integral(negative) == pytest.approx(-weights.masses[weights.masses < 0].sum(), rel=1e-13)
    assert positive.min() >= 0
    assert negative.min() >= 0


def test_a_neuron_next_to_a_pole_spreads_over_its_other_side():
    theta = SPHERE.colatitudes[0] / 2
    weights = Weights([[math.sin(theta), 0, math.cos(theta)]], [1.0])
    held = measure_from_network(SPHERE, weights)[0] * SPHERE.areas
    assert held[0, 0] == pytest.approx(0.75)
    assert held[0, 16] == pytest.approx(0.25)


def test_a_neuron_at_the_middle_of_a_cell_is_in_it():
    weights = Weights(SPHERE.points[5, 7][None], [2.0])
    held = measure_from_network(SPHERE, weights)[0] * SPHERE.areas
    assert held[5, 7] == pytest.approx(2.0)


@pytest.mark.parametrize("method", networks.METHODS)
@pytest.mark.parametrize("balance", [0.0, 3.0, -3.0])
def test_neurons_have_equal_masses_and_the_balance_asked_for(method, balance):
    weights = network_from_measure(SPHERE, on_sphere(), 500, balance=balance, method=method, seed=5)
    mass = SPHERE.integral(on_sphere())
    np.testing.assert_allclose(weights.masses, mass / 500, rtol=1e-13)
    np.testing.assert_allclose(weights.balance, balance, atol=1e-11)
    assert (
        network_from_measure(SPHERE, on_sphere(), 500, balance=balance, method=method, seed=5).inner == weights.inner
    ).all()


def test_both_signs_share_the_neurons_by_mass():
    weights = network_from_measure(CIRCLE, on_circle(), 90, negative=np.full(64, 0.5))
    assert (weights.outer < 0).sum() == 30
    assert weights.masses[weights.outer > 0].sum() == pytest.approx(2 * np.pi)
    assert weights.masses[weights.outer < 0].sum() == pytest.approx(-np.pi)
    np.testing.assert_allclose(weights.balance, 0, atol=1e-12)
    assert (network_from_measure(CIRCLE, np.zeros(64), 5, negative=on_circle()).outer < 0).all()


def test_quantiles_on_the_circle_are_those_of_the_cells():
    """Every cell holds what is its share of neurons, to one; a hole holds none."""
    density = np.where(abs(CIRCLE.centers(0) - np.pi) < 1, 0.0, on_circle())
    weights = network_from_measure(CIRCLE, density, 1000)
    found = np.histogram(networks.angles(weights.directions), CIRCLE.edges(0))[0]
    wanted = 1000 * density / density.sum()
    assert abs(found - wanted).max() <= 1
    assert (found[density == 0] == 0).all()


@pytest.mark.parametrize("method", ["quantile", "quasi-random"])
def test_low_discrepancy_on_the_sphere_beats_independent_draws(method):
    """Modes of 4096 neurons against those of a hundred times as many; independent ones are off by m^−1/2."""
    at = PointTransform(8, 1e-12, threads=1)

    def modes(count, method):
        weights = network_from_measure(SPHERE, on_sphere(), count, method=method, seed=1)
        at.place(weights.directions)
        return at.analyse(weights.masses).copy()

    exact = modes(400_000, "quantile")
    independent = at.power(modes(4096, "random") - exact).sum()
    assert at.power(modes(4096, method) - exact).sum() < independent / 200
    grid_modes = SphereTransform(SphereGrid((16, 32)), threads=1).analyse(on_sphere())
    assert exact[0] == pytest.approx(grid_modes[0], rel=1e-12)


def test_random_weights_are_balanced_or_of_unit_output():
    free = random_weights(400, 5, seed=1, balanced=False)
    assert set(np.unique(free.outer)) == {-1.0, 1.0}
    assert np.square(free.inner).mean() == pytest.approx(1, rel=0.1)
    even = random_weights(400, 5, seed=1, scale=0.3, normalised=True, signed=False)
    np.testing.assert_allclose(even.norms, 0.3)
    np.testing.assert_allclose(even.outer, 0.3)


def test_files_hold_all_bits(tmp_path):
    weights = random_weights(30, 4)
    save_weights(tmp_path / "a.npz", weights)
    found = load_weights(tmp_path / "a.npz")
    assert (found.inner == weights.inner).all()
    assert (found.outer == weights.outer).all()
    assert found.sha256 == weights.sha256
    save_weights(tmp_path / "b.npz", weights)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_files_that_are_none_are_told(tmp_path):
    save_weights(tmp_path / "a.npz", random_weights(30, 4))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("w = 3\n")
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 1
    (tmp_path / "bits.npz").write_bytes(flipped)
    np.savez(tmp_path / "other.npz", w=np.ones(3))
    np.savez(tmp_path / "shapes.npz", inner=np.ones((3, 2)), outer=np.ones(4))
    np.save(tmp_path / "one.npy", np.ones(3))
    for name, message in (
        ("cut.npz", "damaged"),
        ("text.npz", "damaged or not a NumPy"),
        ("bits.npz", "damaged"),
        ("other.npz", "holds w; a file of weights has inner and outer"),
        ("shapes.npz", r"outer weights have shape \(4,\); \(3,\) is needed"),
        ("one.npy", "holds one array"),
        ("none.npz", "there is no such file"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            load_weights(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_a_state_dict_of_any_names_is_read():
    rng = np.random.default_rng(3)
    w, a, offset = rng.normal(size=(20, 3)), rng.normal(size=(1, 20)), rng.normal(size=20)
    x = rng.normal(size=(15, 3))
    plain = from_state_dict({"fc1.weight": w, "fc2.weight": a, "fc2.bias": np.zeros(1)})
    np.testing.assert_allclose(plain.outputs(x), np.maximum(x @ w.T, 0) @ a[0], atol=1e-13)
    shifted = from_state_dict({"last": a, "first": w, "shift": offset})
    padded = np.concatenate([x, np.ones((15, 1))], axis=1)
    np.testing.assert_allclose(shifted.outputs(padded), np.maximum(x @ w.T + offset, 0) @ a[0], atol=1e-13)
    single = from_state_dict({"a.weight": w[:1], "a.bias": offset[:1], "b.weight": a[:, :1], "b.bias": np.zeros(1)})
    assert single.inner.tolist() == [[*w[0].tolist(), offset[0]]]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"a": (4, 3), "b": (4, 4), "c": (1, 4)}, r"the state_dict holds a \(4, 3\), b \(4, 4\), c \(1, 4\)"),
        ({"a": (4, 3), "b": (2, 4)}, "two layers are needed"),
        ({"a": (4, 3), "b": (1, 4), "b.bias": (1,)}, r"b\.bias = 1: the offset of the output must be 0"),
        ({"a": (4, 3), "b": (1, 4), "c": (4,), "d": (4,)}, "are supported"),
        ({}, "holds nothing"),
    ],
)
def test_other_networks_are_told(shapes, message):
    with pytest.raises(InputError, match=message) as caught:
        from_state_dict({name: np.ones(shape) for name, shape in shapes.items()})
    assert "\n" not in str(caught.value)


def test_torch_holds_the_same_function(tmp_path):
    torch = pytest.importorskip("torch")
    weights = random_weights(40, 5, seed=4)
    model = torch.nn.Sequential(
        torch.nn.Linear(5, 40, bias=False), torch.nn.ReLU(), torch.nn.Linear(40, 1, bias=False)
    ).double()
    model.load_state_dict(to_state_dict(weights))
    x = np.random.default_rng(0).normal(size=(9, 5))
    np.testing.assert_allclose(model(torch.from_numpy(x)).detach().numpy()[:, 0], weights.outputs(x), atol=1e-13)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    found = from_state_dict(tmp_path / "a.pt")
    np.testing.assert_allclose(found.inner, weights.inner, rtol=1e-14)
    np.testing.assert_allclose(found.outer, weights.outer, rtol=1e-14)
    (tmp_path / "cut.pt").write_bytes((tmp_path / "a.pt").read_bytes()[:200])
    with pytest.raises(InputError, match=r"cut\.pt is damaged"):
        from_state_dict(tmp_path / "cut.pt")


def test_without_torch_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "a.pt").write_bytes(b"")
    for call in (lambda: to_state_dict(random_weights(3, 2)), lambda: from_state_dict(tmp_path / "a.pt")):
        with pytest.raises(InputError, match="pip install torch"):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Weights(np.ones(3), np.ones(3)), r"shape \(3,\); \(m, inputs\) is needed"),
        (lambda: Weights(np.full((2, 2), np.nan), np.ones(2)), "that of neuron 0 is"),
        (lambda: measure_from_network(gf.Grid((8,)), random_weights(3, 2)), "is not one; use Circle"),
        (lambda: measure_from_network(SPHERE, random_weights(3, 2)), r"points of S\^1; the grid is SphereGrid"),
        (lambda: network_from_measure(WholeSphere(4), np.ones(1), 5), "random_weights"),
        (lambda: network_from_measure(CIRCLE, np.zeros(64), 5), "no mass"),
        (lambda: network_from_measure(CIRCLE, -on_circle(), 5), "is negative"),
        (lambda: network_from_measure(CIRCLE, on_circle(), 0), "count = 0"),
        (lambda: network_from_measure(CIRCLE, on_circle(), 5, method="sobol"), "allowed are quantile, quasi-random"),
        (lambda: network_from_measure(CIRCLE, on_circle(), 5, method="random", seed=-1), "seed = -1"),
        (lambda: network_from_measure(CIRCLE, on_circle(), 1, negative=on_circle()), "at least 2 neurons"),
        (lambda: random_weights(3, 1), "inputs = 1"),
        (lambda: random_weights(3, 2, scale=0), "scale = 0"),
        (lambda: random_weights(3, 2).outputs(np.ones((4, 3))), r"\(n, 2\) is needed"),
        (lambda: from_state_dict("a.npz"), "load_weights reads"),
        (lambda: from_state_dict(3), "a state_dict maps names to tensors"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
