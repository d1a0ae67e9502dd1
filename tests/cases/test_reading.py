"""Case files: what is accepted, and what is said about what is not."""

import tomllib
from inspect import signature
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gridflow as gf
from gridflow.cases import base as table
from gridflow.cases import case as tables
from gridflow.cases import densities as density_tables
from gridflow.cases import domains as domain_tables
from gridflow.cases import kernels as kernel_tables
from gridflow.cases import shapes as shape_tables
from gridflow.cases import solvers as solver_tables
from gridflow.cases import templates as cases
from gridflow.cases.reading import load_case, parse_case, parsed_changes, text_of, value_of
from gridflow.compute.expressions import FUNCTIONS
from gridflow.densities.arrays import ArrayFormat
from solvers import FiniteVolume, Spectral
from solvers.finite_volume.reconstruction import reconstruction

GOOD = """
[grid]
shape = [16, 12]
lengths = [1.0, 2.0]
[kernel]
kind = "riesz"
s = 1
[initial]
kind = "ball_hole"
radius = 0.25
[time]
t_end = 1.0
"""


def complaints(text, overrides=()):
    with pytest.raises(gf.InputError) as caught:
        parse_case(text, "case.toml", parsed_changes(overrides)).build(Path())
    return str(caught.value).splitlines()


def test_a_case_becomes_the_objects_of_a_run():
    solver, initial = parse_case(GOOD, "case.toml").build(Path())
    assert solver.flow.grid == gf.Grid((16, 12), (1.0, 2.0))
    assert solver.flow.kernel == gf.Riesz(1.0)
    assert (initial == gf.ball_hole(solver.flow.grid, 0.25)).all()
    assert (solver.flow.target == gf.uniform(solver.flow.grid)).all()


def test_the_resolved_case_is_the_same_case():
    case = parse_case(GOOD, "case.toml", {"solver.tracer": True, "output.snapshot_times": [0.5, 1.0]})
    again = parse_case(case.to_toml(), "resolved.toml")
    assert again == case
    assert tomllib.loads(case.to_toml())["solver"]["limiter"] == "vanleer"


def test_every_error_is_reported_at_once_with_key_value_and_what_is_allowed():
    text = (
        GOOD.replace("radius", "raduis").replace('"riesz"', '"rieszz"')
        + 'stop = 1\n[solver]\ncfl = 2.0\nlimiter = "van"\n'
    )
    lines = complaints(text)
    assert all(line.startswith("case.toml: ") for line in lines)
    joined = "\n".join(lines)
    for words in (
        'kernel.kind = "rieszz": unknown (did you mean "riesz"?); allowed are gaussian, matern, relu, riesz',
        'initial.raduis = 0.25: unknown key (did you mean "radius"?); allowed are center, kind, mass, radius',
        "time.stop = 1: unknown key",
        "solver.cfl = 2.0: it should be less than or equal to 1",
        "solver.limiter = 'van': it should be 'vanleer', 'minmod', 'mc' or 'superbee'",
    ):
        assert words in joined
    assert len(lines) == 5  # none that initial.radius is missing: it is there, misspelt


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("grid.shape=[16, 2]", "grid: grid shape (16, 2): every axis needs a whole number of at least 4 cells"),
        ("grid.lengths=[1.0]", "grid: grid lengths (1.0,) do not match the 2 axes"),
        (
            "initial.radius=0.7",
            "initial: radius = 0.7: it must be positive and at most half of the shortest period, 0.5",
        ),
        ("initial.mass=2.0", "the initial density has mass 2 but the target has mass 1"),
        ("initial.center=[0.5]", "initial: center (0.5,) has 1 components; the grid has 2 dimensions"),
        ("time.t_end=inf", "time.t_end = inf: it should be a finite number"),
        ("time.t_end='soon'", "time.t_end = 'soon': it should be a valid number"),
        ("kernel.s=0", "kernel.s = 0: it should be greater than 0"),
        ("kernel", "set kernel: write it as table.key=value"),
        ("kernel.s.t=1", "set kernel.s.t = 1: s is a value, not a table"),
        ("kernl.s=1", "kernl = {'s': 1}: unknown key (did you mean \"kernel\"?)"),
        ("solver.cfl=nan", "solver.cfl = nan: it should be less than or equal to 1"),
    ],
)
def test_bad_values_are_named(override, words):
    assert any(words in line for line in complaints(GOOD, [override]))


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], "a b"],
        {"kind": "sum", "terms": [{"kind": "uniform"}, {"kind": "gaussian", "centers": [0.5], "widths": 0.1}]},
        [{"kind": "gaussian", "centers": [0.5]}, {}],
    ],
)
def test_the_text_of_a_value_is_read_back(value):
    assert value_of(text_of(value)) == value


