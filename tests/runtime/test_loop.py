"""The run loop, its callbacks and the series."""

import contextlib
import io
import math
import os
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest

import gridflow as gf
from gridflow.equation.contract import require_sound
from gridflow.measures.diagnostics import crossing_time
from gridflow.runtime.progress import ProgressReport, compiled
from solvers import FiniteVolume


@pytest.fixture
def grid():
    return gf.Grid((32, 32))


@pytest.fixture
def hole(grid):
    return gf.ball_hole(grid, 0.25)


def solver(grid, s=1.0, target=None, growth=0.0, **options):
    return FiniteVolume(gf.Flow(grid, gf.Riesz(s), gf.uniform(grid) if target is None else target, growth), **options)


def test_a_run_lands_exactly_on_every_event_and_the_end(grid, hole):
    seen = []
    times = (0.123, 0.3, 0.7777)
    watch = gf.Callback(lambda run: seen.append(run.state.time), gf.AtTimes(times))
    run = gf.run(solver(grid), hole, t_end=0.9, callbacks=[watch])
    assert tuple(seen) == times
    assert run.time == 0.9
    assert run.status == "finished"


def test_a_schedule_of_steps_does_not_change_the_solution(grid, hole):
    plain = gf.run(solver(grid), hole, t_end=0.5)
    watched = gf.run(
        solver(grid), hole, t_end=0.5, series=gf.EverySteps(1), callbacks=[gf.Callback(print, gf.EveryWall(99))]
    )
    assert (plain.density == watched.density).all()


def test_callbacks_run_when_due_and_at_the_ends(grid, hole):
    steps = []
    gf.run(
        solver(grid),
        hole,
        t_end=0.5,
        callbacks=[gf.Callback(lambda run: steps.append(run.state.step), gf.EverySteps(4), at_start=True, at_end=True)],
    )
    assert steps[0] == 0
    assert all(step % 4 == 0 for step in steps[:-1])
    assert len(set(steps)) == len(steps)


def test_series_of_a_hole_has_each_quantity_beside_its_law(grid, hole):
    run = gf.run(solver(grid), hole, t_end=0.5)
    series = run.series
    law = gf.theory.HoleLaw(math.pi / 16, 1.0, 1.0)
    # |H0| of the start is exact but for round-off: the sum of true cell averages
    assert series["hole_volume_exact"] == pytest.approx(law(series["time"]), rel=1e-12)
    assert series["plateau_exact"] == pytest.approx(law.plateau(series["time"]), rel=1e-12)
    assert series["contour_volume_exact"] == pytest.approx(law(series["time"]), rel=1e-12)
    for name in ("mass", "hole_volume", "plateau", "contour_volume"):
        assert series[f"{name}_ratio"] == pytest.approx(series[name] / series[f"{name}_exact"])
    assert series["step"][-1] == run.steps
    assert series["kmd"] == pytest.approx(np.sqrt(2 * series["energy"]))
    assert (np.diff(series["energy"]) < 0).all()


def test_series_of_a_smooth_start_has_the_logistic_law_of_its_extrema(grid):
    series = gf.run(solver(grid), gf.cosine(grid, 0.5), t_end=0.5).series
    start = gf.cosine(grid, 0.5)
    assert series["min_exact"] == pytest.approx(gf.theory.LogisticLaw(start.min(), 1.0)(series["time"]))
    assert series["max_exact"] == pytest.approx(gf.theory.LogisticLaw(start.max(), 1.0)(series["time"]))
    assert "hole_volume" not in series


@pytest.mark.parametrize("case", ["s", "target", "growth"])
def test_series_claims_no_law_that_does_not_hold(grid, hole, case):
    change = {"s": {"s": 2.0}, "target": {"target": gf.cosine(grid, 0.2)}, "growth": {"growth": 1.0}}[case]
    series = gf.run(solver(grid, **change), hole, t_end=0.1).series
    assert "hole_volume" in series
    assert "contour_volume" not in series
    assert "hole_volume" not in gf.run(solver(grid, **change, tracer=False), hole, t_end=0.1).series
    assert ("hole_volume_least" in series) == (case == "target")
    assert not [name for name in series if name.endswith("_exact") and name != "mass_exact"]
    assert ("mass_exact" in series) == (case != "growth")


