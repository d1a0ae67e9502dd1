"""Fingerprints of small runs: does a change of the code change any bit of what users get?

    python scripts/fingerprints.py record FOLDER     run all cases and write FOLDER/fingerprints.json
    python scripts/fingerprints.py compare A B       print what differs between two records; exit code 1 if any do

A fingerprint is the SHA-256 of a final array, of a column of the series, or of the JSON that a command prints. A few
plain numbers stand beside it and show how large a difference is. Fingerprints are comparable only on one machine with
one set of libraries, so record before a change and again after it. The script runs the ``gridflow`` command of its own
environment. The cases are in fingerprint_cases.py.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

from fingerprint_cases import CASES
from fingerprint_facts import Facts


def record(folder: Path, pattern: str) -> None:
    """Run the cases and write their fingerprints."""
    found: dict[str, Facts] = {}
    for name, make in sorted(CASES.items()):
        if not re.search(pattern, name):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            try:
                found[name] = make(Path(scratch))
            except Exception as error:
                found[name] = {"error": {"sha256": f"{type(error).__name__}: {error}"}}
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fingerprints.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(found)} cases, {sum(map(len, found.values()))} fingerprints in {folder / 'fingerprints.json'}")


def compare(before: Path, after: Path) -> int:
    """Print what differs; how many fingerprints do."""
    one, two = (json.loads((path / "fingerprints.json").read_text(encoding="utf-8")) for path in (before, after))
    differ = 0
    for name in sorted(one | two):
        for key in sorted(one.get(name, {}) | two.get(name, {})):
            a, b = one.get(name, {}).get(key, {}), two.get(name, {}).get(key, {})
            if a.get("sha256") != b.get("sha256"):
                differ += 1
                print(f"{name} {key}\n  before {a}\n  after  {b}")
    print(f"{differ} of {sum(map(len, (one | two).values()))} fingerprints differ")
    return differ


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("folder", type=Path)
    recording.add_argument("--only", default="", metavar="PATTERN", help="names to run, a regular expression")
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.verb == "record":
        record(given.folder, given.only)
    else:
        sys.exit(min(compare(given.before, given.after), 1))


if __name__ == "__main__":
    main()
