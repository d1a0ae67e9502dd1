"""What a page does, with an engine that only remembers its commands."""

import math

import pytest

from gridflow.app.drawing import EMPTY
from gridflow.app.panels import MOST_POINTS, Curve
from gridflow.app.session import LEAD, MOST_PAGES, MOST_RUNS, House, Session
from gridflow.app.setups import DRAWN, Base
from gridflow.app.worker import Began, Begin, ChangeOrder, Ended, Expected, Failed, Frame, Go, Lost, Row, Stop
from gridflow.errors import InputError


class Remembering:
    def __init__(self):
        self.commands, self.events, self.closed = [], [], False

    def send(self, command):
        self.commands.append(command)

    def take(self):
        found, self.events = self.events, []
        return found

    def close(self):
        self.closed = True

    @property
    def allowed(self):
        return [command.until for command in self.commands if isinstance(command, Go)]


@pytest.fixture
def engines():
    return []


@pytest.fixture
def session(engines):
    def make():
        engines.append(Remembering())
        return engines[-1]

    found = Session(Base.default(), make)
    found.wake()
    yield found
    found.close()


def frame(time, high=1.0):
    return Frame(time, b"picture", high, (Row(time, math.exp(-2 * time), math.exp(-time)),))


def test_a_run_begins_waits_goes_on_and_ends(session, engines):
    panel, engine = session.panels[0], engines[0]
    session.begin()
    assert panel.state == "starting"
    assert isinstance(engine.commands[0], Begin)
    session.tick(0.1)
    assert engine.allowed == []  # the clock waits for a run that compiles
    engine.events += [Began(0.0, 1.0, 5.0), frame(0.0)]
    session.tick(0.1)
    assert panel.state == "running"
    first = engine.allowed[-1]
    session.pause()
    assert session.paused
    assert engine.allowed[-1] == -math.inf
    session.tick(0.1)
    assert engine.allowed[-1] == -math.inf
    session.resume()
    engine.events.append(frame(first))
    session.tick(0.1)
    assert first < engine.allowed[-1] < 5
    with pytest.raises(InputError, match="going on"):
        panel.begin()
    engine.events += [frame(5.0), Ended("finished", "t = 5 reached")]
    session.tick(0.1)
    assert (panel.state, panel.note, panel.time) == ("finished", "t = 5 reached", 5.0)
    assert [time for time, _ in panel.hole.points] == [0.0, first, 5.0]


def test_two_runs_keep_the_same_time_though_one_is_slow_to_begin_and_to_compute(session, engines):
    session.compare()
    fast, slow = engines
    session.begin()
    fast.events += [Began(0.0, 1.0, 5.0), frame(0.0)]
    session.tick(0.1)
    assert fast.allowed == []  # the other one compiles
    slow.events += [Began(0.0, 2.0, 200.0), frame(0.0)]
    for _ in range(100):  # ten seconds in which the slow one does not answer
        session.tick(0.1)
        if fast.allowed:
            fast.events.append(frame(fast.allowed[-1]))
    speed = 5 * math.log1p(200 / 5) / session.seconds
    assert fast.allowed[-1] == slow.allowed[-1] == pytest.approx(speed * LEAD)


def test_the_clock_reaches_the_end_in_the_seconds_chosen(session, engines):
    session.begin()
    engines[0].events.append(Began(0.0, 1.0, 5.0))
    session.seconds, seconds = 20.0, 0.0
    while session.panels[0].time < 5:
        session.tick(0.01)
        seconds += 0.01
        engines[0].events.append(frame(engines[0].allowed[-1]))
    assert seconds == pytest.approx(20, rel=0.02)