def test_the_dissipation_is_the_slope_of_the_energy(grid):
    """The scheme's own dissipation against differences of the energy: second order in the time between rows."""
    series = gf.run(solver(grid, cfl=0.05), gf.cosine(grid, 0.5), t_end=0.1, series=gf.EverySteps(1)).series
    slope = np.gradient(series["energy"], series["time"])[1:-1]
    spacing = np.diff(series["time"]).max()
    assert -slope == pytest.approx(series["dissipation"][1:-1], rel=10 * spacing**2 * 4)


def test_a_state_is_diagnosed_once_whoever_asks(grid, hole):
    asked = []

    class Counted(FiniteVolume):
        def diagnose(self, state):
            asked.append(state.step)
            return super().diagnose(state)

    conditions = [gf.Callback(lambda run: run.diagnosis, gf.EverySteps(5)), gf.stop_when_steady(0, gf.EverySteps(5))]
    run = gf.run(
        Counted(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))), hole, 0.5, callbacks=conditions, series=gf.EverySteps(10)
    )
    assert asked == sorted({*range(0, run.steps, 5), run.steps})


def test_a_step_that_fails_is_not_seen(grid, hole, tmp_path):
    """The solver refuses its own result; whatever is due then, the last good state is all that anybody meets."""
    seen = []

    class Failing(FiniteVolume):
        def step(self, state, until):
            if state.step == 7:
                bad = self.density(state).copy()
                bad[3, 4] = np.nan
                require_sound(self.flow.grid, bad, 0.123)
            super().step(state, until)

    with pytest.raises(gf.RunError, match=r"at t = 0\.123 the density is not finite: nan in cell \[3, 4\]"):
        gf.run(
            Failing(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))),
            hole,
            t_end=1.0,
            store=tmp_path / "a.run",
            snapshots=gf.EverySteps(1),
            series=gf.EverySteps(1),
            checkpoints=gf.EverySteps(3),
            callbacks=[gf.Callback(lambda run: seen.append(run.state.step), gf.EverySteps(1))],
        )
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.status == "failed"
    assert "not finite: nan in cell [3, 4]" in stored.manifest["reason"]
    assert seen == list(range(1, 8))
    assert [snapshot.step for snapshot in stored.snapshots()] == list(range(8))
    assert stored.series["step"].tolist() == list(range(8))
    assert [path.name for path in stored.checkpoints()] == ["000000000006.h5", "000000000003.h5"]


def test_stop_conditions(grid, hole):
    run = gf.run(solver(grid), hole, t_end=50.0, callbacks=[gf.stop_when_energy_below(1e-4)])
    assert run.status == "stopped"
    assert "is below 0.0001, which it crossed at t = " in run.reason
    assert run.series["energy"][-1] < 1e-4 < run.series["energy"][-3]
    run = gf.run(solver(grid, s=2.0), hole, t_end=1e4, callbacks=[gf.stop_when_steady(0.01)])
    assert run.status == "stopped"
    assert "steady" in run.reason
    assert run.series["dissipation"][-1] <= 0.01 * run.series["energy"][-1]


def test_conditions_stop_at_the_first_step_after_the_crossing_and_say_when_it_was():
    """Long exponential steps: one e-folding and more each, and the crossing is found between the last two."""
    grid = gf.Grid((128,))
    flow, start = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), gf.random_sobolev(grid, 1.0, 0.3)
    whole = gf.run(FiniteVolume(flow), start, 1e4, series=gf.EverySteps(1)).series
    for name, condition, curve in (
        ("energy", gf.stop_when_energy_below, whole["energy"]),
        ("rate", gf.stop_when_steady, whole["dissipation"] / whole["energy"]),
    ):
        threshold = float(np.sqrt(curve[-30] * curve[-29])) if name == "energy" else 1e-3
        run = gf.run(FiniteVolume(flow), start, 1e4, series=gf.EverySteps(1), callbacks=[condition(threshold)])
        first = int(np.flatnonzero(curve[1:] <= threshold)[0]) + 1
        assert run.steps == first, name
        assert whole["time"][first - 1] < run.crossing <= whole["time"][first]
        exact = crossing_time(whole["time"][first - 1 :], curve[first - 1 :], threshold)
        assert run.crossing == pytest.approx(exact, rel=1e-12), name


