"""Work behind a run's back: in order, one at a time, and its failures come to light."""

import threading

import pytest

from gridflow.runtime.background import Background


def test_one_job_at_a_time_and_in_order():
    background, done, gate = Background(), [], threading.Event()

    def slow():
        gate.wait(10)
        done.append("first")

    background.begin(slow)
    assert done == []
    gate.set()
    background.begin(lambda: done.append("second"))
    assert done[0] == "first"
    background.wait()
    assert done == ["first", "second"]


def test_a_failure_is_raised_once_where_somebody_waits():
    background, done = Background(), []

    def fail():
        raise OSError("full")

    background.begin(fail)
    with pytest.raises(OSError, match="full"):
        background.begin(lambda: done.append("after"))
    background.wait()
    assert done == []
    background.begin(lambda: done.append("later"))
    background.wait()
    assert done == ["later"]


def test_no_thread_is_left():
    background = Background()
    background.begin(lambda: None)
    background.wait()
    background.wait()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gridflow")]
