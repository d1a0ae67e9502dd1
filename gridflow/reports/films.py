"""The densities of a run at the times of a report, as a browser draws them: on a line, as pixels, or on the sphere."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from gridflow.compute import contours
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.reports.base import Subject, numbers, packed, placed
from gridflow.reports.solids import Surfaces
from gridflow.runtime.schema import Snapshot
from gridflow.viz.pictures import MIDDLE, is_line
from gridflow.viz.scale import Scale
from gridflow.viz.selection import nearest, net, spread, time_labels

PIXELS = 256**2
"""Number of cells of a picture at most; the averages over larger ones are shown of more."""
LINE = 2048
"""The same for a line."""
CODES = 254
"""Number of steps of a scale: densities are bytes from 1 to 255, and 0 is no number."""
SAME = 1e-9
"""Relative difference of times that are the same."""
DOTS = 1500
"""Number of particles that are drawn at most."""


def timeline(times: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Return at most ``count`` times at which some run has a density, evenly spread over all of these times.

    Parameters
    ----------
    times
        Times of the densities of each run, ascending.
    count
        Number of times at most.
    """
    every = np.unique(np.concatenate(times))
    distinct = every[np.concatenate([[True], np.diff(every) > SAME * every[-1]])]
    return distinct[spread(len(distinct), count)]


class Film(ABC):
    """The densities of a run at the times of the slider.

    Attributes
    ----------
    shape
        How the page draws it.
    number, run, told
        Number of the run in the report, the run, and its name beside others.
    which
        Number of the density for each time of the slider, shape (times,).
    frames
        The densities, without their arrays.
    values
        What is drawn of each, arrays of one shape.
    """

    shape: ClassVar[str]

    def __init__(self, number: int, run: Subject, told: str, times: np.ndarray) -> None:
        self.number, self.run, self.told = number, run, told
        index = np.array([int(abs(run.times - time).argmin()) for time in times])
        used, self.which = np.unique(index, return_inverse=True)
        self.ended = times > run.times[-1] * (1 + SAME)
        self.labels: list[str] = []
        self.values: list[np.ndarray] = []
        held = []
        for time in run.times[used]:  # one density in memory at a time
            (frame,) = nearest(run, [float(time)])
            self.values.append(self.drawn(net(frame)))
            self.add(frame)
            held.append(Snapshot(frame.time, frame.step, np.zeros(0)))
        self.labels = time_labels(held)

    @staticmethod
    def of(number: int, run: Subject, told: str, times: np.ndarray, solid: bool) -> "Film":
        """The film of a run, as its domain is drawn."""
        if is_line(run.grid):
            return LineFilm(number, run, told, times)
        kind = run.grid.one_of(FILMS, "picture")
        film = kind(number, run, told, times)
        if solid and film.shape == "plane" and run.grid.dim == 3:
            film.surfaces = Surfaces.of(run, run.times[np.unique([int(abs(run.times - t).argmin()) for t in times])])
        return film

    surfaces: Surfaces | None = None

    @property
    def aspect(self) -> float:
        """Ratio of its width to its height."""
        return 1.0

    @abstractmethod
    def drawn(self, values: np.ndarray) -> np.ndarray:
        """What is drawn of the cell averages of a density."""

    def add(self, frame: Snapshot) -> None:  # noqa: B027 - not all films draw more than the density
        """Take what else is drawn of a snapshot."""

    @abstractmethod
    def content(self, scale: Scale, log: Scale | None) -> dict[str, Any]:
        """What the page needs to draw it, beside what all films have."""

    def data(self, scale: Scale, log: Scale | None) -> dict[str, Any]:
        """What the page needs to draw it, on the two scales that all films share."""
        return {
            "shape": self.shape,
            "run": self.number,
            "told": self.told,
            "which": self.which.tolist(),
            "ended": self.ended.tolist(),
            "labels": self.labels,
            "surfaces": None if self.surfaces is None else self.surfaces.data(),
            **self.content(scale, log),
        }


class LineFilm(Film):
    """Densities on a line, with the target, and the intervals of the hole."""

    shape = "line"

    def __init__(self, number: int, run: Subject, told: str, times: np.ndarray) -> None:
        self._grid = cast(Grid, run.grid)
        self._coarse = self._grid.coarsened(LINE)
        self._holes: list[list[float]] = []
        super().__init__(number, run, told, times)

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """The averages over the cells of the line."""
        return self._grid.averages_on(self._coarse, values)

    def add(self, frame: Snapshot) -> None:
        """Take the intervals of the hole."""
        found: list[tuple[float, float]] = []
        if frame.tracer is not None:
            grid = self._grid
            found = contours.intervals(grid.centers(0), grid.lengths[0], frame.tracer.astype(float), 0.5)
        self._holes.append([round(float(end), 6) for interval in found for end in interval])

    def content(self, scale: Scale, log: Scale | None) -> dict[str, Any]:  # noqa: ARG002 - a line has its own axis
        """Positions, values and target, and the ends of the hole's intervals."""
        return {
            "x": numbers(self._coarse.centers(0)),
            "length": self._grid.lengths[0],
            "values": packed(np.array(self.values, dtype="<f4")),
            "target": numbers(self.drawn(self.run.target)),
            "holes": self._holes,
        }


