"""Verdicts on a stored run: which laws it obeys, by how much, and why a law says nothing of it.

Every tolerance follows from round-off, from the width of a cell or from the error of a fit, and says so.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from gridflow import decay
from gridflow.decay.holes import hole_columns
from gridflow.decay.measured import Rates, rates
from gridflow.equation.contract import CELLS, MODES, energy_round_off
from gridflow.equation.flow import Equation
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.theory.applicable import attempt
from gridflow.theory.holes import HoleEnergy
from gridflow.theory.hypotheses import is_constant
from gridflow.theory.laws import ExponentialRate, PowerLaw

ROUNDINGS = 30
"""Roundings of the mass in a step: in each of three stages a cell rounds what it holds, gains and loses."""
SURE = 3.0
"""Standard errors within which a fit determines a rate."""
SEEN = 0.01
"""Relative error of a rate in the window in which its law can be seen; see :meth:`gridflow.theory.PowerLaw.window`."""
RESOLVED = 0.25
"""Share of a hole's volume in half a cell along its boundary, above which the grid does not resolve the hole: it has
less than two cells of volume for each cell of boundary."""
ROUND = 0.95
"""Least share of the energy of a round hole for which the law of round holes counts."""

Outcome = Literal["pass", "fail", "not applicable"]
Relation = Literal["=", "≤", "≥"]


@dataclass(frozen=True)
class Verdict:
    """What a law says of a run.

    Attributes
    ----------
    law
        The law, in a few words.
    quantity
        What is measured.
    relation
        How the measured value must stand to the expected one, up to the tolerance: ``=``, ``≤`` or ``≥``.
    expected, measured, tolerance
        The values; None for a law that says nothing of the run.
    reason
        Where the tolerance comes from or, if the law says nothing of the run, why.
    """

    law: str
    quantity: str
    relation: Relation = "="
    expected: float | None = None
    measured: float | None = None
    tolerance: float | None = None
    reason: str = ""

    @property
    def outcome(self) -> Outcome:
        """``pass``, ``fail`` or ``not applicable``; a measured value that is not a number fails."""
        if self.expected is None or self.measured is None or self.tolerance is None:
            return "not applicable"
        excess = self.measured - self.expected
        beyond = {"=": abs(excess), "≤": excess, "≥": -excess}[self.relation]
        return "pass" if beyond <= self.tolerance else "fail"

    def facts(self) -> dict[str, Any]:
        """Return the verdict as plain Python objects."""
        return {
            "law": self.law,
            "quantity": self.quantity,
            "relation": self.relation,
            "expected": self.expected,
            "measured": self.measured,
            "tolerance": self.tolerance,
            "outcome": self.outcome,
            "reason": self.reason,
        }


def verdicts(run: str | os.PathLike[str] | RunDirectory, measured: Rates | None = None) -> list[Verdict]:
    """Judge a run by the laws: mass, positivity, energy, volume of its hole, rate of convergence, certificate.

    Parameters
    ----------
    run
        A run directory, finished or not, or its path.
    measured
        Its rates, if they have been measured. Default: they are measured here.

    Returns
    -------
    list of Verdict
        One for each law. Those that say nothing of the run give the reason.

    Raises
    ------
    InputError
        If the path is not a run directory.
    RunError
        If a file of the run is damaged.
    """
    stored = run if isinstance(run, RunDirectory) else open_run(run)
    if not (series := stored.series):
        return [Verdict(law, quantity, reason="the run has no series yet") for law, quantity, _ in LAWS]
    case = Case(stored, series, measured)
    return [judge(case, law, quantity) for law, quantity, judge in LAWS]


@dataclass(frozen=True, eq=False)
class Case:
    """A run to be judged: the run, its series and, if they are known, its rates."""

    stored: RunDirectory
    series: Mapping[str, np.ndarray]
    measured: Rates | None

    @cached_property
    def flow(self) -> tuple[Equation[Any] | None, str]:
        """The equation, or None and why it cannot be restored."""
        return attempt(lambda: self.stored.flow)

    @cached_property
    def rates(self) -> tuple[Rates | None, str]:
        """The measured rates, or None and why there are none."""
        return attempt(lambda: self.measured or rates(self.stored))

    @property
    def dtype(self) -> str:
        """Precision of the solver."""
        return str(self.stored.manifest["solver"].get("dtype", "float64"))

    @property
    def eps(self) -> float:
        """Round-off of the solver."""
        return float(np.finfo(self.dtype).eps)

    @property
    def kind(self) -> str:
        """What the solver represents the density by."""
        return self.stored.representation.kind


def _mass(case: Case, law: str, quantity: str) -> Verdict:
    """The mass stays the same."""
    series = case.series
    if "mass_exact" not in series:
        return Verdict(law, quantity, reason="with growth the mass changes")
    error = abs(series["mass"] / series["mass_exact"] - 1)
    steps = int(series["step"][-1]) + 1
    tolerance = ROUNDINGS * steps * case.eps
    told = f"round-off: {ROUNDINGS} roundings in each of {steps} steps of {case.dtype}"
    return Verdict(law, quantity, "=", 0.0, float(error.max()), tolerance, told)


def _positivity(case: Case, law: str, quantity: str) -> Verdict:
    """The density is nowhere negative."""
    least = float(case.series["min"].min())
    if case.stored.representation.signed:
        return Verdict(law, quantity, reason="there are densities of two signs")
    if case.kind == MODES:
        return Verdict(law, quantity, reason=f"a trigonometric polynomial may be negative; its least is {least:.3g}")
    told = "exact: no step takes more from a cell than it holds" if case.kind == CELLS else "exact: masses are positive"
    return Verdict(law, quantity, "≥", 0.0, least, 0.0, told)


def _energy(case: Case, law: str, quantity: str) -> Verdict:
    """No row has more energy than the one before."""
    flow, reason = case.flow
    series, energy = case.series, case.series["energy"]
    if flow is None:
        return Verdict(law, quantity, reason=reason)
    if case.kind not in (CELLS, MODES):
        told = f"the steps of {case.kind} are only as exact as their tolerance, and training on samples is noisy"
        return Verdict(law, quantity, reason=told)
    if energy.size < 2:
        return Verdict(law, quantity, reason="the series has one row only")
    first = float(energy[0]) or 1.0
    mass = abs(series["mass"]) + 2 * series.get("negative_mass", np.zeros(energy.size))
    if case.stored.representation.signed:
        mass = flow.grid.volume * series["max"]  # more than either density has
    rounding = [
        energy_round_off(flow, max(value, 0.0), abs(largest), held, case.dtype)
        for value, largest, held in zip(energy, series["max"], mass, strict=True)
    ]
    rises = np.diff(energy)
    excess = rises - np.array(rounding[1:])
    worst = int(np.nanargmax(excess)) if np.isfinite(excess).any() else 0
    measured = float(rises[worst]) / first if np.isfinite(energy).all() else math.nan
    return Verdict(law, quantity, "≤", 0.0, max(measured, 0.0), rounding[worst + 1] / first, _ROUND_OFF_TOLD)


_ROUND_OFF_TOLD = "round-off of the energy: transforms of N cells are right to log2(N) roundings"


def _hole(case: Case, law: str, quantity: str) -> Verdict:
    """The volume of the hole obeys its exact law while the grid resolves it."""
    series = case.series
    found = hole_columns(series)
    if found is None or found.exact is None:
        return Verdict(
            law, quantity, reason="no hole" if found is None else "exact for s = 1 and a constant target only"
        )
    judged = [(frame, *_unsure(case, found.measured, found.exact, frame)) for frame in range(len(case.stored.times))]
    seen = [(abs(ratio - 1) / unsure, ratio, unsure) for _, ratio, unsure in judged if unsure <= RESOLVED]
    if not seen:
        return Verdict(law, quantity, reason="no snapshot resolves the hole: too few cells for its boundary")
    _, ratio, unsure = max(seen, key=lambda entry: math.inf if math.isnan(entry[0]) else entry[0])
    told = f"half a cell along the boundary, at the worst of the {len(seen)} snapshots that resolve the hole"
    return Verdict(law, quantity, "=", 1.0, ratio, unsure, told)


def _unsure(case: Case, measured: str, law: str, index: int) -> tuple[float, float]:
    """Ratio of the hole's volume to the law at a snapshot, and the share of it in half a cell along its boundary."""
    snapshot, series, grid = case.stored.snapshot(index=index), case.series, case.stored.grid
    rows = np.flatnonzero(series["step"] == snapshot.step)
    if not rows.size or not series[law][rows[0]] > 0:
        return math.nan, math.inf
    exact = float(series[law][rows[0]])
    if snapshot.tracer is not None:
        inside = snapshot.tracer > 0.5
    else:
        inside = snapshot.density < float(series["plateau"][rows[0]]) / 2
    if not inside.any():
        return math.nan, math.inf
    volumes = np.broadcast_to(grid.cell_volumes, grid.shape)
    # the layers of two cells outside and inside the boundary hold eight times as much as half a cell along it
    layers = float(volumes[grid.widened(inside) & grid.widened(~inside)].sum())
    return float(series[measured][rows[0]]) / exact, layers / 8 / exact


