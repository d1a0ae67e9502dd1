"""The losses of networks, their gradients, and the labels of samples, each worked out in a second way."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.equation.contract import INNER, OUTER
from gridflow.equation.flow import SphereFlow, WholeSphereFlow
from gridflow.equation.kernels import ReLU
from gridflow.errors import InputError, RunError
from gridflow.networks.measures import Weights, measure_from_network, network_from_measure, random_weights
from gridflow.runtime.schema import Snapshot
from gridflow.viz.neurons import smoothed
from solvers.points.losses import EmpiricalLoss, Samples, labels_of
from solvers.points.network import Network
from solvers.points.population import PopulationLoss, potential_of

CIRCLE = gf.Circle(512)
SPHERE = SphereGrid((64, 128))


def flow_of(grid, teacher, kernel=None):
    positive, negative = measure_from_network(grid, teacher)
    make = {1: gf.Flow, 2: SphereFlow}[grid.dim] if not isinstance(grid, WholeSphere) else WholeSphereFlow
    return make(grid, kernel or ReLU(), positive - negative, growth=2.0)


def population(flow, method, teacher, count):
    return PopulationLoss(potential_of(flow, method, teacher, count, 1e-11, 1), count)


def speeds_of(loss, weights, step=0):
    found = np.empty_like(weights.inner), np.empty_like(weights.outer)
    value = loss.descend(weights.inner, weights.outer, step, found)
    return value, *found


def by_differences(value, weights, neurons, h=1e-5):
    """−m ∂L of chosen neurons by central differences of a loss."""
    inner, outer = weights.inner.copy(), weights.outer.copy()
    w, a = np.zeros((len(neurons), inner.shape[1])), np.zeros(len(neurons))
    for row, j in enumerate(neurons):
        for array, found, at in [(inner, w[row], (j, i)) for i in range(inner.shape[1])] + [
            (outer, a[row : row + 1], j)
        ]:
            before = array[at]
            array[at] = before + h
            above = value(inner, outer)
            array[at] = before - h
            below = value(inner, outer)
            array[at] = before
            found[at[1] if isinstance(at, tuple) else 0] = -weights.count * (above - below) / (2 * h)
    return w, a


@pytest.mark.parametrize("inputs", ["uniform", "gaussian"])
@pytest.mark.parametrize(("grid", "error"), [(CIRCLE, 2e-7), (SPHERE, 3e-6)], ids=["circle", "sphere"])
def test_harmonics_and_pairs_agree(grid, error, inputs):
    """Up to the modes that the grid does not keep: V falls like ℓ^−(d+3), its gradient one power slower."""
    teacher = random_weights(7, grid.dim + 1, seed=5)
    flow = flow_of(grid, teacher, ReLU(inputs=inputs))
    weights = random_weights(400, grid.dim + 1, seed=1)
    scale = flow.kernel.scale(grid.dim)
    pairs, harmonic = (population(flow, method, teacher, 400) for method in ("pairs", "harmonic"))
    losses = [loss.evaluate(weights.inner, weights.outer) for loss in (pairs, harmonic)]
    assert losses[0] == pytest.approx(losses[1], abs=error * scale)
    np.testing.assert_allclose(harmonic.potential.values, pairs.potential.values, atol=error * scale)
    np.testing.assert_allclose(harmonic.potential.gradient, pairs.potential.gradient, atol=100 * error * scale)
    radial = np.einsum("ij,ij->i", harmonic.potential.gradient, weights.directions)
    assert abs(radial).max() < 1e-12


@pytest.mark.parametrize(
    ("grid", "method"),
    [(CIRCLE, "harmonic"), (CIRCLE, "pairs"), (SphereGrid((12, 24)), "harmonic"), (WholeSphere(5), "pairs")],
)
def test_speeds_are_the_gradient_of_the_loss(grid, method):
    teacher = random_weights(6, grid.dim + 1, seed=5)
    flow = flow_of(grid, teacher)
    weights = random_weights(40, grid.dim + 1, seed=2, balanced=False)
    loss = population(flow, method, teacher, 40)
    _, w, a = speeds_of(loss, weights)
    expected = by_differences(loss.evaluate, weights, [0, 17, 39])
    np.testing.assert_allclose(w[[0, 17, 39]], expected[0], atol=1e-7)
    np.testing.assert_allclose(a[[0, 17, 39]], expected[1], atol=1e-7)


@pytest.mark.parametrize("inputs", ["uniform", "gaussian"])
def test_the_loss_is_the_mean_over_inputs(inputs):
    """Against half the mean square on a million inputs, within four standard deviations."""
    teacher, weights = random_weights(5, 3, seed=5), random_weights(30, 3, seed=6)
    flow = flow_of(WholeSphere(2), teacher, ReLU(inputs=inputs))
    found = population(flow, "pairs", teacher, 30).evaluate(weights.inner, weights.outer)
    x, y = Samples(teacher.outputs, 3, inputs, 10**6, None, 0.0, 1).kept
    halves = (weights.outputs(x) - y) ** 2 / 2
    assert found == pytest.approx(halves.mean(), abs=4 * halves.std() / 1000)


def test_a_network_that_is_the_teacher_has_no_loss():
    teacher = random_weights(50, 4, seed=5)
    loss = population(flow_of(WholeSphere(3), teacher), "pairs", teacher, 50)
    value, w, a = speeds_of(loss, teacher)
    assert value < 1e-15
    assert abs(w).max() < 1e-14
    assert abs(a).max() < 1e-14


def test_a_neuron_of_no_weight_stays_where_it_is():
    teacher = random_weights(5, 2, seed=5)
    weights = Weights([[0.0, 0.0], [1.0, 2.0]], [3.0, 1.0])
    flow = flow_of(CIRCLE, teacher)
    empirical = EmpiricalLoss(Samples(teacher.outputs, 2, "uniform", 30, None, 0.0, 0), 2, 2)
    for loss in (population(flow, "harmonic", teacher, 2), population(flow, "pairs", teacher, 2), empirical):
        _, w, a = speeds_of(loss, weights)
        assert (w[0] == 0).all()
        assert a[0] == 0


@pytest.mark.parametrize("grid", [gf.Circle(64), SphereGrid((24, 48))], ids=["circle", "sphere"])
def test_labels_of_a_density_are_its_integrals(grid):
    """f* by harmonics against the sum over the cells, for a density that both resolve."""
    points = grid.points if grid.dim == 2 else np.stack([np.cos(grid.centers(0)), np.sin(grid.centers(0))], axis=-1)
    density = 1 + 0.5 * points[..., 0] + points[..., 0] * points[..., 1] ** 3
    flow = (gf.Flow if grid.dim == 1 else SphereFlow)(grid, ReLU(), density, growth=2.0)
    labels = labels_of(flow, None, 1e-12, 1)
    x = np.random.default_rng(0).normal(size=(20, grid.dim + 1))
    fine = gf.Circle(2**16) if grid.dim == 1 else SphereGrid((400, 800))
    if grid.dim == 1:
        nodes = np.stack([np.cos(fine.centers(0)), np.sin(fine.centers(0))], axis=-1)
        areas = np.full(fine.size, fine.cell_volume)
        # what has averages f̂_k over cells of width h has values f̂_k / sinc: the degrees 1, 2 and 4 of the density
        first = np.sinc(1 / 64)
        two, four = 0.25 * np.sin(2 * fine.centers(0)), -0.125 * np.sin(4 * fine.centers(0))
        values = 1 + 0.5 * nodes[:, 0] / first + two / np.sinc(2 / 64) + four / np.sinc(4 / 64)
    else:
        nodes = fine.points.reshape(-1, 3)
        areas = np.broadcast_to(fine.areas, fine.shape).ravel()
        values = 1 + 0.5 * nodes[:, 0] + nodes[:, 0] * nodes[:, 1] ** 3
    expected = np.maximum(x @ nodes.T, 0) @ (values * areas)
    np.testing.assert_allclose(labels(x), expected, atol=1e-8 if grid.dim == 1 else 2e-4)
    if grid.dim == 1:
        assert density[3] == pytest.approx(
            1 + 0.5 * points[3, 0] + 0.25 * math.sin(2 * grid.centers(0)[3]) - 0.125 * math.sin(4 * grid.centers(0)[3])
        )


@pytest.mark.parametrize("inputs", ["uniform", "gaussian"])
def test_a_density_labels_as_the_network_that_stands_for_it(inputs):
    density = 1 + 0.8 * np.cos(CIRCLE.centers(0))
    flow = gf.Flow(CIRCLE, ReLU(inputs=inputs), density, growth=2.0)
    stands = network_from_measure(CIRCLE, density, 20000)
    x, y = Samples(labels_of(flow, None, 1e-10, 1), 2, inputs, 500, None, 0.0, 3).kept
    np.testing.assert_allclose(stands.outputs(x), y, atol=2e-4)
    size = np.linalg.norm(x, axis=1)
    assert (abs(size - 1) < 1e-12).all() == (inputs == "uniform")


def test_the_gradient_on_samples_is_that_of_the_loss():
    """With more samples than a chunk and more inputs than a block of terms."""
    teacher = random_weights(6, 150, seed=5)
    samples = Samples(teacher.outputs, 150, "gaussian", 300, None, 0.2, 7)
    loss = EmpiricalLoss(samples, 30, 150, threads=2)
    weights = random_weights(30, 150, seed=2)
    value, w, a = speeds_of(loss, weights)
    x, y = samples.kept
    error = weights.outputs(x) - y
    assert value == pytest.approx((error**2).mean() / 2, rel=1e-13)
    assert loss.of_kept(weights.inner, weights.outer) == value
    gate = (x @ weights.inner.T > 0) * error[:, None]
    np.testing.assert_allclose(w, -weights.outer[:, None] * (gate.T @ x) / 300, atol=1e-13)
    few = by_differences(lambda *now: loss.of_kept(*now), weights, [3], h=1e-7)
    np.testing.assert_allclose(a[3], few[1][0], rtol=1e-5)
    np.testing.assert_allclose(w[3], few[0][0], atol=1e-5 * abs(w).max())


def test_noise_is_of_the_samples_and_batches_are_of_the_step():
    plain, noisy = (Samples(lambda x: x[:, 0], 3, "uniform", 4000, None, noise, 5).kept for noise in (0.0, 0.3))
    assert (plain[0] == noisy[0]).all()
    assert (noisy[1] - plain[1]).std() == pytest.approx(0.3, rel=0.05)
    kept = Samples(lambda x: x[:, 0], 3, "uniform", 100, 10, 0.3, 5)
    one, again, next_one = kept.of_step(3), kept.of_step(3), kept.of_step(4)
    assert (one[0] == again[0]).all()
    assert not (one[0] == next_one[0]).all()
    assert len(np.unique(one[1])) == 10
    online = Samples(lambda x: x[:, 0], 3, "uniform", None, 10, 0.0, 5)
    assert (online.of_step(3)[0] == online.of_step(3)[0]).all()
    assert not np.isin(online.of_step(3)[1], online.of_step(4)[1]).any()


COARSE = SphereGrid((12, 24))
TEACHER = random_weights(5, 3, seed=5)
WEIGHTS = random_weights(20, 3, seed=6)


def network(weights=WEIGHTS, grid=COARSE, kernel=None, growth=2.0, **options):
    positive, negative = measure_from_network(grid, TEACHER)
    make = WholeSphereFlow if isinstance(grid, WholeSphere) else SphereFlow
    return Network(make(grid, kernel or ReLU(), positive - negative, growth), weights, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "test"}, "allowed are population and empirical"),
        ({"method": "exact"}, "allowed are harmonic and pairs"),
        ({"method": "pairs"}, "give a teacher"),
        ({"grid": WholeSphere(2)}, "resolves only the mean of the target: give a teacher"),
        ({"grid": WholeSphere(2), "teacher": TEACHER, "method": "harmonic"}, 'there is "pairs"'),
        ({"growth": 1.0}, "growth = 1: the flow of a network has growth = 2"),
        ({"kernel": gf.Riesz(2)}, "networks train with the kernel ReLU"),
        ({"kernel": ReLU(2)}, "of power 1"),
        ({"weights": random_weights(4, 2)}, r"the weights have 2 inputs; on S\^2 there are 3"),
        ({"teacher": random_weights(5, 3, seed=1)}, "the teacher has mass"),
        ({"integrator": "rk4"}, "allowed are rk45, rk23, euler"),
        ({"integrator": "euler"}, "learning_rate = None"),
        ({"learning_rate": 0.1}, "rk45 chooses its own steps"),
        ({"tolerance": 0}, "tolerance = 0"),
        ({"threads": 0}, "threads = 0"),
        ({"noise": 0.1}, "the population loss has none"),
        ({"loss": "empirical", "learning_rate": 0.1}, "needs samples, or a batch"),
        ({"loss": "empirical", "samples": 5}, "learning_rate = None"),
        ({"loss": "empirical", "samples": 5, "batch": 6, "learning_rate": 0.1}, "batch = 6: there are 5 samples"),
        ({"loss": "empirical", "samples": 2.5, "learning_rate": 0.1}, r"samples = 2\.5"),
        ({"loss": "empirical", "samples": 5, "noise": -1, "learning_rate": 0.1}, "noise = -1"),
        ({"loss": "empirical", "samples": 5, "seed": -1, "learning_rate": 0.1}, "seed = -1"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_line(options, message):
    with pytest.raises(InputError, match=message) as caught:
        network(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "empirical", "samples": 5000, "learning_rate": 1e6},
        {"integrator": "euler", "learning_rate": 1e6},
        {"integrator": "euler", "learning_rate": 1e6, "method": "pairs", "teacher": TEACHER},
    ],
)
def test_training_that_diverges_is_told(options):
    made = network(**options)
    state = made.initialize()

    def train():
        for _ in range(20):
            made.step(state, math.inf)

    with pytest.raises(RunError, match="a weight is not finite; try a smaller learning_rate"):
        train()
    assert np.isfinite(state.arrays[INNER]).all()
    assert np.isfinite(state.arrays[OUTER]).all()


def test_a_domain_inherits_the_tables_of_its_base(monkeypatch):
    monkeypatch.setattr(Domain, "kinds", dict(Domain.kinds))

    class Ring(gf.Circle, kind="ring"):
        pass

    found = []
    for grid in (gf.Circle(64), Ring(64)):
        flow = gf.Flow(grid, ReLU(), np.sin(grid.centers(0)), growth=2.0)
        start = network_from_measure(grid, 1 + np.cos(grid.centers(0)), 30)
        made = Network(flow, start, loss="empirical", samples=50, integrator="euler", learning_rate=0.01)
        state = made.initialize()
        made.step(state, 1.0)
        positive, _ = measure_from_network(grid, made.weights(state))
        picture = smoothed(grid, Snapshot(0.0, 0, positive, inner_weights=state.arrays[INNER]))
        found.append([made.libraries, state.arrays[INNER].tobytes(), positive.tobytes(), picture.density.tobytes()])
    assert found[0] == found[1]


def test_a_domain_without_an_entry_is_refused_by_name():
    with pytest.raises(InputError, match=r"there is no music on Circle\(shape=\(8,\)"):
        gf.Circle(8).one_of({SphereGrid: 1}, "music")
