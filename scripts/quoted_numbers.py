"""Finds every measured number of the README and of docs anew and compares it with the page, to the digits shown.

`quoted_numbers.toml` beside this script lists the numbers. An entry has the piece of text that contains them, where
each is marked like ⟦2.40e-06⟧, and the function of `scripts/quoted` that finds them, in the order of the marks. Without
a mark a number is a parameter: a size, a time, an option. What is found must round to the number that is shown. The
kind of an entry says what finding its numbers takes:

- `fast` and `long`: a second or so; the tests do it, the latter in their part `long`;
- `study`: from seconds to minutes, such as the studies of `scripts/figures`; only this script does it;
- `machine`: a time, a ratio of times or a limit of memory, different on every machine; `from` says what prints it;
- `kept`: found once, by code that is not part of this tree; `from` says by what.

The numbers of the last two kinds are not marked; only their text is held to the page.

The tests see to it that the text of every entry is in its page, and that no number is in no entry.

    python scripts/quoted_numbers.py                    # all; about half an hour
    python scripts/quoted_numbers.py --quick            # those of the tests, about a minute
    python scripts/quoted_numbers.py --only sphere      # entries whose name begins with it
    python scripts/quoted_numbers.py --results FOLDER   # tables of studies that are in a folder are not made again
    python scripts/quoted_numbers.py --list

The exit code is 0 if nothing is stale.
"""

import argparse
import importlib
import re
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

LIST = Path(__file__).with_suffix(".toml")
TREE = Path(__file__).resolve().parents[1]
TESTED = ("fast", "long")
RECOMPUTED = (*TESTED, "study")
KINDS = (*RECOMPUTED, "machine", "kept")
MARK = re.compile(r"⟦(.*?)⟧")
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
NUMBER = re.compile(r"([-+]?\d+(?:\.\d+)?)(?:e([-+]?\d+)|(?:·|\\cdot)10(-?\d+))?")
POWER = re.compile(r"10(-\d+)")


@dataclass(frozen=True)
class Shown:
    """A number as a page shows it.

    Attributes
    ----------
    value
        The number.
    unit
        One unit of its last digit.
    """

    value: Decimal
    unit: Decimal

    @classmethod
    def read(cls, text: str) -> "Shown":
        """Read `236`, `4 410`, `−0.030`, `2.40e-06`, `5.7 · 10⁻⁹`, `7\\cdot10^{-8}` or `10^{-12}`."""
        plain = re.sub(r"[\s,{}^]", "", text.translate(DIGITS))
        if found := POWER.fullmatch(plain):
            return cls(*2 * [Decimal(1).scaleb(int(found[1]))])
        found = NUMBER.fullmatch(plain)
        if found is None:
            raise ValueError(f"{text!r} is not a number")
        digits, power = Decimal(found[1]), int(found[2] or found[3] or 0)
        decimals = len(found[1].partition(".")[2])
        return cls(digits.scaleb(power), Decimal(1).scaleb(power - decimals))

    def holds(self, found: float, entry: "Entry") -> bool:
        """Whether a value rounds to it, or is within the allowance of its entry, or within the bound that it is."""
        value, unit = float(self.value), float(self.unit)
        if entry.bound:
            return bool(found <= value if entry.bound == "most" else found >= value)
        return bool(abs(found - value) <= max(unit / 2, entry.allowed * abs(value), entry.within) * (1 + 1e-9))


