"""The server of the page: it listens on this machine only, and ends all processes when it ends."""

import secrets
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from nicegui import app, ui
from starlette.background import BackgroundTask

from gridflow.app.downloads import DOWNLOADS
from gridflow.app.guard import MOST_BODY, Guard
from gridflow.app.page import PageView
from gridflow.app.session import House
from gridflow.app.setups import Base
from gridflow.app.worker import Worker
from gridflow.errors import InputError, RunError
from gridflow.viz.style import color_table

STYLE = Path(__file__).parent / "page.css"


def build(house: House, table: np.ndarray) -> FastAPI:
    """Return the web application: the page, and its downloads.

    Parameters
    ----------
    house
        The sessions of all pages.
    table
        Colours, uint8 of shape (256, 3).
    """
    application = FastAPI(openapi_url=None)

    @ui.page("/")
    def page() -> None:
        name = secrets.token_urlsafe(8)
        ui.add_css(STYLE)
        try:
            session = house.enter(name)
        except InputError as error:
            ui.label(str(error)).classes("page note bad")
            return
        ui.context.client.on_connect(session.wake)
        ui.context.client.on_delete(lambda: house.leave(name))
        PageView(house, session, name, table)

    @application.get("/download/{name}/{number}/{kind}")
    def download(name: str, number: int, kind: str) -> FileResponse:
        session, made = house.sessions.get(name), DOWNLOADS.get(kind)
        panels = session.panels if session else []
        if made is None or not 0 <= number < len(panels) or (folder := panels[number].folder) is None:
            raise HTTPException(404, "there is no such run any more")
        if made.of_finished and panels[number].going:
            raise HTTPException(409, "the run has not ended yet")
        out = tempfile.TemporaryDirectory(prefix="gridflow-download-")
        try:
            path = made.make(folder, Path(out.name))
        except (InputError, RunError) as error:
            out.cleanup()
            raise HTTPException(409, str(error)) from None
        return FileResponse(path, filename=path.name, background=BackgroundTask(out.cleanup))

    app.on_shutdown(house.close)
    ui.run_with(
        application,
        title="gridflow explore",
        favicon="🕳️",
        dark=None,
        tailwind=False,
        message_history_length=20,
        show_welcome_message=False,
    )
    return application


def serve(base: Base, port: int, say: Callable[[str], None], browser: bool = True) -> None:
    """Serve the page on 127.0.0.1 until Ctrl-C; then end all processes.

    Parameters
    ----------
    base
        The case that pages open with.
    port
        Port to listen on; 0 for any that is free.
    say
        Called with the address of the page, which has the token.
    browser
        Whether to open it in the visitor's browser.

    Raises
    ------
    InputError
        If the port cannot be used.
    """
    table = color_table()
    house = House(base, lambda: Worker(table))
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise InputError(f"port = {port} cannot be used: {error}; choose another with --port") from None
        guard = Guard(build(house, table), listening.getsockname()[1])
        config = uvicorn.Config(guard, log_level="warning", ws_max_size=MOST_BODY, timeout_graceful_shutdown=1)
        say(guard.url)
        if browser:
            opening = threading.Timer(0.5, webbrowser.open, [guard.url])
            opening.daemon = True
            opening.start()
        with suppress(KeyboardInterrupt):  # it is raised again after the server has shut down
            uvicorn.Server(config).run(sockets=[listening])
