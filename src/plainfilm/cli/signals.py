# SPDX-License-Identifier: MIT
"""Stop the work of a command when the user or the system asks for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class Stoppable(Protocol):
    """Work that can be stopped from a signal handler."""

    def stop(self, grace_seconds: float = ...) -> None:
        """Start nothing more, and give what is in progress some seconds to end."""


@contextmanager
def stopping_on_signals(work: Stoppable) -> Iterator[list[int]]:
    """Stop the work on SIGINT and SIGTERM; the list that is yielded collects the numbers of the signals.

    The first signal lets the images in progress finish, the second does not wait for them, and the third ends the
    process at once and leaves the tables as they are. Signals after a stopped run are ignored, because the process is
    about to exit with the code of the first signal.
    """
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 2:
            raise SystemExit(128 + number)
        if len(signals) == 1:
            work.stop()
        else:
            work.stop(0.0)

    earlier_handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in earlier_handlers.items():
            signal.signal(number, signal.SIG_IGN if signals else handler)
