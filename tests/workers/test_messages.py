# SPDX-License-Identifier: MIT
"""Messages arrive whole or not at all, and other bytes are rejected."""

from __future__ import annotations

import io
import threading

import pytest

from plainfilm.workers.messages import (
    LENGTH_PREFIX,
    LONGEST_MESSAGE,
    UNREADABLE_MESSAGE,
    Job,
    TaskResult,
    WorkerSettings,
    read_message,
    write_message,
)


def stream_of(*messages: object) -> bytes:
    stream = io.BytesIO()
    for message in messages:
        write_message(stream, message)
    return stream.getvalue()


def test_messages_arrive_in_order_and_the_end_is_none() -> None:
    stream = io.BytesIO(stream_of(Job("hand", 2), TaskResult(b"\n" * 100_000)))
    assert [read_message(stream) for _ in range(3)] == [Job("hand", 2), TaskResult(b"\n" * 100_000), None]


def test_a_truncated_message_is_none() -> None:
    whole = stream_of(TaskResult("hand"))
    assert {read_message(io.BytesIO(whole[:length])) for length in range(len(whole))} == {None}


@pytest.mark.parametrize(
    "garbage",
    [
        b"Corrupt JPEG data: premature end of data segment",
        LENGTH_PREFIX.pack(LONGEST_MESSAGE + 1),
        LENGTH_PREFIX.pack(4) + b"\xff\xff\xff\xff",
        LENGTH_PREFIX.pack(0),
        LENGTH_PREFIX.pack(20) + b"cno_such_module\nname\n"[:20],
        LENGTH_PREFIX.pack(12) + b"cos\nnothing\n",
    ],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(UNREADABLE_MESSAGE):
        read_message(io.BytesIO(garbage))


def test_a_message_that_cannot_be_pickled_writes_nothing() -> None:
    stream = io.BytesIO()
    with pytest.raises(TypeError):
        write_message(stream, TaskResult(threading.Lock()))
    assert stream.getvalue() == b""


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"timeout": 0.0}, {"memory": 0}, {"recycle_after": 0}])
def test_settings_that_are_not_positive_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        WorkerSettings(**wrong)  # type: ignore[arg-type]
