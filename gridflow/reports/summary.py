"""The first section of a report: what was run, with what, and how far it has got."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from gridflow.reports.base import Section, Subject, escaped
from gridflow.viz.selection import kernel_name


@dataclass(frozen=True)
class Summary(Section, kind="summary"):
    """What was run, with what, and how far it has got."""

    heading: ClassVar[str] = "Summary"
    order: ClassVar[int] = 0

    def html(self, runs: Sequence[Subject]) -> str:
        """The body of the section; see :meth:`Section.html`."""
        rows = []
        for told, fact in FACTS:
            values = [fact(run) for run in runs]
            if any(values):
                cells = "".join(f"<td>{value or '–'}</td>" for value in values)
                rows.append(f'<tr><th scope="row">{told}</th>{cells}</tr>')
        table = f'<div class="card scroll"><table class="facts"><tbody>{"".join(rows)}</tbody></table></div>'
        cases = "".join(_case(run, number, len(runs)) for number, run in enumerate(runs) if run.case is not None)
        without = [run.title for run in runs if run.case is None]
        told = f"Run from Python, without a case file: {escaped(', '.join(without))}." if without else ""
        return table + cases + (f'<p class="muted">{told}</p>' if told else "")


def _status(run: Subject) -> str:
    kind = {"finished": "pass", "stopped": "pass", "failed": "fail"}.get(run.status, "none")
    reason = escaped(run.manifest.get("reason") or ("not finished" if run.status == "running" else ""))
    return f'<span class="badge {kind}">{escaped(run.status)}</span> {reason}'


def _story(run: Subject) -> str:
    found, reason = run.rates
    return escaped(reason if found is None else found.sentence)


def _kernel(run: Subject) -> str:
    growth = float(run.manifest["problem"]["growth"])
    told = f"{kernel_name(run)}" + (f", growth {growth:g}" if growth else "")
    return f'{escaped(told)}<br><code class="muted">{escaped(run.manifest["problem"]["kernel"])}</code>'


def _grid(run: Subject) -> str:
    if not run.grid.has_cells:
        return escaped(run.grid)
    cells = " × ".join(map(str, run.grid.shape)) + " cells"
    return f'{escaped(cells)}<br><code class="muted">{escaped(run.grid)}</code>'


def _solver(run: Subject) -> str:
    settings = dict(run.manifest["solver"])
    name = settings.pop("solver", "")
    held = {key: value for key, value in settings.items() if value is not None and not key.endswith("sha256")}
    options = ", ".join(f"{key} = {value}" for key, value in held.items())
    return f'{escaped(name)}<br><span class="muted">{escaped(options)}</span>'


def _steps(run: Subject) -> str:
    if not run.rows:
        return "none recorded yet"
    step, time = int(run.rows["step"][-1]), float(run.rows["time"][-1])
    return escaped(f"{step} steps to t = {time:.6g} of {float(run.manifest['t_end']):.6g}")


def _energy(run: Subject) -> str:
    if not run.rows:
        return ""
    first, last = float(run.rows["energy"][0]), float(run.rows["energy"][-1])
    return escaped(f"{first:.4g} → {last:.4g}" + (f", to {last / first:.3g} of the first" if first else ""))


def _stored(run: Subject) -> str:
    return escaped(f"{len(run.times)} densities, {len(run.rows.get('time', ()))} rows of the series")


def _versions(run: Subject) -> str:
    told = ", ".join(f"{name} {version}" for name, version in run.manifest["versions"].items())
    return f'gridflow {escaped(run.manifest["gridflow"])}<br><span class="muted">{escaped(told)}</span>'


FACTS: tuple[tuple[str, Callable[[Subject], str]], ...] = (
    ("Run", lambda run: f'{escaped(run.title)}<br><code class="muted">{escaped(run.path.name)}</code>'),
    ("Status", _status),
    ("Kernel", _kernel),
    ("Grid", _grid),
    ("Solver", _solver),
    ("Steps", _steps),
    ("Energy", _energy),
    ("In words", _story),
    ("Stored", _stored),
    ("Versions", _versions),
)
"""What is told of a run, in the order of the table; an empty text is no fact."""


def _case(run: Subject, number: int, count: int) -> str:
    """The text of the case file, folded, with a button that copies it."""
    which = "" if count == 1 else f" of {escaped(run.title)}"
    return (
        f'<details class="card case"><summary>Case file{which}</summary>'
        f'<button type="button" class="tool copy" data-copy="case-{number}">Copy</button>'
        f'<pre id="case-{number}" tabindex="0"><code>{escaped(run.case or "")}</code></pre></details>'
    )
