"""Padded planes and rings of them: the workspace of the compiled loops.

A field is read plane by plane (of its first axis) into lines: a plane with a halo around it, row after row. In such a
line the neighbour along an axis is a fixed distance away, the periodic seam needs no care, and loops are long whatever
the shape. One dimension is a plane of a single row; two dimensions are planes of a single row each.

A loop goes from plane to plane and needs every intermediate result for a few planes only. It keeps them in rings: the
lines of a new plane take the place of those of the oldest.
"""

from typing import NamedTuple

import numpy as np

from gridflow.compute.fft import Transform
from solvers.loops.compilation import line_function, piece


class Field(NamedTuple):
    """An array (planes, rows, numbers) with the ghost planes below and above it."""

    inner: np.ndarray
    below: np.ndarray
    above: np.ndarray


def field_of(transform: Transform, lines: np.ndarray, depth: int) -> Field:
    """Return an array (planes, rows, numbers) with ``depth`` ghost planes on either side."""
    return Field(lines, *transform.halo(lines, depth))


LONGEST_LINE = 170_000
"""Bytes of a line that holds several rows: all lines of a thread together then fit the cache beside what it streams."""


def tile_rows(rows: int, cells: int, halo: int, itemsize: int) -> int:
    """Rows of a plane to work on at once, so that a padded line of them is not too long."""
    fitting = LONGEST_LINE // ((cells + 2 * halo) * itemsize) - 2 * halo
    tiles = -(-rows // max(fitting, 8))
    return -(-rows // tiles)


class Tile(NamedTuple):
    """Rows of every plane that are processed together, and the size of a plane."""

    number: int
    first: int
    rows: int
    of: int
    cells: int


@piece
def tile_of(number, rows_at_once, values):
    """The tile of that number, for a field of the shape (planes, rows, cells) of ``values``."""
    first, rows = number * rows_at_once, values.shape[1]
    return Tile(number, first, min(rows_at_once, rows - first), rows, values.shape[2])


def line_size(rows_at_once: int, rows: int, cells: int, halo: int) -> int:
    """Numbers in a padded tile of a plane."""
    return (rows_at_once + 2 * halo if rows > 1 else 1) * (cells + 2 * halo)


@line_function
def load(field, plane, tile, halo, line):
    """Copy a tile of a plane, which may be one of those around the field, into a line, ``halo`` cells around it."""
    planes, cells = field.inner.shape[0], tile.cells
    if plane < 0:
        values = field.below[field.below.shape[0] + plane]
    elif plane < planes:
        values = field.inner[plane]
    else:
        values = field.above[plane - planes]
    around, pitch = halo if tile.of > 1 else 0, cells + 2 * halo
    j = (tile.first - around) % tile.of
    for start in range(0, (tile.rows + 2 * around) * pitch, pitch):
        row, j = values[j], j + 1 if j + 1 < tile.of else 0
        inside = line[start + halo : start + halo + cells]
        for k in range(cells):
            inside[k] = row[k]
        before, after = line[start : start + halo], line[start + halo + cells : start + pitch]
        if cells >= halo:
            for k in range(halo):
                before[k] = row[cells - halo + k]
                after[k] = row[k]
        else:
            for k in range(halo):
                before[k] = row[(k - halo) % cells]
                after[k] = row[k % cells]


@line_function
def row_start(j, tile, halo):
    """Index in a line of the first cell of the tile's j-th row."""
    return (j + halo if tile.of > 1 else 0) * (tile.cells + 2 * halo) + halo


class Ring(NamedTuple):
    """Where in the working memory a result is kept, for the newest planes; a constant of the compiled code."""

    first: int
    """Its first line."""
    planes: int
    """How many planes it is kept for."""
    apart: int
    """From the line of a plane to that of the next."""


class Layout:
    """Lays out rings one after another in the working memory.

    Attributes
    ----------
    size
        Lines of all rings so far.
    """

    def __init__(self) -> None:
        self.size = 0

    def ring(self, planes: int = 1) -> Ring:
        """The next ring, for so many planes."""
        self.size += planes
        return Ring(self.size - planes, planes, 1)

    def rings(self, planes: int, number: int = 3) -> tuple[Ring, ...]:
        """The next few rings, for so many planes each; their lines of a plane are one after another."""
        first, self.size = self.size, self.size + planes * number
        return tuple(Ring(first + k, planes, number) for k in range(number))


@piece
def line_of(memory, ring, plane):
    """The line that a ring keeps of a plane."""
    return memory[ring.first + plane % ring.planes * ring.apart]


@piece
def kept_lines(memory, ring):
    """All lines of a ring, each of the planes that it keeps in turn."""
    return memory[ring.first : ring.first + ring.planes]


@piece
def lines_of(memory, rings, plane):
    """The lines that rings laid out together keep of a plane."""
    ring = rings[0]
    first = ring.first + plane % ring.planes * ring.apart
    return memory[first : first + ring.apart]


@piece
def part(line, span, shift):
    """The numbers of a line between two places, or those at a distance ``shift`` from them."""
    first, last = span
    return line[first + shift : last + shift]
