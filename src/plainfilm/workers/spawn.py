# SPDX-License-Identifier: MIT
"""Start worker processes, also ahead of a run: they load their task while the command itself is still loading.

This shortens the time until the first image. This module must load quickly, so it imports little.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import IO, cast

from plainfilm.workers.forking import Child, ForkServer, can_fork
from plainfilm.workers.limits import ONE_THREAD

TASK = "plainfilm.conversion.task:convert_source"
"""The task that converts one reference."""

MOST_PRESTARTED = 2
"""The run starts further workers when it has jobs for them: a few files need no more."""

# The GNU C library returns the memory of each large array to the system, and gets it again page by page for the next
# one. With these values a worker retains it. Other C libraries ignore them.
RETAIN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}

_WINDOWS_FLAGS = 0
if sys.platform == "win32":
    _WINDOWS_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW


class PrestartedWorkers(AbstractContextManager["PrestartedWorkers"]):
    """Child processes that start with the object. The `with` block kills those that are not taken when it ends.

    Of several workers, a fork server starts with the object where the system allows it, and forks each of them.
    """

    def __init__(self, workers: int, task: str = TASK) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        self._server = fork_server(workers, task)
        with suppress(OSError):  # the run itself reports that no process can be started
            if self._server is not None:
                self._server.start()
                return
            for _ in range(min(workers, MOST_PRESTARTED)):
                self._children.append(spawn(task))

    def take(self, is_stopping: Callable[[], bool] = lambda: False) -> Child | None:
        """Return a child, or None if none is left or `is_stopping` becomes true. May be called from any thread.

        Raises OSError when the system cannot start a process.
        """
        if self._server is not None:
            return self._server.take(is_stopping)
        with suppress(IndexError):
            return self._children.pop()
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for child in self._children:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                cast("IO[bytes]", pipe).close()


def fork_server(workers: int, task: str, extra_path: Sequence[str] = ()) -> ForkServer | None:
    """Return a fork server that is not started, where it pays: for several workers, on systems that allow it."""
    return ForkServer(task, _environment(extra_path)) if workers > 1 and can_fork() else None


def spawn(task: str, extra_path: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start a child that loads a task and then waits for its WorkerSetup.

    Raises OSError when the system cannot start a process.
    """
    return spawn_module("plainfilm.workers.child", [task], extra_path)


def spawn_module(module: str, arguments: Sequence[str], extra_path: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start a child that runs a module, with pipes to its standard input and output, in a session of its own.

    Raises OSError when the system cannot start a process.
    """
    # -P: modules must not be imported from the current folder, which holds the user's files
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(extra_path),
        start_new_session=True,
        creationflags=_WINDOWS_FLAGS,
    )


def _environment(extra_path: Sequence[str]) -> dict[str, str]:
    """Return this process's environment with its module path, one thread per library, and retained memory.

    The current folder is left out of the path, because it holds the user's files.
    """
    folders = [*extra_path, *(folder for folder in sys.path if folder not in ("", os.curdir))]
    one_thread = dict.fromkeys(ONE_THREAD, "1")
    return {**RETAIN_MEMORY, **os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(folders)}