def test_s_changes_under_way_and_what_was_chosen_while_compiling_counts(session, engines):
    panel, engine = session.panels[0], engines[0]
    session.begin()
    panel.change_order(1.5)
    assert not any(isinstance(command, ChangeOrder) for command in engine.commands)
    engine.events += [Began(0.0, 1.0, 5.0), Expected(((0.0, 1.0), (5.0, 0.1)), ()), frame(0.0)]
    session.tick(0.1)
    assert engine.commands[1] == ChangeOrder(1.5, None)
    engine.events += [Began(0.2, 1.5, 30.0), Expected((), ()), frame(0.3)]
    session.tick(0.1)
    assert panel.orders == [(0.0, 1.0), (0.2, 1.5)]
    assert panel.t_end == 30.0
    assert [time for time, value in panel.energy.points if math.isnan(value)] == [0.2]
    assert max(time for time, _ in panel.hole_law.points) == 0.2  # the law of s = 1 ends where s = 1 does
    with pytest.raises(InputError, match=r"s = 7"):
        panel.change_order(7.0)


def test_a_lost_process_is_told_and_the_next_run_has_another(session, engines):
    panel = session.panels[0]
    session.begin()
    engines[0].events += [Began(0.0, 1.0, 5.0), frame(0.0), Lost("the solver's process ended (exit code -9)")]
    session.tick(0.1)
    assert (panel.state, panel.note) == ("failed", "the solver's process ended (exit code -9)")
    assert engines[0].closed
    session.begin()
    assert panel.state == "starting"
    assert isinstance(engines[1].commands[0], Begin)
    engines[1].events.append(Failed("the density became negative"))
    session.tick(0.1)
    assert (panel.state, panel.note) == ("failed", "the density became negative")
    assert not engines[1].closed


def test_stop_reaches_a_run_that_is_paused(session, engines):
    session.begin()
    engines[0].events += [Began(0.0, 1.0, 5.0)]
    session.tick(0.1)
    session.pause()
    session.stop()
    assert engines[0].commands[-1] == Stop()


def test_pages_and_runs_are_limited_and_a_closed_page_leaves_nothing():
    engines = []

    def make():
        engines.append(Remembering())
        return engines[-1]

    house = House(Base.default(), make)
    sessions = [house.enter(str(number)) for number in range(MOST_PAGES)]
    with pytest.raises(InputError, match="pages are open"):
        house.enter("one more")
    for session in sessions:
        session.wake()
        session.compare()
    for session in sessions[: MOST_RUNS // 2]:
        house.begin(session)
    with pytest.raises(InputError, match="runs are going on"):
        house.begin(sessions[-1])
    folder = sessions[0].panels[0].folder
    house.leave("0")
    assert not folder.exists()
    assert [engine.closed for engine in engines].count(True) == 2
    house.begin(sessions[-1])
    house.close()
    assert all(engine.closed for engine in engines)


def test_a_curve_stays_short_and_keeps_its_ends_and_gaps():
    curve = Curve()
    for time in range(20 * MOST_POINTS):
        curve.add(time, math.nan if time == 777 else 1.0)
    assert len(curve.points) <= MOST_POINTS
    assert curve.points[0][0] == 0
    assert curve.points[-1][0] == 20 * MOST_POINTS - 1
    assert [time for time, value in curve.points if math.isnan(value)] == [777]


def test_a_setup_that_is_not_allowed_begins_no_run_at_all(session, engines):
    session.compare()
    second = session.panels[1]
    second.choose(hole=DRAWN)
    second.setup.drawn_hole.paper = EMPTY
    with pytest.raises(InputError, match="no mass"):
        session.begin()
    assert [panel.state for panel in session.panels] == ["ready", "ready"]
    assert [engine.commands for engine in engines] == [[], []]


def test_a_finished_run_stays_until_another_hole_is_chosen(session, engines):
    panel = session.panels[0]
    session.begin()
    engines[0].events += [Began(0.0, 1.0, 5.0), frame(5.0), Ended("finished", "t = 5 reached")]
    session.tick(0.1)
    panel.change_order(2.0)
    assert (panel.state, panel.picture) == ("finished", b"picture")
    panel.choose(hole="ring")
    assert (panel.state, panel.picture) == ("ready", b"")
    assert panel.t_end == pytest.approx(5 * (2 * math.pi) ** 2, rel=0.05)  # of two digits
    panel.choose(t_end=3.0)
    assert panel.t_end == 3.0
