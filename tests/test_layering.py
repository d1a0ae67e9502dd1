"""The rooms of docs/architecture.md and their order, read off the imports."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gridflow
from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation

ROOT = Path(__file__).parent.parent
ROOMS = (
    "gridflow._version",
    "gridflow.errors",
    "gridflow.arguments",
    "gridflow.files",
    "gridflow.compute",
    "gridflow.domains",
    "gridflow.equation",
    "gridflow.measures",
    "gridflow.theory",
    "gridflow.particles",
    "gridflow.networks",
    "gridflow.densities",
    "solvers.loops",
    "solvers.stepping",
    "solvers.finite_volume",
    "solvers.sphere",
    "solvers.spectral",
    "solvers.points",
    "solvers",
    "gridflow.runtime",
    "gridflow.decay",
    "gridflow.validation",
    "gridflow.exchange",
    "gridflow.viz",
    "gridflow.reports",
    "gridflow.cases",
    "gridflow.studies",
    "gridflow.app",
    "gridflow.cli",
)
"""Each room imports only from itself and from those before it, so that no two can need each other."""
MOST_LINES = 400
MOST_ROOMS = 24
MOST_FLOORS = 12
MOST_QUESTIONS = 8
"""Limits that docs/architecture.md names: a new domain must be an entry in tables, not one more question what it is."""
USERS_OF_SOLVERS = {"solvers", "gridflow.cases", "gridflow.studies"}
OWNERS = {
    "matplotlib": {"gridflow.viz"},
    "h5py": {
        "gridflow.runtime",
        "gridflow.validation.trajectories",
        "gridflow.validation.starts",
        "gridflow.exchange",
        "gridflow.densities.formats",
    },
    "zarr": set(),
    "netCDF4": set(),
    "vtk": set(),
    "tifffile": {"gridflow.densities.formats"},
    "vtkmodules": {"gridflow.densities.formats"},
    "ot": {"gridflow.validation.transport"},
    "gsd": {"gridflow.validation.trajectories", "gridflow.validation.starts"},
    "openpmd_api": {"gridflow.validation.trajectories", "gridflow.validation.starts"},
    "contourpy": {"gridflow.compute.contours"},
    "skimage": {"gridflow.compute.contours"},
    "pyfftw": {"gridflow.compute.fft", "gridflow.studies.benchmark"},
    "finufft": {"gridflow.compute.nonuniform"},
    "ducc0": {"gridflow.compute.harmonics"},
    "pyvista": {"gridflow.viz.solids"},
    "torch": {"gridflow.networks.weights"},
    "numba": {"solvers.loops.compilation"},
    "plotly": {"gridflow.reports.page"},
    "pydantic": {"gridflow.cases"},
    "xarray": {"gridflow.runtime.datasets", "gridflow.runtime.store"},
    "pandas": {"gridflow.runtime.datasets", "gridflow.runtime.store"},
    "dask": {"gridflow.runtime.datasets"},
    "IPython": {"gridflow.runtime.progress"},
    "rich": {"gridflow.runtime.progress", "gridflow.cli"},
    "typer": {"gridflow.cli"},
    "nicegui": {"gridflow.app.page", "gridflow.app.server"},
    "fastapi": {"gridflow.app.server"},
    "starlette": {"gridflow.app.server"},
    "uvicorn": {"gridflow.app.server"},
    "solvers": USERS_OF_SOLVERS,
}
"""Packages that only some modules may import; those of nobody read exports in tests."""
MODULES = sorted(p for package in ("gridflow", "solvers") for p in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


NAMES = {name_of(path) for path in MODULES}


def imports(path: Path) -> set[str]:
    """Every module a file imports, inside functions too; a name taken from a package may be a module of it.

    ``import gridflow`` would make every public name reachable, from rooms above too, and so would a name from the door.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            assert not any(map(ours, names)), f"{path}:{node.lineno}: write from … import …"
            found |= names
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else str(node.module) for name in whole}
    assert "gridflow" not in found, f"{path} imports from the public interface, which imports every room"
    return found


