"""What of theory applies to a flow from a start: the same for a prediction before a run and for rates after it."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.certificates import CoulombCertificate, MinimumCertificate, RieszCertificate
from gridflow.theory.laws import ExponentialRate, PowerLaw, SmoothDecay
from gridflow.theory.linear import LinearDecay

UNTOLD = 0.5
"""Error of a fitted regularity beyond which no power of time is told from it."""
NEARLY_EMPTY = 1e-3
"""Share of its mean below which a network's target has places without neurons, near which nothing is linear."""
BELOW_THE_BORDER = 0.25
"""How far below the border r of its regularity a start has a finite norm that a certificate can go by."""

Law = PowerLaw | ExponentialRate | SmoothDecay
T = TypeVar("T")


class _UntoldError(InputError):
    """How regular the start is cannot be told: whoever knows its r has a law."""


def attempt(make: Callable[[], T]) -> tuple[T | None, str]:
    """What can be made, or why it cannot: what the InputError says."""
    try:
        return make(), ""
    except InputError as reason:
        return None, str(reason)


@dataclass(frozen=True, eq=False)
class Applicable:
    """The law, the linear theory and the certificates that apply to a flow from a start.

    Make one with :meth:`of`.

    Parameters
    ----------
    flow
        The equation.
    regularity
        Order r of the start's deviation from the target, on the modes that the kernel sees; infinite for a smooth one,
        None where it cannot be fitted.
    law, no_law
        How the energy decays in the end, or None and the reason.
    untold
        Whether there is no law only because r is not known.
    linear, no_linear
        The curve of linear theory, or None and the reason.
    """

    flow: Equation[Any]
    regularity: sobolev.Regularity | None
    law: Law | None
    no_law: str
    untold: bool
    linear: LinearDecay | None
    no_linear: str

    @classmethod
    def of(
        cls,
        flow: Equation[Any],
        start: np.ndarray,
        *,
        r: float | None = None,
        neurons: int | None = None,
        signed: bool = False,
        obstacle: str = "",
    ) -> "Applicable":
        """What applies to a run from a start.

        Parameters
        ----------
        flow
            The equation.
        start
            The density at time 0, shape ``grid.shape``.
        r
            Its regularity, if it is known: then there is a law whatever stands in the way of theory.
        neurons
            How many points were drawn independently from the start, if the run is of such: their noise is white.
        signed
            Whether there is a second density, that of negative output weights.
        obstacle
            What else is known to keep theory from applying.
        """
        obstacle = _obstacle(flow, start, signed) or obstacle
        regularity = _regularity(flow, start, neurons) if r is None else sobolev.Regularity(r, 0.0)
        law, no_law, untold = None, obstacle, False
        if r is not None or not obstacle:
            try:
                law, no_law = _law(flow, regularity), ""
            except _UntoldError as reason:
                no_law, untold = str(reason), True
            except InputError as reason:
                no_law = str(reason)
        linear, no_linear = (None, obstacle) if obstacle else attempt(lambda: LinearDecay.of(flow, start, neurons))
        return cls(flow, regularity, law, no_law, untold, linear, no_linear)

    def certificate_before(self, start: np.ndarray) -> CoulombCertificate:
        """The bound on the energy that is known before a run; InputError says which hypothesis fails."""
        return CoulombCertificate.of(self.flow, start)

    def certificate_after(
        self, times: np.ndarray, energies: np.ndarray, minima: np.ndarray, densities: Iterable[np.ndarray]
    ) -> MinimumCertificate | RieszCertificate:
        """The bound on the energy that a run gives: for s = 1 by its smallest cells, for s > 1 by its densities too.

        Parameters
        ----------
        times, energies, minima
            The run's series, from time 0: shapes (rows,).
        densities
            The initial one and those of its snapshots; read only if they are needed.

        Raises
        ------
        InputError
            Says which hypothesis fails.
        """
        flow, energy = self.flow, float(energies[0])
        if flow.kernel.is_coulomb:
            background = ExponentialRate.of(flow).background  # which checks what the certificate needs of the flow
            return MinimumCertificate(energy, times, minima, background)
        rough = self.regularity is not None and math.isfinite(self.regularity.r)
        r = self.regularity.r - BELOW_THE_BORDER if self.regularity is not None and rough else 1.0
        found = RieszCertificate.of(flow, list(densities), r)
        return RieszCertificate(energy, found.s, found.r, min(found.minimum, float(minima.min())), found.bound)


def _obstacle(flow: Equation[Any], start: np.ndarray, signed: bool) -> str:
    """What keeps both linear theory and the laws from saying anything of a network; empty if nothing does."""
    if not flow.grid.has_cells:
        return f"theory needs modes, of which there are none on {flow.grid}"
    if signed:
        return "there are two densities, of either sign, and how they share what is to be learnt no theory says"
    if flow.seen is None:
        return ""
    if flow.target.min() < 0:
        return "the target is negative somewhere, and near one of both signs there are two measures"
    if start.min() == 0:
        return "the start has a hole, which fills from its edges only, and theory is local"
    if flow.target.min() < NEARLY_EMPTY * flow.reference:
        least = flow.target.min() / flow.reference
        return f"the target is nearly 0 somewhere, {least:.2g} of its mean, and there theory says nothing"
    return ""


def _regularity(flow: Equation[Any], start: np.ndarray, neurons: int | None) -> sobolev.Regularity | None:
    """r of the start's deviation from the target, or of the noise of independent neurons; None if it has no fit."""
    if neurons is not None:
        return sobolev.Regularity(-flow.grid.dim / 2, 0.0)  # white noise
    deviation = start - flow.target
    found, _ = attempt(lambda: sobolev.regularity(flow.grid, deviation, flow.seen))
    if found is None and flow.grid.has_cells and not sobolev.mode_power(flow.grid, deviation).any():
        return sobolev.Regularity(math.inf, 0.0)  # a constant is smooth
    return found


def _law(flow: Equation[Any], regularity: sobolev.Regularity | None) -> Law:
    """The law that applies; InputError says which hypothesis fails."""
    if flow.kernel.is_coulomb:
        return ExponentialRate.of(flow)
    smooth = SmoothDecay.of(flow)
    if regularity is None:
        raise _UntoldError("the grid is too small to tell how regular the start is")
    if regularity.error > UNTOLD:
        found = f"r = {regularity.r:.2g} ± {regularity.error:.2g}"
        raise _UntoldError(f"how regular the start is cannot be told from its modes ({found})")
    return smooth if math.isinf(regularity.r) else PowerLaw.of(flow, regularity.r)
