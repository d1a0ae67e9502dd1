"""Three physical problems with exact answers: what every code starts from, and how its answer is judged.

All live on the unit square (or cube), with s = 1 and the target ν = 1. Importing this module loads no numerical library
but numpy: ``gridflow`` imports its parts when they are first used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

import gridflow as gf

Kind = Literal["averages", "points"]
"""What the numbers of a code are: averages over cells, or values at their centres."""

RADIUS = 0.25
TARGET = 1.0
DISC_AREA = np.pi * RADIUS**2


@dataclass(frozen=True)
class Problem:
    """An initial density, a final time, and the errors that the exact solution allows to measure there.

    Parameters
    ----------
    name
        One word, for tables and files.
    title
        One line, for people.
    t_end
        Final time.
    headline
        Name of the error that stands for the problem in figures.
    smooth
        Whether point values and cell averages can be turned into each other; a jump is given as averages to every code.
    averages
        Initial cell averages on a grid.
    errors
        Errors of values of a kind at ``t_end``, by name.
    """

    name: str
    title: str
    t_end: float
    headline: str
    smooth: bool
    averages: Callable[["gf.Grid"], np.ndarray]
    errors: Callable[[np.ndarray, Kind, float], dict[str, float]]

    def initial(self, grid: "gf.Grid", kind: Kind = "averages") -> np.ndarray:
        """μ0, shape ``grid.shape``: cell averages, or point values if the code works with them and μ0 is smooth."""
        averages = self.averages(grid)
        if kind == "averages" or not self.smooth:
            return averages
        return np.fft.ifftn(_modes(averages, "averages")).real * averages.size

    def measure(self, values: np.ndarray, kind: Kind) -> dict[str, float]:
        """Errors at ``t_end``, with the least value of μ and the drift of the mass; nan for a run that blew up."""
        if not np.isfinite(values).all():
            return dict.fromkeys((self.headline, "least", "mass"), float("nan"))
        common = {"least": float(values.min()), "mass": float(values.mean()) - TARGET}
        return self.errors(values, kind, self.t_end) | common


def _modes(values: np.ndarray, kind: Kind) -> np.ndarray:
    """Fourier coefficients of the function whose averages or point values these are."""
    modes = np.fft.fftn(values) / values.size
    if kind == "averages":
        for k in _mode_numbers(values.shape):
            modes /= np.sinc(k / k.size)
    return modes


def _mode_numbers(shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    return np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in shape), indexing="ij", sparse=True)


def value_at(values: np.ndarray, kind: Kind, position: tuple[float, ...]) -> float:
    """Value at one point by trigonometric interpolation: spectrally accurate for smooth data."""
    modes = _modes(values, kind)
    for k, x in zip(_mode_numbers(values.shape), position, strict=True):
        modes = modes * np.exp(2j * np.pi * k * (x - 0.5 / k.size))
    return float(modes.sum().real)


def _cosine(grid: "gf.Grid") -> np.ndarray:
    return gf.cosine(grid, amplitude=0.9)


def _cosine_errors(values: np.ndarray, kind: Kind, time: float) -> dict[str, float]:
    """By symmetry the extrema stay where they are: the maximum at the origin, a minimum half a period off along x."""
    origin = (0.0,) * values.ndim
    extrema = {"minimum": (0.1, (0.5, *origin[1:])), "maximum": (1.9, origin)}
    return {
        name: value_at(values, kind, position) - float(gf.theory.LogisticLaw(start, TARGET)(time))
        for name, (start, position) in extrema.items()
    }


def _hole(grid: "gf.Grid") -> np.ndarray:
    return gf.ball_hole(grid, RADIUS)


def _hole_errors(values: np.ndarray, kind: Kind, time: float) -> dict[str, float]:
    del kind  # the two differ by less than a contour can see
    law = gf.theory.HoleLaw(DISC_AREA, 1.0, TARGET)
    plateau = float(law.plateau(time))
    area = gf.diagnostics.volume_below(gf.Grid(values.shape), values, plateau / 2)
    return {"area": area / float(law(time)) - 1, "plateau": float(values.max()) / plateau - 1}


def _disc(grid: "gf.Grid") -> np.ndarray:
    return gf.normalize(grid, gf.regions.ball(grid, RADIUS))


def _disc_errors(values: np.ndarray, kind: Kind, time: float) -> dict[str, float]:
    del kind  # the maximum is a plateau
    return {"maximum": float(values.max()) / float(gf.theory.LogisticLaw(1 / DISC_AREA, TARGET)(time)) - 1}


COSINE = Problem(
    name="cosine",
    title="smooth: 1 + 0.9 cos 2πx cos 2πy, error of min μ at t = 1",
    t_end=1.0,
    headline="minimum",
    smooth=True,
    averages=_cosine,
    errors=_cosine_errors,
)
HOLE = Problem(
    name="hole",
    title="disc-shaped hole of radius ¼, error of its area at t = 2",
    t_end=2.0,
    headline="area",
    smooth=False,
    averages=_hole,
    errors=_hole_errors,
)
DISC = Problem(
    name="disc",
    title="disc of radius ¼ spreading into vacuum, error of max μ at t = 1",
    t_end=1.0,
    headline="maximum",
    smooth=False,
    averages=_disc,
    errors=_disc_errors,
)
PROBLEMS = (COSINE, HOLE, DISC)
