"""Threads: how many, how they share a job, and that they change no bit of a result."""

import hashlib
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import gridflow as gf
from gridflow.compute import threads
from solvers import FiniteVolume
from solvers.loops import planes

SHAPES = ((4, 4), (13, 18), (64, 64), (17, 1000), (4, 4, 4), (5, 4, 6), (12, 9, 16))
"""Odd, even and tiny ones, more threads than planes' halos, and one for which FFTW's plans depend on their number.

In one dimension there is one thread, whatever is asked for."""
RECONSTRUCTIONS = ("sharp", "weno5", "muscl", "upwind")
STEPS = 4


@pytest.fixture(autouse=True)
def passes_over_modes_are_shared(monkeypatch):
    """They are done by one thread on grids as small as those here, so that nothing would be tested."""
    monkeypatch.setattr("gridflow.compute.threads.FEWEST_MODES", 1)


def start(shape):
    grid = gf.Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    noise = np.random.default_rng(3).random(shape)
    return grid, gf.normalize(grid, np.where(gf.regions.ball(grid, 0.3) > 0.5, 0.0, 1 + 0.2 * noise))


def arrays_after(steps, shape, number, growth=0.0, rough=False, **options):
    """All arrays of the state after some steps on so many threads, and what the solver says of it, as bytes."""
    grid, initial = start(shape)
    target = gf.cosine(grid, 0.3) if rough else gf.uniform(grid)
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), target, growth), threads=number, **options)
    assert solver.threads == number
    state = solver.initialize(initial)
    for _ in range(steps):
        solver.step(state, math.inf)
    numbers = np.array([state.time, state.dt, *solver.diagnose(state).values()])
    return [values.tobytes() for values in (*state.arrays.values(), numbers, solver.face_velocity(state))]


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        *((shape, {"reconstruction": name}) for shape in SHAPES for name in RECONSTRUCTIONS),
        *((shape, {"velocity": "difference"}) for shape in SHAPES if len(shape) == 2),
        *((shape, {"reconstruction": "muscl", "velocity": "spectral"}) for shape in SHAPES if len(shape) == 2),
        *((shape, {"reconstruction": "muscl", "dtype": "float32"}) for shape in SHAPES if len(shape) == 2),
    ],
    ids=str,
)
def test_the_same_bits_for_any_number_of_threads(shape, options):
    """Face values, velocities and transforms are shared each by themselves: every one of them once is every pair."""
    alone = arrays_after(STEPS, shape, 1, **options)
    for number in (2, 3):
        assert arrays_after(STEPS, shape, number, **options) == alone


@pytest.mark.parametrize("reconstruction", RECONSTRUCTIONS)
@pytest.mark.parametrize("shape", [(13, 18), (17, 1000), (5, 4, 6)], ids=str)
def test_the_same_bits_with_growth_a_tracer_and_a_target_that_varies(shape, reconstruction):
    for more in ({"growth": 2.0}, {"tracer": gf.regions.ball(start(shape)[0], 0.2)}, {"rough": True}):
        options = {"reconstruction": reconstruction} | more
        alone = arrays_after(STEPS, shape, 1, **options)
        for number in (2, 3):
            assert arrays_after(STEPS, shape, number, **options) == alone


def test_the_same_bits_where_planes_are_worked_on_in_tiles(monkeypatch):
    """Rows that do not fit the cache at once go one tile after another; a short longest line makes many of them."""
    shape = (9, 40, 16)
    whole = arrays_after(STEPS, shape, 1)[0]
    monkeypatch.setattr(planes, "LONGEST_LINE", 1)
    for number in (1, 2):
        assert arrays_after(STEPS, shape, number)[0] == whole


SCRIPT = """
import hashlib, math, sys
import gridflow as gf
from solvers import FiniteVolume
shape = tuple(map(int, sys.argv[2:]))
grid = gf.Grid(shape)
solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), sys.argv[1])
state = solver.initialize(gf.ball_hole(grid, 0.25))
for _ in range(5):
    solver.step(state, math.inf)
print(solver.threads, hashlib.sha256(solver.density(state).tobytes()).hexdigest())
"""


