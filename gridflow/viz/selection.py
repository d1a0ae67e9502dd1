"""Selects the snapshots for a figure, and formats the captions of a run."""

import numpy as np

from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.neurons import smoothed


def spread(total: int, count: int) -> np.ndarray:
    """Return at most ``count`` indices out of ``total``, evenly spread, including the first and the last."""
    return np.unique(np.linspace(0, total - 1, count).round().astype(int))


def evenly(stored: RunDirectory, count: int) -> list[Snapshot]:
    """Return evenly spread snapshots of a run, smoothed for a network; InputError if there are none yet."""
    total = len(stored.times)
    if total == 0:
        raise InputError(f"{stored.path} holds no snapshots yet")
    return [smoothed(stored.grid, stored.snapshot(index=int(index))) for index in spread(total, count)]


def net(frame: Snapshot) -> np.ndarray:
    """Return the density μ, or μ⁺ − μ⁻ if there are two densities."""
    return frame.density if frame.negative is None else frame.density - frame.negative


def is_signed(stored: RunDirectory) -> bool:
    """Whether a run with snapshots has a density of negative output weights or a target of both signs."""
    return stored.snapshot(index=0).negative is not None or bool(stored.target.min() < 0)


def short(number: float) -> str:
    """Format a number with three significant digits, without an exponent where possible."""
    return f"{float(f'{number:.3g}'):g}"


def kernel_name(stored: RunDirectory) -> str:
    """Return a short name of a run's kernel for captions."""
    try:
        return stored.kernel.label
    except InputError:  # a user-defined kernel
        return str(stored.manifest["problem"]["kernel"])


def title(stored: RunDirectory) -> str:
    """Return one line that identifies a run in a figure."""
    grid = stored.grid
    cells = " × ".join(str(n) for n in grid.shape) + " cells"
    where = f"the sphere of {grid.dim} dimensions" if not grid.has_cells else cells
    return f"{stored.title}   ({kernel_name(stored)}, {where})"
