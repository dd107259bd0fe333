# SPDX-License-Identifier: MIT
"""A worker process alone, over its two pipes: the messages it sends, what it conceals, and when it exits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest

from plainfilm.errors import Reason
from plainfilm.workers.messages import (
    FrameStarted,
    Job,
    Ready,
    StartFailed,
    TaskFinished,
    TaskRaised,
    TaskResult,
    WorkerSettings,
    WorkerSetup,
    read_message,
    write_message,
)

HAND = {"name": "hand"}
Child = subprocess.Popen[bytes]


@pytest.fixture
def child() -> Iterator[Child]:
    """A worker process that has received no message."""
    folders = [str(Path(__file__).resolve().parents[2]), *(folder for folder in sys.path if folder)]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "plainfilm.workers.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    ) as process:
        yield process
        process.kill()


def set_up(
    child: Child, task: str = "tests.support.faulty_tasks:run_script", settings: WorkerSettings | None = None
) -> object:
    """Send a worker its setup, and return its answer."""
    write_message(cast(IO[bytes], child.stdin), WorkerSetup(task, settings or WorkerSettings()))
    return receive(child)


def receive(child: Child) -> object:
    return read_message(cast(IO[bytes], child.stdout))


def run_job(child: Child, payload: object) -> list[object]:
    """Send a worker a job, and return all its replies."""
    write_message(cast(IO[bytes], child.stdin), Job(payload))
    replies = [receive(child)]
    while isinstance(replies[-1], FrameStarted | TaskResult):
        replies.append(receive(child))
    return replies


def test_a_worker_reports_each_frame_each_result_and_the_end(child: Child) -> None:
    assert isinstance(set_up(child), Ready)
    replies = run_job(child, HAND | {"frames": 2})
    assert replies[:5] == [
        FrameStarted(None),
        FrameStarted(0),
        TaskResult(("hand", 0, child.pid)),
        FrameStarted(1),
        TaskResult(("hand", 1, child.pid)),
    ]
    assert isinstance(replies[5], TaskFinished)


def test_the_output_of_libraries_is_discarded(child: Child) -> None:
    set_up(child)
    assert [type(message) for message in run_job(child, HAND | {"fault": "print"})[2:]] == [TaskResult, TaskFinished]
    _, errors = child.communicate(timeout=60)
    assert errors == b""


def test_the_output_of_libraries_goes_to_standard_error_on_demand(child: Child) -> None:
    set_up(child, settings=WorkerSettings(show_output=True))
    assert [type(message) for message in run_job(child, HAND | {"fault": "print"})[2:]] == [TaskResult, TaskFinished]
    _, errors = child.communicate(timeout=60)
    for line in (b"a line of Python", b"a line of the system", b"a line of C", b"an error of Python"):
        assert line in errors


def test_an_exception_is_reported_without_its_text_and_the_worker_continues(child: Child) -> None:
    set_up(child)
    *_, raised = run_job(child, {"name": "Röntgen", "fault": "raise"})
    assert isinstance(raised, TaskRaised)
    assert raised.reason is Reason.INTERNAL_ERROR
    assert "ValueError at faulty_tasks.py:" in raised.message
    assert "Röntgen" not in raised.message
    assert "Röntgen" in raised.traceback
    assert isinstance(run_job(child, HAND)[-1], TaskFinished)


def test_a_job_that_cannot_be_read_is_an_internal_error(child: Child) -> None:
    set_up(child)
    stream = cast(IO[bytes], child.stdin)
    stream.write((12).to_bytes(8, "big") + b"cos\nnothing\n")
    stream.flush()
    replies = receive(child)
    assert isinstance(replies, TaskRaised)
    assert replies.reason is Reason.INTERNAL_ERROR


def test_a_result_that_cannot_be_sent_is_an_internal_error(child: Child) -> None:
    set_up(child, "tests.support.faulty_tasks:report_unpicklable")
    (replies,) = run_job(child, None)
    assert isinstance(replies, TaskRaised)
    assert replies.reason is Reason.INTERNAL_ERROR


@pytest.mark.parametrize("task", ["no_such_module:task", "tests.support.faulty_tasks:no_such_task", "faulty_tasks"])
def test_a_task_that_does_not_exist_is_reported_at_the_start(child: Child, task: str) -> None:
    assert isinstance(set_up(child, task), StartFailed)
    assert child.wait(60) == 1


def test_a_worker_exits_when_its_input_ends(child: Child) -> None:
    set_up(child)
    cast(IO[bytes], child.stdin).close()
    assert child.wait(60) == 0


def test_a_worker_exits_during_a_task_when_its_input_ends(child: Child) -> None:
    set_up(child)
    write_message(cast(IO[bytes], child.stdin), Job(HAND | {"fault": "spin"}))
    assert [receive(child), receive(child)] == [FrameStarted(None), FrameStarted(0)]
    cast(IO[bytes], child.stdin).close()
    assert child.wait(60) == 0


def test_a_worker_without_a_setup_exits_silently(child: Child) -> None:
    out, errors = child.communicate(timeout=60)
    assert (out, errors, child.returncode) == (b"", b"", 1)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_ignores_stop_signals(child: Child) -> None:
    set_up(child)
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGTERM)
    assert isinstance(run_job(child, HAND)[-1], TaskFinished)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_worker_dumps_no_core_and_has_limited_processor_time(child: Child) -> None:
    set_up(child, "tests.support.faulty_tasks:report_environment", WorkerSettings(timeout=60.0))
    _, core, seconds, _ = run_job(child, [])
    assert core == TaskResult((0, 0))
    assert isinstance(seconds, TaskResult)
    assert 120 <= seconds.value <= 130 * (os.cpu_count() or 1)
