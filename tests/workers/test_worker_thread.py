# SPDX-License-Identifier: MIT
"""The queues lose no event and block no thread once they are closed; errors are captured, Ctrl-C is not."""

from __future__ import annotations

import threading

import pytest

from plainfilm.workers.messages import Job, TaskResult
from plainfilm.workers.worker_thread import BATCHES_AHEAD, CapturedError, PoolQueues


def test_events_arrive_in_order_and_then_none() -> None:
    queues = PoolQueues(workers=1)
    job = Job("x")
    queues.put_events(job, [TaskResult(1), TaskResult(2)])
    queues.put_events(job, [TaskResult(3)])
    assert [queues.next_events(0), queues.next_events(0.01), queues.next_events(0.01)] == [
        [TaskResult(1), TaskResult(2)],
        [TaskResult(3)],
        (),
    ]


def test_a_full_queue_releases_its_threads_when_it_is_closed() -> None:
    queues = PoolQueues(workers=1)
    flood = threading.Thread(
        target=lambda: [queues.put_events(Job("x"), [TaskResult(number)]) for number in range(2 * BATCHES_AHEAD)],
        daemon=True,
    )
    flood.start()
    flood.join(0.2)
    assert flood.is_alive(), "it is bounded"
    queues.is_closed = True
    flood.join(30)
    assert not flood.is_alive()


def test_an_exception_is_captured() -> None:
    error = ValueError("listing")
    with CapturedError() as captured:
        raise error
    assert captured.error is error


def test_an_interrupt_is_not_stored() -> None:
    with pytest.raises(KeyboardInterrupt), CapturedError():
        raise KeyboardInterrupt
