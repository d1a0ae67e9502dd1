"""Decay rates measured after a run, compared with the predictions of theory where the comparison is meaningful."""

import math
import os
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from gridflow import decay
from gridflow.arguments import takes_numbers
from gridflow.decay.fits import Fit
from gridflow.decay.holes import HoleRates, hole_rates
from gridflow.equation.contract import INNER, NEURONS, OUTER
from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.networks.measures import reason_unlike_flow
from gridflow.networks.weights import Weights
from gridflow.runtime.extremes import LEAST, NORM
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.theory import LinearDecay, MinimumCertificate, RieszCertificate, Window
from gridflow.theory.applicable import Applicable, attempt
from gridflow.theory.brackets import HoleCertificate
from gridflow.theory.laws import Law

SHARES = 12
"""Largest number of snapshots for which the scheme's own dissipation is computed."""


@dataclass(frozen=True, eq=False)
class Rates:
    """Measured and predicted decay of a run.

    Attributes
    ----------
    flow
        The equation.
    times, energies
        The measured curve, shape (rows,).
    law
        The law that applies, or None.
    is_exponential
        Whether it is exponential, so that a rate is measured rather than a power.
    no_law
        Why no power and no rate is predicted; empty if one is.
    regularity
        Fitted regularity of the initial deviation, or None.
    linear
        The curve of linear theory, or None.
    window
        Time window in which the grid and the run can show the law.
    fit
        The fit in that window, or None; ``no_fit`` then gives the reason.
    certificate
        Upper bound on the energy, or None; ``no_certificate`` then gives the reason.
    shares
        Times, and the scheme's own share of the measured dissipation where snapshots resolve it; None for runs without
        a scheme on a torus.
    hole
        How fast its hole filled, or None if it has none.
    """

    flow: Equation[Any] = field(repr=False)
    times: np.ndarray = field(repr=False)
    energies: np.ndarray = field(repr=False)
    law: Law | None
    is_exponential: bool
    no_law: str
    regularity: sobolev.Regularity | None
    linear: LinearDecay | None = field(repr=False)
    window: Window
    fit: Fit | None
    no_fit: str
    certificate: MinimumCertificate | RieszCertificate | HoleCertificate | None = field(repr=False)
    no_certificate: str
    shares: tuple[np.ndarray, np.ndarray] | None = field(repr=False)
    hole: HoleRates | None

    @property
    def predicted(self) -> float | None:
        """Exponent or rate (1 / time) that the law expects in the window, or None."""
        return None if self.law is None else self.law.expected(self.window)

    @property
    def closest(self) -> float | None:
        """Largest ratio of the measured energy to its certified bound; above 1 it would be violated."""
        if self.certificate is None:
            return None
        return float((self.energies / self.certificate(self.times)).max())

    @property
    def sentence(self) -> str:
        """What was measured and what theory says, in one sentence; with a hole, another one about it."""
        law = "at the rate" if self.is_exponential else "like t to the power −"
        if self.fit is None:
            told = f"No rate of the energy can be measured: {self.no_fit}"
        else:
            value = f"{self.fit.exponent:.3g} ± {self.fit.error:.1g}"
            told = f"The energy falls {law} {value}" if self.is_exponential else f"The energy falls {law}({value})"
            told += f" from t = {self.window.start:.3g} to {self.window.end:.3g}"
            told += f"; no law says how fast: {self.no_law}" if self.predicted is None else ""
        if self.predicted is not None:
            told += f"; theory says {self.predicted:.3g}"
        return f"{told}." + ("" if self.hole is None else f" {self.hole.sentence}")

    def facts(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects."""
        fit, regularity = self.fit, self.regularity
        return {
            "sentence": self.sentence,
            "kernel": repr(self.flow.kernel),
            "measures": "rate of E ~ exp(-rate t)" if self.is_exponential else "exponent of E ~ t^-exponent",
            "predicted": self.predicted,
            "no_law": self.no_law,
            "regularity": None if regularity is None else regularity.r,
            "regularity_error": None if regularity is None else regularity.error,
            "measured": None if fit is None else fit.exponent,
            "error": None if fit is None else fit.error,
            "no_fit": self.no_fit,
            "window": [self.window.start, self.window.end],
            "decades": self.window.decades,
            "begins": self.window.before,
            "ends": self.window.after,
            "numerical_share": [[float(t), float(x)] for t, x in zip(*(self.shares or ((), ())), strict=True)],
            "certificate": None if self.certificate is None else type(self.certificate).__name__,
            "no_certificate": self.no_certificate,
            "energy_over_certificate": self.closest,
            "hole": None if self.hole is None else self.hole.facts(),
        }


@takes_numbers
def rates(run: str | os.PathLike[str] | RunDirectory, r: float | None = None) -> Rates:
    """Measure the decay of a run.

    Parameters
    ----------
    run
        The run directory, or its path. Its series provides the energies, its snapshots what the certificates need.
    r
        Regularity of the initial deviation, if it is known. Default: None, which fits it to the modes.

    Returns
    -------
    Rates
        The measured, predicted and certified decay.

    Raises
    ------
    InputError
        If ``r`` is not finite, the run has no series yet, or its kernel cannot be restored from the file.
    """
    if r is not None and not math.isfinite(r):
        raise InputError(f"r = {r}: it must be a finite number")
    stored = run if isinstance(run, RunDirectory) else open_run(run)
    series = stored.series
    if not series:
        raise InputError(f"{stored.path} has no series yet: there is nothing to measure")
    found = _applicable(stored, r)
    flow, law = found.flow, found.law
    is_exponential = flow.kernel.is_coulomb if law is None else law.is_exponential
    times, energies = series["time"], series["energy"]
    precision = str(stored.manifest["solver"].get("dtype", "float64"))
    floor = decay.round_off_energy(flow, float(series["max"].max()), precision)
    window = decay.seen_window(times, energies, floor)
    if law is not None:
        window = window.within(law.observable(flow, times, series["min"]))
    fit, no_fit = attempt(lambda: _fit(times, energies, window, is_exponential))
    densities = chain([stored.initial], (snapshot.density.astype(float) for snapshot in stored.snapshots()))
    minima, norms = series["min"], None
    if r is None and NORM in series:  # of every step
        minima, norms = series[LEAST], series[NORM]
    certificate, no_certificate = attempt(lambda: found.certificate_after(times, energies, minima, densities, norms))
    has_scheme = stored.representation.on_grid and not stored.representation.signed
    return Rates(
        flow=flow,
        times=times,
        energies=energies,
        law=law,
        is_exponential=is_exponential,
        no_law=_no_rate(found),
        regularity=found.regularity,
        linear=found.linear,
        window=window,
        fit=fit,
        no_fit=no_fit,
        certificate=certificate,
        no_certificate=no_certificate,
        shares=_shares(stored, flow, series) if isinstance(flow, Flow) and has_scheme else None,
        hole=hole_rates(flow, series),
    )


def _applicable(stored: RunDirectory, r: float | None) -> Applicable:
    """What of theory applies to a stored run."""
    made, started = stored.representation, stored.started
    neurons, obstacle = None, ""
    if made.kind == NEURONS:
        record = stored.manifest.get("record", {})
        neurons = record.get("independent_neurons")
        if "independent_neurons" not in record:
            obstacle = "the placement of the neurons is not recorded; give the r of their measure"
        if INNER in started:
            obstacle = reason_unlike_flow(Weights(started[INNER], started[OUTER])) or obstacle
    return Applicable.of(stored.flow, started["initial"], r=r, neurons=neurons, signed=made.signed, unlike=obstacle)


def _no_rate(found: Applicable) -> str:
    """Why no power of time and no rate is predicted; empty if one is."""
    if found.law is not None and found.law.exponent is None and found.law.rate is None:
        return "the initial density is smooth: its energy falls faster than every power of time"
    return f"{found.no_law}; give its r" if found.unknown_regularity else found.no_law


def _fit(times: np.ndarray, energies: np.ndarray, window: Window, is_exponential: bool) -> Fit:
    if math.isinf(window.start):
        raise InputError(f"{window.before} by t = {window.end:.4g}; run on")
    if not window.start < window.end:
        last = float(times[-1])
        remedy = "run on" if window.end >= last else "use a finer grid"
        raise InputError(
            f"the law can be seen from t = {window.start:.4g} on (before: {window.before}), but only until "
            f"t = {window.end:.4g} (after: {window.after}); {remedy}"
        )
    return (decay.fit_exponential if is_exponential else decay.fit_power)(times, energies, window)


def _shares(stored: RunDirectory, flow: Flow, series: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the scheme's own share of the dissipation at snapshots where round-off does not hide it."""
    total = len(stored.times)
    times, shares = [], []
    for index in np.unique(np.linspace(0, total - 1, min(SHARES, total)).round().astype(int)) if total else ():
        snapshot = stored.snapshot(index=int(index))
        density = snapshot.density.astype(float)
        rows = np.flatnonzero(series["step"] == snapshot.step)
        rounding = float(np.finfo(snapshot.density.dtype).eps) * float(density.max())
        deviation = float(np.sqrt(((density - flow.target) ** 2).mean()))
        if rows.size and deviation > 1e3 * rounding and series["dissipation"][rows[0]] > 0:
            times.append(snapshot.time)
            shares.append(decay.numerical_share(flow, density, float(series["dissipation"][rows[0]])))
    return np.array(times), np.array(shares)
