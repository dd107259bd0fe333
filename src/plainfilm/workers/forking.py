# SPDX-License-Identifier: MIT
"""Start workers by forking a process that has loaded the task already (Linux); `fork_server.py` is that process.

A worker that is forked is no child of this process. The fork server tells its process id and how it ends, and a
descriptor of the process (pidfd) lets this process kill it without a doubt about which process that is.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from typing import IO, Protocol

STATE = struct.Struct("<q")
"""A message about the state of a worker: its process id (0: none), later its exit code (negative: a signal)."""
REQUEST_DESCRIPTORS = 3
START_SECONDS = 120.0
"""How long a worker may take until it is ready; imports from a network file system can be slow."""
EXIT_SECONDS = 2.0
"""How long a process may take to exit after its pipe is closed."""
_POLL_SECONDS = 0.1


class Child(Protocol):
    """A worker process with its two pipes: a `subprocess.Popen`, or a `ForkedChild`."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    pid: int

    @property
    def returncode(self) -> int | None:
        """The exit code (negative: a signal) after `wait`."""

    def kill(self) -> None:
        """Kill the process unless it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code. Raises subprocess.TimeoutExpired."""


class ChildSource(Protocol):
    """A source of worker processes that load their task sooner than one that is started on demand."""

    def take(self, is_stopping: Callable[[], bool]) -> Child | None:
        """Return a child, or None if there is none or `is_stopping` becomes true. May be called from any thread.

        Raises OSError when the system cannot start a process.
        """


class ForkedChild:
    """A worker that the fork server has forked; like `subprocess.Popen`."""

    def __init__(self, pid: int, descriptor: int, state: socket.socket, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.returncode: int | None = None
        self._descriptor = descriptor
        self._state = state

    def kill(self) -> None:
        """Kill the process unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is not None:
            return self.returncode
        self._state.settimeout(timeout)
        try:
            message = self._state.recv(STATE.size)
        except TimeoutError:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0) from None
        except OSError:
            message = b""
        # without a fork server, the system has killed its workers
        self.returncode = STATE.unpack(message)[0] if message else -signal.SIGKILL
        self._state.close()
        os.close(self._descriptor)
        return self.returncode


def can_fork() -> bool:
    """Whether this system has what forked workers need."""
    if sys.platform != "linux" or not hasattr(signal, "pidfd_send_signal"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # Linux before 5.3
        return False
    return True


class ForkServer:
    """The process that forks the workers of one task. It starts with `start`, or with the first worker."""

    def __init__(self, task: str, environment: Mapping[str, str]) -> None:
        self._task = task
        self._environment = environment
        self._lock = threading.Lock()
        self._is_closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process. Raises OSError when the system cannot start one."""
        with self._lock:
            if self._process is not None or self._is_closed:
                return
            control, other = socket.socketpair()
            with closing(other), ExitStack() as on_failure:
                on_failure.callback(control.close)
                # -P: modules must not be imported from the current folder, which holds the user's files
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "plainfilm.workers.fork_server", self._task],
                    stdin=other.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=self._environment,
                    start_new_session=True,
                )
                on_failure.pop_all()
            self._control = control

    def take(self, is_stopping: Callable[[], bool] = lambda: False) -> ForkedChild | None:
        """Fork a worker, and return it; None if this is not possible, or if `is_stopping` becomes true.

        May be called from any thread. Raises OSError when the system has no descriptors or processes left.
        """
        self.start()
        with ExitStack() as on_failure, ExitStack() as other_ends:
            request_end, requests = _pipe(on_failure, other_ends, is_read_given=True)
            reply_end, replies = _pipe(on_failure, other_ends, is_read_given=False)
            state, state_end = socket.socketpair()
            on_failure.callback(state.close)
            other_ends.callback(state_end.close)
            if not self._send([request_end, reply_end, state_end.fileno()]):
                return None
            other_ends.close()
            started = _receive_start(state, is_stopping)
            if started is None:
                return None
            on_failure.pop_all()
            return ForkedChild(*started, state, os.fdopen(requests, "wb"), os.fdopen(replies, "rb"))

    def close(self) -> None:
        """End the process, and with it all its workers."""
        with self._lock:
            self._is_closed = True
            process, self._process = self._process, None
            control, self._control = self._control, None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _send(self, descriptors: list[int]) -> bool:
        """Send a request; return whether the fork server can get it."""
        with self._lock:
            if self._control is None:
                return False
            try:
                socket.send_fds(self._control, [b"f"], descriptors)
            except OSError:
                return False
            return True


def _pipe(on_failure: ExitStack, other_ends: ExitStack, *, is_read_given: bool) -> tuple[int, int]:
    """Return the ends of a new pipe: the one that is given away, and the own one."""
    read, write = os.pipe()
    given, own = (read, write) if is_read_given else (write, read)
    on_failure.callback(os.close, own)
    other_ends.callback(os.close, given)
    return given, own


def _receive_start(state: socket.socket, is_stopping: Callable[[], bool]) -> tuple[int, int] | None:
    """Return the process id and the descriptor of a worker that has been asked for; None if there will be none."""
    state.settimeout(_POLL_SECONDS)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and not is_stopping():
        try:
            message, descriptors, _, _ = socket.recv_fds(state, STATE.size, 1)
        except TimeoutError:
            continue
        except OSError:
            return None
        return (STATE.unpack(message)[0], descriptors[0]) if descriptors else None
    return None
