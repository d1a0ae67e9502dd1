"""The common style of all figures, and how they are saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gridflow.files import publishing

STYLE = Path(__file__).with_name("gridflow.mplstyle")
"""The style file of matplotlib that all figures use, for ``matplotlib.style.use``."""
COLORMAP = "magma"
"""Perceptually uniform from dark (empty) to bright, so that edges appear where they are."""
SIGNED_COLORMAP = "RdBu_r"
"""For values of both signs: white at 0; red and blue differ for all kinds of colour vision."""
MEASURED, SECOND, EXACT = "#4f3a8c", "#d1495b", "#1b1b1b"
COLORS = (MEASURED, SECOND, "#2a7f62", "#c98a1b", "#2a62c9", "#777777")
"""Colours of curves."""


def new_figure(width: float, height: float) -> Figure:
    """Create a figure of a given size in inches, without a display."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def color_table(cmap: str = COLORMAP) -> np.ndarray:
    """Return the colours of a map from empty to full, uint8 of shape (256, 3), for pictures without a figure."""
    return np.rint(mpl.colormaps[cmap](np.arange(256))[:, :3] * 255).astype(np.uint8)


@contextmanager
def look() -> Iterator[None]:
    """Draw in the common style."""
    with style.context(STYLE):
        yield


def save(figure: Figure, path: Path, dpi: float | None = None) -> Path:
    """Write a figure atomically, in the format that its suffix names; return its path.

    Parameters
    ----------
    figure
        The figure.
    path
        The file.
    dpi
        Pixels per inch of what is not a vector graphic. Default: that of the style.
    """
    with publishing(path) as file:
        figure.savefig(file, format=path.suffix.lower().removeprefix("."), dpi=dpi)
    return path
