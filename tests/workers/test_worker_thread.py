# SPDX-License-Identifier: MIT
"""The exchange loses no event and holds back no thread that nobody hears; errors change threads, Ctrl-C does not."""

from __future__ import annotations

import threading

import pytest

from plainfilm.workers.messages import TaskResult
from plainfilm.workers.worker_thread import EVENTS_AHEAD, Held, PoolQueues


def test_events_come_in_order_and_then_none() -> None:
    exchange = PoolQueues(workers=1)
    exchange.post(TaskResult(1))
    exchange.post(TaskResult(2))
    assert [exchange.next_event(0), exchange.next_event(0.01), exchange.next_event(0.01)] == [
        TaskResult(1),
        TaskResult(2),
        None,
    ]


def test_a_full_exchange_lets_its_threads_go_when_it_is_closed() -> None:
    exchange = PoolQueues(workers=1)
    flood = threading.Thread(
        target=lambda: [exchange.post(TaskResult(number)) for number in range(2 * EVENTS_AHEAD)], daemon=True
    )
    flood.start()
    flood.join(0.2)
    assert flood.is_alive(), "it is bounded"
    exchange.closed = True
    flood.join(30)
    assert not flood.is_alive()


def test_an_exception_is_held() -> None:
    error = ValueError("listing")
    with Held() as held:
        raise error
    assert held.error is error


def test_an_interrupt_passes() -> None:
    with pytest.raises(KeyboardInterrupt), Held():
        raise KeyboardInterrupt
