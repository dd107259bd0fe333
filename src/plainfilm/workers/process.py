# SPDX-License-Identifier: MIT
"""Control one worker process from the parent: send jobs, receive messages, kill it at its deadline or limit.

A child is started as `python -m plainfilm.workers.child` with two pipes, or forked by a process that is started in the
same way. This works from a script without a `__main__` guard, from a notebook and from a thread, on every system. The
child has a session of its own, or that of its fork server, so that Ctrl-C reaches the parent only.
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
from plainfilm.workers.forking import EXIT_SECONDS, Child
from plainfilm.workers.messages import (
    UNREADABLE_MESSAGE,
    Job,
    Reply,
    WorkerSettings,
    WorkerSetup,
    memory_message,
    read_message,
    timeout_message,
    write_message,
)
from plainfilm.workers.spawn import spawn

MOST_BYTES_SENT_AHEAD = 4000
"""The longest message that is sent ahead: any pipe holds it, so that the parent never waits for a child that works."""


class WorkerProcess:
    """One child. One thread starts it, sends and receives, and ends it; other threads may enforce limits and `kill`."""

    def __init__(self, task: str, settings: WorkerSettings, child: Child | None = None) -> None:
        """Take a child that is already started, or start one. Raises OSError when the system cannot start a process."""
        self._settings = settings
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._exceeded_limit: Reason | None = None
        self._was_killed = self._sent_invalid_data = self._is_ending = False
        self._child: Child = child or spawn(task, settings.extra_path)
        self.initial_resident = 0
        self.send(WorkerSetup(task, settings))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def was_killed(self) -> bool:
        """Whether `kill` has killed the child."""
        return self._was_killed

    def send(self, message: object) -> None:
        """Send a message. If the child is gone, the next `receive` returns None. Raises the exceptions of pickling."""
        with suppress(OSError):
            write_message(self._requests, message)

    def send_ahead(self, job: Job) -> bool:
        """Send a job while the child works on another one; return False for a job that is not sent: it is too long."""
        with suppress(OSError):
            return write_message(self._requests, job, MOST_BYTES_SENT_AHEAD)
        return False

    def receive(self, timeout: float) -> Reply | None:
        """Return the child's next message.

        Returns None when the child has died, or was killed: because no message came within `timeout` seconds, because
        of a limit, or because it sent something that is not a message.
        """
        with self._lock:
            self._deadline = time.monotonic() + timeout
        message = None
        try:
            message = read_message(self._replies)
        except UNREADABLE_MESSAGE:
            self._sent_invalid_data = True
            self.kill()
        with self._lock:
            self._deadline = None
            if message is not None:
                # The message came before the kill: the work that exceeded the limit is done.
                self._exceeded_limit = None
        return cast("Reply | None", message)

    def enforce_deadline(self, now: float, pause: float) -> None:
        """Kill the child if its deadline has passed. The deadline is first moved by a pause of the parent (seconds)."""
        with self._lock:
            if self._deadline is None:
                return
            self._deadline += pause
            if now < self._deadline:
                return
        self.kill(Reason.TIMEOUT)

    def enforce_memory_limit(self, resident: int) -> None:
        """Kill the child if its resident size (bytes) exceeds the limit, on systems that set no limit themselves."""
        if resident - self.initial_resident > self._settings.memory:
            self.kill(Reason.MEMORY_LIMIT)

    def kill(self, exceeded_limit: Reason | None = None) -> None:
        """Kill the child, unless `end` already waits for it.

        exceeded_limit: the cause, if it is a limit. A limit applies only while the parent waits for a message.
        """
        with self._lock:
            if self._is_ending or (exceeded_limit is not None and self._deadline is None):
                return
            self._exceeded_limit, self._was_killed = exceeded_limit, True
            self._child.kill()

    def end(self) -> tuple[Reason, str]:
        """Make the child exit, wait for it, and return why it ended, as the reason and message of a loss."""
        with self._lock:
            self._is_ending = True
        with suppress(OSError):
            self._requests.close()
        try:
            self._child.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._replies.close()
        return self._cause()

    def _cause(self) -> tuple[Reason, str]:
        code = self._child.returncode or 0
        if self._exceeded_limit is Reason.MEMORY_LIMIT:
            return Reason.MEMORY_LIMIT, memory_message(self._settings)
        if self._exceeded_limit is Reason.TIMEOUT or (sys.platform != "win32" and code == -signal.SIGXCPU):
            return Reason.TIMEOUT, timeout_message(self._settings)
        if self._sent_invalid_data:
            return Reason.WORKER_DIED, "the worker process wrote something else between its messages"
        return Reason.WORKER_DIED, exit_message(code)

    @property
    def _requests(self) -> IO[bytes]:
        return cast("IO[bytes]", self._child.stdin)

    @property
    def _replies(self) -> IO[bytes]:
        return cast("IO[bytes]", self._child.stdout)


def exit_message(code: int) -> str:
    """Return the user's message for a process that has ended, from its return code (negative: a signal)."""
    if code >= 0:
        return f"the worker process ended with exit code {code if code < 1 << 16 else hex(code)}"
    signal_names = {member.value: member.name for member in signal.Signals}
    name = signal_names.get(-code, f"signal {-code}")
    hint = " (often by the system, when it runs out of memory)" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
