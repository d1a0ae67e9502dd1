"""The page in the browser: what is on it, and how it follows a session. The web library is NiceGUI."""

import base64
import binascii
import html
import time
from collections.abc import Callable
from typing import Any

from nicegui import ui

from gridflow.app import charts
from gridflow.app.downloads import DOWNLOADS
from gridflow.app.drawing import MOST_BYTES, Drawing, Stroke, colored, received_picture
from gridflow.app.panels import Panel
from gridflow.app.session import PACES, House, Session
from gridflow.app.setups import DRAWN, LEAST_S, MOST_S
from gridflow.errors import InputError, RunError

PATIENCE = 3.0
"""Seconds after which a picture that the browser has not shown is sent again."""
LABELS = {DRAWN: "draw it"}
"""Names of choices on the page, where they have another."""
LEAD = """
Bright is full, dark is empty. The density flows to the target, and a hole can only fill from its edge: nothing is
created inside. Choose a hole or draw one, press Run, and move s while it runs.
"""
SEEN = """
<p><b>Hole volume.</b> For s = 1 and a uniform target every hole, whatever its shape, loses its volume like
e<sup>−t</sup>: the dashed line is this exact law, which is seen until the hole is a few cells wide. For s &gt; 1 mass
piles up at the rim and the hole fills much more slowly.</p>
<p><b>Energy.</b> Half the squared kernel discrepancy between density and target; it never rises. Dashed: s = 1, for a
round hole.</p>
<p><b>Time.</b> A run ends after a few e-foldings of its slowest mode unless you say when. Two runs are shown at the
same time t, and the clock speeds up when they live on different scales.</p>
"""


class Torus(ui.element, component="canvas.js"):
    """The square that shows a density and is drawn on."""

    def __init__(self) -> None:
        super().__init__()
        self._sent: float | None = None
        self.on("shown", self._seen)

    def _seen(self) -> None:
        self._sent = None

    @property
    def busy(self) -> bool:
        """Whether the browser has not shown the last picture yet."""
        return self._sent is not None and time.monotonic() - self._sent < PATIENCE

    def show(self, picture: bytes) -> None:
        """Show a PNG file."""
        self._sent = time.monotonic()
        self.run_method("show", "data:image/png;base64," + base64.b64encode(picture).decode())


