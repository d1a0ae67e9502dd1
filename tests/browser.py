"""A real browser for tests of pages: headless Chromium, driven by Playwright."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium(**options: Any) -> Iterator[Any]:
    """A page of Playwright in a new Chromium without a history; its list ``errors`` has what the console complains of.

    ``options`` are those of a browser context, such as ``viewport``. Without a browser the test is skipped, and fails
    where ``CI`` is set.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing = f"no browser found ({', '.join(NAMES)}): as root, scripts/test installs Debian's chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, tempfile.TemporaryDirectory() as profile:
        context = play.chromium.launch_persistent_context(
            profile, executable_path=program, headless=True, args=ARGUMENTS, **options
        )
        page = context.pages[0]
        page.errors = []
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        try:
            yield page
        finally:
            context.close()
