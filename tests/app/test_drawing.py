"""What a browser sends: strokes and pictures, as densities that the laws of holes apply to, or refused."""

import io
import math

import numpy as np
import pytest
from PIL import Image

import gridflow as gf
from gridflow.app.drawing import EMPTY, FULL, MOST_SIDE, PIXELS, Drawing, Stroke, colored, received_picture
from gridflow.app.setups import DRAWN, Base, Setup
from gridflow.theory import HoleLaw
from gridflow.viz.style import color_table


def png(width, height):
    file = io.BytesIO()
    Image.new("L", (width, height), 255).save(file, "PNG")
    return file.getvalue()


def setup(*strokes, **values):
    return Setup(Base.default(), hole=DRAWN, drawn_hole=Drawing(FULL, EMPTY, strokes=list(strokes)), **values)


def test_a_dot_on_a_corner_of_the_torus_is_whole_and_has_its_area():
    radius = 0.1
    share = 1 - np.asarray(Drawing(FULL, EMPTY, strokes=[Stroke(((0.0, 1.0),), radius)]).picture()) / 255
    assert share[0, 0] == share[-1, 0] == share[0, -1] == share[-1, -1] == 1
    # the edge is off by at most a pixel of the fine picture, and greys are rounded in the pixels that it crosses
    assert share.mean() == pytest.approx(math.pi * radius**2, abs=2 * math.pi * radius / PIXELS)


def test_a_drawn_hole_lies_where_it_was_drawn_and_obeys_the_exact_law(tmp_path):
    made = setup(Stroke(((0.25, 0.8), (0.5, 0.8)), 0.07), cells=64)
    density, _ = made.density(tmp_path)
    assert density[round(0.4 * 64), round(0.8 * 64)] == 0  # x first, y upwards
    assert density[round(0.4 * 64), round(0.2 * 64)] == density.max()
    grid = gf.Grid((64, 64))
    law = HoleLaw.of(gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid)), density)
    area = 0.25 * 0.14 + math.pi * 0.07**2
    assert law.volume == pytest.approx(area, abs=2 * (0.5 + math.pi * 0.07) / PIXELS)


def test_erasing_takes_away_what_was_drawn():
    hole = Stroke(((0.5, 0.5),), 0.2)
    drawing = Drawing(FULL, EMPTY, strokes=[hole, Stroke(((0.5, 0.5),), 0.3, erases=True)])
    assert np.asarray(drawing.picture()).min() == FULL


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"points": []},
        {"points": [[0, 0]] * 1001, "radius": 0.1},
        {"points": [[0, math.nan]], "radius": 0.1},
        {"points": [[0, 1e9]], "radius": 0.1},
        {"points": [[0, 0, 0]], "radius": 0.1},
        {"points": [["a", 0]], "radius": 0.1},
        {"points": [[0, 0]], "radius": 2},
        {"points": [[0, 0]]},
    ],
)
def test_a_stroke_that_is_none_or_too_large_is_refused(data):
    with pytest.raises(gf.InputError, match=r"^stroke"):
        Stroke.received(data)


@pytest.mark.parametrize(
    "data",
    [b"GIF89a", b"", bytes(600_001), png(MOST_SIDE + 1, 1), png(4, 4)[:45]],
    ids=["gif", "empty", "bytes", "side", "cut"],
)
def test_a_picture_that_is_none_or_too_large_is_refused(data):
    with pytest.raises(gf.InputError, match=r"^the picture"):
        received_picture(data)


def test_a_picture_in_the_browser_has_x_to_the_right_and_y_upwards():
    density = np.zeros((3, 2))
    density[2, 1] = 1.0  # right, top
    table = color_table()
    with Image.open(io.BytesIO(colored(density, 1.0, table))) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (2, 3, 3)
    assert (pixels[0, 2] == table[255]).all()
    assert (pixels[1, 0] == table[0]).all()


def test_a_case_file_with_a_picture_opens_and_moves_with_it(tmp_path):
    """The picture is copied beside the case that is run, so that what is downloaded is whole."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir(), here.mkdir()
    (there / "dot.png").write_bytes(png(8, 8))
    (there / "mine.toml").write_text(
        'grid = {shape = [16, 16]}\nkernel = {kind = "riesz", s = 1.5}\ntime = {t_end = 1.0}\n'
        'initial = {kind = "sum", terms = [{kind = "image", path = "dot.png"}, {kind = "ball_hole", radius = 0.3}]}\n'
    )
    found = Setup.of(Base.read(there / "mine.toml"))
    case = gf.load_case(found.write(here))
    (there / "dot.png").unlink()
    assert case.kernel.s == 1.5
    assert case.initial.build(case.grid.build(), here).shape == (16, 16)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("grid = {shape = [16]}", "squares"),
        ("grid = {shape = [16, 32]}", "squares"),
        ("grid = {shape = [1024, 1024]}", "grid.shape"),
        ('kernel = {kind = "gaussian", width = 0.1}', "kernel.kind"),
        ('kernel = {kind = "riesz", s = 7.0}', "s = 7.0"),
        ('solver = {kind = "particles", count = 10}', "solver.kind"),
    ],
)
def test_a_case_that_the_page_cannot_show_is_refused_with_a_line(line, what, tmp_path):
    lines = {
        "grid": "grid = {shape = [16, 16]}",
        "kernel": 'kernel = {kind = "riesz", s = 1.0}',
        "time": "time = {t_end = 1.0}",
        "initial": 'initial = {kind = "uniform"}',
    }
    (tmp_path / "a.toml").write_text("\n".join((lines | {line.split()[0]: line}).values()))
    with pytest.raises(gf.InputError, match=what) as refused:
        Base.read(tmp_path / "a.toml")
    assert "\n" not in str(refused.value)
