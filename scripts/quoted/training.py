"""Networks: how near they come to their limit, and at which powers their losses fall."""

import math
from functools import cache
from typing import Any

import numpy as np

import gridflow as gf
from gridflow import networks
from gridflow.cases.reading import load_case
from gridflow.decay.fits import fit_power
from gridflow.measures import spectra
from gridflow.theory import LinearDecay, PowerLaw
from quoted.bundled import run, written
from solvers import FiniteVolume, Network, SphereFiniteVolume

CIRCLE = gf.Circle(512)
TIMES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0)


def flow() -> gf.Flow:
    """The teacher 1 + 0.6 cos 2θ of mass 1."""
    return gf.Flow(CIRCLE, gf.ReLU(), gf.cosine(CIRCLE, 0.6, modes=2), growth=2.0)


def start(hole: bool = False) -> np.ndarray:
    """A smooth student, or one with a gap of a quarter of the circle."""
    return gf.ball_hole(CIRCLE, math.pi / 4, mass=0.75) if hole else gf.cosine(CIRCLE, 0.8, mass=0.7)


@cache
def losses(count: int | None, hole: bool) -> np.ndarray:
    """At time 0 and at TIMES, of a network of so many evenly spread neurons, or of the limit."""
    if count is None:
        return gf.run(FiniteVolume(flow()), start(hole), TIMES[-1], series=gf.AtTimes(TIMES)).series["energy"]
    student = gf.network_from_measure(CIRCLE, start(hole), count)
    return gf.run(Network(flow(), student), None, TIMES[-1], series=gf.AtTimes(TIMES)).series["energy"]


def many_neurons() -> list[float]:
    """Per cent by which the loss of 4000 neurons differs at most from the limit's, and by how much the latter falls."""
    limits = {hole: losses(None, hole) for hole in (False, True)}
    worst = max(abs(losses(4000, hole) / limit - 1).max() for hole, limit in limits.items())
    return [100 * worst, min(limit[0] / limit[-1] for limit in limits.values())]


def exponent_of_even_starts() -> float:
    """The power of m with which losses of a start with a gap approach that of 64,000 neurons."""
    counts, limit = (250, 500, 1000, 2000, 4000), losses(64000, True)
    deviations = [abs(losses(m, True) / limit - 1).max() for m in counts]
    return float(np.polyfit(np.log(counts), np.log(deviations), 1)[0])


