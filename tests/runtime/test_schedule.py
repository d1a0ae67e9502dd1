"""Schedules: no event missed, none met twice, no sliver of a step, and nothing remembered between calls."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridflow.errors import InputError
from gridflow.runtime.schedule import SAME_TIME, AtTimes, EverySteps, EveryTime, EveryWall, Moment, later, log_times
from solvers.stepping.bounds import fit

INTERVALS = (0.1, 0.3, 0.7, 1 / 3, 0.025, 1e-3, 1.0, 0.5, math.pi, 1e5 / 3, 1e-9)
EPS = np.finfo(float).eps


def advance(schedule, steps, start=0.0, until=math.inf):
    """Run to a number of steps or a time, landing on the schedule's times: the times of the events, and all times."""
    moment = Moment(start, 0, 0.0)
    events, times = [], [start]
    for dt in steps:
        target = min(schedule.next_time(moment.time), until)
        step = fit(dt, moment.time, target)
        now = Moment(target if step == target - moment.time else moment.time + step, moment.step + 1, 0.0)
        if schedule.due(moment, now):
            events.append(now.time)
        times.append(now.time)
        moment = now
        if moment.time >= until:
            break
    return events, times


# every so much time


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_thousand_events_none_missed_none_double_no_sliver(interval):
    """Intervals that are no binary fractions, steps of random lengths; every landing is the float k · interval."""
    rng = np.random.default_rng(0)
    schedule = EveryTime(interval)
    events, times = advance(schedule, rng.uniform(0.2, 1.3, 20000) * interval, until=1000 * interval)
    # the k-th event is the product of two floats: one rounding
    assert events == [k * interval for k in range(1, 1001)]
    # a step is halved rather than leave less than itself: none shorter than half the least Δt, up to ε of the time
    assert np.diff(times).min() >= 0.1 * interval - 2 * EPS * 1000 * interval


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("pieces", [1, 3, 7, 10])
def test_events_are_met_by_a_clock_that_only_adds(interval, pieces):
    """A run that sums Δt = interval / m and never lands meets each event once, within round-off of its time."""
    schedule, time, met = EveryTime(interval), 0.0, []
    for k in range(1000 * pieces):
        now = time + interval / pieces
        if schedule.due(Moment(time, k, 0.0), Moment(now, k + 1, 0.0)):
            met.append(now)
        time = now
    # sums of 10⁴ terms drift by up to 10⁴ ε/2 = 1.1e-12 relative, beyond SAME_TIME: the last event may be out of reach
    assert len(met) in (999, 1000)
    assert np.array(met) == pytest.approx(interval * np.arange(1, len(met) + 1), rel=0, abs=interval / pieces * 1.01)


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_next_event_after_an_event_is_the_one_after_it(interval):
    schedule = EveryTime(interval)
    for k in [*range(1, 1200), 12345, 999_999, 10**8]:
        time = k * interval
        for nearby in (time, math.nextafter(time, math.inf), math.nextafter(time, -math.inf)):
            assert schedule.next_time(nearby) == (k + 1) * interval
        assert schedule.next_time((k + 0.5) * interval) == (k + 1) * interval
    assert schedule.next_time(0.0) == interval


@settings(max_examples=300, deadline=None)
@given(
    interval=st.floats(1e-9, 1e9),
    ratio=st.floats(0, 1e8),
)
def test_next_time_is_the_first_multiple_later_than_a_time(interval, ratio):
    time = interval * ratio
    following = EveryTime(interval).next_time(time)
    assert following > later(time)
    multiple = round(following / interval)
    assert following == multiple * interval
    # exactly: the multiple before is not later, up to the rounding of a product
    before = Fraction(multiple - 1) * Fraction(interval)
    assert before <= Fraction(time) * (1 + Fraction(SAME_TIME) * 2)


@settings(max_examples=150, deadline=None)
@given(
    interval=st.floats(1e-3, 1e3),
    steps=st.lists(st.floats(1e-3, 5.0), min_size=1, max_size=60),
    cut=st.integers(0, 60),
)
def test_a_resumed_run_meets_the_same_events(interval, steps, cut):
    """Nothing but the times before and after a step decides: a new object from the middle on changes nothing."""
    scaled = [s * interval for s in steps]
    events, times = advance(EveryTime(interval), scaled)
    cut = min(cut, len(steps))
    first, times_first = advance(EveryTime(interval), scaled[:cut])
    second, times_second = advance(EveryTime(interval), scaled[cut:], start=times_first[-1])
    assert first + second == events
    assert times_first + times_second[1:] == times
    assert events == [k * interval for k in range(1, len(events) + 1)]


def test_asking_does_not_change_the_answer():
    for schedule in (EveryTime(0.1), AtTimes([0.1, 0.2]), EverySteps(3), EveryWall(0.5)):
        before, now = Moment(0.05, 2, 0.4), Moment(0.1, 3, 0.6)
        assert [schedule.due(before, now) for _ in range(3)] == [True] * 3
        assert len({schedule.next_time(0.05) for _ in range(3)}) == 1


@pytest.mark.parametrize("interval", [0.0, -0.1, math.inf, math.nan])
def test_an_interval_is_positive(interval):
    with pytest.raises(InputError, match=f"interval = {interval}: it must be positive"):
        EveryTime(interval)