def within(module: str, members: set[str] | tuple[str, ...]) -> bool:
    return any(module == member or module.startswith(f"{member}.") for member in members)


def room_of(module: str) -> int:
    return next(number for number, room in enumerate(ROOMS) if within(module, (room,)))


def ours(module: str) -> bool:
    return module.split(".")[0] in ("gridflow", "solvers")


@pytest.mark.parametrize("path", [p for p in MODULES if name_of(p) != "gridflow"], ids=name_of)
def test_imports_only_from_its_own_room_and_those_before(path):
    module = name_of(path)
    for imported in filter(ours, imports(path)):
        assert room_of(imported) <= room_of(module), f"{module} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_imports_stay_with_their_owners(path):
    for imported in imports(path):
        owners = OWNERS.get(imported.split(".")[0])
        assert owners is None or within(name_of(path), owners), f"{name_of(path)} imports {imported}"


def test_no_modules_import_each_other_in_a_circle():
    graph = {name_of(p): set(filter(ours, imports(p))) for p in MODULES if name_of(p) != "gridflow"}
    done: set[str] = set()
    while graph:
        ready = {module for module, needed in graph.items() if needed - {module} <= done}
        assert ready, f"modules import each other in a circle: {sorted(graph)}"
        done |= ready
        graph = {module: needed for module, needed in graph.items() if module not in ready}


def test_the_page_for_newcomers_has_every_folder():
    listed = set(re.findall(r"`((?:gridflow|solvers)/[\w/]*)`", (ROOT / "docs/architecture.md").read_text("utf-8")))
    folders = {f"{p.parent.relative_to(ROOT)}/" for p in MODULES} - {"gridflow/", "solvers/"}
    assert len([folder for folder in folders if folder.count("/") == 2]) <= MOST_ROOMS  # the others are parts of one
    assert folders <= listed, f"docs/architecture.md lacks {sorted(folders - listed)}"
    assert not {name for name in listed if not (ROOT / name).exists()}


def test_a_chain_of_rooms_each_of_which_needs_the_next_is_short():
    """The package ``solvers`` itself is a door, which is not a floor."""
    needs: dict[str, set[str]] = {room: set() for room in ROOMS}
    for path in (p for p in MODULES if name_of(p) != "gridflow"):
        room = ROOMS[room_of(name_of(path))]
        needs[room] |= {ROOMS[room_of(imported)] for imported in filter(ours, imports(path))} - {room}
    floor: dict[str, int] = {}
    for room in ROOMS:  # each needs only those before it
        floor[room] = max((floor[needed] for needed in needs[room]), default=0) + (room != "solvers")
    assert max(floor.values()) <= MOST_FLOORS, floor


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short_enough_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_few_places_ask_which_domain_or_equation_they_have():
    kinds = {each.__name__ for each in (Domain, *Domain.kinds.values(), Equation, *Equation.domains.values())}
    asked = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
                classes = set(re.findall(r"\w+", ast.unparse(node.args[1])))
                if classes & (kinds | {"domain", "equation"}):
                    asked.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}")
    assert len(asked) <= MOST_QUESTIONS, "\n".join(asked)


def test_the_front_door_opens_without_loading_what_computes():
    code = "import sys, gridflow; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "scipy", "pyfftw", "numba", "h5py", "matplotlib", "skimage", "rich"} & set(loaded)


def test_a_run_in_two_dimensions_loads_neither_marching_cubes_nor_figures():
    code = "import sys, gridflow.cli.main, gridflow.runtime.loop; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "skimage", "contourpy"} & set(loaded)


@pytest.mark.parametrize("name", gridflow.__all__)
def test_public_names_can_be_imported_and_are_documented(name):
    value = getattr(gridflow, name)
    assert name == "__version__" or value.__doc__
