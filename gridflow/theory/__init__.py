"""Exact solutions, laws, rates and certificates, for use in tests and to check runs against.

Each is a callable object of time. It states its ``hypotheses`` in words. When constructed from a flow, it checks those
that can be checked; InputError names the one that fails.
"""

from gridflow.theory.brackets import Bracket, ConvexityFloor, CoulombFloor, DissipationFloor, HoleCertificate
from gridflow.theory.certificates import CoulombCertificate, MinimumCertificate, RieszCertificate
from gridflow.theory.coulomb import Coulomb1D, HoleBalance, HoleBounds, HoleLaw, LogisticLaw
from gridflow.theory.holes import HoleEnergy, HoleFilling
from gridflow.theory.hypotheses import uniform_background
from gridflow.theory.laws import ExponentialRate, PowerLaw, SmoothDecay, Window
from gridflow.theory.linear import LinearDecay, LinearModes
from gridflow.theory.small_starts import SmallStartCertificate

__all__ = [
    "Bracket",
    "ConvexityFloor",
    "Coulomb1D",
    "CoulombCertificate",
    "CoulombFloor",
    "DissipationFloor",
    "ExponentialRate",
    "HoleBalance",
    "HoleBounds",
    "HoleCertificate",
    "HoleEnergy",
    "HoleFilling",
    "HoleLaw",
    "LinearDecay",
    "LinearModes",
    "LogisticLaw",
    "MinimumCertificate",
    "PowerLaw",
    "RieszCertificate",
    "SmallStartCertificate",
    "SmoothDecay",
    "Window",
    "uniform_background",
]
