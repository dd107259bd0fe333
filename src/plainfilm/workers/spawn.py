# SPDX-License-Identifier: MIT
"""A task -> worker processes that load it already while the command itself is still loading: the first picture's wait.

This module loads quickly; that is what it is for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import IO, cast

from plainfilm.workers.limits import ONE_THREAD

TASK = "plainfilm.conversion.task:convert_source"
"""What a worker does with one reference."""

MOST_PRESTARTED = 2
"""Beyond these a run starts workers when it has work for them: a few files on many processors need no more."""

# The GNU C library gives the memory of every large array back and takes it anew, page by page, for the next film's:
# a worker keeps it. Elsewhere these say nothing.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}

_APART_ON_WINDOWS = 0
if sys.platform == "win32":
    _APART_ON_WINDOWS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW


class PrestartedWorkers(AbstractContextManager["PrestartedWorkers"]):
    """Children that are started when its block begins; those that nobody has taken leave when it ends."""

    def __init__(self, workers: int, task: str = TASK) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        with suppress(OSError):  # the run will say so
            for _ in range(min(workers, MOST_PRESTARTED)):
                self._children.append(spawn(task))

    def take(self) -> subprocess.Popen[bytes] | None:
        """One of the children, from any thread; None where there is none left."""
        with suppress(IndexError):
            return self._children.pop()
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while (child := self.take()) is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                cast("IO[bytes]", pipe).close()


def spawn(task: str, extra_path: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """A child that loads a task and then waits for its WorkerSetup. Raises OSError where the system starts none."""
    # -P: the current folder holds the user's files, and is no place to import from
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "plainfilm.workers.child", task],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(extra_path),
        start_new_session=True,
        creationflags=_APART_ON_WINDOWS,
    )


def _environment(extra_path: Sequence[str]) -> dict[str, str]:
    """This process's own environment, with its module path, one thread a library, and memory that is kept."""
    places = [*extra_path, *(place or os.curdir for place in sys.path)]
    one_thread = dict.fromkeys(ONE_THREAD, "1")
    return {**_KEEP_MEMORY, **os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(places)}
