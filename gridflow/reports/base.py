"""What a section of a report is, what it is made of, and how arrays and tables get into a page."""

import base64
import html
import json
import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from gridflow.decay.measured import Rates, rates
from gridflow.decay.verdicts import Verdict, verdicts
from gridflow.errors import InputError
from gridflow.runtime.outputs import Output
from gridflow.runtime.store import RunDirectory
from gridflow.theory.applicable import attempt

FRAMES = 60
"""Number of densities in a report."""
DIGITS = 7
"""Significant digits of the numbers of a page."""
REACH = (-0.2, 1.2)
"""Ends of the range of positions, as shares of the periods, in a page: the scripts know it too."""


class Subject(RunDirectory):
    """A run as it is when its report begins: all sections see the same rows, although it may go on meanwhile."""

    @cached_property
    def rows(self) -> dict[str, np.ndarray]:
        """The series; see :attr:`gridflow.runtime.store.RunDirectory.series`."""
        return self.series

    @cached_property
    def rates(self) -> tuple[Rates | None, str]:
        """The measured rates, or None and why there are none."""
        return attempt(lambda: rates(self))

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """What the laws say of the run."""
        return verdicts(self, self.rates[0])


@dataclass(frozen=True)
class Section(Output, ABC, command="report", suffixes=(".html",)):
    """A section of a report, ``class Mine(Section, kind="mine")`` with a ``heading``, an ``order`` and ``html``.

    Parameters
    ----------
    frames
        Number of densities at most, at least 1. Default: 60.
    solid
        Whether 3-D densities have surfaces that turn.

    Attributes
    ----------
    heading
        Its heading in the page.
    order
        Its place: sections are in ascending order.
    """

    frames: int = FRAMES
    solid: bool = True

    heading: ClassVar[str] = ""
    order: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise InputError(f"frames = {self.frames}: at least 1 is needed")

    @abstractmethod
    def html(self, runs: Sequence[Subject]) -> str:
        """The body of the section for some runs, as HTML without references to other files.

        Raises
        ------
        RunError
            If a file of a run is damaged.
        """


def escaped(text: object) -> str:
    """Return a text as HTML shows it, whatever characters it has."""
    return html.escape(str(text), quote=True)


def packed(data: bytes | np.ndarray) -> str:
    """Return some bytes, or those of an array, compressed and in base64, for the page's ``unpack``."""
    plain = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
    return base64.b64encode(zlib.compress(plain, 6)).decode("ascii")


def placed(shares: np.ndarray) -> np.ndarray:
    """Return positions, as shares of the periods, as whole numbers of two bytes."""
    low, high = REACH
    return np.rint((shares - low) / (high - low) * 65535).astype("<u2")


def embedded(kind: str, data: Any) -> str:
    """Return data as a JSON element of a page; numbers that are not finite are null."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    # within a script element only "<" can end it, and JSON has it in texts only
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f'<script type="application/json" id="data-{escaped(kind)}">{safe}</script>'


def numbers(values: np.ndarray) -> list[float | None]:
    """Return the values of a curve as plain numbers, to seven significant digits; None where they are not finite."""
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()]
