"""Predictions for a case: for its run, and for the networks of its ``[training]`` table."""

import math
import os
from dataclasses import replace
from pathlib import Path

from gridflow.cases.case import Case
from gridflow.cases.reading import Changes, located
from gridflow.networks.measures import TRAINING
from gridflow.studies.prediction import Prediction, predict_run
from gridflow.studies.training import expect, members


def predict(
    case: str | os.PathLike[str] | Case,
    tol: float | None = None,
    *,
    set: Changes | None = None,
    folder: str | os.PathLike[str] = ".",
) -> Prediction:
    """Predict which theorem applies to a case, how fast the energy decays, and the time and steps needed.

    Parameters
    ----------
    case
        A case file, or a :class:`Case` from :func:`gridflow.load_case`.
    tol
        Energy to reach, relative to the initial one, between 0 and 1. Default: that of ``[training]``, or 1e−6.
    set, folder
        As for :func:`gridflow.run_case`.

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
    found = predict_run(*wanted.build(beside), share, wanted.solver.independent_neurons)
    return replace(found, networks=_networks(wanted, beside, found.goal))


def _networks(case: Case, folder: Path, goal: float) -> dict[int, float]:
    """Return the times at which linear theory predicts that the networks of ``[training]`` reach a loss, by width."""
    if case.training is None or case.solver.of_networks or case.flow.growth != TRAINING:
        return {}
    found = dict[int, float]()
    for member in members(case)[1:]:
        if member.width is not None and member.width not in found:  # for a given width it is the same on samples
            curve = expect(member, folder).linear
            found[member.width] = math.nan if curve is None else curve.time_to(goal)
    return found
