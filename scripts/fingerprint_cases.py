"""The cases that are fingerprinted: every solver, every maker of densities, every bundled case and the commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fingerprint_facts import Facts, command, digest, finished, told

import gridflow as gf
import solvers
from gridflow import networks

CASES: dict[str, Callable[[Path], Facts]] = {}
CIRCLE = gf.Circle(64)
TORI = {1: gf.Grid((48,), (1.5,)), 2: gf.Grid((24, 17), (1.0, 0.8)), 3: gf.Grid((10, 9, 12), (1.0, 1.2, 0.9))}
GROWTH = "flow.growth"
"""The key of a case file for β. It was ``solver.growth`` before the table ``[flow]`` existed."""


def case(function: Callable[[Path], Facts]) -> Callable[[Path], Facts]:
    """Register a case that stands alone."""
    CASES[function.__name__] = function
    return function


def solved(name: str, solver: Callable[[], Any], start: Callable[[], Any], t_end: float, **options: Any) -> None:
    """Register a case that runs a solver from a start."""
    CASES[name] = lambda _: finished(gf.run(solver(), start(), t_end, **options))


def smooth(grid: gf.Grid) -> np.ndarray:
    """Rough and far from constant, but positive."""
    return gf.random_sobolev(grid, r=1.0, amplitude=0.6, seed=3, mass=grid.volume)


def hole(grid: gf.Grid) -> np.ndarray:
    """Empty in a ball across the seam of the torus."""
    return gf.ball_hole(grid, radius=0.3 * min(grid.lengths), center=[0.1 * length for length in grid.lengths])


def uniform_flow(grid: gf.Grid, kernel: Any, growth: float = 0.0, mass: float = 1.0) -> gf.Flow:
    """A flow to a constant."""
    return gf.Flow(grid, kernel, gf.uniform(grid, mass=mass), growth)


def flow_to_bumps(grid: gf.Grid, kernel: Any, growth: float = 0.0) -> gf.Flow:
    """A flow to a target that varies."""
    bump = gf.gaussian(grid, [[0.4 * length for length in grid.lengths]], widths=0.2, mass=1.0)
    return gf.Flow(grid, kernel, gf.normalize(grid, bump + gf.uniform(grid)), growth)


def register_finite_volumes() -> None:
    """All reconstructions, velocities, limiters, precisions and integrators in all dimensions."""
    for dim, grid in TORI.items():
        for reconstruction in ("sharp", "weno5", "muscl", "upwind"):
            solved(
                f"hole_{dim}d_{reconstruction}",
                lambda grid=grid, name=reconstruction: solvers.FiniteVolume(uniform_flow(grid, gf.Riesz(1)), name),
                lambda grid=grid: hole(grid),
                0.3,
            )
        solved(
            f"target_{dim}d_single_precision",
            lambda grid=grid: solvers.FiniteVolume(flow_to_bumps(grid, gf.Riesz(1.5)), dtype="float32"),
            lambda grid=grid: hole(grid),
            0.02,
        )
        solved(
            f"tracer_{dim}d",
            lambda grid=grid: solvers.FiniteVolume(
                flow_to_bumps(grid, gf.Riesz(1)),
                tracer=gf.regions.ball(grid, 0.3 * min(grid.lengths), [0.1 * length for length in grid.lengths]),
            ),
            lambda grid=grid: hole(grid),
            0.2,
        )
        solved(
            f"front_{dim}d",
            lambda grid=grid: solvers.FiniteVolume(
                uniform_flow(grid, gf.Riesz(0.75)),
                tracer=gf.regions.ball(grid, 0.3 * min(grid.lengths), [0.1 * length for length in grid.lengths]),
            ),
            lambda grid=grid: hole(grid),
            0.1,
        )
        solved(
            f"growth_{dim}d",
            lambda grid=grid: solvers.FiniteVolume(flow_to_bumps(grid, gf.Riesz(1), growth=2.0), "muscl"),
            lambda grid=grid: 0.5 * hole(grid),
            0.2,
        )
        solved(
            f"late_{dim}d_exponential",
            lambda grid=grid: solvers.FiniteVolume(uniform_flow(grid, gf.Riesz(2), mass=grid.volume)),
            lambda grid=grid: smooth(grid),
            3e4,
        )
    square = TORI[2]
    for limiter in ("minmod", "mc", "superbee"):
        solved(
            f"limiter_{limiter}",
            lambda name=limiter: solvers.FiniteVolume(uniform_flow(square, gf.Riesz(1, "mimetic")), "muscl", name),
            lambda: hole(square),
            0.2,
        )
    for integrator in ("euler", "ssprk2", "ssprk3", "etdrk2", "etdrk4"):
        solved(
            f"integrator_{integrator}",
            lambda name=integrator: solvers.FiniteVolume(
                flow_to_bumps(square, gf.Riesz(1.5)), "weno5", integrator=name
            ),
            lambda: gf.cosine(square, amplitude=0.5),
            0.05,
        )
    solved(
        "velocity_difference_sharp",
        lambda: solvers.FiniteVolume(uniform_flow(square, gf.Riesz(1)), "sharp", velocity="difference"),
        lambda: hole(square),
        0.2,
    )
    solved(
        "velocity_spectral_muscl_growth",
        lambda: solvers.FiniteVolume(flow_to_bumps(square, gf.Riesz(1), 1.0), "muscl", velocity="spectral"),
        lambda: hole(square),
        0.2,
    )
    solved(
        "growth_exponential",
        lambda: solvers.FiniteVolume(flow_to_bumps(square, gf.Gaussian(0.3), 2.0), integrator="etdrk4"),
        lambda: gf.cosine(square, amplitude=0.5),
        2.0,
    )
    kernels = {
        "gaussian": gf.Gaussian(0.2),
        "matern": gf.Matern(0.5, 0.3),
        "symbol": gf.Symbol(lambda x, y: 1 / (1 + x**2 + 2 * y**2)),
    }
    for name, kernel in kernels.items():
        solved(
            f"kernel_{name}",
            lambda kernel=kernel: solvers.FiniteVolume(flow_to_bumps(square, kernel), "muscl"),
            lambda: hole(square),
            0.3,
        )
    large = gf.Grid((256, 300))
    solved(
        "two_threads",
        lambda: solvers.FiniteVolume(uniform_flow(large, gf.Riesz(1)), threads=2),
        lambda: hole(large),
        0.03,
    )


def register_other_solvers() -> None:
    """Spectral, both signs, the sphere, particles and networks."""
    for dim, grid in TORI.items():
        solved(
            f"spectral_{dim}d",
            lambda grid=grid: solvers.Spectral(uniform_flow(grid, gf.Riesz(1.5)), tolerance=1e-6),
            lambda grid=grid: gf.cosine(grid, amplitude=0.3),
            1.0,
        )
        solved(
            f"particles_{dim}d",
            lambda grid=grid: solvers.Particles(
                flow_to_bumps(grid, gf.Riesz(1.5)), *gf.sample(grid, hole(grid), 60, seed=2), tolerance=1e-5
            ),
            lambda: None,
            0.05,
        )
    square = TORI[2]
    solved(
        "spectral_growth_etdrk2",
        lambda: solvers.Spectral(flow_to_bumps(square, gf.Riesz(1), 1.0), "etdrk2", tolerance=1e-5, dtype="float32"),
        lambda: gf.cosine(square, amplitude=0.3),
        0.2,
    )
    solved(
        "particles_growth_rk23",
        lambda: solvers.Particles(
            flow_to_bumps(square, gf.Riesz(1.5), 1.0),
            *gf.sample(square, hole(square), 40, seed=5),
            integrator="rk23",
            tolerance=1e-4,
        ),
        lambda: None,
        0.05,
    )
    for grid, name in ((CIRCLE, "circle"), (square, "torus")):
        solved(
            f"signed_{name}",
            lambda grid=grid: solvers.FiniteVolume(
                gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, amplitude=0.8) - gf.uniform(grid, mass=0.9), 2.0),
                negative=gf.uniform(grid, mass=0.4),
            ),
            lambda grid=grid: hole(grid),
            0.3,
        )
    sphere = gf.SphereGrid((16, 32))
    densities = gf.sphere_densities
    cap: Callable[[], np.ndarray] = lambda: densities.cap_hole(sphere, 0.8, [1.0, 0.2, 0.3])  # noqa: E731
    for polar in ("joined", "plain"):
        solved(
            f"sphere_{polar}",
            lambda polar=polar: solvers.SphereFiniteVolume(
                gf.SphereFlow(sphere, gf.Riesz(1), gf.uniform(sphere)), polar=polar
            ),
            cap,
            2.0,
        )
    solved(
        "sphere_bumps_relu_growth",
        lambda: solvers.SphereFiniteVolume(
            gf.SphereFlow(sphere, gf.ReLU(), densities.bumps(sphere, [[0, 0, 1], [1, 0, 0]], [5.0, 2.0]), 2.0),
            integrator="ssprk2",
            reconstruction="upwind",
        ),
        lambda: densities.random_sobolev_on_sphere(sphere, 1.0, seed=1),
        5.0,
    )
    solved(
        "sphere_signed",
        lambda: solvers.SphereFiniteVolume(
            gf.SphereFlow(
                sphere, gf.Activation(np.tanh), densities.harmonic(sphere, 2) - gf.uniform(sphere, mass=0.8), 2.0
            ),
            negative=gf.uniform(sphere, mass=0.3),
        ),
        lambda: densities.harmonic(sphere, 3, 0.4),
        5.0,
    )
    register_networks(sphere)


def register_networks(sphere: gf.SphereGrid) -> None:
    """Every loss and domain of a network in training."""

    def network(grid: Any, flow: Any, target: Any, count: int, **options: Any) -> Callable[[], Any]:
        def make() -> Any:
            start = gf.network_from_measure(grid, gf.uniform(grid), count, method="random", seed=4)
            return solvers.Network(flow(grid, gf.ReLU(), target(), 2.0), start, **options)

        return make

    for name, options in {
        "population": {"tolerance": 1e-5},
        "euler": {"integrator": "euler", "learning_rate": 0.3},
        "samples": {"loss": "empirical", "samples": 50, "batch": 10, "learning_rate": 0.3, "noise": 0.1},
        "online": {"loss": "empirical", "batch": 10, "learning_rate": 0.3},
    }.items():
        target: Callable[[], np.ndarray] = lambda: gf.cosine(CIRCLE, amplitude=0.7, modes=2)  # noqa: E731
        solved(f"network_circle_{name}", network(CIRCLE, gf.Flow, target, 30, **options), lambda: None, 6.0)
        on_sphere: Callable[[], np.ndarray] = lambda: gf.sphere_densities.harmonic(sphere, 2)  # noqa: E731
        solved(f"network_sphere_{name}", network(sphere, gf.SphereFlow, on_sphere, 30, **options), lambda: None, 6.0)

    def pairs() -> Any:
        whole = gf.WholeSphere(4)
        teacher, start = (networks.random_weights(count, 5, seed=count) for count in (3, 20))
        target = gf.uniform(whole, mass=float(teacher.masses.sum()))
        return solvers.Network(gf.WholeSphereFlow(whole, gf.ReLU(), target, 2.0), start, teacher=teacher)

    solved("network_pairs", pairs, lambda: None, 6.0)


@case
def densities_on_the_torus(_: Path) -> Facts:
    """Every maker of densities."""
    facts: Facts = {}
    for dim, grid in TORI.items():
        middle = [0.5 * length for length in grid.lengths]
        made = {
            "uniform": gf.uniform(grid, mass=2.0),
            "cosine": gf.cosine(grid),
            "gaussian": gf.gaussian(grid, [middle], widths=0.1),
            "ball": gf.ball_hole(grid, 0.2),
            "box": gf.box_hole(grid, 0.3),
            "shell": gf.shell_hole(grid, 0.1, 0.2),
            "lattice": gf.lattice_of_holes(grid, 2, 0.1),
            "random": gf.random_sobolev(grid, 0.5, seed=7),
            "function": gf.from_function(grid, lambda *x: 1 + x[0]),
            "particles": gf.from_particles(grid, np.array([middle, [0.1] * dim])),
            "array": gf.from_array(grid, np.arange(1.0, grid.size + 1).reshape(grid.shape)),
        }
        facts |= {f"{name}_{dim}d": digest(values) for name, values in made.items()}
        for method in ("independent", "stratified", "quasi-random"):
            positions, weights = gf.sample(grid, made["random"], 50, method, seed=1)
            facts |= {f"{method}_{dim}d": digest(positions), f"{method}_weights_{dim}d": digest(weights)}
    return facts


@case
def numbers_of_densities(_: Path) -> Facts:
    """Energies, norms, holes, laws and certificates."""
    facts: Facts = {}
    for dim, grid in TORI.items():
        flow, start = uniform_flow(grid, gf.Riesz(1)), hole(grid)
        numbers = {
            "energy": flow.energy(start),
            "dissipation": flow.dissipation(start),
            "kmd": gf.diagnostics.kmd(flow, start),
            "hole": gf.diagnostics.volume_below(grid, start, 0.5 * start.max()),
            "norm": gf.sobolev.norm(grid, start, 0.5),
            "law": float(gf.theory.HoleLaw.of(flow, start)(1.0)),
        }
        facts[f"{dim}d"] = digest(np.array(list(numbers.values())))
        spectrum = gf.sobolev.shell_spectrum(grid, start)
        facts |= {f"shells_{dim}d": digest(spectrum.power), f"potential_{dim}d": digest(flow.potential(start))}
    sphere = gf.SphereGrid((16, 32))
    start = gf.sphere_densities.cap_hole(sphere, 0.8, [1.0, 0.2, 0.3])
    flow = gf.SphereFlow(sphere, gf.Riesz(1), gf.uniform(sphere))
    found = [flow.energy(start), flow.dissipation(start), gf.diagnostics.volume_below(sphere, start, 0.03)]
    return facts | {"sphere": digest(np.array(found)), "sphere_potential": digest(flow.potential(start))}


def register_bundled_cases() -> None:
    """Every bundled case at a small size, as the commands run it."""
    small = {"1d": "[48]", "2d": "[24, 24]", "3d": "[12, 12, 12]", "relu-circle": "[64]", "relu-sphere": "[16, 32]"}
    names = "bumps2d cosine1d gaussian-mmd2d hole1d hole2d hole3d image2d lattice2d random1d random2d random3d"
    for name in (*names.split(), "relu-circle", "relu-sphere", "relu-teacher"):
        shape = next((shape for ending, shape in small.items() if name.endswith(ending)), "[24, 24]")
        shape = "[64]" if name == "relu-teacher" else shape

        def run(folder: Path, name: str = name, shape: str = shape) -> Facts:
            command(folder, "new", name)
            changes = ("--set", f"grid.shape={shape}", "--set", "time.t_end=0.5", "--set", "output.series_every=1")
            store = folder / f"{name}.run"
            command(folder, "run", f"{name}.toml", "--quiet", *changes)
            stored = gf.open_run(store)
            facts = {f"series.{column}": digest(values) for column, values in stored.series.items()}
            facts |= {"last": digest(stored.snapshot(index=-1).density), "target": digest(stored.target)}
            facts["rates"] = told(command(folder, "rates", store, "--json"), folder)
            facts["predict"] = told(command(folder, "predict", f"{name}.toml", "--json", *changes[:2]), folder)
            return facts

        CASES[f"case_{name}"] = run


@case
def commands_with_particles(folder: Path) -> Facts:
    """Info, resume, compare."""
    command(folder, "new", "hole2d")
    small = ("--quiet", "--set", "grid.shape=[24, 24]", "--set", "time.t_end=0.4")
    command(folder, "run", "hole2d.toml", *small)
    command(folder, "run", "hole2d.toml", "--out", "p.run", *small, "--set", "solver={kind='particles', count=200}")
    command(folder, "resume", "hole2d.run", "--t-end", "0.6", "--quiet")
    facts = {"compare": told(command(folder, "compare", "hole2d.run", "p.run", "--json"), folder)}
    facts |= {name: told(command(folder, "info", f"{name}.run", "--json"), folder) for name in ("hole2d", "p")}
    return facts | {
        f"series.{name}": digest(values) for name, values in gf.open_run(folder / "hole2d.run").series.items()
    }


@case
def command_sweep(folder: Path) -> Facts:
    """A sweep over two keys."""
    command(folder, "new", "hole1d")
    over = ("--over", "kernel.s=1,1.5", "--over", "solver.reconstruction=muscl,sharp")
    command(folder, "sweep", "hole1d.toml", *over, "--set", "grid.shape=[48]", "--set", "time.t_end=0.1", "--quiet")
    facts: Facts = {}
    for member in sorted((folder / "hole1d.sweep").glob("*/manifest.json")):
        stored = gf.open_run(member.parent)
        facts[member.parent.name] = digest(stored.snapshot(index=-1).density)
    return facts


@case
def command_train(folder: Path) -> Facts:
    """Networks beside their limit."""
    command(folder, "new", "relu-circle")
    changes = ("grid.shape=[64]", "time.t_end=5.0", "training.widths=[10, 20]", "training.samples=20")
    words = [word for change in changes for word in ("--set", change)]
    return {"train": told(command(folder, "train", "relu-circle.toml", "--quiet", "--json", *words), folder)}


@case
def both_signs_in_a_case(folder: Path) -> Facts:
    """A case file with two densities of either sign, and growth."""
    text = """
    [grid]
    kind = "circle"
    shape = [64]
    [kernel]
    kind = "relu"
    [target]
    kind = "cosine"
    amplitude = 0.9
    [initial]
    kind = "uniform"
    [negative]
    kind = "uniform"
    mass = 0.3
    [solver]
    kind = "finite_volume"
    [time]
    t_end = 2.0
    """
    (folder / "signed.toml").write_text(text, encoding="utf-8")
    command(folder, "run", "signed.toml", "--quiet", "--set", f"{GROWTH}=2.0")
    stored = gf.open_run(folder / "signed.run")
    return {f"series.{name}": digest(values) for name, values in stored.series.items()}


register_finite_volumes()
register_other_solvers()
register_bundled_cases()
