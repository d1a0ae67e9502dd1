"""What a file format for other programs is, and how an export finds it."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from gridflow.errors import InputError
from gridflow.runtime.outputs import Output, checked_output, chosen_output, opened
from gridflow.runtime.store import RunDirectory


class Format(Output, ABC, command="export"):
    """A file format for other programs, ``class Table(Format, kind="csv", suffixes=(".csv",))``."""

    @abstractmethod
    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, whole or not at all.

        Parameters
        ----------
        stored
            The run.
        path
            The file; its suffix is one of :attr:`suffixes` and its folder exists.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        InputError
            If the run does not hold what the format needs.
        RunError
            If the file cannot be written.
        """


def export(
    run: str | os.PathLike[str] | RunDirectory,
    output: str | os.PathLike[str] | None = None,
    to: str | None = None,
    **options: Any,
) -> Path:
    """Write a file of a run for other programs.

    Parameters
    ----------
    run
        A run directory, finished or not.
    output
        File to write. Default: a free name in the current folder, after the run.
    to
        The format: ``netcdf``, ``vtkhdf``, ``xdmf``, ``npz`` or ``zarr`` for the fields of all snapshots, ``csv`` for
        the table of the series. Default: the format whose suffix the output has.
    options
        Options of the format; for fields ``times``, ``index`` and ``every``: see
        :class:`gridflow.exchange.fields.Fields`.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no run, it does not hold what the format needs, or the format, an option, the suffix or the folder
        of the output is not allowed.
    RunError
        If the file cannot be written.
    """
    stored = opened(run, "an export")
    if to is None:
        to = _by_suffix(output)
    kind = Format.found(to, stored)
    path = chosen_output(output, stored, kind)
    return kind.with_options(options).write(stored[0], path)


def _by_suffix(output: str | os.PathLike[str] | None) -> str:
    """Return the format whose suffix a file has."""
    if output is None:
        raise InputError(f"an export needs a file or a format: to = {', '.join(sorted(Format.kinds()))}")
    listed = Format.registered[Format.command]
    by_suffix = {suffix: kind for kind, alike in listed.items() for suffix in next(iter(alike.values())).suffixes}
    return by_suffix[checked_output(output, by_suffix).suffix.lower()]
