"""The layout of figures: blocks below each other, rows of images on one colour scale, headings that fit."""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase
from matplotlib.text import Text

from gridflow.domains.base import Domain
from gridflow.viz.pictures import MIDDLE, Cut, panel_height
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.style import new_figure

PANEL = 2.0
"""Width of a panel on a screen, in inches."""
LEAST_PANEL = 1.35
"""Least width of a panel on paper, in inches."""
CAPTION = 0.45
"""Height of the title and the ticks of a panel, in inches."""
CHARACTER = 0.075
"""Width of a character of a heading, in inches."""
MOST_ROWS = 2
"""Largest number of lines of a heading."""


class Block(NamedTuple):
    """A part of a figure: its height in inches and the function that draws it."""

    height: float
    draw: Callable[[FigureBase], Any]


def stacked(blocks: Sequence[Block], width: float, told: str) -> Drawing:
    """Create a figure of blocks below each other, with a heading.

    Parameters
    ----------
    blocks
        The blocks, from the top, at least one.
    width
        Width of the figure in inches.
    told
        The heading.
    """
    figure = new_figure(width, 1.0)
    rows = heading(figure, told, width).get_text().count("\n") + 1
    figure.set_size_inches(width, sum(block.height for block in blocks) + 0.2 * rows)
    heights = [block.height for block in blocks]
    parts = figure.subfigures(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for block, part in zip(blocks, parts, strict=True):
        block.draw(part)
    return figure


def heading(figure: Drawing, told: str, width: float) -> Text:
    """Write the heading of a figure as it is, without mathematics, in as many lines as fit, two at most."""
    fits = max(int(width / CHARACTER), 20)
    lines = textwrap.wrap(told, fits, max_lines=MOST_ROWS, placeholder=" …", break_long_words=True)
    return figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10, parse_math=False)


def rows_of(count: int, width: float) -> tuple[int, int]:
    """Return the numbers of rows and columns for a number of panels in a figure of a given width in inches."""
    columns = min(count, max(int(width / LEAST_PANEL), 1))
    rows = math.ceil(count / columns)
    return rows, math.ceil(count / rows)


def images(
    grid: Domain,
    labels: Sequence[str],
    scale: Scale,
    width: float,
    draw: Callable[[Axes, int, bool], Any],
    cut: Cut = MIDDLE,
) -> Block:
    """Create a block of images on one colour scale, in as many rows as the width asks for.

    Parameters
    ----------
    grid
        The domain of all images.
    labels
        Their titles.
    scale
        Their colour scale, drawn beside them.
    width
        Width of the figure in inches.
    draw
        Function of the axes, the number of the image, and whether its axes are named.
    cut
        In 3-D, the plane that is shown.
    """
    rows, columns = rows_of(len(labels), width)
    height = panel_height(grid, (width - 0.8) / columns, cut) + CAPTION

    def draw_all(figure: FigureBase) -> None:
        panels = figure.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(panels.flat):
            if number < len(labels):
                draw(axes, number, number % columns == 0)
                axes.set_title(labels[number])
            else:
                axes.set_axis_off()
        color_bar(figure, scale, list(panels.flat))

    return Block(rows * height, draw_all)
