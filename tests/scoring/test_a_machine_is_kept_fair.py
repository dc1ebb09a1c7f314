"""The lock, the cores and the priority that an evaluation takes where it may."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import scoring
from scoring.job import Job, Plan
from scoring.timing import machine

CORES = len(os.sched_getaffinity(0))


def test_one_evaluation_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "machine"
    order: list[str] = []
    waited = threading.Event()

    def second() -> None:
        with machine.held(lock, waited.set):
            order.append("second")

    with machine.held(lock):
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_killed_holder_gives_the_machine_back(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from scoring.timing import machine\n"
        "with machine.held(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    with machine.held(tmp_path / "lock"):
        pass


@pytest.mark.skipif(CORES < 2, reason="one core only")
def test_models_and_measurer_get_cores_of_their_own() -> None:
    before = os.sched_getaffinity(0)
    sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        with machine.arranged(Plan(), sleeper.pid) as words:
            of_models, own = os.sched_getaffinity(sleeper.pid), os.sched_getaffinity(0)
            assert len(of_models) == 1
            assert not of_models & own
            assert any("run only on" in str(word) for word in words)
        assert os.sched_getaffinity(0) == before
    finally:
        sleeper.kill()
        sleeper.wait()


def test_priority_that_a_killed_measurer_left_behind_is_not_kept() -> None:
    code = (
        "import os; from pathlib import Path; from scoring.timing import machine; "
        "from scoring.job import Plan; group = Path('/proc/self/autogroup'); "
        "group.write_text('-20')\n"
        "with machine.arranged(Plan(), os.getpid()): print(group.read_text().split()[-1])\n"
        "print(group.read_text().split()[-1])"
    )
    program = [sys.executable, "-c", code]
    done = subprocess.run(program, capture_output=True, text=True, start_new_session=True)
    if done.returncode:
        pytest.skip("this machine has no autogroups, or lets nobody change them")
    assert done.stdout.split() == ["-20", "0"]


def test_nothing_is_said_to_be_in_force_that_is_not_wanted() -> None:
    plan = Plan(pinned=False, preferred=False)
    with machine.arranged(plan, os.getpid()) as words:
        assert words == ()
    with machine.arranged(replace(plan, pinned=True, threads=CORES), os.getpid()) as words:
        assert words == ()


def test_what_was_in_force_is_on_the_report(job: Job, tmp_path: Path) -> None:
    report = scoring.evaluate(replace(job, lock=tmp_path / "lock"))
    assert report.timing
    assert {
        "While one model runs, the other one is stopped.",
        "The machine runs one evaluation at a time.",
    } <= set(map(str, report.timing.in_force))
    assert (CORES > 1) == any("run only on" in str(word) for word in report.timing.in_force)
