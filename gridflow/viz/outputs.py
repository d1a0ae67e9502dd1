"""What can be made of a stored run: a figure, a movie, a file for other programs; each is one registered class."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from gridflow.errors import InputError
from gridflow.runtime.store import RunDirectory, open_run


class Output(ABC):
    """One kind of file that is made of a stored run.

    A subclass names its kind and the suffixes of its files, ``class Table(Output, kind="table", suffixes=(".csv",))``,
    and is then found by :func:`export`. Its constructor needs no arguments.

    Attributes
    ----------
    kind
        What the file is, in one word.
    suffixes
        Suffixes of its files, lower case with the dot; the first is the usual one.
    """

    kind: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    kinds: ClassVar[dict[str, type["Output"]]] = {}
    """Every output by its kind."""

    def __init_subclass__(cls, kind: str, suffixes: tuple[str, ...], **options: Any) -> None:
        super().__init_subclass__(**options)
        for other in Output.kinds.values():
            taken = set(suffixes) & set(other.suffixes)
            assert not taken, f"{sorted(taken)} are suffixes of {other.kind} already"
        cls.kind, cls.suffixes = kind, suffixes
        Output.kinds[kind] = cls

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
            If the run does not hold what the output shows.
        """


def checked_output(output: str | os.PathLike[str], allowed: tuple[str, ...]) -> Path:
    """Return the output path; InputError unless its suffix is allowed and its folder exists."""
    path = Path(output)
    if path.suffix.lower() not in allowed:
        raise InputError(f'output {path}: the ending "{path.suffix}" is not one of {", ".join(allowed)}')
    if not path.parent.is_dir():
        raise InputError(f"output {path}: there is no folder {path.parent}")
    return path


def export(run: str | os.PathLike[str], output: str | os.PathLike[str]) -> Path:
    """Write the output of a run that is registered for the file's suffix; see :class:`gridflow.viz.outputs.Output`.

    ``.csv`` is the table of the series: one column for each scalar diagnostic, one row for each recorded step. The
    suffixes of figures and movies give what :func:`gridflow.plot` and :func:`gridflow.movie` give by default.

    Parameters
    ----------
    run
        A run directory, finished or not.
    output
        File to write.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no run, it does not hold what the file shows, or the suffix or the folder is not allowed.
    """
    by_suffix = {suffix: made for made in Output.kinds.values() for suffix in made.suffixes}
    path = checked_output(output, tuple(by_suffix))
    return by_suffix[path.suffix.lower()]().write(open_run(run), path)
