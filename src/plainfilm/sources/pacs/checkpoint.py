# SPDX-License-Identifier: MIT
"""Keep the thread of an association from taking the answers to a request.

pynetdicom stops this thread with a `threading.Event` before a request, and lets it go on after the last answer. If the
next request follows at once, the thread can still be on its way: it then takes an answer, and a result of a search, or
an instance, is lost without a word. The checkpoint here is passed only while it is open, also by a thread that wakes up
late, and closing it waits until the thread has come back to it.
"""

from __future__ import annotations

import threading

from pynetdicom.association import Association

_MOST_SECONDS = 5.0


class Checkpoint(threading.Event):
    """An event whose `clear` returns when the one thread that waits for it is waiting again."""

    def __init__(self) -> None:
        super().__init__()
        self._changes = threading.Condition()
        self._is_open = True
        self._is_waiting = False

    def is_set(self) -> bool:
        """Whether the checkpoint is open."""
        return self._is_open

    def set(self) -> None:
        """Open the checkpoint."""
        with self._changes:
            self._is_open = True
            self._changes.notify_all()

    def clear(self) -> None:
        """Close the checkpoint, and wait until the thread is in front of it, or has ended."""
        with self._changes:
            self._is_open = False
            self._changes.wait_for(lambda: self._is_waiting, _MOST_SECONDS)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the checkpoint is open."""
        with self._changes:
            self._is_waiting = True
            self._changes.notify_all()
            is_open = self._changes.wait_for(self.is_set, timeout)
            self._is_waiting = False
            return is_open


def use_checkpoint(association: Association) -> None:
    """Replace the event of an association that is established."""
    association._reactor_checkpoint = Checkpoint()
