"""Selects the snapshots for a figure, and formats the captions of a run."""

from collections.abc import Sequence

import numpy as np

from gridflow.equation.contract import NEURONS
from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.neurons import smoothed

SMOOTHED = "densities smoothed over a few neurons"
"""What the title of a figure says of the densities of a network; see :func:`gridflow.viz.neurons.smoothed`."""
STATUS = {"running": ["not finished"], "failed": ["failed"], "interrupted": ["interrupted"]}
"""What the title of a figure says of a run that has not ended normally."""


def spread(total: int, count: int) -> np.ndarray:
    """Return at most ``count`` indices out of ``total``, evenly spread, including the first and the last."""
    return np.unique(np.linspace(0, total - 1, count).round().astype(int))


def evenly(stored: RunDirectory, count: int) -> list[Snapshot]:
    """Return evenly spread snapshots of a run, smoothed for a network; InputError if there are none yet."""
    return [read(stored, int(index)) for index in spread(len(times_of(stored)), count)]


def nearest(stored: RunDirectory, times: Sequence[float]) -> list[Snapshot]:
    """Return, for every time, the snapshot of a run that is nearest to it, each once, in the order of time.

    Snapshots of a network are smoothed. InputError if there are none yet.
    """
    held = times_of(stored)
    return [read(stored, index) for index in sorted({int(abs(held - time).argmin()) for time in times})]


def common_times(runs: Sequence[RunDirectory], count: int) -> list[float]:
    """Return times at which runs can be compared: of the snapshots of the run that has fewest until the first run ends.

    Parameters
    ----------
    runs
        The runs, at least one.
    count
        Number of times at most.

    Raises
    ------
    InputError
        If a run has no snapshots yet.
    """
    held = [times_of(run) for run in runs]
    end = min(times[-1] for times in held)
    fewest = min((times[times <= end * (1 + 1e-9)] for times in held), key=len)
    return [float(time) for time in fewest[spread(len(fewest), count)]]


def times_of(stored: RunDirectory) -> np.ndarray:
    """Return the times of the snapshots of a run; InputError if there are none yet."""
    times = stored.times
    if not times.size:
        raise InputError(f"{stored.path} holds no snapshots yet")
    return times


def in_log_time(times: np.ndarray) -> bool:
    """Whether snapshots are spread over the logarithm of time: late ones are much farther apart than those before."""
    gaps = np.diff(times)
    return bool(len(times) > 4 and gaps[-1] > 5 * gaps[len(gaps) // 2] > 0)


def read(stored: RunDirectory, index: int) -> Snapshot:
    """Return a snapshot of a run, smoothed for a network."""
    return smoothed(stored.grid, stored.snapshot(index=index))


def net(frame: Snapshot) -> np.ndarray:
    """Return the density μ, or μ⁺ − μ⁻ if there are two densities."""
    return frame.density if frame.negative is None else frame.density - frame.negative


def is_signed(stored: RunDirectory) -> bool:
    """Whether a run with snapshots has a density of negative output weights or a target of both signs."""
    return stored.snapshot(index=0).negative is not None or bool(stored.target.min() < 0)


def short(number: float) -> str:
    """Format a number with three significant digits, without an exponent where possible."""
    return f"{float(f'{number:.3g}'):g}"


def distinct(numbers: Sequence[float], digits: int = 3) -> list[str]:
    """Format numbers with as many significant digits as neighbours that differ need to look different.

    Parameters
    ----------
    numbers
        The numbers, in the order in which they are read.
    digits
        Number of significant digits at least.
    """
    while True:
        told = [f"{float(f'{number:.{digits}g}'):.{digits}g}" for number in numbers]
        pairs = zip(numbers, numbers[1:], told, told[1:], strict=False)
        if digits >= 15 or not any(a != b and c == d for a, b, c, d in pairs):
            return told
        digits += 1


def time_labels(frames: Sequence[Snapshot]) -> list[str]:
    """Return ``t = …`` for every frame, with as many digits as neighbouring frames need to differ."""
    return [f"t = {told}" for told in distinct([frame.time for frame in frames])]


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
    smooth = [SMOOTHED] if grid.has_cells and stored.representation.kind == NEURONS else []
    told = ", ".join([kernel_name(stored), where, *smooth, *STATUS.get(stored.status, ())])
    return f"{stored.title}   ({told})"
