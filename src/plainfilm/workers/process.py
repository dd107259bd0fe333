# SPDX-License-Identifier: MIT
"""The parent's side of one worker process: jobs in, messages out, until the child leaves or its deadline kills it.

A child is a plain `python -m plainfilm.workers.child` with two pipes, so it works alike from a script without a
`__main__` guard, from a notebook and from a thread, on every system. It lives in a session
of its own, so that Ctrl-C reaches the parent alone.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO, cast

from plainfilm.errors import Reason
from plainfilm.workers.messages import (
    UNREADABLE,
    Reply,
    WorkerSettings,
    WorkerSetup,
    describe_memory,
    describe_timeout,
    read_message,
    write_message,
)
from plainfilm.workers.spawn import spawn

LEAVING_SECONDS = 2.0
"""How long a child that has closed its pipe, or whose pipe was closed, may take to leave."""


class WorkerProcess:
    """One child. One thread starts, feeds, hears and ends it; others may `enforce` its deadline and `condemn` it."""

    def __init__(self, task: str, settings: WorkerSettings, started: subprocess.Popen[bytes] | None = None) -> None:
        """Take a child that was started, or start one. Raises OSError where the system starts no process."""
        self._settings = settings
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._verdict: Reason | None = None
        self._condemned = self._garbled = self._leaving = False
        self._child = started or spawn(task, settings.extra_path)
        self.resident_at_first = 0
        self.send(WorkerSetup(task, settings))

    @property
    def number(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def condemned(self) -> bool:
        """Whether it was killed from this side."""
        return self._condemned

    def send(self, message: object) -> None:
        """Give the child a message; the next `receive` tells whether it is gone. Raises what pickling raises."""
        with suppress(OSError):
            write_message(self._requests, message)

    def receive(self, patience: float) -> Reply | None:
        """The child's next message. None when it is gone: by itself, for silence (`patience` seconds), for garbage."""
        with self._lock:
            self._deadline = time.monotonic() + patience
        message = None
        try:
            message = read_message(self._replies)
        except UNREADABLE:
            self._garbled = True
            self.condemn()
        with self._lock:
            self._deadline = None
            if message is not None:
                # it came before the kill did: what was hanging is done, and whatever follows is not to blame
                self._verdict = None
        return cast("Reply | None", message)

    def enforce(self, now: float, pause: float) -> None:
        """Kill a child that is past its deadline, which is put off by a pause (seconds) of the parent's own first."""
        with self._lock:
            if self._deadline is None:
                return
            self._deadline += pause
            if now < self._deadline:
                return
        self.condemn(Reason.TIMEOUT)

    def enforce_memory(self, resident: int) -> None:
        """Kill a child that takes more bytes than it may (where the system itself keeps no limit)."""
        if resident - self.resident_at_first > self._settings.memory:
            self.condemn(Reason.MEMORY_LIMIT)

    def condemn(self, verdict: Reason | None = None) -> None:
        """Kill the child, unless it is about to be waited for. A verdict only counts while a message is awaited."""
        with self._lock:
            if self._leaving or (verdict is not None and self._deadline is None):
                return
            self._verdict, self._condemned = verdict, True
            self._child.kill()

    def end(self) -> tuple[Reason, str]:
        """Have the child leave, wait for it, and say why it is gone, as if it had been busy."""
        with self._lock:
            self._leaving = True
        with suppress(OSError):
            self._requests.close()
        try:
            self._child.wait(LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._replies.close()
        return self._cause()

    def _cause(self) -> tuple[Reason, str]:
        code = self._child.returncode
        if self._verdict is Reason.MEMORY_LIMIT:
            return Reason.MEMORY_LIMIT, describe_memory(self._settings)
        if self._verdict is Reason.TIMEOUT or (sys.platform != "win32" and code == -signal.SIGXCPU):
            return Reason.TIMEOUT, describe_timeout(self._settings)
        if self._garbled:
            return Reason.WORKER_DIED, "the worker process wrote over its own messages"
        return Reason.WORKER_DIED, describe_exit(code)

    @property
    def _requests(self) -> IO[bytes]:
        return cast("IO[bytes]", self._child.stdin)

    @property
    def _replies(self) -> IO[bytes]:
        return cast("IO[bytes]", self._child.stdout)


def describe_exit(code: int) -> str:
    """How a process ended, from its return code (negative: a signal)."""
    if code >= 0:
        return f"the worker process left with exit code {code if code < 1 << 16 else hex(code)}"
    known = {member.value: member.name for member in signal.Signals}
    name = known.get(-code, f"signal {-code}")
    hint = " (often the system's, for want of memory)" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
