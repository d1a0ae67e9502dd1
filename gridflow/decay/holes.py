"""How fast the hole of a run filled, measured and predicted, and what became of each of its holes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gridflow.decay.fits import Fit, fit_exponential, fit_power
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.theory.applicable import attempt
from gridflow.theory.holes import HoleFilling
from gridflow.theory.laws import Window

VOLUME = "hole_volume"
"""Column of a series that measures the hole, however the run knows it."""
WIDTH = 6
"""Width in cells below which the volume of a hole is not measured well."""
SURE = 0.1
"""Relative error of a fit up to which it may be extrapolated."""
LATE = 10.0
"""Ratio of the ends of the window in which a power of time is fitted."""


@dataclass(frozen=True)
class HoleColumns:
    """Names of the columns of a series that say how a hole fills.

    Attributes
    ----------
    measured
        The volume of the hole (length^d).
    exact
        Its exact law, or None: for s = 1 without growth and a constant target.
    bounds
        Its lower and upper bound, or None: for s = 1 without growth and a target that varies.
    """

    measured: str
    exact: str | None
    bounds: tuple[str, str] | None


def hole_columns(series: Mapping[str, np.ndarray]) -> HoleColumns | None:
    """Which columns of a series to show of a hole.

    Parameters
    ----------
    series
        The series of a run; see :attr:`gridflow.runtime.store.RunDirectory.series`.

    Returns
    -------
    HoleColumns or None
        Their names; None if the start had no hole, or the run does not know its hole (without a tracer, unless s = 1,
        the target is constant and the density was constant outside the hole).
    """
    if VOLUME not in series:
        return None
    exact, least, most = (f"{VOLUME}_{kind}" for kind in ("exact", "least", "most"))
    return HoleColumns(VOLUME, exact if exact in series else None, (least, most) if least in series else None)


@dataclass(frozen=True)
class HoleEvent:
    """What happened to one of several holes between two rows of a series.

    Attributes
    ----------
    number
        Number of the hole.
    what
        ``filled``; ``merged`` with a larger hole; or ``appeared``, when it came off another one or grew out of a cell.
    other
        Number of the hole that it merged with, else None.
    after, by
        Times of the rows before and after it.
    """

    number: int
    what: str
    other: int | None
    after: float
    by: float

    def __str__(self) -> str:
        done = f"merged with hole {self.other}" if self.other else "was filled" if self.what == "filled" else self.what
        return f"hole {self.number} {done} between t = {self.after:.4g} and {self.by:.4g}"


def hole_events(series: Mapping[str, np.ndarray]) -> list[HoleEvent]:
    """When the holes of a run were filled or merged, as far as the rows of its series tell.

    Parameters
    ----------
    series
        The series of a run; see :attr:`gridflow.runtime.store.RunDirectory.series`.

    Returns
    -------
    list of HoleEvent
        In the order of time; empty if the run does not know its holes. Holes without columns of their own have none.
    """
    found, times = [], series.get("time", np.zeros(0))
    number = 1
    while (column := f"hole{number}_within") in series:
        within = series[column]
        for row in range(1, times.size):
            before, now = within[row - 1 : row + 1]
            if before == number != now:
                what = "filled" if now == 0 else "merged"
            elif np.isnan(before) and now == number:
                what = "appeared"
            else:
                continue
            other = int(now) if what == "merged" else None
            found.append(HoleEvent(number, what, other, float(times[row - 1]), float(times[row])))
        number += 1
    return sorted(found, key=lambda event: event.by)


@dataclass(frozen=True, eq=False)
class HoleRates:
    """The filling of a hole.

    Attributes
    ----------
    column
        Column of the series that measures it.
    times, volumes
        Times after 0 and the volumes of the hole then, shapes (rows,).
    is_exponential
        Whether the volume decays exponentially, for s = 1, so that a rate is measured rather than a power of time.
    expected
        Smallest and largest rate (1 / time), or exponent, that theory allows; None if it says nothing, and
        ``no_expectation`` gives the reason.
    fit
        The fitted rate or exponent, or None; ``no_fit`` then gives the reason.
    filled
        Time at which the hole is as small as a cell: measured, or extrapolated by the fit; infinite if unknown.
    extrapolated
        Whether it is extrapolated.
    """

    column: str
    times: np.ndarray = field(repr=False)
    volumes: np.ndarray = field(repr=False)
    is_exponential: bool
    expected: tuple[float, float] | None
    no_expectation: str
    fit: Fit | None
    no_fit: str
    filled: float
    extrapolated: bool

    @property
    def sentence(self) -> str:
        """What was measured and what theory says, in one sentence."""
        first, last = float(self.volumes[0]), float(self.volumes[-1])
        told = f"The hole shrank from {first:.3g} to {last:.3g} by t = {self.times[-1]:.4g}"
        name = "at the rate" if self.is_exponential else "like t to the power −"
        if self.fit is not None:
            value = f"{self.fit.exponent:.3g} ± {self.fit.error:.1g}"
            told += f", {name} {value}" if self.is_exponential else f", {name}({value})"
        if self.expected is not None:
            low, high = self.expected
            value = f"{low:.3g}" if math.isclose(low, high, rel_tol=1e-6) else f"between {low:.3g} and {high:.3g}"
            told += f"; theory says {value}" + ("" if self.is_exponential else " in the end")
        if math.isfinite(self.filled):
            told += f"; it is as small as a cell at t = {self.filled:.3g}"
            told += ", by extrapolation" if self.extrapolated else ""
        return f"{told}."

    def facts(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects."""
        return {
            "sentence": self.sentence,
            "column": self.column,
            "measures": "rate of |H| ~ exp(-rate t)" if self.is_exponential else "exponent of |H| ~ t^-exponent",
            "expected": None if self.expected is None else list(self.expected),
            "no_expectation": self.no_expectation,
            "measured": None if self.fit is None else self.fit.exponent,
            "error": None if self.fit is None else self.fit.error,
            "no_fit": self.no_fit,
            "filled": self.filled,
            "extrapolated": self.extrapolated,
        }


