"""The solver of particles: velocities, conservation, decay, order in time, growth, and what is refused."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gridflow as gf
from gridflow.errors import InputError, RunError
from gridflow.measures import spectra
from gridflow.theory import Coulomb1D
from solvers import Particles
from solvers.points import direct
from solvers.stepping import schemes

LENGTHS = (1.0, 1.3, 0.7)
SHAPES = ((64,), (24, 20), (10, 12, 9))
KERNELS = (gf.Riesz(1), gf.Riesz(1.5), gf.Gaussian(0.15), gf.Matern(0.5, 0.3))


def problem(shape, kernel=KERNELS[1], growth=0.0):
    grid = gf.Grid(shape, LENGTHS[: len(shape)])
    bump = gf.gaussian(grid, [0.4 * length for length in grid.lengths], 0.2)
    return gf.Flow(grid, kernel, gf.normalize(grid, bump + gf.uniform(grid)), growth)


def cloud(flow, count=200, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.random(count)
    return rng.random((count, flow.grid.dim)) * flow.grid.lengths, weights / weights.sum()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("accuracy", [1e-6, 1e-10])
def test_velocities_are_those_of_direct_summation(shape, kernel, accuracy):
    flow = problem(shape, kernel)
    positions, weights = cloud(flow)
    solver = Particles(flow, positions, weights, accuracy=accuracy)
    exact = direct.velocity(flow, positions, weights)
    assert abs(solver.velocity(solver.initialize()) - exact).max() <= accuracy * abs(exact).max()


@pytest.mark.parametrize("s", [2, 3])
def test_velocities_are_those_of_bernoulli_polynomials(s):
    """All modes in closed form; those beyond 4096 add 2 Σ_{k > 2048} (2πk)^{1−2s}: 3e−10 for s = 2, nothing for s = 3.

    The kernel's value is of the order (2π)^{1−2s}, and its terms cancel to that.
    """
    grid = gf.Grid((4096,), (1.7,))
    flow = gf.Flow(grid, gf.Riesz(s), gf.cosine(grid, 0.5))
    positions, weights = cloud(flow, 300)
    solver = Particles(flow, positions, weights, accuracy=1e-12)
    exact = direct.closed_form_velocity(flow, positions, weights)
    left_out = 2 * (2 * np.pi) ** (1 - 2 * s) * 2048.0 ** (2 - 2 * s) / (2 * s - 2) * grid.lengths[0] ** (2 * s - 2)
    assert abs(solver.velocity(solver.initialize()) - exact).max() <= left_out + 1e-10 * abs(exact).max()


def test_the_coulomb_kernel_of_a_circle_is_a_sawtooth():
    """s = 1 between two particles of mass ½ at distance r: B_1 gives velocities ± (½ − r) / 2."""
    grid = gf.Grid(64)
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    found = direct.closed_form_velocity(flow, np.array([[0.1], [0.4]]), np.full(2, 0.5))
    assert found.ravel() == pytest.approx([-0.1, 0.1], abs=1e-15)
    with pytest.raises(InputError, match="the closed form needs d = 1 and a Riesz kernel of whole order"):
        direct.closed_form_velocity(problem((64,), gf.Riesz(1.5)), *cloud(problem((64,))))


def test_more_or_fewer_modes_may_be_kept():
    flow = problem((24, 20))
    positions, weights = cloud(flow)
    for modes in (9, (12, 31)):
        solver = Particles(flow, positions, weights, modes=modes)
        exact = direct.velocity(flow, positions, weights, modes if isinstance(modes, tuple) else (9, 9))
        assert solver.velocity(solver.initialize()) == pytest.approx(exact, abs=1e-8 * abs(exact).max())
    with pytest.raises(InputError, match=r"modes \(8, 8, 8\): the flow has 2 dimensions"):
        Particles(flow, positions, weights, modes=(8, 8, 8))


def test_particles_stay_on_the_torus():
    """A crowd at the seam spreads to both sides of it."""
    grid = gf.Grid((32,), (1.5,))
    solver = Particles(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), np.linspace(0, 0.1, 20))
    state = solver.initialize()
    while state.time < 1:
        solver.step(state, 1.0)
    positions = state.arrays["positions"]
    assert (positions >= 0).all()
    assert (positions < 1.5).all()
    assert (positions > 1.0).any()


def test_single_precision_has_its_accuracy():
    flow = problem((24, 20))
    positions, weights = cloud(flow)
    solver = Particles(flow, positions, weights, dtype="float32")
    state = solver.initialize()
    exact = direct.velocity(flow, positions, weights)
    assert {array.dtype for array in state.arrays.values()} == {np.dtype("float32")}
    assert abs(solver.velocity(state) - exact).max() <= 2e-5 * abs(exact).max()
    solver.step(state, 0.1)
    assert state.arrays["positions"].dtype == np.float32


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_the_dissipation_is_minus_the_derivative_of_the_energy(shape, growth):
    """Central difference over two short steps; with growth masses change too, and stay positive."""
    flow = problem(shape, growth=growth)
    solver = Particles(flow, *cloud(flow), tolerance=1e-12, accuracy=1e-13)
    state = solver.initialize()
    dt = 1e-3
    energies = [solver.diagnose(state)["energy"]]
    for until in (dt, 2 * dt):
        while state.time < until:
            solver.step(state, until)
        if until == dt:
            dissipation = solver.diagnose(state)["dissipation"]
        energies.append(solver.diagnose(state)["energy"])
    curvature = abs(energies[0] - 2 * energies[1] + energies[2]) / dt  # the difference is right to a share of it
    assert (energies[0] - energies[2]) / (2 * dt) == pytest.approx(dissipation, rel=1e-6, abs=0.01 * curvature)
    assert state.arrays["weights"].min() > 0
    assert (state.arrays["weights"] == solver.initialize().arrays["weights"]).all() == (growth == 0)


def test_momentum_is_that_of_the_target_alone():
    """Σ w v = −∫ ν ∇V: particles do not push their own centre; for a constant target it stays."""
    grid = gf.Grid((24, 20))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    positions, weights = cloud(flow)
    solver = Particles(flow, positions, weights)
    found = solver.velocity(solver.initialize())
    assert weights @ found == pytest.approx(np.zeros(2), abs=1e-9 * abs(found).max())


@pytest.mark.parametrize("integrator", schemes.EMBEDDED)
def test_tables_are_consistent_and_of_their_order(integrator):
    """Weights add up; one step of h of a pendulum leaves an error of order p + 1, its estimate one of its order."""
    table = schemes.EMBEDDED[integrator]
    assert sum(table.stages[-1]) == pytest.approx(1, abs=1e-15)
    assert sum(table.error) == pytest.approx(0, abs=1e-15)

    def pendulum(y):
        return np.array([y[1], -np.sin(y[0])])

    start, errors, estimates = np.array([1.0, 0.5]), [], []
    for h in (0.2, 0.1):
        rates = [pendulum(start)]
        for row in table.stages:
            end = start + h * sum(w * r for w, r in zip(row, rates, strict=True))
            rates.append(pendulum(end))
        exact = solve_ivp(lambda _, y: pendulum(y), (0, h), start, "DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
        errors.append(np.linalg.norm(end - exact))
        estimates.append(np.linalg.norm(h * sum(w * r for w, r in zip(table.error, rates, strict=True))))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(table.order + 1, abs=0.4)
    assert math.log2(estimates[0] / estimates[1]) == pytest.approx(table.error_order, abs=0.4)


@pytest.mark.parametrize("integrator", schemes.EMBEDDED)
@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_trajectories_are_those_of_a_general_integrator(integrator, growth):
    """DOP853 at 1e−12 on direct sums; ours within twenty times the tolerance per step, of which there are some ten."""
    flow = problem((16,), gf.Riesz(1.5), growth)
    positions, weights = cloud(flow, 30)
    tolerance = 1e-7
    solver = Particles(flow, positions, weights, integrator=integrator, tolerance=tolerance, accuracy=1e-13)
    found = gf.run(solver, t_end=2.0)

    grid = gf.Grid(16)
    xi = 2 * np.pi * np.fft.fftfreq(16, 1 / 16)
    target = spectra.of_density(grid, flow.target)
    symbol = spectra.whole_symbol(flow.kernel, grid)

    def rates(_, y):
        x, m = y[:30], y[30:]
        wave = np.exp(1j * np.outer(x, xi))
        potential = symbol * (wave.conj().T @ m - target)
        return np.concatenate([-(wave @ (1j * xi * potential)).real, -growth * m * (wave @ potential).real])

    start = np.concatenate([positions[:, 0], weights])
    exact = solve_ivp(rates, (0, 2), start, "DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    moved = found.state.arrays["positions"][:, 0] - exact[:30]
    assert abs(moved - np.round(moved)).max() <= 20 * tolerance
    assert found.state.arrays["weights"] == pytest.approx(exact[30:], rel=20 * tolerance)


def test_quantiles_follow_the_characteristics_of_the_coulomb_flow():
    """O3: N particles at quantiles are the exact solution's to O(1/N) of the particles' distance."""
    grid = gf.Grid(256)
    flow, start = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), gf.cosine(grid, 0.9)
    positions, weights = gf.sample(grid, start, 2000, "quasi-random")
    run = gf.run(Particles(flow, positions, weights), t_end=1.5)
    exact = Coulomb1D(flow, start, smooth=True).characteristics(positions[:, 0], 1.5)
    apart = run.state.arrays["positions"][:, 0] - exact
    # modes beyond 128 are left out: Gibbs oscillations of the sawtooth of a single particle, 1 / N
    assert abs(apart - np.round(apart)).max() < 1.0 / 2000


def test_a_position_that_is_not_finite_is_refused():
    """FINUFFT would crash the process."""
    solver = Particles(problem((24, 20)), cloud(problem((24, 20)))[0])
    state = solver.initialize()
    state.arrays["positions"][3, 1] = np.nan
    with pytest.raises(RunError, match="a particle's position is not finite"):
        solver.step(state, 1.0)


def test_a_start_is_checked():
    flow = problem((24, 20))
    positions, weights = cloud(flow)
    cases = [
        ({"integrator": "euler"}, 'integrator "euler": allowed are rk23, rk45'),
        ({"tolerance": 0.0}, "tolerance = 0.0: it must be positive"),
        ({"threads": 0}, "threads = 0: it must be a whole number of at least 1"),
        (
            {"weights": 2 * weights},
            "the particles have mass 2 but the target has mass 1; without growth they must agree",
        ),
        ({"weights": -weights}, "particle weights must be ≥ 0; that of particle"),
        ({"positions": positions[:, :1]}, "particle positions have shape (200, 1); (N, 2) with N ≥ 1 is needed"),
        ({"positions": np.where(positions == positions[3, 1], np.nan, positions)}, "that of particle 3 is [0."),
    ]
    for options, words in cases:
        with pytest.raises(InputError) as error:
            Particles(flow, **({"positions": positions, "weights": weights} | options))
        assert words in str(error.value)
    solver = Particles(flow, positions)
    assert solver.initialize().arrays["weights"] == pytest.approx(1 / 200)
    with pytest.raises(InputError, match="the initial density has mass 2"):
        solver.initialize(2 * gf.uniform(flow.grid))


def test_a_solver_on_a_grid_says_that_it_needs_a_density():
    from solvers import FiniteVolume, Spectral

    for solver in (FiniteVolume, Spectral):
        with pytest.raises(InputError, match=r"needs an initial density, cell averages of shape \(24, 20\)"):
            gf.run(solver(problem((24, 20))), t_end=1.0)
    with pytest.raises(InputError, match="t_end = nan: it must be given, positive and finite"):
        gf.run(FiniteVolume(problem((24, 20))), gf.uniform(gf.Grid((24, 20), (1.0, 1.3))))