def test_the_last_change_of_a_key_counts():
    changes = parsed_changes(["kernel.s=2", 'kernel={kind="gaussian", width=0.1}', "kernel.width = 0.2", "kernel.s=3"])
    assert list(changes.items())[1:] == [("kernel.width", 0.2), ("kernel.s", 3)]


def test_problems_of_several_tables_are_reported_together():
    lines = complaints(GOOD, ["initial.radius=0.7", 'target={kind="gaussian", centers=[0.5], widths=0.1}'])
    assert len(lines) == 2


def test_nested_terms_are_named_as_the_user_wrote_them():
    lines = complaints(
        GOOD, ['target={kind="sum", terms=[{kind="uniform"}, {kind="gaussian", centers=[0.5], width=1.0}]}']
    )
    assert any(
        line.startswith('case.toml: target.terms.1.width = 1.0: unknown key (did you mean "widths"?)') for line in lines
    )


@pytest.mark.parametrize(
    ("widths", "line"),
    [
        ('"wide"', "initial.widths = 'wide': it should be a valid number or a valid list"),
        ("[0.1, -0.2]", "initial.widths.1 = -0.2: it should be greater than 0"),
        ("-0.2", "initial.widths = -0.2: it should be greater than 0 or a valid list"),
    ],
)
def test_a_value_of_several_types_has_one_line(widths, line):
    changes = [f'initial={{kind="gaussian", centers=[0.5, 0.5], widths={widths}}}']
    assert complaints(GOOD, changes) == [f"case.toml: {line}"]


def test_exclusive_keys():
    (line,) = complaints(GOOD + "[output]\nsnapshot_every = 0.1\nsnapshot_times = [0.5]\n")
    assert line == "case.toml: output: snapshot_every and snapshot_times exclude each other"


def test_a_tracer_needs_a_hole():
    (line,) = complaints(GOOD, ['initial={kind="cosine"}', "solver.tracer=true"])
    assert 'there is no hole to carry in an initial density of kind "cosine"' in line
    assert "ball_hole, box_hole, cap_hole, lattice_of_holes, shape, shell_hole" in line


def test_what_is_not_toml_or_not_there():
    assert "is not valid TOML" in complaints("[grid")[0]
    with pytest.raises(gf.InputError, match=r"nothing\.toml cannot be read: No such file"):
        load_case("nothing.toml")


def test_files_are_found_relative_to_the_case(tmp_path):
    grid = gf.Grid((16, 12), (1.0, 2.0))
    values = np.random.default_rng(0).random(grid.shape)
    np.save(tmp_path / "start.npy", values)
    np.save(tmp_path / "cloud.npy", np.random.default_rng(0).random((50, 2)))
    tables = {"initial": {"kind": "array", "path": "start.npy"}, "target": {"kind": "particles", "path": "cloud.npy"}}
    case = parse_case(GOOD, "case.toml", tables)
    solver, initial = case.build(tmp_path)
    assert (initial == gf.normalize(grid, values)).all()
    assert solver.flow.target_mass == pytest.approx(1, rel=1e-14)
    with pytest.raises(gf.InputError, match=r"start\.npy cannot be read: No such file"):
        case.build(tmp_path / "elsewhere")


