# SPDX-License-Identifier: MIT
"""The exchange loses no event and holds back no thread that nobody hears; errors change threads, Ctrl-C does not."""

from __future__ import annotations

import threading

import pytest

from plainfilm.run.attendant import EVENTS_AHEAD, Exchange, Held
from plainfilm.run.messages import Outcome


def test_events_come_in_order_and_then_none() -> None:
    exchange = Exchange(workers=1)
    exchange.post(Outcome(1))
    exchange.post(Outcome(2))
    assert [exchange.next_event(0), exchange.next_event(0.01), exchange.next_event(0.01)] == [
        Outcome(1),
        Outcome(2),
        None,
    ]


def test_a_full_exchange_lets_its_threads_go_when_it_is_closed() -> None:
    exchange = Exchange(workers=1)
    flood = threading.Thread(
        target=lambda: [exchange.post(Outcome(number)) for number in range(2 * EVENTS_AHEAD)], daemon=True
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
