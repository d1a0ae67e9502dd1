"""What a visitor chooses before a run, as a case file and the pictures that it names."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.app.drawing import EMPTY, FAINT, FULL, Drawing
from gridflow.cases import templates
from gridflow.cases.case import Case
from gridflow.cases.reading import load_case, parse_case
from gridflow.domains.torus import Grid, torus
from gridflow.errors import InputError
from gridflow.files import publish, publish_text

AS_IN_CASE, DRAWN = "as in the case file", "drawn"
HOLES: Mapping[str, Mapping[str, Any]] = {
    "disc": {"kind": "ball_hole", "radius": 0.25},
    "square": {"kind": "box_hole", "sides": 0.45},
    "ring": {"kind": "shell_hole", "inner": 0.15, "outer": 0.3},
    "nine discs": {"kind": "lattice_of_holes", "counts": 3, "radius": 0.1},
}
"""Tables of the holes that can be chosen, on a torus of side 1."""
TARGETS: Mapping[str, Mapping[str, Any]] = {
    "uniform": {"kind": "uniform"},
    "two bumps": {"kind": "gaussian", "centers": [[0.3, 0.3], [0.7, 0.7]], "widths": 0.18},
    "wave": {"kind": "cosine", "amplitude": 0.6, "modes": 1},
}
"""Tables of the targets that can be chosen."""
SIZES = (32, 64, 128, 256)
"""Numbers of cells along each side that can be chosen."""
MOST_CELLS = 512**2
"""Largest grid of a case file."""
LEAST_S, MOST_S = 0.5, 3.0
"""Orders of the kernel that can be chosen."""
EFOLDINGS = 5.0
"""Length of a run unless another is asked for, in e-foldings of the slowest mode."""
CASE = "run-{}.toml"
"""Name of the case file of each part of a run, in which s does not change."""


def usual_duration(s: float, length: float = 1.0, background: float = 1.0) -> float:
    """Time in which the slowest mode decays by ``EFOLDINGS``: its rate is ``a (2π / L)^{2−2s}`` for ν ≡ a."""
    exact = EFOLDINGS / background * (2 * math.pi / length) ** (2 * s - 2)
    return float(f"{exact:.2g}")


@dataclass(frozen=True)
class Base:
    """The case that a session starts from: its own default, or a case file.

    Parameters
    ----------
    case
        The case.
    folder
        Folder of the files that it names.
    given
        Whether it is a visitor's case file.
    """

    case: Case
    folder: Path
    given: bool = False

    @classmethod
    def default(cls) -> "Base":
        """The disc-shaped hole of ``gridflow new hole2d``, without a tracer."""
        text = templates.files("hole2d")[0].read_text(encoding="utf-8")
        return cls(parse_case(text, "hole2d.toml", {"solver.tracer": False, "title": ""}), Path())

    @classmethod
    def read(cls, path: Path) -> "Base":
        """The case of a file.

        Raises
        ------
        InputError
            If it cannot be read, or is not a density on the cells of a square torus with a Riesz kernel.
        """
        case = load_case(path)
        grid = torus(case.grid.build(), f"{path}: explore")
        if grid.dim != 2 or len(set(grid.lengths)) > 1 or len(set(grid.shape)) > 1:
            raise InputError(f"{path}: explore shows squares with as many cells along both sides, not {grid}")
        if grid.size > MOST_CELLS:
            raise InputError(f"{path}: grid.shape = {list(grid.shape)}: explore allows at most {MOST_CELLS} cells")
        if case.kernel.kind != "riesz":
            raise InputError(f'{path}: kernel.kind = "{case.kernel.kind}": explore changes s, which only riesz has')
        checked_order(case.kernel.s)
        if case.solver.kind not in EXPLORED or case.negative is not None:
            allowed = " or ".join(EXPLORED)
            raise InputError(f"{path}: explore shows a single density on a grid; solver.kind must be {allowed}")
        case.initial.build(grid, path.parent)  # a missing picture is known before the page opens
        case.target.build(grid, path.parent)
        return cls(case, path.parent, given=True)


EXPLORED = ("finite_volume", "spectral")
"""Solvers whose state is a density on the grid."""


@dataclass(frozen=True)
class Setup:
    """What is chosen for a run.

    Parameters
    ----------
    base
        The case that everything else is taken from.
    hole, target
        Names of :data:`HOLES` and :data:`TARGETS`, ``DRAWN``, or ``AS_IN_CASE`` for those of the case file.
    s
        Order of the kernel.
    cells
        Cells along each side.
    t_end
        Time at which the run ends; None for :func:`usual_duration`.
    drawn_hole, drawn_target
        The drawings for ``DRAWN``.
    """

    base: Base = field(default_factory=Base.default)
    hole: str = "disc"
    target: str = "uniform"
    s: float = 1.0
    cells: int = 128
    t_end: float | None = None
    drawn_hole: Drawing = field(default_factory=lambda: Drawing(FULL, EMPTY))
    drawn_target: Drawing = field(default_factory=lambda: Drawing(FAINT, FULL))

    @classmethod
    def of(cls, base: Base) -> "Setup":
        """The setup that the page opens with."""
        if not base.given:
            return cls(base)
        case = base.case
        return cls(base, AS_IN_CASE, AS_IN_CASE, case.kernel.s, case.grid.shape[0], case.time.t_end)

    def changed(self, **values: Any) -> "Setup":
        """Return the setup with some values changed; InputError names a value that is not allowed."""
        found = replace(self, **values)
        if found.hole not in found.holes:
            raise InputError(f'hole = "{found.hole}": allowed are {", ".join(found.holes)}')
        if found.target not in found.targets:
            raise InputError(f'target = "{found.target}": allowed are {", ".join(found.targets)}')
        if found.cells not in found.sizes:
            raise InputError(f"cells = {found.cells}: allowed are {', '.join(map(str, found.sizes))}")
        checked_order(found.s)
        if found.t_end is not None and not 0 < found.t_end <= 1e6:
            raise InputError(f"t_end = {found.t_end}: it must be above 0 and at most 1e6")
        return found

    @property
    def holes(self) -> list[str]:
        """Names of the holes that can be chosen."""
        return [*([AS_IN_CASE] if self.base.given else []), *HOLES, DRAWN]

    @property
    def targets(self) -> list[str]:
        """Names of the targets that can be chosen."""
        return [*([AS_IN_CASE] if self.base.given else []), *TARGETS, DRAWN]

    @property
    def sizes(self) -> list[int]:
        """Numbers of cells that can be chosen."""
        return sorted({*SIZES, *self.base.case.grid.shape} if self.base.given else SIZES)

    @property
    def duration(self) -> float:
        """Time at which the run ends."""
        return self.usual_duration(self.s) if self.t_end is None else self.t_end

    def usual_duration(self, s: float) -> float:
        """Time at which a run with s ends unless another is asked for; see :func:`usual_duration`."""
        grid = self.base.case.grid.build()
        return usual_duration(s, grid.lengths[0], self.base.case.target.given().get("mass", 1.0) / grid.volume)

    def write(self, folder: Path) -> Path:
        """Write the case file and the pictures that it names into a folder; return the path of the case file.

        Raises
        ------
        InputError
            If the case is not allowed.
        RunError
            If the folder cannot be written.
        """
        case = self._case(folder)
        path = folder / CASE.format(1)
        publish_text(path, case.to_toml())
        return path

    def density(self, folder: Path) -> tuple[np.ndarray, float]:
        """Return the initial density, float64 of shape (cells, cells), and the brightest value of it and the target."""
        case, grid = self._case(folder), Grid((self.cells,) * 2, self.base.case.grid.build().lengths)
        initial, target = case.initial.build(grid, folder), case.target.build(grid, folder)
        return initial, max(float(initial.max()), float(target.max()))

    def target_density(self, folder: Path) -> np.ndarray:
        """Return the target, float64 of shape (cells, cells)."""
        grid = Grid((self.cells,) * 2, self.base.case.grid.build().lengths)
        target: np.ndarray = self._case(folder).target.build(grid, folder)
        return target

    def _case(self, folder: Path) -> Case:
        """Return the case, with the pictures that it names in ``folder``."""
        data = self.base.case.model_dump(exclude_none=True)
        length = self.base.case.grid.build().lengths[0]
        for name, chosen, tables, drawn in (
            ("initial", self.hole, HOLES, self.drawn_hole),
            ("target", self.target, TARGETS, self.drawn_target),
        ):
            if chosen == AS_IN_CASE:
                data[name] = getattr(self.base.case, name).moved(self.base.folder, folder).model_dump(exclude_none=True)
            else:
                mass = {"mass": data[name]["mass"]} if "mass" in data[name] else {}
                data[name] = {**_scaled(tables.get(chosen) or _saved(drawn, folder, f"{name}.png"), length), **mass}
        data["grid"]["shape"] = [self.cells] * 2
        data["kernel"]["s"] = float(self.s)
        data["time"] |= {"t_end": self.duration}
        data["output"] |= {"series_every": 1}
        if not self.base.given:
            data["title"] = f"{self.hole} hole, {self.target} target, s = {self.s:g}"
        if not (self.base.given and self.t_end == self.base.case.time.t_end):
            data["output"] = _without_times(data["output"])
        if self.hole != AS_IN_CASE and data["solver"].get("tracer"):
            data["solver"]["tracer"] = self.hole in HOLES
        return Case.model_validate(data).resolved()


def checked_order(s: float) -> float:
    """Return s as a float; InputError unless it is an order that can be chosen."""
    if not LEAST_S <= s <= MOST_S:
        raise InputError(f"s = {s}: it must be from {LEAST_S} to {MOST_S}")
    return float(s)


def continued(case: Case, path: Path, density: np.ndarray, mass: float, s: float, t_end: float) -> Case:
    """Write a density beside a case file, and the case of the flow that continues from it with another s.

    Parameters
    ----------
    case
        The case so far.
    path
        Case file to write; the density goes into the ``.npy`` file of the same name.
    density, mass
        Cell averages, shape ``grid.shape`` (mass / volume), and their mass.
    s
        The new order.
    t_end
        How long the new part lasts.

    Returns
    -------
    Case
        The new case.
    """
    array = path.with_suffix(".npy")
    publish(array, lambda file: np.save(file, np.asarray(density, dtype=float)))
    data = case.model_dump(exclude_none=True)
    data["initial"] = {"kind": "array", "path": array.name, "mass": mass}
    data["kernel"]["s"] = s
    data["time"]["t_end"] = t_end
    data["output"] = _without_times(data["output"])
    data["solver"].pop("tracer", None)
    new = Case.model_validate(data).resolved()
    publish_text(path, new.to_toml())
    return new


def ended_at(case: Case, time: float) -> Case:
    """Return a case that ends at another time, with the same snapshots until then."""
    return case.model_copy(update={"time": case.time.model_copy(update={"t_end": time})})


def _without_times(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output table without the times of its snapshots, for a run of another length."""
    return {key: value for key, value in output.items() if not key.startswith("snapshot_") or key == "snapshot_dtype"}


def _saved(drawing: Drawing, folder: Path, name: str) -> dict[str, Any]:
    publish(folder / name, lambda file: drawing.picture().save(file, "PNG"))
    return {"kind": "image", "path": name}


def _scaled(table: Mapping[str, Any], length: float) -> dict[str, Any]:
    """Return a table for a torus of another side."""
    scaled = ("radius", "sides", "inner", "outer", "widths", "centers")
    return {key: _times(value, length) if key in scaled else value for key, value in table.items()}


def _times(value: Any, length: float) -> Any:
    return [_times(each, length) for each in value] if isinstance(value, Sequence) else value * length