def test_sums_and_products():
    grid = gf.Grid((16, 12), (1.0, 2.0))
    terms = [{"kind": "cosine", "amplitude": 0.5}, {"kind": "ball_hole", "radius": 0.25, "mass": 3.0}]
    parts = gf.cosine(grid, 0.5), gf.ball_hole(grid, 0.25, mass=3.0)
    _, added = parse_case(GOOD, "c", {"initial": {"kind": "sum", "terms": terms}}).build(Path())
    assert added == pytest.approx(gf.normalize(grid, parts[0] + parts[1]), rel=1e-14)
    _, multiplied = parse_case(GOOD, "c", {"initial": {"kind": "product", "terms": terms}}).build(Path())
    assert multiplied == pytest.approx(gf.normalize(grid, parts[0] * parts[1]), rel=1e-14)


def test_the_negative_part_of_a_target_is_subtracted():
    grid = gf.Grid((16, 12), (1.0, 2.0))
    parts = {"target": {"kind": "uniform", "mass": 1.0}, "target_negative": {"kind": "cosine", "mass": 0.25}}
    solver, _ = parse_case(GOOD, "c", parts | {"negative": {"kind": "uniform"}, "flow.growth": 1.0}).build(Path())
    expected = gf.uniform(grid, mass=1.0) - gf.cosine(grid, mass=0.25)
    np.testing.assert_allclose(solver.flow.target, expected, rtol=1e-14)


@pytest.mark.parametrize("name", cases.names())
def test_bundled_cases_are_valid_and_say_their_defaults_truly(name, tmp_path):
    for file in cases.files(name):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / f"{name}.toml").read_text()
    case = parse_case(text, name)
    # a key behind a '#' states the default: switching it on must change nothing
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        key = bare.split(" = ")[0]
        no_default = ("stop_energy", "stop_rate", "center", "threads", "batch")  # without them there is no such value
        stated = line.startswith("# ") and " = " in line and key not in no_default
        lines.append(bare if stated and key.isidentifier() else line)
    stated_case = parse_case("\n".join(lines), name)
    default_output = case.output.model_copy(update={"checkpoint_every_seconds": 60.0})
    # the velocity's default is the reconstruction's own
    own = reconstruction(case.solver.reconstruction, case.solver.limiter).velocity
    stated_velocity = getattr(stated_case.solver, "velocity", None)
    default_solver = case.solver.model_copy(update={"velocity": own} if stated_velocity else {})
    if stated_case.output.checkpoint_every_seconds is None:
        default_output = case.output
    assert stated_case == case.model_copy(update={"output": default_output, "solver": default_solver})


def test_seeds_are_recorded():
    case = parse_case(GOOD, "c", {"initial": {"kind": "random_sobolev", "r": 1.0, "seed": 7}})
    assert case.seeds() == {"initial": 7}


@settings(max_examples=200, deadline=None)
@given(
    key=st.sampled_from(
        ["grid.shape", "kernel.s", "initial.radius", "time.t_end", "solver.cfl", "output.series_every", "initial"]
    ),
    value=st.one_of(
        st.integers(-5, 10), st.floats(), st.text(max_size=8), st.lists(st.integers(-3, 9), max_size=4), st.booleans()
    ),
)
def test_no_value_makes_anything_but_a_case_or_a_line(key, value):
    try:
        case = parse_case(GOOD, "case.toml", parsed_changes([f"{key}={value!r}"]))
        if case.grid.shape and np.prod(case.grid.shape) < 1e5:
            case.build(Path())
    except gf.InputError as error:
        message = str(error)
    else:
        message = "fine"
    assert message


PAGES = Path(__file__).parents[2] / "docs"
DOCUMENTED = "".join((PAGES / page).read_text(encoding="utf-8") for page in ("cases.md", "densities.md"))


