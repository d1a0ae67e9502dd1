"""The ``gridflow compare`` command."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gridflow.cli.options import AsJson, numbers
from gridflow.cli.printing import print_json, screen

SHORT = {"better-than-sampling": "better"}


def compare(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory of a grid solver.")],
    particles: Annotated[
        list[Path],
        typer.Argument(
            metavar="PARTICLES...",
            help="Output of particle codes: .npz, .h5, .csv, .gsd, .h5md, openPMD, or a run of Particles. Give several "
            "to measure the order in N.",
        ),
    ],
    times: Annotated[
        str | None, typer.Option(metavar="T,T,...", help="Times to compare at; default: all common ones.")
    ] = None,
    as_json: AsJson = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Figure to write.")] = None,
    box: Annotated[str | None, typer.Option(metavar="L[,L,L]", help="Periods of the particles' box.")] = None,
    origin: Annotated[str | None, typer.Option(metavar="X[,Y,Z]", help="Lower corner of that box; default 0.")] = None,
    time_unit: Annotated[float, typer.Option(help="Length of one unit of their time in the run's units.")] = 1.0,
    level: Annotated[float, typer.Option(help="Probability of rejecting a correct code.")] = 0.01,
    accuracy: Annotated[float, typer.Option(help="Relative error allowed in their velocities.")] = 0.01,
    target_samples: Annotated[
        int | None, typer.Option(help="Number M of samples, if the code knows the target only through samples.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated calibration.")] = 0,
) -> None:
    """Check whether particle trajectories are consistent with the flow that a run solved.

    Exit code 0: consistent, or better than random sampling. 1: inconsistent. 2: bad input.
    """
    from gridflow import validation  # imported here so that other commands need not wait for it
    from gridflow.runtime.outputs import checked_output
    from gridflow.validation.trajectories import read
    from gridflow.viz.view import FORMATS

    if output is not None:
        checked_output(output, FORMATS)  # fail before the work, not after it
    reference = validation.Reference(run_directory, seed)
    found = [
        validation.compare(
            reference,
            read(path),
            at=numbers("times", times),
            box=_per_axis("box", box),
            origin=_per_axis("origin", origin),
            time_unit=time_unit,
            level=level,
            accuracy=accuracy,
            target_samples=target_samples,
        )
        for path in particles
    ]
    worst = next((one for one in found if one.verdict == "inconsistent"), found[0])
    order = validation.order(found)
    if as_json:
        fit = None if order is None else {"power": order[0], "error": order[1]}
        print_json(worst.facts() | {"run": str(run_directory), "order": fit, "runs": [one.facts() for one in found]})
    else:
        for one in found:
            _show(one)
        if order is not None:
            screen(110).print(f"KMD ~ N^p with p = {order[0]:.3f} ± {order[1]:.2g} over {len(found)} runs of particles")
    if output is not None:
        from gridflow.viz.validation import plot_comparison

        written = plot_comparison(reference, found, output)
        typer.echo(str(written), err=as_json)
    if worst.verdict == "inconsistent":
        raise typer.Exit(1)


def _per_axis(name: str, text: str | None) -> tuple[float, ...] | float | None:
    """Parse numbers: one for all axes, or one for each."""
    values = numbers(name, text)
    return values[0] if values is not None and len(values) == 1 else values


def _show(found: Any) -> None:
    first = found.moments[0]
    table = Table(box=None, title=f"{found.name}: {found.count} particles", title_justify="left")
    for heading in (
        "t",
        "KMD",
        "of samples",
        "z",
        "p",
        "smoother",
        "p",
        first.wasserstein_name,
        "of samples",
        "verdict",
    ):
        table.add_column(heading, justify="right")
    for moment in found.moments:
        table.add_row(
            f"{moment.time:.4g}",
            f"{moment.kmd:.3g}",
            f"{moment.noise:.3g}",
            f"{moment.z:+.2f}",
            f"{moment.p_above:.2g}",
            f"{moment.smooth_kmd:.3g}",
            f"{moment.smooth_p_above:.2g}",
            f"{moment.wasserstein:.3g}",
            f"{moment.wasserstein_noise:.3g}",
            SHORT.get(moment.verdict, moment.verdict),
        )
    screen(110).print(table)
    last = found.moments[-1]
    if last.inside_hole is not None:
        screen(110).print(f"inside what is left of the hole at t = {last.time:.4g}: {last.inside_hole:.3g} of the mass")
    if found.motion is not None:
        moved = found.motion
        screen(110).print(
            f"displacements: {moved.factor:.5g} ± {moved.uncertainty:.1g} times ∫ v dt, drift {moved.drift_share:.2g} "
            f"of the speed, {moved.residual:.2g} unexplained"
        )
    else:
        screen(110).print(f"displacements not compared: {found.note}")
    since = "" if found.since is None else f" since t = {found.since:.4g}"
    screen(110).print(f"verdict: {found.verdict}{since}: {found.reason}", soft_wrap=True)
