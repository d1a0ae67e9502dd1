"""The command as a user's shell calls it: in this process for its words and exit codes, or in one of its own."""

import contextlib
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

from gridflow.cli.main import main

GRIDFLOW = Path(sys.executable).parent / "gridflow"


def gridflow(*arguments, folder=None):
    """Run ``gridflow`` with some arguments through its entry point; what it said and its exit code."""
    words = ["gridflow", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    code, own, before = 0, sys.argv, warnings.showwarning
    with (
        contextlib.chdir(folder or os.curdir),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")  # the command tells of them, where tests make them errors
        sys.argv = words
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            sys.argv, warnings.showwarning = own, before
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def process(*arguments, folder=None):
    """The same as a process."""
    return call(GRIDFLOW, *arguments, folder=folder)


def call(*arguments, folder=None):
    """Run any command."""
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=folder, env=os.environ | {"COLUMNS": "140"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
