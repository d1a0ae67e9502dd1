"""The ``gridflow predict`` and ``gridflow rates`` commands, which compare theory with runs."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from gridflow.cases.reading import parsed_changes
from gridflow.cli.options import AsJson, CasePath, Changed, RunPath
from gridflow.cli.printing import print_json, screen


def predict(
    case_file: CasePath,
    tol: Annotated[
        float | None,
        typer.Option("--tol", help="Energy to reach over that at the start; default 1e-6, or a training's tolerance."),
    ] = None,
    changed: Changed = None,
    as_json: AsJson = False,
) -> None:
    """Predict before a run which theorem applies, how fast the energy decays, and the time and steps needed."""
    from gridflow.studies.forecast import predict as work_out  # imported here so that other commands need not wait

    found = work_out(case_file, tol, set=parsed_changes(changed or ()))
    if as_json:
        print_json(found.facts())
        return
    rows: list[tuple[str, str]] = [("theorem", found.theorem)]
    if found.law:
        rows.append(("law", found.law))
    if found.regularity is not None and found.exponent is not None:
        rows.append(
            ("regularity", f"r = {found.regularity:.3f} ± {found.regularity_error:.3f}, from the start's modes")
        )
    rows += [
        ("energy", f"{found.energy:.6g} at the start, to fall to {found.goal:.6g}"),
        ("time", f"t = {found.time:.4g} by linear theory" if not np.isnan(found.time) else "no prediction, see below"),
        ("steps", f"about {found.steps:.0f}" if np.isfinite(found.steps) else "no prediction"),
        (
            "certified",
            f"by t = {found.certified:.4g}" if found.certified is not None else f"no: {found.not_certified}",
        ),
    ]
    if found.invisible is not None and found.invisible > 5e-4:
        rows.append(
            (
                "invisible",
                f"{found.invisible:.1%} of ‖μ − ν‖² is in modes to which the loss is blind: training leaves it there, "
                "and the network is the same function without it",
            )
        )
    rows += [
        (f"m = {width}", f"t = {time:.4g} by linear theory" if np.isfinite(time) else "no time predicted")
        for width, time in found.networks.items()
    ]
    rows += [("assumes" if number == 0 else "", text) for number, text in enumerate(found.hypotheses)]
    rows += [("but" if number == 0 else "", text) for number, text in enumerate(found.doubts)]
    _print(rows)


def rates(
    run_directory: RunPath,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Figure to write; its suffix determines the format.")
    ] = None,
    r: Annotated[float | None, typer.Option("--r", help="Regularity of the start; default fitted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast a run's energy decayed, and compare it with what theory predicts and certifies."""
    from gridflow.decay.measured import rates as work_out

    found = work_out(run_directory, r)
    if as_json:
        print_json(found.facts())
    else:
        _print(_told(found))
    if output is not None:
        from gridflow.viz.rates import plot_rates

        written = plot_rates(run_directory, output, r)
        typer.echo(str(written), err=as_json)


def _told(found: Any) -> list[tuple[str, str]]:
    name = "rate" if found.is_exponential else "exponent"
    rows = []
    if found.regularity is not None and not found.is_exponential:
        rows.append(("regularity", f"r = {found.regularity.r:.3f} ± {found.regularity.error:.3f}"))
    rows.append(
        (f"predicted {name}", f"{found.predicted:.4g}" if found.predicted is not None else f"none: {found.no_law}")
    )
    if found.fit is not None:
        rows.append((f"measured {name}", f"{found.fit.exponent:.4g} ± {found.fit.error:.2g}"))
    else:
        rows.append((f"measured {name}", f"none: {found.no_fit}"))
    window = found.window
    if window.start < window.end:
        rows += [
            ("window", f"t = {window.start:.4g} to {window.end:.4g}, {window.decades:.2f} decades"),
            ("", f"before: {window.before}; after: {window.after}"),
        ]
    else:
        rows.append(("window", "none: the law cannot be observed at any time of this run"))
    if found.shares is not None:
        inside = [share for time, share in zip(*found.shares, strict=True) if window.start <= time <= window.end]
        told = (
            f"{max(inside, key=abs):+.2e} of the dissipation at most, in the window"
            if inside
            else 'no snapshot in the window resolves it (snapshot_dtype = "float64" reaches farther)'
        )
        rows.append(("scheme's own share", told))
    rows.append(
        (
            "certificate",
            f"measured energy at most {found.closest:.3g} of it" if found.closest else f"none: {found.no_certificate}",
        )
    )
    return rows


def _print(rows: list[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None)
    for key, value in rows:
        table.add_row(key, value)
    screen().print(table)