class PanelView:
    """A panel on the page: its picture and its controls."""

    def __init__(self, panel: Panel, number: int, table: Any, complain: Callable[[str], None], name: str) -> None:
        self.panel, self._table, self._complain = panel, table, complain
        self._shown: bytes | None = None
        self._target = False
        color, setup = charts.COLORS[number], panel.setup
        with ui.element("section").classes("card panel") as self._card:
            with ui.element("div").classes("panel-head"):
                with ui.element("div").classes("name"):
                    ui.element("span").classes("dot").style(f"background: {color}")
                    ui.label("Run" if number == 0 else "Second run")
                self._clock = ui.label().classes("clock")
                self._which = ui.toggle({False: "Start", True: "Target"}, value=False, on_change=self._turned)
                self._which.props("dense unelevated no-caps toggle-color=primary")
                self._again = ui.button("Set up again", on_click=lambda: self._try(panel.set_up_again))
                self._again.props("flat dense no-caps")
            self._torus = Torus()
            self._torus.props(f':radius=0.06 label="density of run {number + 1}"')
            self._torus.on("stroke", lambda event: self._try(lambda: self._drew(event.args)))
            self._torus.on("picture", lambda event: self._try(lambda: self._received(event.args)))
            with ui.element("div").classes("scale"):
                ui.label("0")
                stops = ", ".join(f"rgb({r}, {g}, {b})" for r, g, b in table[::15].tolist())
                ui.element("div").classes("bar").style(f"background: linear-gradient(to right, {stops})")
                self._high = ui.label()
            with ui.element("div").classes("tools") as self._tools:
                self._brush = ui.toggle({False: "Draw", True: "Erase"}, value=False, on_change=self._equip)
                self._brush.props("dense no-caps unelevated toggle-color=primary")
                self._radius = ui.slider(min=0.02, max=0.2, step=0.01, value=0.06, on_change=self._equip)
                self._radius.classes("brush").props('aria-label="size of the brush" dense')
                ui.button("Picture", on_click=lambda: self._torus.run_method("choose")).props("flat dense no-caps")
                ui.button("Clear", on_click=lambda: self._try(self._clear)).props("flat dense no-caps")
            with ui.element("div").classes("order"):
                self._order = ui.label().classes("value")
                slider = ui.slider(min=LEAST_S, max=MOST_S, step=0.05, value=setup.s).props('dense aria-label="s"')
                slider.on("change", lambda event: self._try(lambda: panel.change_order(round(float(event.args), 6))))
                slider.on_value_change(lambda event: self._order.set_text(f"s = {event.value:g}"))
                self._order.set_text(f"s = {setup.s:g}")
            with ui.element("div").classes("fields"):
                self._hole = self._choice("Hole", setup.holes, setup.hole, "hole")
                self._choice("Target", setup.targets, setup.target, "target")
                self._choice("Grid", {n: f"{n} × {n}" for n in setup.sizes}, setup.cells, "cells")
                self._end = ui.number("Until t =", value=setup.t_end, min=0)
                self._end.props("outlined dense stack-label clearable debounce=400")
                self._end.on_value_change(lambda event: self._choose(t_end=event.value))
            self._downloads = {}
            with ui.element("div").classes("downloads"):
                ui.icon("download")
                for kind, download in DOWNLOADS.items():
                    address = f"/download/{name}/{number}/{kind}"
                    button = ui.button(download.label, on_click=lambda address=address: ui.download.from_url(address))
                    self._downloads[kind] = button.props("flat dense no-caps")
                    button.tooltip(download.hint)
        self._equip()

    def _choice(self, label: str, values: Any, value: Any, key: str) -> ui.select:
        if isinstance(values, list):
            values = {each: LABELS.get(each, each) for each in values}
        field = ui.select(values, label=label, value=value, on_change=lambda event: self._choose(**{key: event.value}))
        return field.props("outlined dense options-dense")

    def _choose(self, **values: Any) -> None:
        self._try(lambda: self.panel.choose(**values))
        if "target" in values or "hole" in values:
            self._which.set_value("target" in values)

    def _turned(self, event: Any) -> None:
        self._target = bool(event.value)
        self._equip()

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
            self._complain("")
        except (InputError, RunError) as error:
            self._complain(str(error))
        self._equip()

    @property
    def _drawing(self) -> Drawing | None:
        """What the brush draws on; None if what is shown is not drawn."""
        setup = self.panel.setup
        if self.panel.state != "ready" or (setup.target if self._target else setup.hole) != DRAWN:
            return None
        return setup.drawn_target if self._target else setup.drawn_hole

    def _drew(self, data: Any) -> None:
        stroke = Stroke.received(data)
        if self._drawing is not None:
            self._drawing.add(stroke)

    def _received(self, data: Any) -> None:
        head, _, body = data.partition(",") if isinstance(data, str) else ("", "", "")
        if head != "data:image/png;base64" or len(body) > 2 * MOST_BYTES:
            raise InputError("this file is not a picture that the browser can read")
        try:
            picture = received_picture(base64.b64decode(body, validate=True))
        except binascii.Error:
            raise InputError("this picture did not arrive whole") from None
        if self._drawing is not None:
            self._drawing.clear()
            self._drawing.base = picture

    def _clear(self) -> None:
        if self._drawing is not None:
            self._drawing.clear()

    def _equip(self) -> None:
        """Give the brush its size and ink."""
        self._torus.props["erases"], self._torus.props["radius"] = self._brush.value, self._radius.value
        self._torus.props["light"] = self._target
        self._end.props["placeholder"] = f"{self.panel.setup.duration:g} (automatic)"
        self._end.update()
        self._shown = None
        self._torus.update()

    def delete(self) -> None:
        """Take the panel off the page."""
        self._card.delete()

    def refresh(self) -> bool:
        """Show what has changed; return whether the browser is ready for more."""
        panel = self.panel
        ready = panel.state == "ready"
        self._clock.set_text("" if ready else f"t = {panel.time:.3g} of {panel.t_end:.3g}")
        self._clock.set_visibility(not ready)
        self._which.set_visibility(ready)
        self._again.set_visibility(not ready and not panel.going)
        drawable = self._drawing is not None
        self._tools.set_visibility(drawable)
        if self._torus.props.get("drawable") != drawable:
            self._torus.props["drawable"] = drawable
            self._torus.update()
        for kind, button in self._downloads.items():
            ended = panel.folder is not None and not panel.going and panel.state != "ready"
            has = ended if DOWNLOADS[kind].of_finished else panel.state != "ready"
            button.set_enabled(has)
        if self._torus.busy:
            return False
        picture = panel.picture
        if ready and self._shown is None:
            self._shown = b""
            try:
                self._preview()
            except (InputError, RunError) as error:
                self._complain(str(error))
        elif not ready and picture and picture is not self._shown:
            self._shown = picture
            self._high.set_text(f"{panel.high:.3g}")
            self._torus.show(picture)
        return True

    def _preview(self) -> None:
        """Show the density that the run will begin with, or the target."""
        density, high = self.panel.setup.density(self.panel.files)
        if self._target:
            density = self.panel.setup.target_density(self.panel.files)
        self._high.set_text(f"{high:.3g}")
        self._torus.show(colored(density, high, self._table))


