# SPDX-License-Identifier: MIT
"""Which frame is about to be worked on -> whoever must know it where no word comes back, and which to leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkippedFrame:
    """A frame (from 0) that was wanted and is one of those left out."""

    frame: int


@dataclass(frozen=True, slots=True)
class FrameHooks:
    """Who is told before a frame is worked on, counted from 0: in its own turn, and when it is looked at for all.

    left_out: frames that are neither looked at nor rendered.
    """

    started: Callable[[int], None] = lambda _frame: None
    looking: Callable[[int], None] = lambda _frame: None
    left_out: frozenset[int] = frozenset()


NO_HOOKS = FrameHooks()
"""Watches, and leaves out, nothing."""
