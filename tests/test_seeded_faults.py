"""The list of seeded faults fits the code: see scripts/seeded_faults.py."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FAULTS = tomllib.loads((ROOT / "scripts" / "seeded_faults.toml").read_text(encoding="utf-8"))["fault"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])
def test_the_text_of_a_fault_occurs_once_in_its_file(fault):
    code = (ROOT / fault["file"]).read_text(encoding="utf-8")
    assert code.count(fault["old"]) == 1, f"fault {fault['name']}: text not found"
    compile(code.replace(fault["old"], fault["new"]), fault["file"], "exec")


def test_every_fault_has_a_name_of_its_own():
    names = [fault["name"] for fault in FAULTS]
    assert len(set(names)) == len(names) >= 64