class PageView:
    """The page of one visitor."""

    def __init__(self, house: House, session: Session, name: str, table: Any) -> None:
        self._house, self._session, self._name, self._table = house, session, name, table
        self._before = time.monotonic()
        self._drawn: Any = None
        self._error = ""
        with ui.element("main").classes("page"):
            with ui.element("header").classes("head"):
                ui.html("<h1>How does a hole fill?</h1>", sanitize=False)
                ui.html(f"<p>{html.escape(LEAD)}</p>", sanitize=False)
            with ui.element("div").classes("stage") as self._stage:
                self._views = [self._panel(0)]
                with ui.element("section").classes("side") as self._side:
                    self._controls()
                    self._charts()
        ui.timer(0.1, self._refresh)

    def _panel(self, number: int) -> PanelView:
        return PanelView(self._session.panels[number], number, self._table, self._complain, self._name)

    def _controls(self) -> None:
        with ui.element("div").classes("card buttons-card"):
            with ui.element("div").classes("bar-of-buttons"):
                self._run = ui.button("Run", icon="play_arrow", on_click=self._pressed, color=None)
                self._run.classes("run-button").props("no-caps unelevated")
                self._stop = ui.button("Stop", on_click=self._session.stop).props("no-caps flat")
                self._compare = ui.button("Compare", on_click=self._compared).props("no-caps flat")
                pace = ui.select({n: f"in {n} s" for n in PACES}, value=int(self._session.seconds), label="Watch it")
                pace.props("outlined dense options-dense").classes("wide-only")
                pace.on_value_change(lambda event: setattr(self._session, "seconds", float(event.value)))
            self._note = ui.label().classes("note").props("aria-live=polite")

    def _charts(self) -> None:
        with ui.element("div").classes("card"):
            ui.html(
                "<div class='chart-title'>Hole volume<span>dashed: exact law for s = 1</span></div>",
                sanitize=False,
            )
            self._hole = ui.echart(self._options("hole")).classes("chart")
        with ui.element("div").classes("card"):
            ui.html("<div class='chart-title'>Energy<span>dashed: a round hole, s = 1</span></div>", sanitize=False)
            self._energy = ui.echart(self._options("energy")).classes("chart")
        ui.html(SEEN, sanitize=False).classes("seen")

    def _options(self, name: str) -> dict[str, Any]:
        return charts.options(self._session.panels, name, f"{name}_law", logarithmic=name == "energy")

    def _complain(self, message: str) -> None:
        self._error = message

    def _pressed(self) -> None:
        """Run, pause or go on, whatever the button says."""
        self._error = ""
        if self._session.paused:
            self._session.resume()
        elif self._session.going:
            self._session.pause()
        else:
            try:
                self._house.begin(self._session)
            except (InputError, RunError) as error:
                self._complain(str(error))

    def _compared(self) -> None:
        if len(self._session.panels) == 1:
            self._session.compare()
            with self._stage:
                self._views.append(self._panel(1))
            self._side.move(target_index=2)
        else:
            view = self._views.pop()
            view.delete()
            self._session.compare_no_more()
        self._stage.classes(toggle="two")
        self._drawn = None

    def _refresh(self) -> None:
        """Let the session go on, and show what has changed, but only if the browser has shown the last."""
        now = time.monotonic()
        self._session.tick(now - self._before)
        self._before = now
        going, paused = bool(self._session.going), self._session.paused
        self._run.set_text("Go on" if paused else "Pause" if going else "Run")
        self._run.set_icon("pause" if going and not paused else "play_arrow")
        self._run.set_enabled(all(panel.state != "starting" for panel in self._session.panels))
        self._stop.set_enabled(going)
        one = len(self._session.panels) == 1
        self._compare.set_text("Compare" if one else "Single")
        self._compare.set_enabled(not going)
        failed = next((panel.note for panel in self._session.panels if panel.state == "failed"), "")
        shown = self._session.going or self._session.panels
        notes = [panel.note or _WORDS.get(panel.state, "") for panel in shown]
        self._note.set_text(self._error or failed or next(filter(None, notes), ""))
        self._note.classes(add="bad" if self._error or failed else "", remove="" if self._error or failed else "bad")
        ready = [view.refresh() for view in self._views]
        drawn = [(panel.time, panel.t_end, panel.state, len(panel.hole.points)) for panel in self._session.panels]
        if all(ready) and drawn != self._drawn:
            self._drawn = drawn
            for chart, name in ((self._hole, "hole"), (self._energy, "energy")):
                chart.options.update(self._options(name))
                chart.update()


_WORDS = {
    "ready": "Press Run: the hole fills in a few seconds.",
    "starting": "starting the solver …",
    "running": "running; move s to change the kernel under way",
    "paused": "paused; s may be changed",
}
"""What the note says in a state without a note of its own."""
