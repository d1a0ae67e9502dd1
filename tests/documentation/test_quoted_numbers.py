"""The numbers of the README and of docs are those of the code, and each is in the list of scripts/quoted_numbers.py.

The fast part of these tests finds the numbers of kind `fast` anew, the long part those of kind `long`. Of all others
only the text is held to its page.
"""

import re
from itertools import groupby
from pathlib import Path

import pytest
from quoted_numbers import KINDS, RECOMPUTED, Entry, Shown, load, load_given, places

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
ENTRIES = load()
GIVEN = load_given()
NOT_SCANNED = re.compile(
    r"""
    ^```(?!text)\w+\n.*?^```$        # what is run or read, not printed
    | ```(?:text)?
    | `[^`]*`                        # of these, options and arguments; see `blanked`
    | \]\([^)]*\)                    # where links go
    | (?<!\])\[[^\][\n]*\](?!\()     # defaults of keys
    | arXiv:[\d.]+ | \b\d+\.\d+\.\d+\b | Python\ 3\.\d+   # papers and versions
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
MEASURED = re.compile(
    r"""
    \d+\.\d+                         # a decimal fraction
    | \d+(?=\s?(?:%|-fold))          # per cent
    | \d+(?:[ ]?·[ ]?|\\cdot\s?)10(?:\^|[⁻⁰¹²³⁴-⁹]) | (?<!\d)10(?:\^\{?[-−]|⁻)   # a power of ten
    | \d+e[-+−]\d                    # the same as programs print it
    | \d[\d,]*(?=\s(?:steps|times\s(?:as|smaller|larger)|[MG]B|seconds|arrays)\b)
    | (?<![\w.,/])\d{3,}(?![\d²³¹]|\s?(?:cells|neurons|particles|samples)\b)   # a whole number from 100 on
    """,
    re.VERBOSE,
)


def blanked(page):
    """A page with what is not scanned replaced by as many spaces; of words in code only those with an argument."""

    def blank(found):
        word = re.fullmatch(r"`[^`]*`", found[0])
        return found[0] if word and not re.search("=|--", found[0]) else re.sub(r"\S", " ", found[0])

    return NOT_SCANNED.sub(blank, page)


def unlisted(name):
    """Numbers of a page that look measured and are in no text of the list, with what is around them.

    The scan goes by the form of a number: decimal fractions, per cents, powers of ten, multiples, whole numbers from
    100 on that count no cells, neurons, particles or samples, and counts of steps, seconds, bytes and arrays. It does
    not see smaller whole numbers without such a word (37 / 51), numbers in words (a fifth, twice), numbers in pictures,
    nor what is in code that is not printed, options, links and brackets. A number within a listed text counts as
    listed, so a measured number in it that is not marked is not noticed.
    """
    page = PAGES[name]
    texts = [entry.words for entry in ENTRIES if entry.file == name]
    texts += [text for given in GIVEN if given.file == name for text in given.texts]
    listed = [place for text in texts for place in places(text, page)]
    return [
        page[max(0, found.start() - 40) : found.end() + 25].replace("\n", " ")
        for found in MEASURED.finditer(blanked(page))
        if not any(begin <= found.start() and found.end() <= end for begin, end in listed)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_every_number_of_a_page_is_listed(name):
    assert unlisted(name) == []


def test_the_text_of_every_entry_is_once_in_its_page():
    counts = {entry.name: len(places(entry.words, PAGES[entry.file])) for entry in ENTRIES}
    assert {name: count for name, count in counts.items() if count != 1} == {}


def test_what_is_no_measurement_is_in_its_page_and_would_be_taken_for_one():
    for given in GIVEN:
        for text in given.texts:
            found = places(text, PAGES[given.file])
            assert found, f"{given.file}: {text}"
            assert any(MEASURED.search(blanked(PAGES[given.file])[begin:end]) for begin, end in found), text


def test_entries_are_complete():
    names = [entry.name for entry in ENTRIES]
    assert len(set(names)) == len(names)
    for entry in ENTRIES:
        assert entry.kind in KINDS, entry.name
        recomputed = entry.kind in RECOMPUTED
        assert bool(entry.by) == recomputed == bool(entry.shown), entry.name
        assert bool(entry.source) == (not recomputed), entry.name
        assert bool(entry.why) == bool(entry.bound or entry.allowed or entry.within), entry.name
        assert not recomputed or callable(entry.function), entry.name
        for text in entry.shown:
            Shown.read(text)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("236", 236, 1),
        ("36 000", 36000, 1),
        ("250,000", 250000, 1),
        ("−0.030", -0.03, 1e-3),
        ("2.40e-06", 2.4e-6, 1e-8),
        ("+6.4e−08", 6.4e-8, 1e-9),
        ("5.7 · 10⁻⁹", 5.7e-9, 1e-10),
        (r"7\cdot10^{-8}", 7e-8, 1e-8),
        ("10^{-12}", 1e-12, 1e-12),
    ],
)
def test_numbers_are_read_as_they_are_shown(text, value, unit):
    shown = Shown.read(text)
    assert float(shown.value) == pytest.approx(value, rel=1e-12)
    assert float(shown.unit) == pytest.approx(unit, rel=1e-12)


def test_a_number_that_rounds_otherwise_is_stale():
    entry = Entry("name", "README.md", "⟦209⟧ steps, energy ⟦2.40e-06⟧", "fast")
    assert entry.stale([209, 2.4049e-6]) == []
    assert entry.stale([236, 2.3951e-6]) == ["name: README.md says 209, found 236"]
    assert len(entry.stale([209, 2.4051e-6])) == 1
    assert len(entry.stale([209])) == 1


def groups(kind):
    """The entries of a kind by module, so that entries share their runs."""
    ordered = sorted((entry for entry in ENTRIES if entry.kind == kind), key=lambda entry: entry.module)
    return [pytest.param(list(group), id=module) for module, group in groupby(ordered, lambda entry: entry.module)]


@pytest.mark.parametrize("entries", groups("fast"))
def test_quick_numbers_are_what_the_code_gives(entries):
    assert [line for entry in entries for line in entry.stale(entry.find())] == []


@pytest.mark.long
@pytest.mark.parametrize("entries", groups("long"))
def test_numbers_are_what_the_code_gives(entries):
    assert [line for entry in entries for line in entry.stale(entry.find())] == []
