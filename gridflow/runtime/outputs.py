"""What can be made of stored runs: a picture, a movie, a section of a report, a file for another program.

Each is one registered class. A command asks for the kinds that are registered under its name.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import chain, count
from pathlib import Path
from typing import Any, ClassVar, Self

from gridflow.domains.base import Domain
from gridflow.errors import InputError
from gridflow.runtime.store import RunDirectory, open_run

Runs = str | os.PathLike[str] | RunDirectory | Sequence[str | os.PathLike[str] | RunDirectory]
"""One run or several, each opened or the path of its directory."""


class Output:
    """One thing that can be made of stored runs.

    A subclass for all outputs of a command names the command, ``class Figure(Output, command="plot")``. A dataclass
    below it names its kind, ``class Spectrum(Figure, kind="spectrum")``, and is then found by :meth:`found`. Several
    classes may have one kind, each for its own domain, ``domain=SphereGrid``; a domain without one of its own has that
    of its nearest base class. The fields of the dataclass are the options of the output.

    Attributes
    ----------
    command
        The command that makes it: ``plot``, ``movie``, ``report``, ``export``.
    kind
        What it is, in one word.
    suffixes
        Suffixes of its files, lower case with the dot; the first is the usual one. Empty if it is no file.
    """

    command: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()
    registered: ClassVar[dict[str, dict[str, dict[type[Domain], type["Output"]]]]] = {}
    """Every output by its command, its kind and its domain."""

    def __init_subclass__(
        cls,
        command: str = "",
        kind: str = "",
        domain: type[Domain] = Domain,
        suffixes: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        super().__init_subclass__(**options)
        cls.command, cls.suffixes = command or cls.command, suffixes or cls.suffixes
        if not kind:
            return
        alike = Output.registered.setdefault(cls.command, {}).setdefault(kind, {})
        assert domain not in alike, f"{cls.command} has the kind {kind} for {domain.__name__} already"
        cls.kind = kind
        alike[domain] = cls

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:  # noqa: ARG003 - the classes below need it
        """Why it cannot be made of these runs; empty if it can."""
        return ""

    @classmethod
    def kinds(cls) -> dict[str, str]:
        """Every kind of the command, with the first line of what its class says of itself."""
        listed = Output.registered.get(cls.command, {})
        return {kind: str(next(iter(alike.values())).__doc__).split("\n")[0] for kind, alike in listed.items()}

    @classmethod
    def found(cls, kind: str, runs: Sequence[RunDirectory]) -> type[Self]:
        """The class of a kind for the domain of some runs.

        Raises
        ------
        InputError
            If there is no such kind, or it cannot be made of these runs; the message says what can be.
        """
        listed = Output.registered.get(cls.command, {})
        if kind not in listed:
            raise InputError(f'{cls.command} has no kind "{kind}"; it has {", ".join(sorted(listed))}')
        made = runs[0].grid.among(listed[kind])
        if made is None:
            raise InputError(f'{cls.command} has no kind "{kind}" on {runs[0].grid}')
        assert issubclass(made, cls)
        if reason := made.obstacle(runs):
            raise InputError(f'{cls.command} cannot make "{kind}" of {_names(runs)}: {reason}')
        return made

    @classmethod
    def possible(cls, runs: Sequence[RunDirectory]) -> list[type[Self]]:
        """The classes of all kinds that can be made of some runs, in the order of registration."""
        listed = Output.registered.get(cls.command, {})
        found = (runs[0].grid.among(alike) for alike in listed.values())
        return [made for made in found if made is not None and issubclass(made, cls) and not made.obstacle(runs)]

    @classmethod
    def obstacles(cls, runs: Sequence[RunDirectory]) -> dict[str, str]:
        """Why the kinds that are not :meth:`possible` cannot be made of some runs, by kind."""
        found: dict[str, str] = {}
        for kind, alike in Output.registered.get(cls.command, {}).items():
            made = runs[0].grid.among(alike)
            if reason := f"there is none on {runs[0].grid}" if made is None else made.obstacle(runs):
                found[kind] = reason
        return found

    @classmethod
    def described(cls, runs: Sequence[RunDirectory]) -> dict[str, str]:
        """The kinds that can be made of some runs, each with the first line of what its class says of itself."""
        told = cls.kinds()
        return {made.kind: told[made.kind] for made in cls.possible(runs)}

    @classmethod
    def with_options(cls, options: Mapping[str, Any]) -> Self:
        """Create the output with the options that are given; those that are None have their defaults.

        Raises
        ------
        InputError
            If the output has no such option; the message lists those that it has.
        """
        given = {name: value for name, value in options.items() if value is not None}
        known = [field.name for field in fields(cls) if field.init]  # type: ignore[arg-type]  # the kinds are dataclasses
        for name, value in given.items():
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise InputError(f'{name} = {value}: {cls.command} of the kind "{cls.kind}" has no such option; {has}')
        return cls(**given)


def opened(runs: Runs, what: str) -> list[RunDirectory]:
    """Open one run or several; InputError if there are none, named ``what``, or one is no run directory."""
    listed = [runs] if isinstance(runs, str | os.PathLike | RunDirectory) else list(runs)
    if not listed:
        raise InputError(f"runs = []: {what} needs at least one")
    return [run if isinstance(run, RunDirectory) else open_run(run) for run in listed]


def checked_output(output: str | os.PathLike[str], allowed: Iterable[str]) -> Path:
    """Return the output path; InputError unless its suffix is allowed and its folder exists."""
    path, allowed = Path(output), tuple(allowed)
    if path.suffix.lower() not in allowed:
        raise InputError(f'output {path}: the ending "{path.suffix}" is not one of {", ".join(allowed)}')
    if not path.parent.is_dir():
        raise InputError(f"output {path}: there is no folder {path.parent}")
    return path


def chosen_output(output: str | os.PathLike[str] | None, runs: Sequence[RunDirectory], kind: type[Output]) -> Path:
    """Return the output path that is given, or a free name in the current folder, after the run and the kind.

    Raises
    ------
    InputError
        If the suffix or the folder of what is given is not allowed.
    """
    if output is not None:
        return checked_output(output, kind.suffixes)
    stem = runs[0].path.resolve().stem + ("" if len(runs) == 1 else f"_and_{len(runs) - 1}_more")
    return free_name(f"{stem}_{kind.kind}", kind.suffixes[0])


def free_name(stem: str, suffix: str) -> Path:
    """Return a name in the current folder that nothing has: the stem, with a number if necessary, and the suffix."""
    ends = chain([""], (f"_{number}" for number in count(2)))
    return next(path for end in ends if not (path := Path(f"{stem}{end}{suffix}")).exists())


def _names(runs: Sequence[RunDirectory]) -> str:
    return ", ".join(str(run.path) for run in runs)
