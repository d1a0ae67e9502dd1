"""What the manifest of a run says, as objects; those of version 0.1, which recorded less, are read here too."""

import ast
from collections.abc import Mapping
from typing import Any

from gridflow.domains.base import Domain
from gridflow.equation.contract import CELLS, MODES, NEURONS, PARTICLES, Kind, Representation
from gridflow.equation.kernels import Kernel, OfActivation
from gridflow.errors import InputError

KINDS_BEFORE: dict[str, Kind] = {"Spectral": MODES, "Particles": PARTICLES, "Network": NEURONS}
"""How a solver represented the density, by its name, in manifests that do not record it; all others had cells."""


def domain(manifest: Mapping[str, Any]) -> Domain:
    """The domain of a run. Version 0.1 recorded the circle of networks as a torus."""
    record = manifest["grid"]
    of_networks = {kernel.__name__ for kernel in OfActivation.__subclasses__()}
    text = str(manifest["problem"]["kernel"]).partition("(")[0]
    if "kind" not in record and text in of_networks:
        record = {"kind": "circle", "shape": record["shape"]}
    return Domain.from_record(record)


def kernel(manifest: Mapping[str, Any]) -> Kernel:
    """The kernel of a run.

    Raises
    ------
    InputError
        If it is a user-defined function, which no file holds.
    """
    problem = manifest["problem"]
    record = problem.get("kernel_record") or _kernel_record_from_text(str(problem["kernel"]))
    if record is None:
        raise InputError(
            f"the kernel {problem['kernel']} is a user-defined function and cannot be restored from a file"
        )
    return Kernel.from_record(record)


def representation(manifest: Mapping[str, Any]) -> Representation:
    """How the solver of a run represented the density."""
    if "representation" in manifest:
        return Representation(**manifest["representation"])
    settings = manifest["solver"]
    return Representation(KINDS_BEFORE.get(str(settings.get("solver")), CELLS), bool(settings.get("negative_sha256")))


def difference(stored: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """How the problem and the solver of a run differ from those given, as "this, not that"; empty if they do not.

    Kernels are the same if their symbols are, however they are written.
    """
    if representation(stored) != representation(given):
        return f"{representation(stored)}, not {representation(given)}"
    same_kernel = stored["problem"].get("symbol_sha256") == given["problem"]["symbol_sha256"]
    for key in ("grid", "problem", "solver"):
        for name, before in stored[key].items():
            now = given[key].get(name)
            if before != now and not (same_kernel and name in ("kernel", "kernel_record")):
                return f"{key} {name} = {before}, not {now}"
    return ""


def _kernel_record_from_text(text: str) -> dict[str, Any] | None:
    """The record of a kernel from its ``repr``, all that version 0.1 stored; None if the text does not give one."""
    kinds = {make.__name__: kind for kind, make in Kernel.kinds.items()}
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        parameters = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
        return {"kind": kinds[call.func.id]} | parameters
    except (SyntaxError, KeyError, ValueError):
        return None
