# SPDX-License-Identifier: MIT
"""Fork worker processes from one process that has loaded the task: further workers then start without imports.

`forking.py` starts this module as `python -m plainfilm.workers.fork_server TASK`; it cannot be used from a shell. Its
standard input is a socket to the parent. Each request is one byte with three descriptors: the read end of the pipe for
requests to the worker, the write end of the pipe for its replies, and a socket for its state. The state is the process
id, with a descriptor of the process (pidfd), or 0 if no process can be forked, and later how the worker has ended.

This process has a single thread, which only loads the task, forks and waits. A worker is killed when this process ends,
and this process ends when its parent does.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from plainfilm.pickling import dataclass
from plainfilm.workers import child, limits
from plainfilm.workers.forking import REQUEST_DESCRIPTORS, STATE

_PARENT_CHECK_MILLISECONDS = 1000
_THREADS = Path("/proc/self/task")


@dataclass(frozen=True, slots=True)
class _Worker:
    """A worker: its process id, the descriptor of the process, and the socket for its state."""

    process_id: int
    descriptor: int
    state: socket.socket


def main() -> NoReturn:
    """Serve requests until the parent closes its end of the socket, or ends."""
    parent = os.getppid()
    control = _claim_control()
    limits.ignore_stop_signals()
    limits.disable_core_dumps()
    child.preload(sys.argv[1:])
    # the loaded modules stay, and the memory that holds them stays shared with the workers
    gc.collect()
    gc.freeze()
    _serve(control, parent)


def _claim_control() -> socket.socket:
    """Take standard input for requests, and return it. What other code prints goes to standard error."""
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return control


def _serve(control: socket.socket, parent: int) -> NoReturn:
    workers: dict[int, _Worker] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll(_PARENT_CHECK_MILLISECONDS):
            if descriptor in workers:
                poll.unregister(descriptor)
                _report_end(workers.pop(descriptor))
                continue
            data, received, _, _ = socket.recv_fds(control, 1, REQUEST_DESCRIPTORS)
            if not data:
                os._exit(0)
            worker = _fork(control, received, workers)
            if worker is not None:
                workers[worker.descriptor] = worker
                poll.register(worker.descriptor, select.POLLIN)
        # another process may hold a copy of the parent's end of the socket
        if os.getppid() != parent:
            os._exit(0)


def _fork(control: socket.socket, received: list[int], workers: dict[int, _Worker]) -> _Worker | None:
    """Fork a worker, and return it; None if this is not possible, which the parent is told."""
    requests, replies, state_descriptor = received
    state = socket.socket(fileno=state_descriptor)
    server, process_id = os.getpid(), None
    # a forked process has only the thread that forks, so a lock that another thread holds would never be released
    if _is_single_threaded():
        with suppress(OSError):
            process_id = os.fork()
    if process_id == 0:
        _become_worker(server, requests, replies, [control, state, *(worker.state for worker in workers.values())])
    os.close(requests)
    os.close(replies)
    if process_id is None:
        _send(state, STATE.pack(0))
        state.close()
        return None
    worker = _Worker(process_id, os.pidfd_open(process_id), state)
    _send(state, STATE.pack(process_id), worker.descriptor)
    return worker


def _become_worker(server: int, requests: int, replies: int, sockets: list[socket.socket]) -> NoReturn:
    """Run as a worker. The descriptors of other workers are closed, so that their pipes end with them."""
    try:
        limits.die_with_parent()
        if os.getppid() != server:
            os._exit(1)
        for other in sockets:
            other.close()
        child.serve(os.fdopen(requests, "rb"), os.fdopen(replies, "wb"))
    finally:
        os._exit(1)


def _report_end(worker: _Worker) -> None:
    """Tell the parent how a worker has ended."""
    _, status = os.waitpid(worker.process_id, 0)
    _send(worker.state, STATE.pack(os.waitstatus_to_exitcode(status)))
    worker.state.close()
    os.close(worker.descriptor)


def _send(state: socket.socket, message: bytes, *descriptors: int) -> None:
    with suppress(OSError):  # the parent does not wait for it any more
        socket.send_fds(state, [message], list(descriptors))


def _is_single_threaded() -> bool:
    return sum(1 for _ in _THREADS.iterdir()) == 1


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    main()
