# SPDX-License-Identifier: MIT
"""Wait for conditions, and list the child processes of a test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return when the condition holds. Fail if it does not hold within a time that a loaded machine never needs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition does not hold within {seconds:g} s"
        time.sleep(0.02)


def running_children() -> set[int]:
    """The ids of the child processes of this process that run, those of other tests included. It needs /proc."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for each in lists for child in each.read_text().split() if is_running(int(child))}


def is_running(process: int) -> bool:
    """Return whether a process runs; one that has ended but was not waited for does not. It needs /proc."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
