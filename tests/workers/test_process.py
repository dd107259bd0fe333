# SPDX-License-Identifier: MIT
"""One real child from its parent's side: deadlines, verdicts, and how an exit is described."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plainfilm.errors import Reason
from plainfilm.workers.limits import ONE_THREAD
from plainfilm.workers.messages import FrameStarted, Job, Ready, TaskResult, WorkerSettings
from plainfilm.workers.process import WorkerProcess, describe_exit

FAR_AWAY = 1e6


@pytest.fixture
def child() -> Iterator[WorkerProcess]:
    """A worker that is ready to play."""
    started = start("play")
    yield started
    started.condemn()
    started.end()


def start(task: str) -> WorkerProcess:
    here = str(Path(__file__).resolve().parents[2])
    started = WorkerProcess(f"tests.support.faulty_tasks:{task}", WorkerSettings(extra_path=(here,)))
    assert isinstance(started.receive(60), Ready)
    return started


def test_a_child_that_is_not_awaited_has_no_deadline(child: WorkerProcess) -> None:
    child.enforce(time.monotonic() + FAR_AWAY, 0.0)
    child.send(Job({"name": "hand"}))
    assert child.receive(60) == FrameStarted(None)


def test_a_pause_of_the_parent_is_not_the_childs(child: WorkerProcess) -> None:
    child.send(Job({"name": "hand", "fault": "wait", "seconds": 1.0}))
    assert [child.receive(60), child.receive(60)] == [FrameStarted(None), FrameStarted(0)]
    late = threading.Timer(0.3, lambda: child.enforce(time.monotonic() + FAR_AWAY, FAR_AWAY))
    late.start()
    assert isinstance(child.receive(60), TaskResult)
    late.join()
    assert not child.condemned


def test_silence_beyond_the_deadline_is_a_timeout(child: WorkerProcess) -> None:
    child.send(Job({"name": "hand", "fault": "sleep"}))
    assert [child.receive(60), child.receive(60)] == [FrameStarted(None), FrameStarted(0)]
    threading.Timer(0.3, lambda: child.enforce(time.monotonic() + FAR_AWAY, 0.0)).start()
    assert child.receive(60) is None
    assert child.end()[0] is Reason.TIMEOUT


def test_a_verdict_on_a_child_that_is_not_awaited_is_void(child: WorkerProcess) -> None:
    child.condemn(Reason.MEMORY_LIMIT)
    assert not child.condemned


def test_a_child_that_has_left_is_told_by_its_exit(child: WorkerProcess) -> None:
    child.send(Job({"name": "hand", "fault": "leave with 7", "at": "reading"}))
    assert [child.receive(60), child.receive(60)] == [FrameStarted(None), None]
    child.send(Job({"name": "hand"}))
    assert child.receive(60) is None
    assert child.end() == (Reason.WORKER_DIED, "the worker process left with exit code 7")


def test_an_idle_child_leaves_by_itself(child: WorkerProcess) -> None:
    assert child.end() == (Reason.WORKER_DIED, "the worker process left with exit code 0")


def test_libraries_are_held_to_one_thread() -> None:
    child = start("tell_surroundings")
    child.send(Job(list(ONE_THREAD)))
    assert child.receive(60) == TaskResult(dict.fromkeys(ONE_THREAD, "1"))
    child.end()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "left with exit code 0"),
        (3221225477, "left with exit code 0xc0000005"),
        (-6, "killed by SIGABRT"),
        (-9, "killed by SIGKILL (often the system's, for want of memory)"),
        (-63, "killed by signal 63"),
    ],
)
def test_exits_are_described(code: int, words: str) -> None:
    assert describe_exit(code) == f"the worker process {'was ' if code < 0 else ''}{words}"
