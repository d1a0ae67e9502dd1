"""Selects the theory that applies to a flow and its initial density, for predictions and for measured rates."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.brackets import Bracket, HoleCertificate
from gridflow.theory.certificates import MinimumCertificate, RieszCertificate
from gridflow.theory.holes import HoleEnergy
from gridflow.theory.hypotheses import order_of
from gridflow.theory.laws import ExponentialRate, Law, PowerLaw, SmoothDecay
from gridflow.theory.linear import LinearDecay

MAX_REGULARITY_ERROR = 0.5
"""Error of a fitted regularity above which it determines no exponent."""
NEARLY_EMPTY = 1e-3
"""Smallest value of a network's target, relative to its mean, at which linearisation is meaningful; below it there are
hardly any neurons."""
BELOW_THE_BORDER = 0.25
"""Amount by which a certificate lowers the fitted regularity r, so that the initial density has a finite norm."""

T = TypeVar("T")


class _UnknownRegularityError(InputError):
    """The regularity r of the initial density cannot be determined; a user who knows it gets a law."""


def attempt(make: Callable[[], T]) -> tuple[T | None, str]:
    """Return the result of ``make`` and an empty string; if it raises an InputError, None and the message."""
    try:
        return make(), ""
    except InputError as reason:
        return None, str(reason)


@dataclass(frozen=True, eq=False)
class Applicable:
    """The decay law, the linear theory and the certificates that apply to a flow and its initial density.

    Create one with :meth:`of`.

    Parameters
    ----------
    flow
        The equation.
    regularity
        Regularity r of the initial deviation from the target, on the modes that the kernel sees: infinite if it is
        smooth, None if it cannot be fitted.
    law, no_law
        Asymptotic decay law of the energy, or None and the reason.
    unknown_regularity
        Whether the law is missing only because r is unknown.
    obstacle
        Why neither linear theory nor, if r is not given, a law applies; empty if they may.
    make_linear
        Computes the energy of the linearised flow, or raises InputError with the reason.
    unlike
        Why the run is not the flow of a single density, for which no theory holds; empty if it is.
    """

    flow: Equation[Any]
    regularity: sobolev.Regularity | None
    law: Law | None
    no_law: str
    unknown_regularity: bool
    obstacle: str
    make_linear: Callable[[], LinearDecay]
    unlike: str = ""

    @classmethod
    def of(
        cls,
        flow: Equation[Any],
        start: np.ndarray,
        *,
        r: float | None = None,
        neurons: int | None = None,
        signed: bool = False,
        unlike: str = "",
        share: float = 1e-9,
    ) -> "Applicable":
        """Determine what applies.

        Parameters
        ----------
        flow
            The equation.
        start
            Initial density, shape ``grid.shape`` (mass / volume).
        r
            Regularity of the initial deviation, if known. The law is then computed even if theory does not apply
            otherwise.
        neurons
            Number of neurons drawn independently from ``start``, if the run has such; their noise is white.
        signed
            Whether there is a second density, that of negative output weights.
        unlike
            Any other known reason why the run is not the flow of this density.
        share
            Share of its first value down to which the curve of linear theory is accurate. Default: 1e−9.
        """
        unlike = "no theory covers two densities of opposite sign" if signed else unlike
        obstacle = unlike or _obstacle(flow, start)
        regularity = _regularity(flow, start, neurons) if r is None else sobolev.Regularity(r, 0.0)
        law, no_law, unknown_regularity = None, obstacle, False
        if r is not None or not obstacle:
            try:
                law, no_law = _law(flow, start, regularity), ""
            except _UnknownRegularityError as reason:
                no_law, unknown_regularity = str(reason), True
            except InputError as reason:
                no_law = str(reason)

        def make_linear() -> LinearDecay:
            return LinearDecay.of(flow, start, neurons, share)

        return cls(flow, regularity, law, no_law, unknown_regularity, obstacle, make_linear, unlike)

    @cached_property
    def _linear(self) -> tuple[LinearDecay | None, str]:
        """The energy of the linearised flow, or None and the reason; computed when it is first asked for."""
        return (None, self.obstacle) if self.obstacle else attempt(self.make_linear)

    @property
    def linear(self) -> LinearDecay | None:
        """Energy of the linearised flow, or None."""
        return self._linear[0]

    @property
    def no_linear(self) -> str:
        """Why there is no linear theory; empty if there is."""
        return self._linear[1]

    def linear_or_raise(self) -> LinearDecay:
        """Return the curve of linear theory; InputError, with the reason, if there is none."""
        if self.linear is None:
            raise InputError(self.no_linear)
        return self.linear

    def bracket(self, start: np.ndarray) -> Bracket:
        """Return the bounds on the energy that are known before a run from a density of shape ``grid.shape``."""
        return Bracket.of(self.flow, start, self.unlike)

    def certificate_after(
        self,
        times: np.ndarray,
        energies: np.ndarray,
        minima: np.ndarray,
        densities: Iterable[np.ndarray],
        norms: np.ndarray | None = None,
    ) -> MinimumCertificate | RieszCertificate | HoleCertificate:
        """Return the bound on the energy that a run certifies.

        For s = 1 it follows from the smallest cell averages over time; for s > 1 it also needs the norms of order
        :func:`certified_order`, or the densities.

        Parameters
        ----------
        times, energies, minima
            Times, energies and smallest cell averages of the run, from time 0, shapes (rows,).
        densities
            The initial density and those of the snapshots; read only if needed.
        norms
            The largest norm of μ − ν since the row before, for every row, shape (rows,); None if it was not recorded.

        Raises
        ------
        InputError
            If a hypothesis fails; the message names it.
        """
        flow, energy = self.flow, float(energies[0])
        if flow.kernel.is_coulomb and not minima.min() > 0:
            return HoleCertificate.of(flow, next(iter(densities)))
        if flow.kernel.is_coulomb:
            background = ExponentialRate.of(flow).background  # also checks the hypotheses on the flow
            return MinimumCertificate(energy, times, minima, background)
        r = _order_of_norm(self.regularity)
        if norms is not None:
            s = order_of(flow, "the certificate for s > 1")
            return RieszCertificate(energy, s, r, float(minima.min()), float(norms.max()))
        found = RieszCertificate.of(flow, list(densities), r)
        return RieszCertificate(energy, found.s, found.r, min(found.minimum, float(minima.min())), found.bound)


def _obstacle(flow: Equation[Any], start: np.ndarray) -> str:
    """Return the reason why neither linear theory nor a law applies, or an empty string."""
    if not flow.grid.has_cells:
        return f"{flow.grid} has a single cell and resolves no modes"
    if flow.seen is None:
        return ""
    if flow.target.min() < 0:
        return "the target is negative somewhere; the theory needs a target ≥ 0"
    if start.min() == 0:
        return "the initial density has a hole, which fills only from its edges; the theory is local"
    if flow.target.min() < NEARLY_EMPTY * flow.reference:
        least = flow.target.min() / flow.reference
        return f"the target falls to {least:.2g} of its mean; linearisation is not valid there"
    return ""


def _regularity(flow: Equation[Any], start: np.ndarray, neurons: int | None) -> sobolev.Regularity | None:
    """Return the regularity of the initial deviation, or of the noise of independent neurons; None without a fit."""
    if neurons is not None:
        return sobolev.Regularity(-flow.grid.dim / 2, 0.0)  # white noise
    deviation = start - flow.target
    found, _ = attempt(lambda: sobolev.regularity(flow.grid, deviation, flow.seen))
    if found is None and flow.grid.has_cells and not sobolev.mode_power(flow.grid, deviation).any():
        return sobolev.Regularity(math.inf, 0.0)  # a constant is smooth
    return found


def _law(flow: Equation[Any], start: np.ndarray, regularity: sobolev.Regularity | None) -> Law:
    """Return the law that applies; InputError names the hypothesis that fails."""
    if flow.kernel.is_coulomb:
        exponential = ExponentialRate.of(flow)  # also checks the hypotheses on the flow
        return HoleEnergy.of(flow, start) if start.min() == 0 else exponential
    smooth = SmoothDecay.of(flow)
    if regularity is None:
        raise _UnknownRegularityError("the grid is too small to fit the regularity of the initial density")
    if regularity.error > MAX_REGULARITY_ERROR:
        found = f"r = {regularity.r:.2g} ± {regularity.error:.2g}"
        raise _UnknownRegularityError(f"the regularity of the initial density cannot be fitted ({found})")
    return smooth if math.isinf(regularity.r) else PowerLaw.of(flow, regularity.r)


def _order_of_norm(regularity: sobolev.Regularity | None) -> float:
    """Order r of the norm of a certificate for s > 1: below the fitted regularity, or 1 for smooth starts."""
    rough = regularity is not None and math.isfinite(regularity.r)
    return regularity.r - BELOW_THE_BORDER if regularity is not None and rough else 1.0


def certified_order(flow: Equation[Any], start: np.ndarray) -> float | None:
    """Order r of the norm whose bound certifies a run for s > 1.

    Parameters
    ----------
    flow
        The equation.
    start
        Initial density, shape ``grid.shape`` (mass / volume).

    Returns
    -------
    float or None
        r; None if no such certificate can exist, for s = 1, other kernels, with growth, or for a start with a hole.
    """
    s = flow.kernel.order(flow.grid.dim) if flow.kernel.sees_all and not flow.growth else None
    if s is None or not s > 1 or not start.min() > 0:
        return None
    r = _order_of_norm(_regularity(flow, start, None))
    return r if r > -s else None