def test_a_resumed_run_finds_the_same_crossing(tmp_path):
    """The look before the crossing was before the checkpoint."""
    grid = gf.Grid((128,))
    flow, start = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), gf.random_sobolev(grid, 1.0, 0.3)

    def go(name, t_end, **options):
        conditions = [gf.stop_when_energy_below(2e-7)]
        times = gf.AtTimes([150.0])
        return gf.run(
            FiniteVolume(flow), start, t_end, store=tmp_path / name, snapshots=times, callbacks=conditions, **options
        )

    whole = go("whole.run", 1e4)
    assert whole.crossing is not None
    steps = whole.steps
    part = go("part.run", 1e4, checkpoints=gf.EverySteps(steps - 1))
    assert part.crossing == whole.crossing
    for checkpoint in sorted((tmp_path / "part.run" / "checkpoints").iterdir())[1:]:
        checkpoint.unlink()
    again = go("part.run", 1e4, resume=True)
    assert (again.steps, again.crossing, again.reason) == (whole.steps, whole.crossing, whole.reason)
    assert gf.open_run(tmp_path / "part.run").manifest["crossing"] == whole.crossing


def test_a_stopped_run_stays_stopped_when_resumed(grid, hole, tmp_path):
    def go(resume):
        return gf.run(
            solver(grid),
            hole,
            t_end=50.0,
            store=tmp_path / "a.run",
            callbacks=[gf.stop_when_energy_below(1e-3)],
            resume=resume,
        )

    first, again = go(resume=False), go(resume=True)
    assert (again.status, again.reason, again.steps) == (first.status, first.reason, first.steps)
    assert first.status == "stopped"


def test_the_wall_clock_of_callbacks_counts(grid, hole):
    ticks = []
    nap = gf.Callback(lambda _: time.sleep(0.03), gf.EverySteps(1))
    tick = gf.Callback(lambda run: ticks.append(run.moment().wall), gf.EveryWall(0.06))
    run = gf.run(solver(grid), hole, t_end=1.0, callbacks=[nap, tick])
    # every step sleeps half of the interval, so at least every third step passes a multiple of it
    assert len(ticks) >= run.steps // 3


@pytest.mark.parametrize("t_end", [15.97, 0.07, 1 / 3])
def test_the_end_is_exact_though_multiples_of_an_interval_round(grid, t_end, tmp_path):
    flow = gf.Flow(grid, gf.Riesz(3), gf.uniform(grid))
    run = gf.run(FiniteVolume(flow), gf.cosine(grid, 0.1), t_end=t_end, store=tmp_path / "a.run")
    assert run.time == t_end
    assert gf.open_run(tmp_path / "a.run").times[-1] == t_end


def test_bad_arguments_are_named(grid, hole):
    with pytest.raises(gf.InputError, match="t_end = -1"):
        gf.run(solver(grid), hole, t_end=-1)
    with pytest.raises(gf.InputError, match="snapshot_dtype 'int'"):
        gf.run(solver(grid), hole, t_end=1, snapshot_dtype="int")
    with pytest.raises(gf.InputError, match="snapshots and resume: without store, the run directory, nothing is"):
        gf.run(solver(grid), hole, t_end=1, snapshots=gf.EveryTime(0.5), resume=True)
    for callbacks in (gf.stop_when_energy_below(1.0), [print]):
        with pytest.raises(gf.InputError, match=r"callbacks = .*: a list of gridflow\.Callback is needed"):
            gf.run(solver(grid), hole, t_end=1, callbacks=callbacks)
    with pytest.raises(gf.InputError, match=r"mass 2 but the target has mass 1"):
        gf.run(solver(grid), 2 * hole, t_end=1)
    with pytest.raises(gf.InputError, match=r"shape \(3,\); the grid has \(32, 32\)"):
        gf.run(solver(grid), np.ones(3), t_end=1)


