# SPDX-License-Identifier: MIT
"""The child's side alone, over its own two pipes: what it says, what it is silent about, and when it leaves."""

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
    """A worker process that was told nothing so far."""
    places = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *(place for place in sys.path if place)])
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "plainfilm.workers.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": places},
    ) as started:
        yield started
        started.kill()


def introduce(
    child: Child, task: str = "tests.support.faulty_tasks:play", settings: WorkerSettings | None = None
) -> object:
    """Tell a worker its task; its first answer."""
    write_message(cast(IO[bytes], child.stdin), WorkerSetup(task, settings or WorkerSettings()))
    return hear(child)


def hear(child: Child) -> object:
    return read_message(cast(IO[bytes], child.stdout))


def ask(child: Child, payload: object) -> list[object]:
    """Give a worker a job; all that it says of it."""
    write_message(cast(IO[bytes], child.stdin), Job(payload))
    said = [hear(child)]
    while isinstance(said[-1], FrameStarted | TaskResult):
        said.append(hear(child))
    return said


def test_says_what_it_starts_what_comes_of_it_and_that_it_has_finished(child: Child) -> None:
    assert isinstance(introduce(child), Ready)
    said = ask(child, HAND | {"frames": 2})
    assert said[:5] == [
        FrameStarted(None),
        FrameStarted(0),
        TaskResult(("hand", 0, child.pid)),
        FrameStarted(1),
        TaskResult(("hand", 1, child.pid)),
    ]
    assert isinstance(said[5], TaskFinished)


def test_what_libraries_print_is_no_message_and_reaches_nobody(child: Child) -> None:
    introduce(child)
    assert [type(message) for message in ask(child, HAND | {"fault": "print"})[2:]] == [TaskResult, TaskFinished]
    _, errors = child.communicate(timeout=60)
    assert errors == b""


def test_what_libraries_print_is_shown_on_standard_error_on_demand(child: Child) -> None:
    introduce(child, settings=WorkerSettings(show_output=True))
    assert [type(message) for message in ask(child, HAND | {"fault": "print"})[2:]] == [TaskResult, TaskFinished]
    _, errors = child.communicate(timeout=60)
    for line in (b"a line of Python's", b"a line of the system's", b"a line of C's", b"an error of Python's"):
        assert line in errors


def test_an_exception_is_told_without_its_text_and_the_worker_goes_on(child: Child) -> None:
    introduce(child)
    *_, raised = ask(child, {"name": "Röntgen", "fault": "raise"})
    assert isinstance(raised, TaskRaised)
    assert raised.reason is Reason.INTERNAL_ERROR
    assert "ValueError at faulty_tasks.py:" in raised.message
    assert "Röntgen" not in raised.message
    assert "Röntgen" in raised.traceback
    assert isinstance(ask(child, HAND)[-1], TaskFinished)


def test_a_job_that_cannot_be_read_is_an_internal_error(child: Child) -> None:
    introduce(child)
    stream = cast(IO[bytes], child.stdin)
    stream.write((12).to_bytes(8, "big") + b"cos\nnothing\n")
    stream.flush()
    said = hear(child)
    assert isinstance(said, TaskRaised)
    assert said.reason is Reason.INTERNAL_ERROR


def test_an_outcome_that_cannot_be_sent_is_an_internal_error(child: Child) -> None:
    introduce(child, "tests.support.faulty_tasks:send_a_lock")
    (said,) = ask(child, None)
    assert isinstance(said, TaskRaised)
    assert said.reason is Reason.INTERNAL_ERROR


@pytest.mark.parametrize("task", ["no_such_module:task", "tests.support.faulty_tasks:no_such_task", "faulty_tasks"])
def test_a_task_that_is_not_there_is_told_at_the_start(child: Child, task: str) -> None:
    assert isinstance(introduce(child, task), StartFailed)
    assert child.wait(60) == 1


def test_leaves_when_its_input_ends(child: Child) -> None:
    introduce(child)
    cast(IO[bytes], child.stdin).close()
    assert child.wait(60) == 0


def test_leaves_amid_a_task_when_its_input_ends(child: Child) -> None:
    introduce(child)
    write_message(cast(IO[bytes], child.stdin), Job(HAND | {"fault": "spin"}))
    assert [hear(child), hear(child)] == [FrameStarted(None), FrameStarted(0)]
    cast(IO[bytes], child.stdin).close()
    assert child.wait(60) == 0


def test_leaves_silently_when_it_is_told_nothing(child: Child) -> None:
    out, errors = child.communicate(timeout=60)
    assert (out, errors, child.returncode) == (b"", b"", 1)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_leaves_stopping_to_its_parent(child: Child) -> None:
    introduce(child)
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGTERM)
    assert isinstance(ask(child, HAND)[-1], TaskFinished)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_dumps_no_core_and_ends_one_day_without_a_parent(child: Child) -> None:
    introduce(child, "tests.support.faulty_tasks:tell_surroundings", WorkerSettings(timeout=60.0))
    _, core, seconds, _ = ask(child, [])
    assert core == TaskResult((0, 0))
    assert isinstance(seconds, TaskResult)
    assert 120 <= seconds.value <= 130 * (os.cpu_count() or 1)