class PixelFilm(Film):
    """Densities that are drawn as pixels."""

    def content(self, scale: Scale, log: Scale | None) -> dict[str, Any]:
        """Numbers of rows and columns, and the values as bytes on both scales."""
        rows, columns = self.values[0].shape
        return {
            "rows": rows,
            "columns": columns,
            "linear": encoded(self.values, scale),
            "log": None if log is None else encoded(self.values, log),
        }


class PlaneFilm(PixelFilm):
    """Densities on a torus of two dimensions, or in the middle plane of three, with the boundary of the hole."""

    shape = "plane"

    def __init__(self, number: int, run: Subject, told: str, times: np.ndarray) -> None:
        self._grid = grid = cast(Grid, run.grid)
        across, up = MIDDLE.axes(grid)
        self._plane = Grid((grid.shape[across], grid.shape[up]), (grid.lengths[across], grid.lengths[up]))
        self._coarse = self._plane.coarsened(PIXELS)
        self._lines: list[list[np.ndarray]] = []
        self._dots: list[np.ndarray] = []
        super().__init__(number, run, told, times)

    @property
    def aspect(self) -> float:
        """Ratio of its width to its height."""
        return self._plane.lengths[0] / self._plane.lengths[1]

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """One pixel for each cell of the plane, the lowest row first."""
        return self._plane.averages_on(self._coarse, MIDDLE(self._grid, values)).T

    def add(self, frame: Snapshot) -> None:
        """Take the boundary of the hole, and the particles."""
        found: list[np.ndarray] = []
        if frame.tracer is not None:
            share = np.pad(MIDDLE(self._grid, frame.tracer).T.astype(float), 1, mode="wrap")
            columns, rows = self._plane.shape
            x, y = ((np.arange(-1, n + 1) + 0.5) / n for n in (columns, rows))
            found = contours.polylines(share - 0.5, x, y)
        self._lines.append(found)
        if frame.positions is not None and self._grid.dim == 2:
            chosen = frame.positions[spread(len(frame.positions), DOTS)]
            self._dots.append(np.mod(chosen / np.array(self._grid.lengths), 1.0))

    def content(self, scale: Scale, log: Scale | None) -> dict[str, Any]:
        """The pixels, the sides of the plane, the lines and the particles."""
        points = [line for lines in self._lines for line in lines]
        return {
            **super().content(scale, log),
            "lengths": list(self._plane.lengths),
            "at": MIDDLE.label(self._grid).removeprefix(", "),
            "lines": [[len(line) for line in lines] for lines in self._lines],
            "points": packed(placed(np.concatenate(points))) if points else None,
            "dots": packed(placed(np.concatenate(self._dots))) if self._dots else None,
            "count": len(self._dots[0]) if self._dots else 0,
        }


class SphereFilm(PixelFilm):
    """Densities on the sphere; the page maps the cells."""

    shape = "sphere"

    def __init__(self, number: int, run: Subject, told: str, times: np.ndarray) -> None:
        self._grid = run.grid
        self._coarse = cast(SphereGrid, run.grid.coarsened(PIXELS))
        super().__init__(number, run, told, times)

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """The cells, with the ring at the north pole first."""
        return self._grid.averages_on(self._coarse, values)

    def content(self, scale: Scale, log: Scale | None) -> dict[str, Any]:
        """The cells, and the colatitudes between the rings."""
        return {**super().content(scale, log), "edges": numbers(self._coarse.edges)}


FILMS: dict[type[Domain], type[PixelFilm]] = {Grid: PlaneFilm, SphereGrid: SphereFilm}
"""How the densities on each domain are drawn as pixels."""


def encoded(values: Sequence[np.ndarray], scale: Scale) -> str:
    """Return frames as bytes on a scale, each as its difference to the frame before, modulo 256.

    Parameters
    ----------
    values
        The frames, of one shape.
    scale
        The scale: its lower end and what is below it are 1, its upper end and what is above it 255. What is not a
        number is 0.
    """
    stack = np.array(values, dtype=float)
    ends = np.array([scale.low, scale.high])
    drawn = np.clip(stack, *ends)  # a scale has all values, but for those below its lower end if it is logarithmic
    if scale.log:
        drawn, ends = np.log(drawn), np.log(ends)
    codes = 1 + np.rint(CODES * (drawn - ends[0]) / (ends[1] - ends[0]))
    codes = np.where(np.isfinite(stack), codes, 0).astype(np.uint8)
    return packed(np.diff(codes, axis=0, prepend=np.zeros_like(codes[:1])))
