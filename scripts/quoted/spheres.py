"""Caps on the sphere: steps, areas and plateaus, and what a rotation changes."""

import math
from functools import cache
from typing import Any

import numpy as np

import gridflow as gf
from gridflow.compute.harmonics import PointTransform, SphereTransform
from solvers import SphereFiniteVolume

NU = 1 / (4 * math.pi)
PLACES = {"equator": (1.0, 0.2, 0.1), "pole": (0.7, 0.0, 0.7)}
"""Centres of a cap next to the equator and of one that has a pole in it."""


@cache
def cap(place: str, times: tuple[float, ...] = (1.0, 2.0), radius: float = 0.8, **options: Any) -> np.ndarray:
    """At some times νt: steps so far, per cent that the area is off, and errors of plateau and mass."""
    grid = gf.SphereGrid((128, 256))
    flow = gf.SphereFlow(grid, gf.Riesz(1), gf.uniform(grid))
    start = gf.sphere_densities.cap_hole(grid, radius, PLACES[place])
    law, solver = gf.theory.HoleLaw.of(flow, start), SphereFiniteVolume(flow, tracer=False, **options)
    state, found = solver.initialize(start), []
    for until in times:
        time = until / NU
        while state.time < time:
            solver.step(state, time)
        density, level = solver.density(state), float(law.plateau(time))
        area = 100 * (gf.diagnostics.volume_below(grid, density, level / 2) / float(law(time)) - 1)
        found.append((state.step, area, density.max() / level - 1, grid.integral(density) / grid.integral(start) - 1))
    return np.array(found)


def polar(polar: str) -> list[float]:
    """Steps to νt = 2 of both caps, and the overshoot of both plateaus."""
    last = np.array([cap(place, polar=polar)[-1] for place in PLACES])
    return [*last[:, 0], *last[:, 2]]


def areas(limiter: str) -> list[float]:
    """Per cent that the area is off at νt = 1, of both caps."""
    return [cap(place, limiter=limiter)[0, 1] for place in PLACES]


def overshoot(limiter: str) -> float:
    """The larger overshoot of the plateau at νt = 1."""
    return max(cap(place, limiter=limiter)[0, 2] for place in PLACES)


def late_areas() -> list[float]:
    """Per cent of the area that is missing at νt = 3.2, of caps of radius 0.7."""
    return [-cap(place, (3.2,), radius=0.7)[0, 1] for place in PLACES]


def drift() -> float:
    """Error of the mass at νt = 2."""
    return max(abs(cap(place, polar="joined")[:, 3]).max() for place in PLACES)


def fejer_weights() -> float:
    """Per cent by which the weight of a ring at the pole differs from its area, on 512 equidistant latitudes."""
    n = 512
    angles = (np.arange(n) + 0.5) * math.pi / n
    k = np.arange(1, n // 2 + 1)
    weights = 2 / n * (1 - 2 * (np.cos(2 * np.outer(angles, k)) / (4 * k**2 - 1)).sum(axis=1))
    area = math.cos(0) - math.cos(math.pi / n)
    return 100 * abs(weights[0] / area - 1)


def order_of_rotated_starts() -> float:
    """Order at which a start turned by a rotation gives the turned result, in L1 at νt = 1."""
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    centers, kappas = np.array([[1, 0, 0.2], [-0.3, 1, 0.1], [0.2, -0.5, -1]]), [6.0, 4.0, 8.0]
    sizes, differences = (32, 64, 128), []
    for n in sizes:
        grid = gf.SphereGrid((n, 2 * n))
        flow, results = gf.SphereFlow(grid, gf.Riesz(1), gf.uniform(grid)), []
        for at in (centers, centers @ rotation.T):
            solver = SphereFiniteVolume(flow)
            state = solver.initialize((gf.sphere_densities.bumps(grid, at, kappas) + gf.uniform(grid)) / 2)
            while state.time < 1 / NU:
                solver.step(state, 1 / NU)
            results.append(solver.density(state).copy())
        points = PointTransform(grid.lmax)
        points.place(grid.points.reshape(-1, 3) @ rotation.T)
        turned = points.synthesise(SphereTransform(grid).analyse(results[1]).copy()).reshape(grid.shape)
        differences.append(grid.integral(abs(turned - results[0])))
    return gf.diagnostics.fitted_order(1 / np.array(sizes), np.array(differences))
