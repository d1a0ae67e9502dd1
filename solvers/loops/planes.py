"""Padded planes and ring buffers of them: the workspace of the compiled loops.

A field is read plane by plane along its first axis into lines. A line contains a plane with a halo around it, row after
row. The neighbour along an axis is then at a fixed distance in the line, the periodic boundary needs no special care,
and loops are long for any shape. A one-dimensional grid is a plane with a single row; a two-dimensional one consists of
planes with a single row each.

A loop proceeds from plane to plane and needs each intermediate result for a few planes only. These are kept in ring
buffers, in which a new plane replaces the oldest.
"""

from typing import NamedTuple

import numpy as np

from gridflow.compute.fft import Transform
from solvers.loops.compilation import line_function, piece


class Field(NamedTuple):
    """An array (planes, rows, numbers) with ghost planes below and above it."""

    inner: np.ndarray
    below: np.ndarray
    above: np.ndarray


def field_of(transform: Transform, lines: np.ndarray, depth: int) -> Field:
    """Return an array (planes, rows, numbers) with ``depth`` ghost planes on either side."""
    return Field(lines, *transform.halo(lines, depth))


LONGEST_LINE = 170_000
"""Largest size in bytes of a line with several rows, such that all lines of a thread and its streams fit the cache."""


def tile_rows(rows: int, cells: int, halo: int, itemsize: int) -> int:
    """Return the number of rows per tile, such that a padded line is not too long."""
    fitting = LONGEST_LINE // ((cells + 2 * halo) * itemsize) - 2 * halo
    tiles = -(-rows // max(fitting, 8))
    return -(-rows // tiles)


class Tile(NamedTuple):
    """A range of rows that is processed together in every plane, and the size of a plane."""

    number: int
    first: int
    rows: int
    of: int
    cells: int


@piece
def tile_of(number, rows_at_once, values):
    """Return a tile by its number, for a field of the shape (planes, rows, cells) of ``values``."""
    first, rows = number * rows_at_once, values.shape[1]
    return Tile(number, first, min(rows_at_once, rows - first), rows, values.shape[2])


def line_size(rows_at_once: int, rows: int, cells: int, halo: int) -> int:
    """Return the number of elements in a padded tile of a plane."""
    return (rows_at_once + 2 * halo if rows > 1 else 1) * (cells + 2 * halo)


@line_function
def load(field, plane, tile, halo, line):
    """Copy a tile of a plane, possibly a ghost plane, to a line, with a halo of ``halo`` cells around it."""
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
    """Return the index in a line of the first cell of the tile's j-th row."""
    return (j + halo if tile.of > 1 else 0) * (tile.cells + 2 * halo) + halo


class Ring(NamedTuple):
    """Ring buffer in the workspace for the newest planes of a result; a constant of the compiled code."""

    first: int
    """Index of its first line."""
    planes: int
    """Number of planes it holds."""
    apart: int
    """Distance from the line of a plane to that of the next."""


class Layout:
    """Lays out ring buffers one after another in the workspace.

    Attributes
    ----------
    size
        Number of lines of all rings so far.
    """

    def __init__(self) -> None:
        self.size = 0

    def ring(self, planes: int = 1) -> Ring:
        """Add a ring for a number of planes."""
        self.size += planes
        return Ring(self.size - planes, planes, 1)

    def rings(self, planes: int, number: int = 3) -> tuple[Ring, ...]:
        """Add several rings for a number of planes each; their lines of the same plane are contiguous."""
        first, self.size = self.size, self.size + planes * number
        return tuple(Ring(first + k, planes, number) for k in range(number))


@piece
def line_of(memory, ring, plane):
    """Return the line of a plane in a ring."""
    return memory[ring.first + plane % ring.planes * ring.apart]


@piece
def kept_lines(memory, ring):
    """Return all lines of a ring; that of plane p has the index p modulo the number of planes."""
    return memory[ring.first : ring.first + ring.planes]


@piece
def lines_of(memory, rings, plane):
    """Return the lines of a plane in rings that were laid out together."""
    ring = rings[0]
    first = ring.first + plane % ring.planes * ring.apart
    return memory[first : first + ring.apart]


@piece
def part(line, span, shift):
    """Return the part of a line between two indices, both shifted by ``shift``."""
    first, last = span
    return line[first + shift : last + shift]
