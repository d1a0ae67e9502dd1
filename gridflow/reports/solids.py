"""Surfaces in three dimensions that turn in a browser: the boundary of a hole, or where a density has a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from gridflow.compute import contours
from gridflow.decay.holes import hole_columns
from gridflow.domains.torus import Grid
from gridflow.reports.base import Subject, packed, placed
from gridflow.viz.selection import short

CELLS = 36**3
"""Number of cells at most of the grid on which a surface is found."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """One surface at each of some times.

    Attributes
    ----------
    told
        What they are.
    lengths
        The periods.
    vertices, faces
        Positions as shares of the periods, shape (vertices, 3), and triangles, shape (faces, 3), at each time.
    """

    told: str
    lengths: tuple[float, ...]
    vertices: Sequence[np.ndarray]
    faces: Sequence[np.ndarray]

    @classmethod
    def of(cls, run: Subject, times: np.ndarray) -> "Surfaces":
        """The surfaces of a run in three dimensions at times at which it has snapshots."""
        grid = cast(Grid, run.grid)
        coarse = grid.coarsened(CELLS)
        first = run.snapshot(time=float(times[0]))
        if first.tracer is not None:
            told, level = "Boundary of the hole", 0.5
        elif run.rows and hole_columns(run.rows) is not None:
            level = float(run.target.mean()) / 2
            told = f"Where the density is {short(level)}, half that of the target"
        else:
            level = float(first.density.min() + first.density.max()) / 2
            told = f"Where the density is {short(level)}, the middle of its first range"
        vertices, faces = [], []
        for time in times:
            frame = run.snapshot(time=float(time))
            field = frame.density if frame.tracer is None else frame.tracer
            found = contours.surface(grid.averages_on(coarse, field), level)
            vertices.append(found[0])
            faces.append(found[1])
        return cls(told, grid.lengths, vertices, faces)

    def data(self) -> dict[str, Any]:
        """What the page needs to draw them."""
        return {
            "lengths": list(self.lengths),
            "vertices": packed(placed(np.concatenate(self.vertices))),
            "faces": packed(np.concatenate(self.faces).astype("<u4")),
            "counts": [[len(v), len(f)] for v, f in zip(self.vertices, self.faces, strict=True)],
        }
