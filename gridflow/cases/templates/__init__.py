"""Case files that come with gridflow: commented templates for ``gridflow new``."""

from importlib import resources
from importlib.resources.abc import Traversable


def names() -> list[str]:
    """Names of the bundled cases."""
    folder = resources.files(__name__)
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def files(name: str) -> list[Traversable]:
    """The files of a bundled case: its TOML first, then what it refers to."""
    folder = resources.files(__name__)
    found = [file for file in folder.iterdir() if file.name.startswith(f"{name}.")]
    return sorted(found, key=lambda file: (not file.name.endswith(".toml"), file.name))
