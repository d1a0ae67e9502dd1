"""Decay rates measured after a run, beside the predictions of theory and where the comparison is meaningful."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow import decay
from gridflow.decay.fits import Fit
from gridflow.equation.contract import NEGATIVE
from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.theory import (
    ExponentialRate,
    LinearDecay,
    MinimumCertificate,
    PowerLaw,
    RieszCertificate,
    Window,
)

SETTLED = 0.9
"""Share of inf ν that the smallest cell must reach before an exponential decay counts as settled."""
UNTOLD = 0.5
"""Largest error of a fitted regularity from which a power of time is still predicted."""
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
        The power law or exponential rate that applies, or None; ``no_law`` then gives the reason.
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
    """

    flow: Equation[Any]
    times: np.ndarray
    energies: np.ndarray
    law: PowerLaw | ExponentialRate | None
    no_law: str
    regularity: sobolev.Regularity | None
    linear: LinearDecay | None
    window: Window
    fit: Fit | None
    no_fit: str
    certificate: MinimumCertificate | RieszCertificate | None
    no_certificate: str
    shares: tuple[np.ndarray, np.ndarray] | None

    @property
    def is_exponential(self) -> bool:
        """Whether the law is exponential, so that a rate is measured rather than a power."""
        return self.flow.kernel.is_coulomb

    @property
    def predicted(self) -> float | None:
        """Exponent or rate (1 / time) of the law, or None."""
        if self.law is None:
            return None
        return self.law.rate if isinstance(self.law, ExponentialRate) else self.law.exponent

    @property
    def closest(self) -> float | None:
        """Largest ratio of the measured energy to its certified bound; above 1 it would be violated."""
        if self.certificate is None:
            return None
        return float((self.energies / self.certificate(self.times)).max())

    def facts(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects."""
        fit, regularity = self.fit, self.regularity
        return {
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
        }


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
        If the run has no series yet, or its kernel cannot be restored from the file.
    """
    stored = run if isinstance(run, RunDirectory) else open_run(run)
    series, flow = stored.series, stored.flow
    if not series:
        raise InputError(f"{stored.path} has no series yet: there is nothing to measure")
    start = stored.initial
    times, energies = series["time"], series["energy"]
    neurons, unknown = _independent_neurons(stored)
    regularity = _regularity(flow, start, neurons) if r is None else sobolev.Regularity(r, 0.0)
    law, no_law = _law(flow, regularity) if r is not None or not unknown else (None, unknown)
    precision = str(stored.manifest["solver"].get("dtype", "float64"))
    floor = decay.round_off_energy(flow, float(series["max"].max()), precision)
    window = decay.seen_window(times, energies, floor)
    if isinstance(law, PowerLaw):
        window = window.within(law.window(flow))
    elif isinstance(law, ExponentialRate):
        window = window.within(_settled(series, law))
    fit, no_fit = _attempt(lambda: _fit(times, energies, window, law))
    certificate, no_certificate = _attempt(lambda: _certificate(stored, flow, series, regularity))
    return Rates(
        flow=flow,
        times=times,
        energies=energies,
        law=law,
        no_law=no_law,
        regularity=regularity,
        linear=None if unknown else _attempt(lambda: LinearDecay.of(flow, start, neurons))[0],
        window=window,
        fit=fit,
        no_fit=no_fit,
        certificate=certificate,
        no_certificate=no_certificate,
        shares=_shares(stored, flow, series) if isinstance(flow, Flow) and _has_scheme(stored) else None,
    )


def _has_scheme(stored: RunDirectory) -> bool:
    return stored.manifest["solver"].get("solver") in ("FiniteVolume", "Spectral")


def _independent_neurons(stored: RunDirectory) -> tuple[int | None, str]:
    """Return the number of neurons drawn independently from the density, if any; or why they do not give the start."""
    if NEGATIVE in stored.started:
        return None, "there are two densities, of either sign, of which no law is known"
    if stored.manifest["solver"].get("solver") != "Network":
        return None, ""
    record = stored.manifest.get("record", {})
    if "independent_neurons" not in record:
        return None, "how the neurons were placed is not recorded; give the r of their measure"
    return record["independent_neurons"], ""


def _attempt(make: Callable[[], Any]) -> tuple[Any, str]:
    """Return what ``make`` returns, or why it failed."""
    try:
        return make(), ""
    except InputError as reason:
        return None, str(reason)


def _regularity(flow: Equation[Any], start: np.ndarray, neurons: int | None) -> sobolev.Regularity | None:
    if neurons is not None:
        return sobolev.Regularity(-flow.grid.dim / 2, 0.0)  # white noise
    found: sobolev.Regularity | None = _attempt(lambda: sobolev.regularity(flow.grid, start - flow.target, flow.seen))[
        0
    ]
    return found


def _law(flow: Equation[Any], regularity: sobolev.Regularity | None) -> tuple[PowerLaw | ExponentialRate | None, str]:
    if flow.kernel.is_coulomb:
        return _attempt(lambda: ExponentialRate.of(flow))
    if regularity is None:
        return None, "the grid is too small to tell how regular the start is; give its r"
    if regularity.error > UNTOLD:
        return (
            None,
            f"how regular the start is cannot be told (r = {regularity.r:.2g} ± {regularity.error:.2g}); give r",
        )
    if math.isinf(regularity.r):
        return None, "the start is smooth: its energy falls faster than every power of time"
    return _attempt(lambda: PowerLaw.of(flow, regularity.r))


def _settled(series: dict[str, np.ndarray], law: ExponentialRate) -> Window:
    """Window from the time when the smallest density is near inf ν, so that its growth no longer slows the decay."""
    near = np.flatnonzero(series["min"] >= SETTLED * law.background)
    start = float(series["time"][near[0]]) if near.size else math.inf
    return Window(start, math.inf, "the smallest density has not reached that of the target", "")


def _fit(times: np.ndarray, energies: np.ndarray, window: Window, law: PowerLaw | ExponentialRate | None) -> Fit:
    if isinstance(law, ExponentialRate):
        return decay.fit_exponential(times, energies, window)
    if not window.start < window.end:
        raise InputError(
            f"no time is late and early enough: {window.before} before t = {window.start:.4g}, and {window.after} "
            f"from t = {window.end:.4g}; use a finer grid, or run on"
        )
    return decay.fit_power(times, energies, window)


def _certificate(
    stored: RunDirectory, flow: Equation[Any], series: dict[str, np.ndarray], regularity: sobolev.Regularity | None
) -> MinimumCertificate | RieszCertificate:
    """Certificate for s = 1 from the minima of the series, or for s > 1 from the snapshots and the series."""
    if flow.kernel.is_coulomb:
        ExponentialRate.of(flow)  # checks the hypotheses of the certificate
        return MinimumCertificate(float(series["energy"][0]), series["time"], series["min"], float(flow.target.min()))
    rough = regularity is not None and math.isfinite(regularity.r)
    r = regularity.r - 0.25 if regularity is not None and rough else 1.0  # below the border, so that the norm is finite
    densities = [stored.initial, *(snapshot.density.astype(float) for snapshot in stored.snapshots())]
    found = RieszCertificate.of(flow, densities, r)
    least = min(found.minimum, float(series["min"].min()))
    return RieszCertificate(float(series["energy"][0]), found.s, found.r, least, found.bound)


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
