# SPDX-License-Identifier: MIT
"""Workers that are started before their run: the run takes them, and none of them remains."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.support.processes import running_children

from plainfilm.errors import RunError
from plainfilm.workers.forking import can_fork
from plainfilm.workers.messages import Job, TaskResult, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import MOST_PRESTARTED, PrestartedWorkers

HERE = str(Path(__file__).resolve().parents[2])

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are counted in /proc")


@pytest.fixture(autouse=True)
def _tasks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


def test_a_run_takes_the_prestarted_workers() -> None:
    jobs = [Job({"name": f"{number}"}) for number in range(20)]
    before = running_children()
    with PrestartedWorkers(2, "tests.support.faulty_tasks:run_script") as prestarted:
        started = running_children()
        assert len(started - before) == (1 if can_fork() else 2)
        with WorkerPool("tests.support.faulty_tasks:run_script", jobs, WorkerSettings(workers=2), prestarted) as pool:
            outcomes = [event for event in pool.events() if isinstance(event, TaskResult)]
            assert running_children() <= started
        assert len(outcomes) == 20
        assert prestarted.take() is None or len(running_children() - before) <= 1


def test_workers_that_are_not_taken_end_with_the_block() -> None:
    before = running_children()
    with PrestartedWorkers(1) as prestarted:
        assert len(running_children() - before) == 1
    assert running_children() <= before
    with PrestartedWorkers(64) as prestarted:
        assert len(running_children() - before) == (1 if can_fork() else MOST_PRESTARTED)
    assert running_children() <= before
    assert prestarted.take() is None


def test_workers_end_when_the_block_fails() -> None:
    before = running_children()
    with pytest.raises(RunError), PrestartedWorkers(1):
        raise RunError("OUT cannot be written to")
    assert running_children() <= before


def test_a_task_that_cannot_be_loaded_by_a_prestarted_worker_ends_the_run() -> None:
    with (
        PrestartedWorkers(1, "tests.support.faulty_tasks:nowhere") as prestarted,
        WorkerPool("tests.support.faulty_tasks:nowhere", [Job({})], WorkerSettings(), prestarted) as pool,
        pytest.raises(RunError, match="cannot load its task"),
    ):
        list(pool.events())


def test_a_system_that_starts_no_process_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with (
        PrestartedWorkers(1, "tests.support.faulty_tasks:run_script") as prestarted,
        WorkerPool("tests.support.faulty_tasks:run_script", [Job({})], WorkerSettings(), prestarted) as pool,
        pytest.raises(RunError, match="no worker process can be started"),
    ):
        list(pool.events())
