"""How fast networks are trained: predicted powers of time, and the losses of random starts."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.decay.fits import fit_power
from gridflow.densities.sphere import random_sobolev_on_sphere
from gridflow.measures import sobolev
from gridflow.theory import LinearDecay, PowerLaw
from solvers import FiniteVolume, Network, Spectral, SphereFiniteVolume

CIRCLE = gf.Circle(1024)


@pytest.mark.parametrize("r", [0.5, 2.0])
def test_the_loss_on_the_circle_falls_with_the_predicted_power(r):
    flow = gf.Flow(CIRCLE, gf.ReLU(), gf.uniform(CIRCLE, mass=2 * np.pi), growth=2.0)
    start = gf.random_sobolev(CIRCLE, r, 0.05, seed=3, mass=2 * np.pi)
    found = sobolev.regularity(CIRCLE, start - flow.target, flow.seen)
    law = PowerLaw.of(flow, found.r)
    assert law.exponent == pytest.approx(r + 2, rel=0.01)
    window = law.window(flow)
    run = gf.run(FiniteVolume(flow), start, window.end, series=gf.EverySteps(1))
    fit = fit_power(run.series["time"], run.series["energy"], window)
    assert window.decades > 2.5
    assert fit.exponent == pytest.approx(law.exponent, rel=0.05)


def test_the_loss_on_the_sphere_falls_with_the_predicted_power():
    grid, r = gf.SphereGrid((48, 96)), 0.5
    flow = gf.SphereFlow(grid, gf.ReLU(), gf.uniform(grid, mass=4 * np.pi), growth=2.0)
    start = random_sobolev_on_sphere(grid, r, 0.05, seed=3, mass=4 * np.pi)
    law = PowerLaw.of(flow, r)
    assert law.exponent == pytest.approx((r + 2.5) / 1.5)
    window = law.window(flow)
    run = gf.run(SphereFiniteVolume(flow, tolerance=1e-4), start, window.end, series=gf.EverySteps(5))
    fit = fit_power(run.series["time"], run.series["energy"], window)
    assert window.decades > 1
    assert fit.exponent == pytest.approx(law.exponent, rel=0.10)


@pytest.mark.parametrize("amplitude", [0.0, 0.6])
def test_losses_of_random_starts_are_predicted_with_their_noise(amplitude):
    """The mean over seeds is that of linear theory with white noise, within four standard errors at every time.

    Noise is where the neurons are, which matters where the density varies: evenly spread it would decay too slowly.
    """
    grid, neurons, seeds = gf.Circle(256), 400, 12
    target = gf.cosine(grid, amplitude, mass=2 * np.pi)
    flow = gf.Flow(grid, gf.ReLU(), target, growth=2.0)
    expected, times = LinearDecay.of(flow, target, neurons), np.array([0.0, 1.0, 10.0, 100.0])
    losses = np.zeros((seeds, times.size))
    for seed in range(seeds):
        weights = gf.network_from_measure(grid, target, neurons, method="random", seed=seed)
        network = Network(flow, weights, tolerance=1e-5)
        state = network.initialize()
        for place, until in enumerate(times):
            while state.time < until:
                network.step(state, until)
            losses[seed, place] = network.diagnose(state)["energy"]
    error = losses.std(axis=0, ddof=1) / np.sqrt(seeds)
    assert (abs(losses.mean(axis=0) - expected(times)) < 4 * error).all()
    if amplitude:
        noise = LinearDecay.of_noise(flow, gf.uniform(grid, mass=2 * np.pi), neurons)
        evenly = LinearDecay.of(flow, target) + noise
        assert expected(100.0) < 0.8 * evenly(100.0)
        return
    # white noise is of regularity −1/2: the loss falls like t^{−(s − ½)/(s − 1)}
    assert expected.exponent(300.0) == pytest.approx(PowerLaw(2.0, -0.5).exponent, rel=0.05)


@pytest.mark.parametrize("sphere", [False, True], ids=["circle", "sphere"])
def test_the_noise_of_points_is_that_of_sampling(sphere):
    """At time 0 it is half of the variance of one point's function, ½ (K(θ, θ) − ∫∫ K dμ dμ) / N for mass 1."""
    grid = gf.SphereGrid((24, 48)) if sphere else gf.Circle(64)
    start = gf.sphere_densities.bumps(grid, [1, 0, 0], 3.0) if sphere else gf.gaussian(grid, [2.0], 0.8)
    kind = gf.SphereFlow if sphere else gf.Flow
    flow, about_nothing = (kind(grid, gf.ReLU(), target, growth=2.0) for target in (gf.uniform(grid), 0 * start))
    noise = LinearDecay.of(flow, start, 50)(0.0) - LinearDecay.of(flow, start)(0.0)
    at_itself = float(gf.ReLU().between(np.array(1.0), grid.dim))
    assert noise == pytest.approx((at_itself - 2 * about_nothing.energy(start)) / 100, rel=1e-3)


def test_finite_volumes_and_the_spectral_solver_agree_on_the_circle():
    """Second order and better; with growth the mean of μV over a cell is taken as the product of the means."""
    errors = []
    for n in (32, 64, 128):
        grid = gf.Circle(n)
        flow = gf.Flow(grid, gf.ReLU(), gf.cosine(grid, 0.6, 2, mass=2 * np.pi), growth=2.0)
        start = gf.cosine(grid, 0.7, 1, mass=2 * np.pi)
        densities = []
        for solver in (FiniteVolume(flow, tolerance=1e-8), Spectral(flow, tolerance=1e-10)):
            state = solver.initialize(start)
            while state.time < 2.0:
                solver.step(state, 2.0)
            densities.append(solver.density(state).copy())
        errors.append(abs(densities[0] - densities[1]).max())
    assert gf.diagnostics.fitted_order([1 / 32, 1 / 64, 1 / 128], errors) > 1.9
    assert errors[-1] < 1e-4