def _unsure_at(case: Case, time: float) -> float:
    """Share of the hole's volume in half a cell along its boundary, at the last snapshot until a time."""
    found = hole_columns(case.series)
    held = np.flatnonzero(case.stored.times <= time)
    if found is None or found.exact is None or not held.size:
        return math.inf
    return _unsure(case, found.measured, found.exact, int(held[-1]))[1]


def _second_order(case: Case, flow: Equation[Any], time: float) -> float:
    """Relative error of the rate in a scheme of second order, (k h)² / 4, at the last snapshot until a time.

    k is the wavenumber where μ − ν sits: the kernel's mean value there is 2E / ‖μ − ν‖² = k^{−2s}.
    """
    grid, held = flow.grid, np.flatnonzero(case.stored.times <= time)
    order = flow.kernel.order(grid.dim)
    if order is None or not held.size:
        return 0.0
    deviation = case.stored.snapshot(index=int(held[-1])).density - flow.target
    mean = 2 * flow.energy(deviation + flow.target) / grid.integral(deviation**2)
    return float(mean ** (-1 / order) * (grid.volume / grid.size) ** (2 / grid.dim) / 4)


def _rate(case: Case, law: str, quantity: str) -> Verdict:
    """The energy falls as fast as theory says."""
    found, reason = case.rates
    if found is None:
        return Verdict(law, quantity, reason=reason)
    measures = "rate of E, 1 / time" if found.is_exponential else "exponent of E"
    predicted, fit = found.predicted, found.fit
    if predicted is None or fit is None or found.law is None:
        return Verdict(law, measures, reason=found.no_law or found.no_fit or "the window of the law is empty")
    told = [f"{SURE:g} standard errors of the fit", f"{SEEN:.0%} for the ends of the window"]
    spread, tolerance = fit.error, SEEN * predicted
    if isinstance(found.law, PowerLaw) and found.regularity is not None:
        spread = math.hypot(spread, found.regularity.error / (found.law.s - 1))
        told[0] = f"{SURE:g} standard errors of the fit and of the regularity"
    tolerance += SURE * spread
    if isinstance(found.law, HoleEnergy):
        if found.law.shape < ROUND:
            told_shape = f"the hole is not round: its energy is {found.law.shape:.2f} of that of a round one"
            return Verdict(law, measures, reason=told_shape)
        tolerance += abs(math.log(found.law.shape)) / (fit.window.end - fit.window.start)
        told.append("the shape of the hole")
    if found.shares is not None and found.shares[1].size:
        inside = (found.shares[0] >= fit.window.start) & (found.shares[0] <= fit.window.end)
        tolerance += float(abs(found.shares[1][inside]).max(initial=0.0)) * abs(predicted)
        told.append("the scheme's own dissipation")
    elif isinstance(found.law, HoleEnergy):  # E ~ |H|² at most, so that log E is unsure by twice what |H| is
        tolerance += 2 * _unsure_at(case, fit.window.end) / (fit.window.end - fit.window.start)
        told.append("half a cell along the hole's boundary")
    elif case.kind == CELLS:
        tolerance += _second_order(case, found.flow, fit.window.end) * abs(predicted)
        told.append("the square of cell width times wavenumber, over four")
    bound = isinstance(found.law, ExponentialRate) and not is_constant(found.flow.target)
    relation: Relation = "≥" if bound else "="
    return Verdict(law, measures, relation, predicted, fit.exponent, tolerance, " + ".join(told))


