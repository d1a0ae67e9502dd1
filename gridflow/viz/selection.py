"""Which snapshots of a run a picture shows, and what it calls the run."""

import numpy as np

from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.neurons import smoothed


def spread(total: int, count: int) -> np.ndarray:
    """At most ``count`` positions out of ``total``, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, total - 1, count).round().astype(int))


def evenly(stored: RunDirectory, count: int) -> list[Snapshot]:
    """Snapshots evenly spread over those of a run, smoothed if it is of a network; InputError if it has none yet."""
    total = len(stored.times)
    if total == 0:
        raise InputError(f"{stored.path} holds no snapshots yet")
    return [smoothed(stored.grid, stored.snapshot(index=int(index))) for index in spread(total, count)]


def net(frame: Snapshot) -> np.ndarray:
    """The density μ, or μ⁺ − μ⁻ where there are two."""
    return frame.density if frame.negative is None else frame.density - frame.negative


def is_signed(stored: RunDirectory) -> bool:
    """Whether a run with snapshots has a density of negative output weights, or a target of both signs."""
    return stored.snapshot(index=0).negative is not None or bool(stored.target.min() < 0)


def short(number: float) -> str:
    """A number in three significant digits, without an exponent where there is no need of one."""
    return f"{float(f'{number:.3g}'):g}"


def kernel_name(stored: RunDirectory) -> str:
    """Short name of a run's kernel for captions."""
    try:
        return stored.kernel.label
    except InputError:  # a function of the user's own
        return str(stored.manifest["problem"]["kernel"])


def title(stored: RunDirectory) -> str:
    """One line that says which run a picture shows."""
    grid = stored.grid
    cells = " × ".join(str(n) for n in grid.shape) + " cells"
    where = f"the sphere of {grid.dim} dimensions" if not grid.has_cells else cells
    name = str(stored.manifest["record"].get("title", "")) or stored.path.name
    return f"{name}   ({kernel_name(stored)}, {where})"
