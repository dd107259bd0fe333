# SPDX-License-Identifier: MIT
"""Workers that are started before their run: it takes them, and none is left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from plainfilm.errors import RunError
from plainfilm.run.ahead import MOST_AHEAD, Ahead
from plainfilm.run.messages import Job, Outcome, WorkerSettings
from plainfilm.run.supervisor import Supervisor

HERE = str(Path(__file__).parent)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are counted in /proc")


@pytest.fixture(autouse=True)
def _tasks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


def children() -> set[int]:
    """The processes that this one has started and not waited for."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for listed in lists for child in listed.read_text().split()}


def test_a_run_takes_the_workers_that_are_there_already() -> None:
    jobs = [Job({"name": f"{number}"}) for number in range(20)]
    with Ahead(2, "faulty_tasks:play") as ahead:
        started = children()
        assert len(started) == 2
        with Supervisor("faulty_tasks:play", jobs, WorkerSettings(workers=2), ahead) as supervisor:
            outcomes = [event for event in supervisor.events() if isinstance(event, Outcome)]
            assert children() <= started
        assert len(outcomes) == 20
        assert ahead.take() is None or len(children()) <= 1


def test_workers_that_nobody_takes_are_gone_with_the_block() -> None:
    with Ahead(64) as ahead:
        assert len(children()) == MOST_AHEAD
    assert children() == set()
    assert ahead.take() is None


def test_workers_are_gone_when_the_block_fails() -> None:
    with pytest.raises(RunError), Ahead(1):
        raise RunError("OUT cannot be written to")
    assert children() == set()


def test_a_task_that_cannot_be_loaded_is_told_as_ever() -> None:
    with (
        Ahead(1, "faulty_tasks:nowhere") as ahead,
        Supervisor("faulty_tasks:nowhere", [Job({})], WorkerSettings(), ahead) as supervisor,
        pytest.raises(RunError, match="cannot load its task"),
    ):
        list(supervisor.events())


def test_a_system_that_starts_no_process_is_told_by_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with (
        Ahead(1, "faulty_tasks:play") as ahead,
        Supervisor("faulty_tasks:play", [Job({})], WorkerSettings(), ahead) as supervisor,
        pytest.raises(RunError, match="no worker process can be started"),
    ):
        list(supervisor.events())
