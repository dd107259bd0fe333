# SPDX-License-Identifier: MIT
"""Workers that are started before their run: the run takes them, and none of them remains."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

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


def children() -> set[int]:
    """The processes that this one has started and not waited for."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for listed in lists for child in listed.read_text().split()}


def test_a_run_takes_the_prestarted_workers() -> None:
    jobs = [Job({"name": f"{number}"}) for number in range(20)]
    with PrestartedWorkers(2, "tests.support.faulty_tasks:run_script") as prestarted:
        started = children()
        assert len(started) == (1 if can_fork() else 2)
        with WorkerPool("tests.support.faulty_tasks:run_script", jobs, WorkerSettings(workers=2), prestarted) as pool:
            outcomes = [event for event in pool.events() if isinstance(event, TaskResult)]
            assert children() <= started
        assert len(outcomes) == 20
        assert prestarted.take() is None or len(children()) <= 1


def test_workers_that_are_not_taken_end_with_the_block() -> None:
    with PrestartedWorkers(1) as prestarted:
        assert len(children()) == 1
    assert children() == set()
    with PrestartedWorkers(64) as prestarted:
        assert len(children()) == (1 if can_fork() else MOST_PRESTARTED)
    assert children() == set()
    assert prestarted.take() is None


def test_workers_end_when_the_block_fails() -> None:
    with pytest.raises(RunError), PrestartedWorkers(1):
        raise RunError("OUT cannot be written to")
    assert children() == set()


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
