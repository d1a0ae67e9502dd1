"""Exact solutions, laws, rates and certificates: oracles for tests and for users.

Each is an object that is called with a time, says its ``hypotheses`` in words, and checks those that can be checked
when it is made of a flow: InputError names the one that fails.
"""

from gridflow.theory.certificates import CoulombCertificate, MinimumCertificate, RieszCertificate
from gridflow.theory.coulomb import Coulomb1D, HoleBalance, HoleBounds, HoleLaw, LogisticLaw
from gridflow.theory.hypotheses import uniform_background
from gridflow.theory.laws import ExponentialRate, PowerLaw, SmoothDecay, Window
from gridflow.theory.linear import LinearDecay, LinearModes

__all__ = [
    "Coulomb1D",
    "CoulombCertificate",
    "ExponentialRate",
    "HoleBalance",
    "HoleBounds",
    "HoleLaw",
    "LinearDecay",
    "LinearModes",
    "LogisticLaw",
    "MinimumCertificate",
    "PowerLaw",
    "RieszCertificate",
    "SmoothDecay",
    "Window",
    "uniform_background",
]
