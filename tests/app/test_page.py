"""The page of ``gridflow explore`` in a real browser, as a visitor uses it."""

import os
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from importlib.util import find_spec

import psutil
import pytest
from browser import chromium
from shell import gridflow

import gridflow as gf

PATIENCE = 120_000
"""Milliseconds to wait for what may have to compile first."""


@contextmanager
def served(folder, *arguments):
    """The process of a server, and its address."""
    command = [sys.executable, "-m", "gridflow.cli.main", "explore", "--no-browser", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield server, server.stdout.readline().strip()
        finally:
            if server.poll() is None:
                server.kill()


def workers(server):
    return [child for child in psutil.Process(server.pid).children() if "spawn_main" in " ".join(child.cmdline())]


def status(address, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def volume(page):
    """Volumes of the hole in the curve on the page."""
    charts = "Object.values(document.querySelectorAll('.chart'))"
    data = page.evaluate(f"{charts}.map(c => getElement(c.id.slice(1)).chart.getOption().series[0].data)[0]")
    return [value for _, value in data if value is not None]


def drag(page, box, *places):
    """Move a pressed mouse between places, in shares of a box."""
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots:
        page.mouse.move(*spot)
    page.mouse.up()


def choose(page, label, value):
    page.get_by_label(label, exact=True).first.click()
    page.get_by_role("option", name=value, exact=True).click()


@pytest.mark.long
def test_a_visitor_fills_a_drawn_hole_and_takes_it_home(tmp_path):
    with served(tmp_path) as (server, address), chromium(viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        choose(page, "Grid", "32 × 32")
        choose(page, "Hole", "draw it")
        page.wait_for_selector(".torus.drawable")
        drag(page, page.locator(".torus").bounding_box(), (0.3, 0.5), (0.5, 0.4), (0.7, 0.5))
        button, clock, note = page.locator(".run-button"), page.locator(".clock"), page.locator(".note")
        button.click()
        page.wait_for_function("document.querySelector('.clock').innerText > 't = 1.5'")
        button.click()
        page.wait_for_function("document.querySelector('.note').innerText.startsWith('paused')")
        page.wait_for_timeout(500)  # a step that had begun is shown
        paused, fallen = clock.inner_text(), volume(page)
        page.wait_for_timeout(700)
        assert clock.inner_text() == paused
        assert fallen == sorted(fallen, reverse=True)
        assert fallen[-1] < fallen[0] / 2

        track = page.locator(".order .q-slider").bounding_box()
        page.mouse.click(track["x"] + 0.4 * track["width"], track["y"] + track["height"] / 2)  # s = 1.5
        page.wait_for_function("document.querySelector('.order').innerText.includes('s = 1.5')")
        button.click()
        page.wait_for_function(f"document.querySelector('.clock').innerText.split(' of ')[1] != '{paused[-1]}'")
        page.wait_for_timeout(1000)
        page.get_by_role("button", name="Stop").click()
        page.wait_for_function("document.querySelector('.note').innerText.startsWith('stopped')")
        for kind in ("Case file", "Run directory", "Figure"):
            with page.expect_download() as begun:
                page.get_by_role("button", name=kind).click()
            begun.value.save_as(tmp_path / begun.value.suggested_filename)
        assert page.errors == [], note.inner_text()

        assert status(address) == 200
        assert status(address.partition("?")[0]) == 403
        assert status(address, Origin="https://elsewhere.example") == 403
        listening = [each for each in psutil.Process(server.pid).net_connections() if each.status == "LISTEN"]
        assert {each.laddr.ip for each in listening} == {"127.0.0.1"}

        (worker,) = workers(server)
        page.goto("about:blank")
        worker.wait(timeout=30)
        page.goto(address)
        page.wait_for_selector(".run-button")
        (second,) = workers(server)
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
        second.wait(timeout=30)
        assert "Traceback" not in server.stderr.read()

    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    for name in ("case.zip", "run.zip"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            archive.extractall(tmp_path)
    cases = [tomllib.loads((tmp_path / f"run-{part}.toml").read_text()) for part in (1, 2)]
    assert [case["kernel"]["s"] for case in cases] == [1.0, 1.5]
    assert cases[0]["initial"] == {"kind": "image", "path": "initial.png", "mass": 1.0}
    done = gridflow("run", "run-1.toml", "--out", "again.run", "--quiet", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    shown, again = gf.open_run(tmp_path / "run-1.run"), gf.open_run(tmp_path / "again.run")
    assert (shown.initial == again.initial).all()
    assert (shown.series["energy"][:-2] == again.series["energy"][: len(shown.series["time"]) - 2]).all()


def test_without_the_web_library_the_command_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("gridflow.cli.explore.find_spec", lambda name: None if name == "nicegui" else find_spec(name))
    done = gridflow("explore")
    assert (done.returncode, done.stderr) == (
        2,
        "gridflow: explore needs NiceGUI, which is not installed: pip install 'gridflow[app]'\n",
    )


@pytest.mark.skipif(find_spec("nicegui") is None, reason="needs the extra app")
def test_a_case_that_is_not_there_ends_the_command_with_a_line():
    done = gridflow("explore", "missing.toml", "--no-browser")
    assert done.returncode == 2
    assert done.stderr == "gridflow: case file missing.toml cannot be read: No such file or directory\n"


@pytest.mark.parametrize("ci", ["", "1"])
def test_without_a_browser_its_tests_are_skipped_here_and_fail_where_they_must_run(ci, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("CI", ci)
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as outcome, chromium():
        raise AssertionError("there is no browser")
    assert outcome.type is (pytest.fail.Exception if ci else pytest.skip.Exception)
    assert "scripts/test" in str(outcome.value)
