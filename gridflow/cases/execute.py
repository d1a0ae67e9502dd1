"""Runs cases, for the commands ``run``, ``resume``, ``sweep`` and ``train`` and for Python users."""

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from gridflow.arguments import takes_numbers
from gridflow.cases.case import Case
from gridflow.cases.reading import Changes, located, stored_case
from gridflow.domains.base import fewer
from gridflow.errors import InputError
from gridflow.runtime.callbacks import Callback
from gridflow.runtime.live import Run
from gridflow.runtime.loop import run
from gridflow.runtime.progress import Say
from gridflow.runtime.schedule import EverySteps
from gridflow.runtime.store import RunDirectory, open_run, refuse_packed

FEW = (500, 4000)
"""Numbers of cells on which a case that is too large for the memory is built, to see what else is wrong with it."""


def run_case(
    case: str | os.PathLike[str] | Case,
    out: str | os.PathLike[str] | None = None,
    *,
    set: Changes | None = None,
    folder: str | os.PathLike[str] = ".",
    force: bool = False,
    progress: bool | None = None,
    say: Say | None = None,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Run a case into a run directory, as ``gridflow run`` does.

    Parameters
    ----------
    case
        A case file, or a :class:`Case` from :func:`gridflow.load_case`.
    out
        Run directory. Default: the case file's name + ``.run``, in the current folder; required for a :class:`Case`.
    set
        Values of a case file to change, for example ``{"kernel.s": 2}``; see :func:`gridflow.load_case`.
    folder
        Folder to which paths in a :class:`Case` are relative; paths in a file are relative to the file's folder.
    force
        Replace an existing run, and run even if memory may be insufficient.
    progress
        Report progress; see :func:`gridflow.run`.
    say
        Called with the predicted memory before the run begins.
    callbacks
        Further actions, called after the stopping conditions of the case; see :class:`gridflow.Callback`.

    Returns
    -------
    Run
        See :func:`gridflow.run`.

    Raises
    ------
    InputError
        If the case or an argument is not allowed, ``out`` exists, or the run needs more memory than is free.
    RunError
        If the run cannot continue.
    """
    if out is None:
        if isinstance(case, Case):
            raise InputError("run_case of a Case needs out, the run directory to make")
        out = f"{Path(case).stem}.run"
    found, beside = located(case, set, folder)
    chosen, store = found.resolved(), Path(out)
    if store.exists() and not force:
        raise InputError(f"{store} exists: resume it, choose another directory (out), or replace it (force)")
    check_memory(chosen, beside, force)
    return launch(chosen, store, beside, force=force, progress=progress, say=say, callbacks=callbacks)


@takes_numbers
def resume_case(store: str | os.PathLike[str], t_end: float | None = None, *, progress: bool | None = None) -> Run:
    """Continue a run that was started from a case, as ``gridflow resume`` does.

    Parameters
    ----------
    store
        The run directory.
    t_end
        New final time. Default: that of the case.
    progress
        As for :func:`run_case`.

    Returns
    -------
    Run
        See :func:`gridflow.run`.

    Raises
    ------
    InputError
        If there is no such run, it is packed, or it was started from Python.
    RunError
        If the run cannot continue.
    """
    refuse_packed(Path(store))
    stored = open_run(store)
    case = stored_case(stored, {} if t_end is None else {"time.t_end": float(t_end)})
    return launch(case, stored.path, stored.path, resumed=stored, progress=progress)


def launch(
    case: Case,
    store: Path,
    folder: Path,
    *,
    force: bool = False,
    resumed: RunDirectory | None = None,
    progress: bool | None = None,
    say: Say | None = None,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Run a case with an explicit snapshot schedule, or continue the run ``resumed``; see :func:`run_case`."""
    solver, initial = case.build(folder, None if resumed is None else resumed.started)
    if say is not None:
        say(f"predicted peak memory {_bytes(case.memory())}, free {_bytes(_free())}")
    return run(
        solver,
        initial,
        t_end=case.time.t_end,
        store=store,
        snapshots=case.output.snapshots(case.time.t_end),
        snapshot_dtype=case.output.snapshot_dtype,
        series=EverySteps(case.output.series_every),
        checkpoints=case.output.checkpoints(),
        callbacks=[*case.time.conditions(), *callbacks],
        progress=progress,
        resume=resumed is not None,
        force=force,
        case=case.to_toml(),
        record={
            "title": case.title,
            "seeds": case.seeds(),
            "independent_neurons": case.solver.independent_neurons,
        },
    )


def check_memory(case: Case, folder: Path, force: bool) -> None:
    """Raise InputError if a case needs more memory than is free, unless ``force`` is set.

    If anything else is wrong with the case, that is told instead, as far as a few cells show it.
    """
    needed, free = case.memory(), _free()
    if needed <= free or force:
        return
    if wrong := _wrong_on_few_cells(case, folder, free):
        raise InputError("\n".join(wrong))
    raise InputError(
        f"the run needs about {_bytes(needed)} of memory and {_bytes(free)} are free; "
        "use a smaller grid.shape or solver.dtype = 'float32', or run it anyway (force)"
    )


def _wrong_on_few_cells(case: Case, folder: Path, free: int) -> list[str]:
    """Return what is wrong with a case whatever its cells are: the errors that two coarse grids have in common."""
    found: list[list[str]] = []
    for cells in FEW:
        shape = list(fewer(case.grid.build().shape, cells))
        small = case.model_copy(update={"grid": case.grid.model_copy(update={"shape": shape})})
        if small.memory() > free:  # it is not the cells that need it
            return []
        try:
            small.build(folder)
        except InputError as error:
            found.append(str(error).splitlines())
        else:
            return []
    return [line for line in found[0] if line in found[1]]


def _free() -> int:
    return int(psutil.virtual_memory().available)


def _bytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