def many_on_the_sphere() -> list[float]:
    """The same as :func:`many_neurons` of 10,000 on the sphere."""
    grid = gf.SphereGrid((64, 128))
    x, y, z = np.moveaxis(grid.points, -1, 0)
    problem = gf.SphereFlow(grid, gf.ReLU(), 1 + 0.6 * (x**2 - y**2), growth=2.0)
    initial, times = 0.7 * (1 + 0.8 * z), (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
    network = Network(problem, gf.network_from_measure(grid, initial, 10_000), tolerance=1e-6)
    curves = []
    for solver, first in ((SphereFiniteVolume(problem), initial), (network, None)):
        series = gf.run(solver, first, 50.0, series=gf.AtTimes(times)).series
        curves.append(series["energy"][np.isin(series["time"], (0.0, *times))])
    return [100 * abs(curves[1] / curves[0] - 1).max(), curves[0][0] / curves[0][-1]]


def exponent_of_random_starts() -> list[float]:
    """The power of m of the KMD to the limit at t = 5, and its error."""
    problem = flow()
    symbol = spectra.whole_symbol(problem.kernel, CIRCLE)

    def modes(weights: Any) -> np.ndarray:
        made = Network(problem, weights)
        state = made.initialize()
        while state.time < 5.0:
            made.step(state, 5.0)
        now = made.weights(state)
        return spectra.of_particles(CIRCLE, networks.angles(now.directions)[:, None], now.masses)

    limit, counts = modes(gf.network_from_measure(CIRCLE, start(), 64000)), (100, 400, 1600, 6400)
    means = []
    for m in counts:
        drawn = [gf.network_from_measure(CIRCLE, start(), m, method="random", seed=seed) for seed in range(32)]
        squares = [spectra.discrepancy(CIRCLE, symbol, modes(weights) - limit) for weights in drawn]
        means.append(math.sqrt(np.mean(squares)))
    (slope, _), covariance = np.polyfit(np.log(counts), np.log(means), 1, cov=True)
    return [float(slope), math.sqrt(covariance[0, 0])]


@cache
def random_losses(neurons: int = 400, seeds: tuple[int, int] = (24, 40)) -> np.ndarray:
    """Mean losses over those of linear theory with noise, and their relative errors: two teachers, four times, both."""
    grid, times, found = gf.Circle(256), (0.0, 1.0, 10.0, 100.0), []
    for amplitude, count in zip((0.0, 0.6), seeds, strict=True):
        target = gf.cosine(grid, amplitude, mass=2 * np.pi)
        problem = gf.Flow(grid, gf.ReLU(), target, growth=2.0)
        expected = LinearDecay.of(problem, target, neurons)(np.array(times))
        values = np.zeros((count, len(times)))
        for seed in range(count):
            weights = gf.network_from_measure(grid, target, neurons, method="random", seed=seed)
            network = Network(problem, weights, tolerance=1e-5)
            state = network.initialize()
            for place, until in enumerate(times):
                while state.time < until:
                    network.step(state, until)
                values[seed, place] = network.diagnose(state)["energy"]
        error = values.std(axis=0, ddof=1) / math.sqrt(count)
        found.append(np.stack([values.mean(axis=0) / expected, error / expected], axis=1))
    return np.array(found)


def random_ratios() -> list[float]:
    """Least and largest ratio of :func:`random_losses`, least and largest of their errors."""
    found = random_losses()
    return [found[..., 0].min(), found[..., 0].max(), found[..., 1].min(), found[..., 1].max()]


def excess_of_few() -> list[float]:
    """With 50 neurons, at the last time, the lesser and the larger excess in per cent over theory, of both teachers."""
    excess = random_losses(50, (100, 100))[:, -1, 0] - 1
    return [100 * excess.min(), 100 * excess.max()]


def powers_on_the_circle() -> float:
    """Per cent that the exponent of the loss is off at most, r = ½ and 2."""
    grid, worst = gf.Circle(1024), 0.0
    problem = gf.Flow(grid, gf.ReLU(), gf.uniform(grid, mass=2 * np.pi), growth=2.0)
    for r in (0.5, 2.0):
        law = PowerLaw.of(problem, r)
        window = law.window(problem)
        first = gf.random_sobolev(grid, r, 0.05, seed=3, mass=2 * np.pi)
        series = gf.run(FiniteVolume(problem), first, window.end, series=gf.EverySteps(1)).series
        worst = max(worst, abs(fit_power(series["time"], series["energy"], window).exponent / (r + 2) - 1))
    return 100 * worst


def powers_on_the_sphere(rings: int = 48) -> float:
    """The same on the sphere, r = ½, 1 and 2."""
    grid, worst = gf.SphereGrid((rings, 2 * rings)), 0.0
    problem = gf.SphereFlow(grid, gf.ReLU(), gf.uniform(grid, mass=4 * np.pi), growth=2.0)
    for r in (0.5, 1.0, 2.0):
        law = PowerLaw.of(problem, r)
        window = law.window(problem)
        first = gf.sphere_densities.random_sobolev_on_sphere(grid, r, 0.05, seed=3, mass=4 * np.pi)
        series = gf.run(SphereFiniteVolume(problem, tolerance=1e-4), first, window.end, series=gf.EverySteps(5)).series
        fit = fit_power(series["time"], series["energy"], window)
        worst = max(worst, abs(fit.exponent / ((r + 2.5) / 1.5) - 1))
    return 100 * worst


def reached(name: str, **changes: Any) -> float:
    """When the loss of the limit falls to the case's goal, 1e-3 of the first, by interpolation of logarithms."""
    return crossing(run(name, **changes).series)


def crossing(series: Any, first: float | None = None) -> float:
    """When the energy falls to 1e-3 of the first, or of another one, by interpolation of logarithms."""
    share = series["energy"] / (first or series["energy"][0])
    after = int(np.flatnonzero(share <= 1e-3)[0])
    at = slice(after - 1, after + 1)
    return float(np.interp(-math.log(1e-3), -np.log(share[at]), series["time"][at]))


def gap() -> list[float]:
    """Of relu-teacher at the end: mass in the gap, mass of the teacher's bundle there, and mass at its antipode."""
    found = run("relu-teacher")
    grid = gf.Circle(512)
    angle = grid.centers(0)

    def inside(density: np.ndarray, center: float) -> float:
        near = abs((angle - center + math.pi) % (2 * math.pi) - math.pi) < 0.7
        return float((density * near).sum() * grid.cell_volume)

    target = gf.gaussian(grid, [[0.8], [2.9], [4.6]], 0.15, mass=2 * math.pi)
    return [inside(found.density, 2.9), inside(target, 2.9), inside(found.density, 2.9 + math.pi)]


def peak_of_the_teacher() -> float:
    """The largest density of relu-sphere's teacher over its mean."""
    with written("relu-sphere") as path:
        solver, _ = load_case(path).build(path.parent)
    return float(solver.flow.target.max() * 4 * math.pi / solver.flow.grid.integral(solver.flow.target))


def without_the_gap() -> float:
    """When a uniform start reaches the loss that is the goal of relu-teacher."""
    with written("relu-teacher") as path:
        solver, initial = load_case(path).build(path.parent)
    grid = solver.flow.grid
    uniform = gf.uniform(grid, mass=grid.integral(initial))
    series = gf.run(solver, uniform, 300.0, series=gf.EverySteps(2)).series
    return crossing(series, run("relu-teacher").series["energy"][0])


def kernels() -> float:
    """Largest difference of the symbols of powers 0, 1, 2 from transforms of the closed kernels, on S¹ and S²."""
    differences = []
    for power in (0, 1, 2):
        for dim, area in ((1, 2 * math.pi), (2, 4 * math.pi)):
            kernel = gf.ReLU(power)
            closed = gf.Activation(lambda cosine, kernel=kernel, dim=dim: kernel.between(cosine, dim))
            transformed = closed.eigenvalues(dim, 60)
            differences.append(abs(transformed - kernel.eigenvalues(dim, 60) ** 2 / area).max())
    return float(max(differences))


def decay_of_kernels() -> float:
    """Per cent that the powers of these symbols are off 2s at most, degrees 200 to 3000."""
    worst = 0.0
    for power in (0, 1, 2):
        for dim, grid in ((1, gf.Circle(2**16)), (2, gf.SphereGrid((3000, 4)))):
            symbol = gf.ReLU(power).multiplier(grid)[:3000]
            seen = np.flatnonzero(symbol)
            seen = seen[seen > 200]
            slope = np.polyfit(np.log(seen + (dim - 1) / 2), np.log(symbol[seen]), 1)[0]
            worst = max(worst, abs(-slope / (2 * gf.ReLU(power).order(dim)) - 1))
    return 100 * worst


def trained() -> list[float]:
    """Predicted and measured times of relu-circle's limit and of 3000 and 300 random neurons to the case's goal."""
    table = {"widths": [300, 3000], "start": "random", "tolerance": 1e-4}
    with written("relu-circle") as path:
        found = gf.train(path, path.with_suffix(".train"), set={"training": table}, progress=False)
    pairs = zip(found.members, found.durations, strict=True)
    times = {member.width: (taken.predicted, taken.time) for member, taken in pairs}
    return [*times[None], *times[3000], *times[300]]
