"""Holes of a density: what share of every cell is empty, and the connected holes with their sizes and shapes."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gridflow.compute import contours
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid

EDGE = 0.5
"""A hole is where the empty share of the volume is above this."""
FADED = 1e-12
"""Density next to an empty region, relative to the mean, below which it has faded out rather than been cut out."""
MARGIN = 4
"""Number of layers of cells around a hole that its border is measured with."""
SMOOTHINGS = 2
"""Number of binomial filters before a border is measured."""
SMALL = 3
"""Width in cells below which a hole on the sphere has no perimeter."""
ONE_SIDED = 1e-9
"""Distance of a centre of mass from that of the sphere below which the hole has no side."""
MOST_ASKED = 2**11
"""Largest number of cells of a hole among which the deepest is looked for."""


@dataclass(frozen=True)
class Hole:
    """One connected hole.

    Attributes
    ----------
    volume
        Contoured volume (length^d).
    perimeter
        Size of its border: a number of ends, a length, or an area of surface (length^{d−1}). NaN for a hole that is
        less than about three cells wide.
    centroid
        Centre of mass, d numbers; NaN along an axis of which the hole occupies every layer of cells. On the sphere a
        unit vector, NaN for a hole without a side, such as a belt about the equator.
    elongation
        Square root of the ratio of the largest second moment to the smallest: a / b for an ellipse, 1 for a ball; NaN
        if part of the centroid is.
    roundness
        Border of a ball of the same volume relative to the perimeter: 1 for a ball, less for other shapes.
    cells
        Number of its cells.
    deepest
        Index of a cell as far from its border as any, or any of 2048 in a larger hole.
    """

    volume: float
    perimeter: float
    centroid: tuple[float, ...]
    elongation: float
    roundness: float
    cells: int
    deepest: tuple[int, ...]


def holes(grid: Domain, fraction: np.ndarray) -> list[Hole]:
    """Tell the connected holes ``{fraction > ½}`` apart and measure each.

    Cells are connected through their faces, also across the ends of the periods; on the sphere those around a pole are
    connected if the mean of their ring is above ½. Volumes are contoured as by
    :func:`gridflow.diagnostics.volume_below`: of second order where borders are curved, and with an error of up to a
    tenth of a cell's width for a border along the cells, as of a box. A border is that of the fraction after two
    binomial filters, which remove the steps of the cells, times the factor that gives its inside the volume of the
    hole: of second order down to about 1e-4. On the sphere
    there is no filter, and an edge one cell wide leaves an error of 3e-3.

    Parameters
    ----------
    grid
        A torus or a sphere of cells.
    fraction
        Empty share of the volume of every cell, such as the ``tracer`` of a snapshot; shape ``grid.shape``.

    Returns
    -------
    list of Hole
        The holes, that with the most volume of cells first.

    Raises
    ------
    InputError
        If the domain has no cells, or the fraction has the wrong shape or is not finite.
    """
    found = components(grid, fraction)
    return [found.hole(number) for number in range(1, found.count + 1)]


def hole_fraction(grid: Domain, density: np.ndarray) -> np.ndarray | None:
    """Empty share of the volume of every cell of a density with holes; None if it has no hole that is cut out.

    A cell without mass is empty. A cell within two cells of an empty one may be cut by the border of the hole: its
    share is 1 − μ / μ', where μ' is the density of the nearest cell beyond. This is exact where the density is constant
    outside the hole; where it varies, the volume is of second order.

    Parameters
    ----------
    grid
        A torus or a sphere of cells.
    density
        Cell averages ≥ 0, shape ``grid.shape`` (mass / volume).

    Returns
    -------
    ndarray or None
        Shares in [0, 1], float64 of shape ``grid.shape``. None if no cell is empty, if all are, or if the density next
        to the empty ones is below 1e-12 of its mean: then it has faded out.
    """
    empty = density == 0
    if not empty.any() or empty.all():
        return None
    near = grid.widened(empty)
    rim = near & ~empty
    if not density[rim].max() > FADED * grid.integral(density) / grid.volume:
        return None
    fraction = empty.astype(float)
    beyond = grid.widened(near) & ~near
    outside = float(density.max())
    if beyond.any():
        cells = np.argwhere(beyond)
        _, nearest = grid.nearest(cells, np.argwhere(rim))
        outside = density[tuple(cells[nearest].T)]
    fraction[rim] = np.maximum(1 - density[rim] / outside, 0.0)  # a cell denser than its neighbour is not cut
    return fraction


def is_wide(grid: Domain, fraction: np.ndarray) -> bool:
    """Whether a hole contains a cell that is more than two cells away from everything that is not empty."""
    return not bool(grid.widened(fraction < 1).all())


class Components(ABC):
    """The connected parts of ``{fraction > ½}``, numbered from 1, that with the most volume of cells first.

    Parts of equal size keep the order of their first cells. :func:`components` makes those of a domain.

    Attributes
    ----------
    labels
        Number of the hole of every cell, 0 outside; int32 of shape ``grid.shape``.
    count
        Number of holes.
    """

    def __init__(self, grid: Any, fraction: np.ndarray) -> None:
        from scipy.ndimage import label  # imported here because it loads slowly
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        self.grid, self.fraction = grid, fraction
        inside = fraction > EDGE
        pieces, count = label(inside)
        seams = np.concatenate([np.zeros((0, 2), int), *self._seams(pieces)])
        joined = coo_array((np.ones(len(seams)), tuple(seams.T)), (count + 1, count + 1))
        _, part = connected_components(joined, directed=False)  # 0, the outside, is never joined to anything
        volumes = grid.cell_volumes if grid.cell_volumes.ndim else np.ones(())  # equal cells are counted, exactly
        sizes = np.bincount(
            part[pieces[inside]], np.broadcast_to(volumes, grid.shape)[inside], int(part.max()) + 1
        )[1:]  # fmt: skip
        self.count = sizes.size
        place = np.zeros(self.count + 1, np.int32)
        place[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, self.count + 1)
        self.labels: np.ndarray = place[part][pieces]

    @cached_property
    def cells(self) -> np.ndarray:
        """Number of cells of every hole, int of shape (count + 1,), after a 0 for the outside."""
        return np.bincount(self.labels[self.labels > 0], minlength=self.count + 1)

    def near(self, cell: tuple[int, ...], reach: float) -> int:
        """Return the number of the hole at a cell, or else of the nearest within ``reach`` (length); 0 if none is."""
        if self.labels[cell] or not self.count:
            return int(self.labels[cell])
        cells = np.argwhere(self.labels)
        distance, which = self.grid.nearest(cells, np.array([cell]))
        return int(self.labels[tuple(cells[which[0]])]) if distance[0] <= reach else 0

    @abstractmethod
    def hole(self, number: int) -> Hole:
        """Measure the hole of a number."""

    @abstractmethod
    def _seams(self, pieces: np.ndarray) -> Iterator[np.ndarray]:
        """Pairs of pieces that are connected although their cells are not neighbours in the array, each (n, 2)."""

    def _deepest(self, own: np.ndarray, rim: np.ndarray) -> tuple[int, ...]:
        """Index of the cell that is farthest from the rim, among not too many; both are indices, shape (n, axes)."""
        asked = own[:: -(-len(own) // MOST_ASKED)]
        place = int(self.grid.nearest(rim, asked)[0].argmax()) if len(rim) else 0
        return tuple(int(k) for k in asked[place])


class TorusComponents(Components):
    """The holes on a torus, each measured within a box around it."""

    grid: Grid

    def hole(self, number: int) -> Hole:
        """Measure the hole of a number."""
        from scipy.ndimage import binary_dilation, generate_binary_structure

        grid, dim = self.grid, self.grid.dim
        layers, whole, spans = self._box(number)
        index = np.ix_(*(layer % n for layer, n in zip(layers, grid.shape, strict=True)))
        labels = self.labels[index]
        own = labels == number
        share = np.where(own | (labels == 0), self.fraction[index], 0.0)
        volume = contours.inside(_closed(share, whole)) * grid.cell_volume
        perimeter = _perimeter(share, whole, volume, grid)
        edge = binary_dilation(own, generate_binary_structure(dim, dim)) & (labels == 0)
        weights = np.where(own | edge, share, 0.0)
        weights /= weights.sum()
        centroid, apart = np.empty(dim), []
        for axis, (layer, h) in enumerate(zip(layers, grid.spacing, strict=True)):
            place = grid.along(axis, (layer + 0.5) * h)
            centroid[axis] = (weights * place).sum()
            apart.append(place - centroid[axis])
        moments = np.array([[(weights * one * other).sum() for one in apart] for other in apart])
        moments += np.diag(np.square(grid.spacing)) / 12
        rim = binary_dilation(own) & ~own
        own_cells, rim_cells = (
            np.stack([layer[k] % n for layer, k, n in zip(layers, np.nonzero(mask), grid.shape, strict=True)], axis=1)
            for mask in (own, rim)
        )
        ball = {1: 2.0, 2: 2 * math.sqrt(math.pi * volume), 3: (36 * math.pi * volume**2) ** (1 / 3)}[dim]
        return Hole(
            volume,
            perimeter,
            tuple(np.where(spans, np.nan, centroid % grid.lengths).tolist()),
            math.nan if any(spans) else _aspect(moments),
            _ratio(ball, perimeter),
            len(own_cells),
            self._deepest(own_cells, rim_cells),
        )

    def _seams(self, pieces: np.ndarray) -> Iterator[np.ndarray]:
        """Pairs of pieces across the ends of the periods."""
        for axis in range(pieces.ndim):
            ends = pieces.take([0, -1], axis).swapaxes(axis, -1).reshape(-1, 2)
            yield ends[ends.all(axis=1)]

    @cached_property
    def _slices(self) -> list[tuple[slice, ...]]:
        from scipy.ndimage import find_objects

        return list(find_objects(self.labels))

    def _box(self, number: int) -> tuple[list[np.ndarray], list[bool], list[bool]]:
        """Find the layers of cells around a hole along every axis.

        Returns
        -------
        list of ndarray
            Layers, consecutive and perhaps beyond the period: with a margin, or else all.
        list of bool
            Whether they are all the layers of the period.
        list of bool
            Whether the hole occupies all of them.
        """
        around = self._slices[number - 1]
        own = self.labels[around] == number
        layers, whole, spans = [], [], []
        for axis, n in enumerate(self.grid.shape):
            others = tuple(other for other in range(own.ndim) if other != axis)
            occupied = np.flatnonzero(own.any(others)) + around[axis].start
            gaps = np.diff(occupied, append=occupied[0] + n)
            last = int(gaps.argmax())
            start, free = int(occupied[(last + 1) % occupied.size]), int(gaps[last]) - 1
            margin = MARGIN if free >= 2 * MARGIN else 0
            layers.append(np.arange(start - margin, start + n - (free - margin if margin else 0)))
            whole.append(not margin)
            spans.append(free == 0)
        return layers, whole, spans


class SphereComponents(Components):
    """The holes on a sphere."""

    grid: SphereGrid

    def hole(self, number: int) -> Hole:
        """Measure the hole of a number."""
        grid = self.grid
        own, outside = self.labels == number, self.labels == 0
        near = grid.widened(own) & outside
        share = np.where(own | outside, self.fraction, 0.0)
        volume = grid.contoured_volume(-share, -EDGE) if share.min() <= EDGE else grid.volume
        own_cells, points = np.argwhere(own), grid.points
        perimeter = grid.contoured_length(-share, -EDGE) if volume > SMALL**2 * grid.volume / grid.size else math.nan
        weights = np.where(own | near, share, 0.0) * grid.areas
        weights /= weights.sum()
        middle = np.einsum("ij,ijk->k", weights, points)
        length = float(np.linalg.norm(middle))
        one_sided = length > ONE_SIDED
        centroid = middle / length if one_sided else np.full(3, np.nan)
        flat = points - (points @ centroid)[..., None] * centroid
        moments = np.einsum("ij,ijk,ijl->kl", weights, flat, flat)  # in the tangent plane; 0 across it
        return Hole(
            volume,
            perimeter,
            tuple(centroid.tolist()),
            _aspect(moments, skipped=1) if one_sided else math.nan,
            _ratio(math.sqrt(max(volume * (grid.volume - volume), 0.0)), perimeter),
            len(own_cells),
            self._deepest(own_cells, np.argwhere(near)),
        )

    def _seams(self, pieces: np.ndarray) -> Iterator[np.ndarray]:
        """Pairs of pieces across the first meridian, and around the poles."""
        ends = pieces[:, [0, -1]]
        yield ends[ends.all(axis=1)]
        for ring, share in zip(pieces[[0, -1]], self.fraction[[0, -1]], strict=True):
            if share.mean() > EDGE:
                around = ring[ring > 0]
                yield np.stack([around[:-1], around[1:]], axis=1)


KINDS: dict[type[Domain], type[Components]] = {Grid: TorusComponents, SphereGrid: SphereComponents}
"""How holes are told apart on each domain."""


def components(grid: Domain, fraction: np.ndarray) -> Components:
    """The holes of a fraction before they are measured; see :func:`holes`."""
    return grid.one_of(KINDS, "hole")(grid, grid.check(fraction, "the fraction"))


def _closed(share: np.ndarray, whole: list[bool]) -> np.ndarray:
    """½ − share, which is negative inside, with the first layer again behind the last along whole periods."""
    closed = contours.above(-share, -EDGE, 1.0)
    for axis, all_layers in enumerate(whole):
        if all_layers:
            closed = np.concatenate([closed, closed.take([0], axis)], axis)
    return closed


def _perimeter(share: np.ndarray, whole: list[bool], volume: float, grid: Grid) -> float:
    """Size of the border of a hole of known volume within its box; NaN if the filters remove half of the hole."""
    from scipy.ndimage import convolve1d

    if grid.dim == 1:
        return contours.border(_closed(share, whole), grid.spacing)
    for axis, all_layers in enumerate(whole):
        for _ in range(SMOOTHINGS):
            share = convolve1d(share, [0.25, 0.5, 0.25], axis, mode="wrap" if all_layers else "nearest")
    closed = _closed(share, whole)
    if closed.max() < 0:
        return 0.0
    smoothed = contours.inside(closed) * grid.cell_volume if closed.min() < 0 else 0.0
    if smoothed < volume / 2:
        return math.nan
    return contours.border(closed, grid.spacing) * (volume / smoothed) ** (1 - 1 / grid.dim)


def _aspect(moments: np.ndarray, skipped: int = 0) -> float:
    """Square root of the ratio of the largest to the smallest eigenvalue, but for the ``skipped`` smallest."""
    ordered = np.linalg.eigvalsh(moments)[skipped:]
    return math.sqrt(ordered[-1] / ordered[0])


def _ratio(ball: float, perimeter: float) -> float:
    return ball / perimeter if perimeter > 0 else math.nan
