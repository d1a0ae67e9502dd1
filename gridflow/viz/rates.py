"""The decay of a run's energy, measured, predicted and certified, on the same axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase

from gridflow import decay
from gridflow.decay.holes import HoleRates
from gridflow.decay.measured import Rates, rates
from gridflow.runtime.store import RunDirectory
from gridflow.theory.applicable import attempt
from gridflow.viz.panels import LEAST_PANEL, Block, stacked
from gridflow.viz.selection import short, title
from gridflow.viz.style import EXACT, MEASURED, SECOND
from gridflow.viz.view import Figure

BOUND = "#9a9a9a"
HEIGHT = 3.1
"""Height of the panels, in inches."""


@dataclass(frozen=True)
class Decay(Figure, kind="rates"):
    """The energy over time and its local exponent or rate, with linear theory, the law and the certified bound.

    The measured curve is solid, linear theory dashed, the asymptotic law dotted and the certified bound grey. The
    window in which the law can be observed is shaded.

    Parameters
    ----------
    r
        Regularity of the initial deviation, if known; see :func:`gridflow.decay.measured.rates`.
    """

    r: float | None = None

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if len(runs) > 1:
            return "it shows one run; comparison shows several"
        series = runs[0].series
        if not series or (series["time"] > 0).sum() < 4:
            return "it has too few rows to draw a decay; run on"
        if ((series["time"] > 0) & (series["energy"] > 0)).sum() < 4:
            return "its energy is 0: it is at its target"
        return attempt(lambda: runs[0].kernel)[1]

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        found = rates(stored, self.r)
        panels = 2 if found.hole is None else 3
        width = self.width or 4.4 * panels
        narrow = width < LEAST_PANEL * panels + 1

        def draw(figure: FigureBase) -> None:
            shape = (panels, 1) if narrow else (1, panels)
            left, right, *more = figure.subplots(*shape, squeeze=False).ravel()
            _draw_energies(left, found)
            _draw_slopes(right, found)
            if found.hole is not None:
                _draw_hole(more[0], found.hole, stored.grid.measure)

        return stacked([Block(HEIGHT * (panels if narrow else 1), draw)], width, title(stored))


def _moving(found: Rates) -> tuple[np.ndarray, np.ndarray]:
    held = (found.times > 0) & (found.energies > 0)
    return found.times[held], found.energies[held]


def _shade(axes: Axes, found: Rates) -> None:
    if found.window.start < found.window.end:
        axes.axvspan(found.window.start, found.window.end, color=MEASURED, alpha=0.08, linewidth=0)


def _draw_energies(axes: Axes, found: Rates) -> None:
    times, energies = _moving(found)
    if found.is_exponential:
        axes.set_yscale("log")
    else:
        axes.set_xscale("log")
        axes.set_yscale("log")
    _shade(axes, found)
    if found.certificate is not None:
        axes.plot(times, found.certificate(times), color=BOUND, label="certified bound")
    axes.plot(times, energies, color=MEASURED, label="measured")
    if found.linear is not None:
        axes.plot(times, found.linear(times), "--", color=EXACT, linewidth=1, label="linear theory")
    law = found.law
    if found.fit is not None and law is not None and law.exponent is not None:
        window = np.array([found.window.start, min(found.window.end, times[-1])])
        middle = float(np.exp(np.log(window).mean()))
        at_middle = float(np.exp(np.interp(np.log(middle), np.log(times), np.log(energies))))
        label = f"$t^{{-{law.exponent:.3g}}}$"
        slope = at_middle * (window / middle) ** -law.exponent
        axes.plot(window, slope, ":", color=SECOND, linewidth=2, label=label)
    axes.set_ylim(energies.min() / 3, energies.max() * 3)
    axes.set_title("energy  ½ KMD²")
    axes.set_xlabel("time")
    axes.legend()


def _draw_slopes(axes: Axes, found: Rates) -> None:
    times, energies = _moving(found)
    if found.is_exponential:
        middles = (times[1:] + times[:-1]) / 2
        axes.plot(middles, -np.diff(np.log(energies)) / np.diff(times), color=MEASURED, label="measured")
        if found.linear is not None:
            theory = np.asarray(found.linear(times))
            alive = theory > 0
            slopes = -np.diff(np.log(theory[alive])) / np.diff(times[alive])
            axes.plot(middles[: slopes.size], slopes, "--", color=EXACT, linewidth=1, label="linear theory")
        axes.set_title("rate  −d log E / dt")
    else:
        axes.set_xscale("log")
        places, exponents = decay.local_exponents(times, energies)
        axes.plot(places, exponents, color=MEASURED, label="measured")
        if found.linear is not None:
            axes.plot(times, found.linear.exponent(times), "--", color=EXACT, linewidth=1, label="linear theory")
        axes.set_title("local exponent  −d log E / d log t")
    _shade(axes, found)
    if found.predicted is not None:
        name = "theory" if found.is_exponential else "(r + s)/(s − 1)"
        axes.axhline(found.predicted, linestyle=":", color=SECOND, label=f"{name} = {short(found.predicted)}")
        axes.set_ylim(0, 2 * found.predicted)
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel("time")
    axes.legend()


def _draw_hole(axes: Axes, hole: HoleRates, measure: str) -> None:
    """Draw the volume of a hole, and the fit in its window; ``measure`` is what the domain calls a volume."""
    axes.set_yscale("log")
    if not hole.is_exponential:
        axes.set_xscale("log")
    axes.plot(hole.times, hole.volumes, color=MEASURED, label="measured")
    if hole.fit is not None:
        window = np.linspace(hole.fit.window.start, hole.fit.window.end, 50)
        p, height = hole.fit.exponent, hole.fit.amplitude
        curve = height * (np.exp(-p * window) if hole.is_exponential else window**-p)
        fitted = f"rate {short(p)}" if hole.is_exponential else f"$t^{{-{p:.3g}}}$"
        axes.plot(window, curve, ":", color=SECOND, linewidth=2, label=f"fit, {fitted}")
    axes.set_title(f"{measure} of the hole")
    axes.set_xlabel("time")
    axes.legend()