def hole_rates(flow: Equation[Any], series: Mapping[str, np.ndarray]) -> HoleRates | None:
    """Measure how fast the hole of a run fills.

    Parameters
    ----------
    flow
        The equation.
    series
        The series of the run; see :attr:`gridflow.runtime.store.RunDirectory.series`.

    Returns
    -------
    HoleRates or None
        The rate for s = 1, else the exponent over the last decade of time in which the hole is wide enough; None if
        the series has no hole, or fewer than two rows with one.
    """
    columns = hole_columns(series)
    if columns is None:
        return None
    column = columns.measured
    held = (series[column] > 0) & (series["time"] > 0)
    times, volumes = series["time"][held], series[column][held]
    if times.size < 2:
        return None
    exponential = flow.kernel.is_coulomb
    expected, no_expectation = attempt(lambda: _expected(flow))
    cell = flow.grid.volume / flow.grid.size
    wide = np.flatnonzero(volumes > WIDTH**flow.grid.dim * cell)
    fit, no_fit = attempt(lambda: _fit(times, volumes, wide, exponential))
    filled, extrapolated = _filled(series["time"], series[column], cell, fit, exponential)
    return HoleRates(
        column, times, volumes, exponential, expected, no_expectation, fit, no_fit, filled, extrapolated
    )  # fmt: skip


def _expected(flow: Equation[Any]) -> tuple[float, float]:
    """Bounds on the rate for s = 1, or the exponent for s > 1; InputError where no law holds."""
    if flow.kernel.is_coulomb and not flow.growth:
        return float(flow.target.min()), float(flow.target.max())
    exponent = HoleFilling.of(flow).exponent
    return exponent, exponent


def _fit(times: np.ndarray, volumes: np.ndarray, wide: np.ndarray, exponential: bool) -> Fit:
    if wide.size == 0:
        raise InputError(f"the hole is less than {WIDTH} cells wide in every row after the start")
    start, end = float(times[wide[0]]), float(times[wide[-1]])
    after = f"the hole is less than {WIDTH} cells wide" if wide[-1] < times.size - 1 else "the run's end"
    if exponential:
        return fit_exponential(times, volumes, Window(start, end, "the run's first row", after))
    return fit_power(times, volumes, Window(max(start, end / LATE), end, "the last decade of time", after))


def _filled(
    times: np.ndarray, volumes: np.ndarray, cell: float, fit: Fit | None, exponential: bool
) -> tuple[float, bool]:
    """Time at which the hole is as small as a cell, and whether it is extrapolated."""
    small = np.flatnonzero(volumes <= cell)
    if small.size:
        return float(times[small[0]]), False
    if fit is None or fit.error > SURE * fit.exponent or volumes[-1] > volumes[0] / 2:
        return math.inf, True  # too little of the law has been seen to extrapolate it
    more = math.log(float(volumes[-1]) / cell)
    if exponential:
        return float(times[-1]) + more / fit.exponent, True
    return float(times[-1]) * math.exp(more / fit.exponent), True
