# SPDX-License-Identifier: MIT
"""One real worker process, controlled by its parent: deadlines, limits, and the messages for an exit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plainfilm.errors import Reason
from plainfilm.workers.limits import ONE_THREAD
from plainfilm.workers.messages import FrameStarted, Job, Ready, TaskResult, WorkerSettings
from plainfilm.workers.process import WorkerProcess, exit_message

FAR_AWAY = 1e6


@pytest.fixture
def child() -> Iterator[WorkerProcess]:
    """A worker that is ready."""
    process = start("run_script")
    yield process
    process.kill()
    process.end()


def start(task: str) -> WorkerProcess:
    here = str(Path(__file__).resolve().parents[2])
    process = WorkerProcess(f"tests.support.faulty_tasks:{task}", WorkerSettings(extra_path=(here,)))
    assert isinstance(process.receive(60), Ready)
    return process


def test_a_child_has_no_deadline_while_the_parent_does_not_wait(child: WorkerProcess) -> None:
    child.enforce_deadline(time.monotonic() + FAR_AWAY, 0.0)
    child.send(Job({"name": "hand"}))
    assert child.receive(60) == FrameStarted(None)


def test_a_pause_of_the_parent_moves_the_deadline(child: WorkerProcess) -> None:
    child.send(Job({"name": "hand", "fault": "wait", "seconds": 1.0}))
    assert [child.receive(60), child.receive(60)] == [FrameStarted(None), FrameStarted(0)]
    late = threading.Timer(0.3, lambda: child.enforce_deadline(time.monotonic() + FAR_AWAY, FAR_AWAY))
    late.start()
    assert isinstance(child.receive(60), TaskResult)
    late.join()
    assert not child.was_killed


def test_silence_beyond_the_deadline_is_a_timeout(child: WorkerProcess) -> None:
    child.send(Job({"name": "hand", "fault": "sleep"}))
    assert [child.receive(60), child.receive(60)] == [FrameStarted(None), FrameStarted(0)]
    threading.Timer(0.3, lambda: child.enforce_deadline(time.monotonic() + FAR_AWAY, 0.0)).start()
    assert child.receive(60) is None
    assert child.end()[0] is Reason.TIMEOUT


def test_a_limit_does_not_apply_while_the_parent_does_not_wait(child: WorkerProcess) -> None:
    child.kill(Reason.MEMORY_LIMIT)
    assert not child.was_killed


def test_a_child_that_has_exited_is_described_by_its_exit_code(child: WorkerProcess) -> None:
    child.send(Job({"name": "hand", "fault": "exit with 7", "at": "reading"}))
    assert [child.receive(60), child.receive(60)] == [FrameStarted(None), None]
    child.send(Job({"name": "hand"}))
    assert child.receive(60) is None
    assert child.end() == (Reason.WORKER_DIED, "the worker process ended with exit code 7")


def test_an_idle_child_exits_when_its_pipe_is_closed(child: WorkerProcess) -> None:
    assert child.end() == (Reason.WORKER_DIED, "the worker process ended with exit code 0")


def test_libraries_are_limited_to_one_thread() -> None:
    child = start("report_environment")
    child.send(Job(list(ONE_THREAD)))
    assert child.receive(60) == TaskResult(dict.fromkeys(ONE_THREAD, "1"))
    child.end()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3221225477, "ended with exit code 0xc0000005"),
        (-6, "killed by SIGABRT"),
        (-9, "killed by SIGKILL (often by the system, when it runs out of memory)"),
        (-63, "killed by signal 63"),
    ],
)
def test_exits_are_described(code: int, words: str) -> None:
    assert exit_message(code) == f"the worker process {'was ' if code < 0 else ''}{words}"
