"""Predictions for a case: for its run, and for the networks of its ``[training]`` table."""

import os
from dataclasses import replace
from pathlib import Path

from gridflow.arguments import takes_numbers
from gridflow.cases.case import Case
from gridflow.cases.reading import Changes, located
from gridflow.networks.measures import TRAINING
from gridflow.runtime.progress import ProgressReport, Say, compiled
from gridflow.studies.prediction import Prediction, predict_run, seconds_of
from gridflow.studies.training import expect, members


@takes_numbers
def predict(
    case: str | os.PathLike[str] | Case,
    tol: float | None = None,
    *,
    set: Changes | None = None,
    folder: str | os.PathLike[str] = ".",
    pilot: bool | None = None,
    say: Say | None = None,
) -> Prediction:
    """Predict how long a case takes: the time at which its energy falls to a share, with an interval, and the steps.

    Theorems give a bracket and linear theory a first time. Unless the second order agrees with it, pilot runs on coarse
    grids give the answer; see :class:`gridflow.studies.prediction.Prediction`.

    Parameters
    ----------
    case
        A case file, or a :class:`Case` from :func:`gridflow.load_case`.
    tol
        Energy to reach, relative to the initial one, between 0 and 1. Default: that of ``[training]``, or 1e−6.
    set, folder
        As for :func:`gridflow.run_case`.
    pilot
        Whether to make pilot runs on coarse grids. Default: unless linear theory and the second order agree. With
        False, no step is taken at all, and the wall-clock time is not predicted.
    say
        Called with a message if loops have to be compiled. Default: the message is shown as that of a run.

    Returns
    -------
    Prediction
        The prediction.

    Raises
    ------
    InputError
        If the case is not allowed, ``set`` is given with a Case, or the initial density is the target.
    """
    wanted, beside = located(case, set, folder)
    share = tol if tol is not None else wanted.training.tolerance if wanted.training else 1e-6
    solver, initial = wanted.build(beside)
    if pilot is not False:
        if say is None:
            ProgressReport().compile(solver)
        else:
            compiled(solver, say)
    found = predict_run(solver, initial, share, wanted.solver.independent_neurons, pilot)
    if pilot is not False:
        found = replace(found, seconds=seconds_of(solver, initial, found.steps))
    return replace(found, memory=wanted.memory(), networks=_networks(wanted, beside, found))


def _networks(case: Case, folder: Path, found: Prediction) -> dict[int, float]:
    """Return the times at which the networks of ``[training]`` are expected to reach a loss, by width."""
    if case.training is None or case.solver.of_networks or case.flow.growth != TRAINING:
        return {}
    times = dict[int, float]()
    for member in members(case)[1:]:
        if member.width is not None and member.width not in times:  # for a given width it is the same on samples
            times[member.width] = expect(member, folder).time_to(found)
    return times