@dataclass(frozen=True)
class Entry:
    """A piece of a page and how its numbers are found.

    Attributes
    ----------
    name
        What it is called.
    file
        The page, from the root of the tree.
    text
        What occurs once in the page, up to line breaks; numbers that are measured are marked.
    kind
        See above.
    by, given
        Module and name of a function in `scripts/quoted`, and its arguments.
    source
        What printed the numbers, where no function finds them.
    bound
        `most` or `least` if the page states a bound.
    allowed, within
        Relative and absolute difference that is allowed beyond rounding.
    why
        The reason, for bounds and allowances.
    """

    name: str
    file: str
    text: str
    kind: str
    by: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    bound: str = ""
    allowed: float = 0.0
    within: float = 0.0
    why: str = ""

    @property
    def words(self) -> str:
        """The text as in the page."""
        return MARK.sub(r"\1", self.text)

    @property
    def shown(self) -> list[str]:
        """The numbers as in the page."""
        return MARK.findall(self.text)

    @property
    def module(self) -> str:
        """The module of its function."""
        return self.by.partition(".")[0]

    @property
    def function(self) -> Callable[..., Any]:
        """What finds the numbers."""
        found: Callable[..., Any] = getattr(importlib.import_module(f"quoted.{self.module}"), self.by.partition(".")[2])
        return found

    def find(self) -> list[float]:
        """Measure the numbers."""
        return [float(value) for value in np.ravel(self.function(**self.given))]

    def stale(self, found: Sequence[float]) -> list[str]:
        """What is wrong with the page, one line per number, if this was found."""
        if len(found) != len(self.shown):
            return [f"{self.name}: {len(self.shown)} numbers are marked, {len(found)} were found"]
        pairs = zip(self.shown, found, strict=True)
        return [
            f"{self.name}: {self.file} says {text}, found {value:.6g}"
            for text, value in pairs
            if not Shown.read(text).holds(value, self)
        ]


@dataclass(frozen=True)
class Given:
    """Numbers of a page that are no measurements: definitions, parameters, examples.

    Attributes
    ----------
    file
        The page.
    why
        What they are.
    texts
        Pieces of text, each of which occurs in the page.
    """

    file: str
    why: str
    texts: tuple[str, ...]


def load() -> list[Entry]:
    """All entries of the list."""
    found = []
    for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["number"]:
        renamed = {"given": entry.pop("with", {}), "source": entry.pop("from", "")}
        found.append(Entry(**entry, **renamed))
    return found


def load_given() -> list[Given]:
    """The numbers that are no measurements."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))["given"]
    return [Given(one["file"], one["why"], tuple(one["texts"])) for one in listed]


def places(text: str, page: str) -> list[tuple[int, int]]:
    """Beginning and end of a text wherever it occurs in a page, whatever its line breaks."""
    pattern = r"\s+".join(map(re.escape, text.split()))
    return [match.span() for match in re.finditer(pattern, page)]


def check(entries: Sequence[Entry]) -> list[str]:
    """Find the numbers of some entries, print them beside the page's, and return what is stale."""
    stale = []
    for entry in entries:
        began = time.perf_counter()
        if entry.kind not in RECOMPUTED:
            print(f"{entry.name} ({entry.file}): {entry.kind}, from {entry.source}")
            continue
        found = entry.find()
        wrong = entry.stale(found)
        stale += wrong
        seconds = time.perf_counter() - began
        print(f"{entry.name} ({entry.file}), {seconds:.1f} s{': STALE' if wrong else ''}", flush=True)
        for text, value in zip(entry.shown, found, strict=False):
            print(f"    {text:>20}  {value:.6g}", flush=True)
    return stale


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="entries whose name begins with one of these")
    parser.add_argument("--quick", action="store_true", help="only what the tests find anew")
    parser.add_argument(
        "--results", type=Path, metavar="FOLDER", help="tables of studies are read there, and kept there"
    )
    parser.add_argument("--list", action="store_true", help="list the entries and end")
    given = parser.parse_args()
    entries = load()
    if given.only:
        entries = [entry for entry in entries if entry.name.startswith(tuple(given.only))]
        if not entries:
            parser.error(f"there is no entry {', '.join(given.only)}; see --list")
    if given.quick:
        entries = [entry for entry in entries if entry.kind in TESTED]
    if given.list:
        for entry in entries:
            print(f"{entry.name:32} {entry.kind:8} {entry.file:20} {', '.join(entry.shown)}")
        return 0
    if given.results is not None:
        importlib.import_module("quoted.studies").keep_in(given.results)
    pages = {entry.file: (TREE / entry.file).read_text(encoding="utf-8") for entry in entries}
    wrong = [
        f"{entry.name}: the text is not in {entry.file} exactly once"
        for entry in entries
        if len(places(entry.words, pages[entry.file])) != 1
    ]
    wrong += check(entries)
    print(*wrong, sep="\n")
    print(f"{len(wrong)} stale" if wrong else "nothing is stale")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