@pytest.mark.parametrize(
    ("documented", "section"),
    [
        *((table, "grid") for table in domain_tables.DOMAINS.values()),
        *((table, "solver") for table in solver_tables.SOLVERS.values()),
        (tables.TimeTable, "time"),
        (tables.OutputTable, "output"),
        (tables.TrainingTable, "training"),
    ],
)
def test_every_key_of_a_table_is_documented(documented, section):
    for field in documented.model_fields:
        assert f"`{section}.{field}`" in DOCUMENTED


@pytest.mark.parametrize("table_of_solver", solver_tables.SOLVERS.values())
def test_a_case_and_a_solver_have_the_same_defaults(table_of_solver):
    arguments = signature(get_type_hints(table_of_solver.make)["return"]).parameters
    values = {name: each for name, each in arguments.items() if np.ndarray not in get_args(each.annotation)}
    shared = {name: field for name, field in table_of_solver.model_fields.items() if name in values}
    assert len(shared) >= 4
    for name, field in shared.items():
        assert field.is_required() or field.default == values[name].default, name


@pytest.mark.parametrize(
    ("union", "cell"),
    [(kernel_tables.AnyKernel, "`kernel.kind`"), (density_tables.AnyDensity, None)],
    ids=["kernels", "densities"],
)
def test_every_kind_and_its_keys_are_documented(union, cell):
    rows = [line.split("|") for line in DOCUMENTED.splitlines() if line.startswith("| `")]
    for kind, one in table.tables_by_kind(union).items():
        row = next("|".join(cells) for cells in rows if (cell or f"`{kind}`") in cells[1])
        for field in {*one.model_fields, kind} - {"kind", "mass"}:
            assert f"`{field}`" in row


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_documented_densities_are_cases(number):
    snippet = DOCUMENTED.split("```toml\n")[number].split("```")[0]
    head, _, tail = GOOD.partition("[initial]")
    rest = tail.partition("[time]")[2]
    solver, initial = parse_case(f"{head}{snippet}[time]{rest}", "documented").build(Path())
    assert solver.flow.grid.integral(initial) == pytest.approx(1)


def test_the_language_of_formulas_shapes_and_files_is_documented():
    words = [*FUNCTIONS, *ArrayFormat.by_suffix]
    assert [word for word in words if f"`{word}" not in DOCUMENTED] == []
    rows = [line for line in DOCUMENTED.splitlines() if line.startswith("| ")]
    shared = next(row for row in rows if row.startswith("| each of them"))
    for kind, part in shape_tables.PARTS.items():
        row = next(row for row in rows if row.startswith(f"| `{kind}` |")) + shared
        assert [key for key in part.model_fields if key != "kind" and f"`{key}`" not in row] == []


def test_a_shape_that_is_no_hole_needs_no_key_of_the_solver():
    """With both values above 0 nothing is empty, and nothing is carried unless it is asked for."""
    bump = {"kind": "shape", "parts": [{"kind": "ball", "radius": 0.2}], "inside": 2.0, "outside": 1.0}
    case = parse_case(GOOD, "c", {"initial": bump})
    solver, initial = case.build(Path())
    assert initial.max() / initial.min() == pytest.approx(2)
    assert "tracer" not in solver.initialize(initial).arrays
    asked = parse_case(GOOD, "c", {"initial": bump, "solver.tracer": True})
    with pytest.raises(gf.InputError, match="there is no hole to carry") as error:
        asked.build(Path())
    assert "box_hole" in str(error.value)


