"""The ``gridflow predict`` and ``gridflow rates`` commands, which compare theory with runs."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from gridflow.cases.reading import parsed_changes
from gridflow.cli.options import AsJson, CasePath, Changed, RunPath
from gridflow.cli.printing import notes, print_json, screen


def predict(
    case_file: CasePath,
    tol: Annotated[
        float | None,
        typer.Option("--tol", help="Energy to reach over that at the start; default 1e-6, or that of [training]."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Figure to write; its suffix determines the format.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="A run of the case, to draw its energy beside the prediction.")
    ] = None,
    pilot: Annotated[
        bool | None,
        typer.Option("--pilot/--no-pilot", help="Make pilot runs on coarse grids; default where theory needs them."),
    ] = None,
    changed: Changed = None,
    as_json: AsJson = False,
) -> None:
    """Predict before a run when its energy falls to a share of the first, and the steps and time that this takes."""
    from gridflow.studies.forecast import predict as work_out  # imported here so that other commands need not wait

    found = work_out(case_file, tol, set=parsed_changes(changed or ()), pilot=pilot, say=notes.print)
    if as_json:
        print_json(found.facts())
    else:
        typer.echo(found.sentence)
        _print(_outlook(found))
    if output is not None:
        typer.echo(str(found.plot(output, run, case_file.stem)), err=as_json)


def _outlook(found: Any) -> list[tuple[str, str]]:
    """The rows of the table of a prediction."""
    rows: list[tuple[str, str]] = [
        (tier.name, _tier(tier, "the answer: " if tier.name == found.answer else "")) for tier in found.tiers
    ]
    rows.append(("theorem", found.theorem))
    if found.law:
        rows.append(("law", found.law))
    if found.regularity is not None and found.exponent is not None:
        rows.append(("regularity", f"r = {found.regularity:.3f} ± {found.regularity_error:.3f}, of the start's modes"))
    rows.append(("energy", f"{found.energy:.6g} at the start, to fall to {found.goal:.6g}"))
    if found.hole:
        rows.append(("hole", found.hole))
    if found.memory is not None:
        rows.append(("memory", f"{found.memory / 1e6:.0f} MB"))
    if found.invisible is not None and found.invisible > 5e-4:
        rows.append(
            (
                "invisible",
                f"{found.invisible:.1%} of ‖μ − ν‖² is in modes to which the loss is blind: training leaves it there, "
                "and the network is the same function without it",
            )
        )
    rows += [
        (f"m = {width}", f"t = {time:.4g}" if np.isfinite(time) else "no time predicted")
        for width, time in found.networks.items()
    ]
    rows += [("assumes" if number == 0 else "", text) for number, text in enumerate(found.hypotheses)]
    rows += [("but" if number == 0 else "", text) for number, text in enumerate(found.doubts)]
    return rows


def _tier(tier: Any, answer: str) -> str:
    """What one tier found, in words."""
    low, high = tier.interval
    if np.isnan(tier.time):
        if np.isnan(low) or (low == 0 and np.isinf(high)):
            return f"none: {tier.source}"
        until = f" to {high:.4g}" if np.isfinite(high) else " on"
        return f"t = {low:.4g}{until} ({tier.source})"
    if np.isinf(tier.time):
        return f"{answer}never ({tier.source})"
    between = "" if np.isnan(low) else f", between {low:.4g} and {high:.4g}"
    return f"{answer}t = {tier.time:.4g}{between} ({tier.source}; {tier.seconds:.2g} s)"


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
        typer.echo(found.sentence)
        _print(_told(found))
    if output is not None:
        from gridflow.viz import plot

        plot(run_directory, output, "rates", r=r)
        typer.echo(str(output), err=as_json)


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
    if found.hole is not None:
        hole, what = found.hole, "rate" if found.hole.is_exponential else "exponent"
        low, high = hole.expected or (np.nan, np.nan)
        bounds = f"{low:.4g}" if np.isclose(low, high) else f"{low:.4g} to {high:.4g}"
        rows.append(
            (f"predicted {what} of the hole", f"none: {hole.no_expectation}" if hole.expected is None else bounds)
        )
        value = f"none: {hole.no_fit}" if hole.fit is None else f"{hole.fit.exponent:.4g} ± {hole.fit.error:.2g}"
        rows.append((f"measured {what} of the hole", value))
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
