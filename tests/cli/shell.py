"""The command as a user's shell calls it."""

import subprocess
import sys
from pathlib import Path

GRIDFLOW = Path(sys.executable).parent / "gridflow"


def gridflow(*arguments, folder=None, environment=None):
    """Run ``gridflow`` with some arguments; what it said and its exit code."""
    return subprocess.run(
        [GRIDFLOW, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