def test_a_shape_of_a_case_is_that_of_python():
    """Every way to combine and place a part; the hole is carried along."""
    parts = [
        {"kind": "ball", "radius": 0.2, "center": [0.4, 1.0]},
        {"kind": "box", "size": [0.1, 0.5], "rotate": 30.0, "move": [0.1, 0.0]},
        {
            "kind": "group",
            "op": "difference",
            "rotate": 20.0,
            "parts": [
                {"kind": "torus", "radius": 0.1, "tube": 0.02},
                {"kind": "box", "size": 0.2, "op": "intersection"},
            ],
        },
    ]
    case = parse_case(GOOD, "c", {"initial": {"kind": "shape", "parts": parts}, "solver.tracer": True})
    solver, initial = case.build(Path())
    make = gf.shapes
    ring = (make.torus(0.1, 0.02) & make.box(0.2)).rotated(20)
    shape = (make.ball(0.2, (0.4, 1.0)) | make.box((0.1, 0.5)).rotated(30).moved((0.1, 0))) - ring
    assert (initial == gf.from_shape(solver.flow.grid, shape)).all()
    assert (case.initial.region(solver.flow.grid, Path()) == shape.fraction(solver.flow.grid)).all()


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ("[]", "initial.parts: at least one part is needed"),
        ("[{kind='ball', radius=0.1, op='difference'}]", 'initial.parts: op = "difference" of the first part'),
        (
            "[{kind='bal', radius=0.1}]",
            'initial.parts.0.kind = "bal": unknown (did you mean "ball"?); allowed are ball, box',
        ),
        ("[{kind='group', parts=[{kind='box'}]}]", "initial.parts.0.parts.0.size: this key is required"),
        ("[{kind='ball', radius=0.1, axis=[0.0, 0.0, 1.0]}]", "initial.parts.0: axis = [0.0, 0.0, 1.0]: set rotate"),
        ("[{kind='cylinder', radius=0.1, height=0.1}]", "initial: a cylinder needs three dimensions, not 2"),
    ],
)
def test_what_is_wrong_with_a_part_is_named(parts, line):
    (told,) = complaints(GOOD, [f"initial={{kind='shape', parts={parts}}}"])
    assert told.removeprefix("case.toml: ").startswith(line)


def test_a_formula_of_a_case():
    grid = gf.Grid((16, 12), (1.0, 2.0))
    tables = {"initial": {"kind": "expression", "expression": "y < Ly/2"}}
    assert (parse_case(GOOD, "c", tables).build(Path())[1] == gf.from_expression(grid, "y < 1")).all()
    (line,) = complaints(GOOD, ["initial={kind='expression', expression='1 + z'}"])
    assert line.startswith('initial: "z" in the formula "1 + z" is not allowed: the names are Lx, Ly, x, y')


def test_a_case_chooses_its_solver():
    text = GOOD.replace('"ball_hole"\nradius = 0.25', '"cosine"')
    case = parse_case(text, "case.toml", {"solver.kind": "spectral", "solver.tolerance": 1e-6})
    solver, _ = case.build(Path())
    assert isinstance(solver, Spectral)
    assert solver.tolerance == 1e-6
    assert parse_case(case.to_toml(), "resolved.toml") == case
    assert case.memory() > 0
    plain = parse_case(text, "case.toml", {"solver.cfl": 0.5})
    assert isinstance(plain.build(Path())[0], FiniteVolume)
    assert parse_case(plain.to_toml(), "resolved.toml") == plain


def test_what_a_solver_does_not_know_is_named():
    (line,) = complaints(GOOD, ["solver.kind=spectral", "solver.limiter=minmod"])
    assert "solver.limiter = 'minmod': unknown key" in line
    assert "allowed are cfl, dtype, integrator, kind, threads, tolerance" in line
    (line,) = complaints(GOOD, ["solver.kind=spectrall"])
    assert 'solver.kind = "spectrall": unknown (did you mean "spectral"?); allowed are finite_volume, spectral' in line
    (line,) = complaints(GOOD, ["solver.kind=spectral", "solver.integrator=ssprk3"])
    assert "solver.integrator = 'ssprk3': it should be 'etdrk2' or 'etdrk4'" in line


@pytest.mark.parametrize("name", cases.names())
def test_the_title_of_a_bundled_case_has_no_value_that_may_be_changed(name, tmp_path):
    """Figures add the kernel and the cells of the run, which --set may have changed."""
    for file in cases.files(name):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    case = load_case(tmp_path / f"{name}.toml")
    assert case.title
    assert not set(case.title) & set("=0123456789")
    assert case.kernel.kind not in case.title.lower()