@pytest.mark.long
@pytest.mark.parametrize(("shape", "reconstruction"), [((17, 1000), "sharp"), ((12, 10, 14), "muscl")], ids=str)
def test_the_same_bits_from_process_to_process(shape, reconstruction):
    digests = set()  # of two other processes; this one is the third
    for number in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, reconstruction, *map(str, shape)],
            env=os.environ | {threads.VARIABLE: number},
            capture_output=True,
            text=True,
            check=True,
        )
        used, digest = done.stdout.split()
        assert used == number
        digests.add(digest)
    grid = gf.Grid(shape)
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), reconstruction, threads=2)
    state = solver.initialize(gf.ball_hole(grid, 0.25))
    for _ in range(5):
        solver.step(state, math.inf)
    assert digests == {hashlib.sha256(solver.density(state).tobytes()).hexdigest()}


# how many


def test_one_dimension_has_one_thread():
    grid = gf.Grid((64,))
    assert FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), threads=3).threads == 1


def test_by_default_every_core_that_is_worth_waking(monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.setattr(threads, "available", lambda: 8)
    enough = threads.FEWEST_CELLS_PER_THREAD
    assert [threads.count(None, cells) for cells in (1, enough, 3 * enough, 100 * enough)] == [1, 1, 3, 8]
    monkeypatch.setenv(threads.VARIABLE, "")  # as good as not set
    assert threads.count(None, 2 * enough) == 2


def test_what_is_asked_for_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "3")
    assert threads.count(None, 16) == 3
    assert threads.count(2, 16) == 2
    assert threads.count(np.int64(2), 16) == 2


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", " "])
def test_numbers_in_the_environment_that_are_none_are_named_in_one_line(value, monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, value)
    with pytest.raises(gf.InputError) as error:
        threads.count(None, 16)
    assert str(error.value) == f"GRIDFLOW_THREADS = {value}: it must be a whole number of at least 1"


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, math.inf, "two"])
def test_numbers_asked_for_that_are_none_are_named_in_one_line(value):
    with pytest.raises(gf.InputError) as error:
        threads.count(value, 16)
    assert str(error.value) == f"threads = {value}: it must be a whole number of at least 1"


def test_cores_that_this_process_may_use():
    assert 1 <= threads.available() <= os.cpu_count()


# the team


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_team_runs_every_job_on_a_thread_of_its_own(size):
    team = threads.Team(size)
    for _ in range(3):
        together, seen = threading.Barrier(size, timeout=30), {}

        def job(number, together=together, seen=seen):
            together.wait()  # passes only when all of them are at work at once
            seen[number] = threading.get_ident()

        team.run(job)
        assert sorted(seen) == list(range(size))
        assert len(set(seen.values())) == size
        assert seen[0] == threading.get_ident()


@pytest.mark.parametrize("failing", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_what_a_job_raises_is_raised_and_the_team_serves_again(failing):
    team, done = threads.Team(3), set()

    def job(number):
        if number in failing:
            raise KeyError(number)
        done.add(number)

    for _ in range(2):
        done.clear()
        with pytest.raises(KeyError) as error:
            team.run(job)
        assert error.value.args[0] in failing
        assert done == {0, 1, 2} - set(failing)  # the others finished first
    done.clear()
    team.run(done.add)
    assert done == {0, 1, 2}


def test_there_is_one_team_of_a_size():
    assert threads.team(2) is threads.team(2)
    assert threads.team(2).size == 2


FORK = """
import faulthandler, math, os, warnings
import gridflow as gf
from gridflow.compute.threads import team
from solvers import FiniteVolume

def density_after(steps):
    grid = gf.Grid((32, 24))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), threads=2)
    state = solver.initialize(gf.ball_hole(grid, 0.25))
    for _ in range(steps):
        solver.step(state, math.inf)
    return solver.density(state).tobytes()  # of transforms and loops on two threads each

expected = density_after(3)
warnings.simplefilter("ignore")  # Python's own, of a process with threads that forks
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(60, exit=True)  # ends a child that waits for threads that it has not got
    done = set()
    team(2).run(done.add)
    same = done == {0, 1} and density_after(3) == expected
    os._exit(0 if same else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert density_after(3) == expected
"""


def test_a_forked_process_has_a_team_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
