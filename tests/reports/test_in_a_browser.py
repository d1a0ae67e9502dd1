"""A report in a real browser, without a network: its slider, curves, scales and colours do what they say."""

import numpy as np
import pytest
from browser import chromium
from stored import stored_run

import gridflow as gf
from solvers import FiniteVolume

READY = "html[data-ready]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Reports of a plane beside another, of a line, and of a cube."""
    folder = tmp_path_factory.mktemp("browser")
    for dim, cells, orders in ((2, 24, (1, 2)), (1, 64, (1,)), (3, 12, (1,))):
        grid = gf.Grid((cells,) * dim)
        runs = []
        for s in orders:
            solver = FiniteVolume(gf.Flow(grid, gf.Riesz(s), gf.uniform(grid)), tracer=gf.regions.ball(grid, 0.3))
            runs.append(folder / f"{dim}_{s}.run")
            gf.run(solver, gf.ball_hole(grid, 0.3), 1.0, store=runs[-1], snapshots=gf.EveryTime(0.2))
        gf.report(runs, folder / f"{dim}.html")
    return folder


def opened(page, path):
    """Open a report, with every address that the page asks for."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(READY)
    page.wait_for_function("document.querySelectorAll('#curves .main-svg').length > 0")
    return asked


def pixels(page, number=0):
    return page.evaluate(f"document.getElementById('film-{number}').toDataURL()")


def test_planes_side_by_side(folder):
    with chromium(viewport={"width": 1280, "height": 900}, color_scheme="light") as page:
        asked = opened(page, folder / "2.html")
        first = pixels(page)
        assert first == pixels(page, 1)  # both begin with the same hole

        page.focus("#frame")
        page.keyboard.press("ArrowRight")
        assert page.text_content("#time") == "t = 0.2"
        second = pixels(page)
        assert second != first
        page.keyboard.press("ArrowLeft")
        assert pixels(page) == first

        page.keyboard.press("Space")
        page.wait_for_function("document.getElementById('time').textContent === 't = 1'")
        page.wait_for_function("document.getElementById('play').textContent === 'Play'")
        assert pixels(page) != pixels(page, 1)  # that of s = 1 is smaller now

        page.click("#logscale")
        logarithmic = pixels(page)
        page.click("#logscale")
        assert logarithmic != pixels(page)

        kind = "document.getElementById('chart-energy')._fullLayout.yaxis.type"
        assert page.evaluate(kind) == "log"
        page.click("[data-panel=energy][data-axis=y]")
        assert page.evaluate(kind) == "linear"
        assert page.get_attribute("[data-panel=energy][data-axis=y]", "aria-pressed") == "false"

        shown = "document.getElementById('chart-energy').data.map(trace => trace.visible)"
        assert "legendonly" not in page.evaluate(shown)
        page.click("#chart-energy .legendtoggle >> nth=0")
        page.wait_for_function(f"({shown}).includes('legendonly')")

        background = "getComputedStyle(document.documentElement).backgroundColor"
        light = page.evaluate(background)
        page.click("#theme")
        assert page.evaluate(background) != light
        assert "legendonly" in page.evaluate(shown)  # colours change, and nothing else
        assert page.errors == []
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_sphere_is_a_map_and_a_globe(tmp_path):
    """Densities that say where their cells are: bright about the direction x, else half as bright in the north."""
    sphere = gf.SphereGrid((16, 32))
    theta, phi = np.meshgrid(sphere.colatitudes, 2 * np.pi * np.arange(32) / 32, indexing="ij")
    density = np.where(np.sin(theta) * np.cos(phi) > 0.9, 1.0, np.where(theta < 1.0, 0.5, 0.0))
    run = stored_run(tmp_path / "sphere.run", sphere, gf.Riesz(1), [{"density": density}] * 2)
    gf.report(run, tmp_path / "sphere.html")
    with chromium(viewport={"width": 1280, "height": 900}, color_scheme="light") as page:
        opened(page, tmp_path / "sphere.html")
        look = """([x, y]) => { const c = document.getElementById('film-0');
            const p = c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data;
            return p[3] && p[0] + p[1] + p[2]; }"""

        def brightness(*places):
            return [page.evaluate(look, list(place)) for place in places]

        middle, north, south, left, corner = brightness((0.5, 0.5), (0.5, 0.08), (0.5, 0.92), (0.1, 0.5), (0.02, 0.02))
        assert middle > north > south == left
        assert corner == 0  # outside of the map
        page.click("[data-globe]")
        assert (
            page.evaluate("(() => { const c = document.getElementById('film-0'); return c.width / c.height; })()") == 1
        )
        canvas = page.locator("#film-0").bounding_box()
        assert brightness((0.5, 0.5), (0.5, 0.03)) == [south, north]  # seen from 0.5 to the east and 0.4 to the north
        across, down = (canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
        page.mouse.move(across, down)
        page.mouse.down()
        radian = canvas["width"] / np.pi  # as far as the globe is dragged for each
        page.mouse.move(across + 0.5 * radian, down - 0.4 * radian, steps=4)
        page.mouse.up()
        assert brightness((0.5, 0.5)) == [middle]
        assert page.errors == []


def test_a_line_and_a_phone(folder):
    with chromium(viewport={"width": 390, "height": 844}, color_scheme="dark") as page:
        opened(page, folder / "1.html")
        height = "document.getElementById('film-line').data[0].y[32]"
        assert page.evaluate(height) == 0
        page.fill("#frame", "5")
        assert page.text_content("#told-line") == "density, t = 1"
        assert page.evaluate("document.getElementById('film-line').layout.shapes.length") == 1  # the hole
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.errors == []


def test_a_surface_shrinks_and_keeps_its_view(folder):
    with chromium(viewport={"width": 1280, "height": 900}) as page:
        opened(page, folder / "3.html")
        solid = "document.getElementById('solid-0')"
        width = f"(() => {{ const x = {solid}.data[0].x; return Math.max(...x) - Math.min(...x); }})()"
        assert page.evaluate(width) == pytest.approx(0.6, abs=0.5 / 12)  # the diameter, to half a cell
        eye = f"{solid}._fullLayout.scene.camera.eye"
        before = page.evaluate(eye)
        page.locator("#solid-0").scroll_into_view_if_needed()
        box = page.locator("#solid-0").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 3, steps=5)
        page.mouse.up()
        page.wait_for_function(f"{eye}.x !== {before['x']}")
        turned = page.evaluate(eye)
        page.fill("#frame", "5")
        assert page.evaluate(width) == pytest.approx(0.6 * 2.718281828 ** (-1 / 3), abs=0.5 / 12)  # |H| ~ e^{−t}
        assert page.evaluate(eye) == turned
        assert page.errors == []