def test_later_is_beyond_round_off():
    assert later(0.0) == 0.0
    assert later(2.0) == 2.0 + 2e-12
    assert later(-2.0) > -2.0
    # products and quotients of an interval are off by a few ε: 4500 of them fit in SAME_TIME
    assert SAME_TIME > 1000 * EPS


# listed times


def test_listed_times_are_met_in_order_whatever_the_steps():
    times = (0.7, 0.1, 0.30000000000000004, 12.5, 1e-3)
    events, _ = advance(AtTimes(times), [0.05] * 400, until=13.0)
    assert events == sorted(times)


def test_times_equal_but_for_round_off_are_one_event():
    schedule = AtTimes([0.3, 0.1 + 0.2, 0.5])
    events, _ = advance(schedule, [1.0] * 3, until=1.0)
    assert events == [0.3, 0.5]


def test_after_the_last_time_there_is_none():
    schedule = AtTimes([0.5, 1.0])
    assert schedule.next_time(0.0) == 0.5
    assert schedule.next_time(0.5) == 1.0
    assert schedule.next_time(1.0) == math.inf
    assert AtTimes([]).next_time(0.0) == math.inf
    assert not schedule.due(Moment(1.0, 5, 0.0), Moment(9.0, 6, 0.0))


@settings(max_examples=200, deadline=None)
@given(
    times=st.lists(st.floats(1e-6, 100), max_size=20),
    steps=st.lists(st.floats(1e-3, 10), min_size=1, max_size=50),
)
def test_every_listed_time_passed_is_met_once(times, steps):
    events, passed = advance(AtTimes(times), steps)
    distinct = []
    for time in sorted(times):
        if not distinct or time > later(distinct[-1]):
            distinct.append(time)
    # a time within round-off of a landing is that landing
    assert events == [time for time in distinct if time <= later(passed[-1])]
    assert passed == sorted(passed)


@pytest.mark.parametrize("times", [(-0.1,), (0.1, math.inf), (math.nan,)])
def test_listed_times_are_finite_and_nonnegative(times):
    with pytest.raises(InputError, match="finite and ≥ 0") as error:
        AtTimes(times)
    assert str(times[-1]) in str(error.value)


@pytest.mark.parametrize(("first", "last", "count"), [(0.01, 100.0, 9), (1e-3, 2.0, 2), (0.3, 0.7, 40)])
def test_log_times_have_a_constant_ratio(first, last, count):
    times = np.array(log_times(first, last, count).times)
    assert len(times) == count
    assert times[0] == first
    assert times[-1] == last
    # powers of the ratio are right to ε times their logarithms
    ratio = (last / first) ** (1 / (count - 1))
    assert times[1:] / times[:-1] == pytest.approx(ratio, rel=64 * EPS)


@pytest.mark.parametrize("arguments", [(0.0, 1.0, 5), (-1.0, 1.0, 5), (1.0, 1.0, 5), (2.0, 1.0, 5), (0.1, 1.0, 1)])
def test_log_times_need_an_interval(arguments):
    with pytest.raises(InputError, match="0 < first < last and a count ≥ 2") as error:
        log_times(*arguments)
    assert all(str(value) in str(error.value) for value in arguments)


# steps and wall clock


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_every_n_steps(steps):
    schedule = EverySteps(steps)
    due = [k for k in range(1, 50) if schedule.due(Moment(0.1 * k - 0.1, k - 1, 0.0), Moment(0.1 * k, k, 0.0))]
    assert due == list(range(steps, 50, steps))
    assert schedule.next_time(0.3) == math.inf


@pytest.mark.parametrize("steps", [0, -3])
def test_a_number_of_steps_is_at_least_one(steps):
    with pytest.raises(InputError, match=f"steps = {steps}: it must be a whole number of at least 1"):
        EverySteps(steps)


def test_every_so_many_seconds_of_wall_clock():
    schedule = EveryWall(0.5)
    walls = np.arange(0, 64) / 16 + 1 / 64  # binary fractions: no rounding
    due = [b for a, b in pairwise(walls) if schedule.due(Moment(0, 0, a), Moment(0, 1, b))]
    assert due == [k / 2 + 1 / 64 for k in range(1, 8)]
    assert schedule.next_time(0.0) == math.inf


@settings(max_examples=100, deadline=None)
@given(seconds=st.floats(1e-3, 1e3), gaps=st.lists(st.floats(0, 1e4), min_size=1, max_size=40))
def test_wall_clock_events_come_once_however_long_a_step_takes(seconds, gaps):
    """Several intervals within a step are one event; an interval without a step has none."""
    walls = np.concatenate([[0.0], np.cumsum(gaps)]).tolist()
    schedule = EveryWall(seconds)
    for before, now in pairwise(walls):
        due = schedule.due(Moment(0, 0, before), Moment(0, 1, now))
        exact = Fraction(now) // Fraction(seconds) > Fraction(before) // Fraction(seconds)
        assert due == exact


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_seconds_are_positive(seconds):
    with pytest.raises(InputError, match=f"seconds = {seconds}: it must be positive"):
        EveryWall(seconds)
