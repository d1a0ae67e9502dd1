"""Diagnosis of faulty particle codes from their displacements."""

import math
from dataclasses import dataclass

import numpy as np

from gridflow.equation.kernels import Kernel
from gridflow.validation.motion import Motion

UNLIKE = 0.1
"""Largest unexplained share of the displacements that is still attributed to this flow; or ``BETWEEN_MODES`` times the
difference between numbers of modes, if that is larger."""
BETWEEN_MODES = 1.2
"""A correct code with other modes differs from those tried about as much as they differ from each other."""
NONSENSE = 0.5
"""Unexplained share above which neither a factor nor a sign is reported."""
UNRESOLVED = 8.0
"""Factor above which frames that resolve the flow do not resolve the motion of the particles."""
CONSTANT = "a wrong constant in the velocity or a wrong unit of time"


@dataclass(frozen=True)
class Fault:
    """A fault, and the time from which it shows."""

    since: float
    reason: str


def diagnose(
    found: Motion, accuracy: float, kernel: Kernel | None = None, target_samples: int | None = None
) -> Fault | None:
    """The fault that explains displacements best, or None if they are right.

    Right means: a factor within ``accuracy`` and three times its uncertainty of 1, a drift below the same share of the
    velocities, and no more than ``UNLIKE`` left unexplained (unless the target is known by samples only).

    Parameters
    ----------
    found
        The displacements against −∇V.
    accuracy
        Relative error of the velocity that is allowed.
    kernel
        For naming factors; its powers of 2π.
    target_samples
        Given if the code knows the target by samples.
    """
    allowed = accuracy + 3 * found.uncertainty
    since = _since(found, allowed)
    rises = [interval for interval in found.intervals if _rises(interval.energy)]
    step, left = found.explicit
    if found.images is not None and found.images[1] < 0.7 * min(found.residual, left):
        return Fault(
            since,
            f"missing periodic images: their displacements are those of a kernel with {found.images[0]} "
            f"(it leaves {found.images[1]:.2g} of them unexplained, the periodic one {found.residual:.2g})",
        )
    if found.factor < -allowed and found.residual < NONSENSE:
        return Fault(
            since,
            f"they move against −∇V{' and the energy rises' if rises else ''}: the velocity has the wrong sign",
        )
    factor_off, drift_off = abs(found.factor - 1) > allowed, found.drift_share > allowed
    unlike = not target_samples and found.residual > max(UNLIKE, BETWEEN_MODES * found.between_modes)
    if not (factor_off or drift_off or unlike):
        return None
    if rises:
        perhaps = "" if left < 0.7 * found.residual else ", or the velocities of another kernel"
        return Fault(
            rises[0].end,
            f"the energy rises, from {rises[0].energy[0]:.3g} to {rises[0].energy[1]:.3g}: explicit steps that are "
            f"too large{perhaps}",
        )
    if left < 0.7 * found.residual and step > 0:
        return Fault(
            since,
            f"explicit Euler steps of about {step:.2g} that are too large: displacements are {found.factor:.3g} times "
            f"those of the exact velocity, and such steps leave {left:.2g} of them unexplained",
        )
    if drift_off and not factor_off:
        drift = ", ".join(f"{component:.3g}" for component in found.drift)
        return Fault(since, f"a constant drift of ({drift}) on top of −∇V, {found.drift_share:.2g} of its size")
    if factor_off and (found.residual < NONSENSE or found.factor > UNRESOLVED):
        steps_too = step > 0 and found.factor < 2 and left < 1.4 * found.residual + accuracy / 5
        both = f", or explicit Euler steps of about {step:.2g}" if steps_too else ""
        order = None if kernel is None else kernel.order(len(found.drift))
        size = f"{named(found.factor, order)} ± {found.uncertainty:.1g}"
        if found.factor > UNRESOLVED:
            size = f"at least {found.factor:.2g} (the frames are too far apart to resolve it)"
        return Fault(since, f"displacements are {size} times ∫ v dt: {CONSTANT}{both}")
    return Fault(
        since,
        f"they do not move along −∇V of their own potential, which leaves {found.residual:.2g} of the displacements "
        "unexplained (another kernel? a target known only by samples, see target_samples?)",
    )


def named(factor: float, order: float | None) -> str:
    """Format a factor, with the power of 2π or 2 that it may be for a kernel of some order s, or of none."""
    text = f"{factor:.4g}"
    s = 1.0 if order is None else order
    powers = {1.0, 2.0, 2 * s, 2 * s - 1, 2 * s - 2} - {0.0}
    constants = {f"(2π)^{sign * p:g}": (2 * np.pi) ** (sign * p) for p in sorted(powers) for sign in (1, -1)}
    constants |= {"2": 2.0, "1/2": 0.5, "4π": 4 * np.pi, "1/(4π)": 1 / (4 * np.pi), "π": np.pi, "1/π": 1 / np.pi}
    for name, value in constants.items():
        if factor > 0 and abs(math.log(factor / value)) < 0.03:
            return f"{text} (nearly {name})"
    return text


def _rises(energy: tuple[float, float]) -> bool:
    return energy[1] > 1.02 * energy[0]


def _since(found: Motion, allowed: float) -> float:
    """The end of the first interval, of those in which something moves, whose own factor is off."""
    most = 0.0
    for interval in found.intervals:
        most = max(most, interval.moved)
        if interval.moved > 0.1 * most and abs(interval.factor - 1) > allowed:
            return interval.end
    return found.intervals[0].end
