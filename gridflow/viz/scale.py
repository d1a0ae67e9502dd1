"""The range of values that all panels of a figure share, and its colours."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import FigureBase

from gridflow.errors import InputError
from gridflow.viz.style import COLORMAP, SIGNED_COLORMAP

DECADES = 6
"""Decades below the largest value that a logarithmic scale shows at most."""
Beyond = Literal["neither", "min", "max", "both"]


@dataclass(frozen=True)
class Scale:
    """The range of values that all panels of a figure share, and its colours.

    Parameters
    ----------
    high, low
        Ends of the range.
    log
        Whether it is logarithmic; both ends must be positive.
    cmap
        Name of a colour map of matplotlib. Default: one that is perceptually uniform, from dark to bright; for a range
        with values below 0, one that is white in the middle.
    label
        What the values are, for the colour bar.
    beyond
        The ends beyond which there are values: ``neither``, ``min``, ``max`` or ``both``.
    """

    high: float
    low: float = 0.0
    log: bool = False
    cmap: str | None = None
    label: str = "density"
    beyond: Beyond = "neither"

    def __post_init__(self) -> None:
        if self.cmap is not None and self.cmap not in colormaps:
            raise InputError(f'cmap = "{self.cmap}": matplotlib has no such colour map; magma or viridis are good ones')

    @classmethod
    def over(
        cls,
        shown: Iterable[np.ndarray],
        signed: bool = False,
        *,
        limits: tuple[float, float] | None = None,
        log: bool = False,
        cmap: str | None = None,
        label: str | None = None,
    ) -> "Scale":
        """The range from 0 to the largest of some values; symmetric about 0 if ``signed``.

        A logarithmic range begins at the smallest positive value, six decades below the largest one at most. Values
        that are not finite are left out.

        Parameters
        ----------
        shown
            The values that are drawn, arrays of any shape.
        signed
            Whether values below 0 are meant; the range is then symmetric.
        limits
            Lower and upper end, instead of those of the values.
        log, cmap, label
            As for :class:`Scale`.

        Raises
        ------
        InputError
            If a logarithmic range is wanted for values of both signs or for none that is positive.
        """
        label = label or ("μ⁺ − μ⁻" if signed else "density")
        finite = [values[np.isfinite(values)] for values in map(np.asarray, shown)]
        finite = [values for values in finite if values.size]
        least = min((float(values.min()) for values in finite), default=0.0)
        most = max((float(values.max()) for values in finite), default=1.0)
        if log and signed:
            raise InputError("log = True: a logarithmic scale cannot show values of both signs")
        low, high = 0.0, most
        if signed:
            low, high = -max(most, -least), max(most, -least)
        if log:
            if not (most > 0 or limits):
                raise InputError("log = True: a logarithmic scale needs positive values, and none is")
            positive = [values[values > 0].min() for values in finite if (values > 0).any()]
            low = max(float(min(positive, default=1.0)), most * 10.0**-DECADES)
            low = low if low < high else high / 10
        if limits is not None:
            low, high = limits
        if not low < high:
            high = low + (abs(low) or 1.0)  # a constant; the range needs a length
        under, over = least < low, most > high
        beyond: Beyond = "both" if under and over else "min" if under else "max" if over else "neither"
        return cls(high, low, log, cmap, label, beyond)

    @property
    def colormap(self) -> str:
        """Name of the colour map."""
        return self.cmap or (SIGNED_COLORMAP if self.low < 0 else COLORMAP)

    def norm(self) -> Normalize:
        """The map of the range to [0, 1], for matplotlib."""
        return (LogNorm if self.log else Normalize)(self.low, self.high)

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """The values that are drawn: on a logarithmic scale those below its lower end are drawn as that."""
        return np.maximum(values, self.low) if self.log else values

    def axis(self) -> tuple[float, float]:
        """Ends of an axis of these values, with a margin."""
        if self.log:
            margin = (self.high / self.low) ** 0.03
            return self.low / margin, self.high * margin
        margin = 0.05 * (self.high - self.low)
        return (0.0 if self.low == 0 else self.low - margin), self.high + margin


def color_bar(figure: FigureBase, scale: Scale, axes: list[Axes]) -> Colorbar:
    """Put the colour bar of a scale beside some axes of a figure."""
    mappable = ScalarMappable(scale.norm(), scale.colormap)
    bar = figure.colorbar(mappable, ax=axes, fraction=0.03, pad=0.01, aspect=25, extend=scale.beyond)
    bar.set_label(scale.label)
    bar.outline.set_visible(False)
    return bar
