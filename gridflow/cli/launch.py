"""Starting a run from a case: what the commands that run something share."""

from pathlib import Path
from threading import Timer

import psutil

from gridflow.cases.case import Case
from gridflow.cases.solvers import independent_neurons
from gridflow.cli.printing import notes
from gridflow.errors import InputError
from gridflow.runtime.loop import Run
from gridflow.runtime.loop import run as run_solver
from gridflow.runtime.schedule import EverySteps
from gridflow.runtime.store import RunDirectory


def launch(
    case: Case, store: Path, folder: Path, quiet: bool, force: bool = False, resumed: RunDirectory | None = None
) -> Run:
    """Run a case into a run directory.

    Parameters
    ----------
    case
        With its snapshot schedule spelt out.
    store
        The run directory.
    folder
        Where paths in the case are relative to.
    quiet
        Show no progress.
    force
        Replace an older run.
    resumed
        The run to go on with.
    """
    solver, initial = case.build(folder, None if resumed is None else resumed.started)
    patience = Timer(1.0, notes.print, ["compiling the loops for this kind of run, once on this machine …"])
    patience.start()
    solver.compile()
    patience.cancel()
    return run_solver(
        solver,
        initial,
        t_end=case.time.t_end,
        store=store,
        snapshots=case.output.snapshots(case.time.t_end),
        snapshot_dtype=case.output.snapshot_dtype,
        series=EverySteps(case.output.series_every),
        checkpoints=case.output.checkpoints(),
        callbacks=case.time.conditions(),
        progress=not quiet,
        resume=resumed is not None,
        force=force,
        case=case.to_toml(),
        record={
            "title": case.title,
            "seeds": case.seeds(),
            "independent_neurons": independent_neurons(case.solver),
        },
    )


def check_memory(case: Case, force: bool, quiet: bool) -> None:
    """InputError if a case needs more memory than is free, unless that is forced."""
    needed, free = case.memory(), psutil.virtual_memory().available
    if not quiet:
        notes.print(f"predicted peak memory {_bytes(needed)}, free {_bytes(free)}")
    if needed > free and not force:
        raise InputError(
            f"the run needs about {_bytes(needed)} of memory and {_bytes(free)} are free; "
            "use a smaller grid.shape or solver.dtype = 'float32', or --force to try all the same"
        )


def _bytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
