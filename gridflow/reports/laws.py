"""The section of a report that says which laws the runs obey."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from gridflow.decay.verdicts import Outcome, Verdict
from gridflow.reports.base import Section, Subject, escaped
from gridflow.viz.comparisons import told_apart

OUTCOMES: dict[Outcome, str] = {"pass": "pass", "fail": "fail", "not applicable": "none"}
"""Every outcome, and its class in the style sheet."""


@dataclass(frozen=True)
class Laws(Section, kind="laws"):
    """Which laws the runs obey, within which tolerance."""

    heading: ClassVar[str] = "Laws"
    order: ClassVar[int] = 10

    def html(self, runs: Sequence[Subject]) -> str:
        """The body of the section; see :meth:`Section.html`."""
        names = told_apart(runs) if len(runs) > 1 else [""]
        return "".join(_table(run, told) for run, told in zip(runs, names, strict=True))


def _table(run: Subject, told: str) -> str:
    counted = Counter(verdict.outcome for verdict in run.verdicts)
    total = ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES if counted[outcome])
    caption = f"<strong>{escaped(told)}</strong> · {total}" if told else total
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Law", "Expected", "Measured", "Tolerance", "Verdict"))
    rows = "".join(map(_row, run.verdicts))
    return (
        f'<div class="card scroll"><table class="laws"><caption>{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(verdict: Verdict) -> str:
    law = (
        f'<th scope="row">{escaped(verdict.law.capitalize())}<br><span class="muted">{escaped(verdict.quantity)}</span>'
    )
    badge = f'<td><span class="badge {OUTCOMES[verdict.outcome]}">{verdict.outcome}</span></td>'
    reason = escaped(verdict.reason)
    if verdict.expected is None or verdict.measured is None or verdict.tolerance is None:
        return f'<tr>{law}</th><td colspan="3" class="reason">{reason}</td>{badge}</tr>'
    relation = "" if verdict.relation == "=" else f"{verdict.relation} "
    tolerance = "none" if verdict.tolerance == 0 else f"{verdict.tolerance:.2g}"
    return (
        f'<tr>{law}</th><td data-label="Expected">{relation}{verdict.expected:.4g}</td>'
        f'<td data-label="Measured">{verdict.measured:.4g}</td>'
        f'<td data-label="Tolerance">{tolerance}<br><span class="muted">{reason}</span></td>{badge}</tr>'
    )