def test_progress_is_a_few_lines_when_nobody_watches(grid, hole, capsys):
    gf.run(solver(grid), hole, t_end=0.5, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 3  # one at the start and one at the end, if it does not take ten seconds
    assert lines[0].startswith("t = 0 of 0.5")
    assert lines[-1].startswith("t = 0.5 of 0.5")
    for word in ("step", "dt", "energy", "min", "steps/s"):
        assert word in lines[-1]


@pytest.mark.parametrize(("pause", "told"), [(1000.0, False), (1e-9, True)])
def test_unless_asked_for_only_long_runs_are_reported_where_nobody_watches(grid, hole, pause, told):
    stream = io.StringIO()
    report = ProgressReport(stream=stream, pause=pause)
    gf.run(solver(grid), hole, t_end=0.1, callbacks=report.callbacks(), progress=False)
    assert ("t = 0.1 of 0.1" in stream.getvalue()) == told
    assert told or stream.getvalue() == ""


def test_compiling_is_told_only_if_it_takes_long():
    slow = SimpleNamespace(compile=lambda: time.sleep(0.2))
    for patience, number in ((0.01, 1), (100.0, 0)):
        said = []
        compiled(slow, said.append, patience)
        assert len(said) == number
        assert all("compiling" in message for message in said)


def test_what_is_wrong_is_told_before_anything_is_compiled(grid, hole, tmp_path, monkeypatch):
    gf.run(solver(grid), hole, t_end=0.1, store=tmp_path / "a.run")
    monkeypatch.setattr(FiniteVolume, "compile", lambda _: pytest.fail("it was compiled first"))
    with pytest.raises(gf.InputError, match="exists"):
        gf.run(solver(grid), hole, t_end=0.1, store=tmp_path / "a.run")
    with pytest.raises(gf.InputError, match="the initial density"):
        gf.run(solver(grid), -hole, t_end=0.1)


def test_progress_on_a_terminal_is_a_bar(grid, hole):
    parent, child = os.openpty()
    with os.fdopen(child, "w") as terminal:
        report = ProgressReport(stream=terminal)
        gf.run(solver(grid), hole, t_end=0.5, callbacks=report.callbacks(), progress=False)
        report.close()
        terminal.flush()
        os.set_blocking(parent, False)
        shown = ""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(parent, 4096):
                shown += chunk.decode(errors="replace")
    os.close(parent)
    assert "0.5 of 0.5" in shown
    assert "━" in shown


def test_without_a_store_an_interrupt_is_pythons_own(grid, hole):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started this in the background
    interrupt = gf.Callback(lambda _: os.kill(os.getpid(), signal.SIGINT), gf.EverySteps(3))
    try:
        with pytest.raises(KeyboardInterrupt):
            gf.run(solver(grid), hole, t_end=0.5, callbacks=[interrupt])
    finally:
        signal.signal(signal.SIGINT, before)


def test_with_a_store_an_interrupt_finishes_the_step_and_returns(grid, hole, tmp_path):
    once = gf.Callback(lambda run: run.state.step == 3 and os.kill(os.getpid(), signal.SIGTERM), gf.EverySteps(1))
    handler = signal.getsignal(signal.SIGTERM)
    run = gf.run(solver(grid), hole, t_end=0.5, callbacks=[once], store=tmp_path / "a.run")
    assert (run.status, run.reason, run.steps) == ("interrupted", "by SIGTERM", 3)
    assert signal.getsignal(signal.SIGTERM) is handler
    resumed = gf.run(solver(grid), hole, t_end=0.5, store=tmp_path / "a.run", resume=True)
    whole = gf.run(solver(grid), hole, t_end=0.5, store=tmp_path / "b.run")
    assert (resumed.density == whole.density).all()
    assert all(np.array_equal(resumed.series[k], whole.series[k]) for k in whole.series)