def _certificate(case: Case, law: str, quantity: str) -> Verdict:
    """The energy is below its certified bound."""
    found, reason = case.rates
    if found is None or found.certificate is None:
        return Verdict(law, quantity, reason=reason if found is None else found.no_certificate)
    if case.kind not in (CELLS, MODES):
        told = f"the bound is for the density on cells, and {case.kind} only leave one there"
        return Verdict(law, quantity, reason=told)
    floor = decay.round_off_energy(found.flow, float(case.series["max"].max()), case.dtype)
    sunk = np.flatnonzero(found.energies < 1e4 * floor)
    end = int(sunk[0]) if sunk.size else found.energies.size
    if end == 0:
        return Verdict(law, quantity, reason="the energy is round-off from the start")
    energies, times = found.energies[:end], found.times[:end]
    slower = 0.0 if found.shares is None else float(np.maximum(-found.shares[1], 0).max(initial=0.0))
    if slower >= 1:
        return Verdict(law, quantity, reason="the scheme dissipates less than half of what the flow does")
    lost = np.log(np.maximum(energies[0] / energies, 1.0))
    rounding = 2 * math.sqrt(floor / float(energies.min()))
    allowed = np.expm1(slower * lost) + rounding
    ratios = energies / found.certificate(times)
    worst = int(np.argmax(np.where(np.isnan(ratios), np.inf, ratios - 1 - allowed)))
    told = "round-off + what the scheme dissipates less than the flow"
    told += "" if end == found.energies.size else f"; until round-off at t = {found.times[end]:.3g}"
    return Verdict(law, quantity, "≤", 1.0, float(ratios[worst]), float(allowed[worst]), told)


LAWS: tuple[tuple[str, str, Callable[[Case, str, str], Verdict]], ...] = (
    ("mass conserved", "largest |mass / first − 1|", _mass),
    ("density ≥ 0", "smallest cell average", _positivity),
    ("energy decreasing", "largest rise between rows / first", _energy),
    ("volume of the hole", "volume / exact law", _hole),
    ("rate of convergence", "rate of E", _rate),
    ("certificate", "largest E / certified bound", _certificate),
)
"""Every law, what is measured, and the function that judges a run by it."""
