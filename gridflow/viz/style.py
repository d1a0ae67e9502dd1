"""The common style of all figures, and how they are saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gridflow.files import publishing

COLORMAP = "magma"
"""Perceptually uniform from dark (empty) to bright, so that edges appear where they are."""
MEASURED, SECOND, EXACT = "#4f3a8c", "#d1495b", "#1b1b1b"
LOOK: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "savefig.dpi": 160,
    "figure.dpi": 110,
}


def new_figure(width: float, height: float) -> Figure:
    """Create a figure of a given size in inches, without a display."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def color_table() -> np.ndarray:
    """Return the colours of densities from empty to full, uint8 of shape (256, 3), for pictures without a figure."""
    return np.rint(mpl.colormaps[COLORMAP](np.arange(256))[:, :3] * 255).astype(np.uint8)


@contextmanager
def look() -> Iterator[None]:
    """Draw in the common style."""
    with mpl.rc_context(LOOK):
        yield


def save(figure: Figure, path: Path) -> Path:
    """Write a figure atomically; return its path."""
    with publishing(path) as file:
        figure.savefig(file, format=path.suffix.lower().removeprefix("."))
    return path
