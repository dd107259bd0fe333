# SPDX-License-Identifier: MIT
"""Set and measure the memory and processor time of a worker process, through the operating system.

Each function does what the current system supports; where a system has no such limit, the function does nothing.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache

if sys.platform != "win32":
    import resource

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables that limit native libraries to one thread each, since the worker processes run in parallel."""

_PR_SET_PDEATHSIG = 1
_STATM, _STATM_BYTES = "/proc/self/statm", 256
_PS_TIMEOUT_SECONDS = 5.0


def disable_core_dumps() -> None:
    """Disable core dumps, which would hold the patient's image and name."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_address_space(allowance: int) -> None:
    """Let this process use `allowance` bytes beyond its current address space; more is a MemoryError (Linux only)."""
    if sys.platform == "linux":
        current = _memory_pages()[0] * resource.getpagesize()
        _set_soft_limit(resource.RLIMIT_AS, current + allowance)


def limit_processor_time(seconds: float) -> None:
    """Let this process use `seconds` times twice the number of processors more of processor time.

    The parent's deadline normally ends a hanging process first. This limit ends it (SIGXCPU) if the parent is gone. The
    factor allows for the threads of libraries.
    """
    if sys.platform != "win32":
        limit = time.process_time() + 2 * seconds * _processors()
        _set_soft_limit(resource.RLIMIT_CPU, math.ceil(limit) + 1)


def die_with_parent() -> None:
    """Have the system kill this process when the thread that started it ends, for any reason (Linux only).

    If the parent has ended before this call, the end of the pipe ends this process instead.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def ignore_stop_signals() -> None:
    """Ignore SIGINT and SIGTERM, which a terminal or scheduler sends to every process of a run.

    The parent handles them: it lets the jobs in flight finish.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def resident_size() -> int | None:
    """Return the resident size of this process in bytes; outside Linux the largest so far; None on Windows."""
    if sys.platform == "linux":
        return _memory_pages()[1] * resource.getpagesize()
    if sys.platform != "win32":
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
    return None


def resident_sizes(pids: Iterable[int]) -> dict[int, int]:
    """Return the resident sizes of other processes in bytes, by process id, of those that `ps` lists."""
    pid_list = ",".join(str(pid) for pid in pids)
    if not pid_list:
        return {}
    command = ["ps", "-o", "pid=,rss=", "-p", pid_list]
    try:
        output = subprocess.run(
            command, capture_output=True, text=True, timeout=_PS_TIMEOUT_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return {int(pid): int(kilobytes) * 1024 for pid, kilobytes in map(str.split, output.splitlines())}


def _memory_pages() -> list[int]:
    """Return the pages of the address space of this process, and those that are resident (Linux only)."""
    descriptor = os.open(_STATM, os.O_RDONLY)
    try:
        return [int(pages) for pages in os.read(descriptor, _STATM_BYTES).split()[:2]]
    finally:
        os.close(descriptor)


@cache
def _processors() -> int:
    return os.cpu_count() or 1


def _set_soft_limit(kind: int, value: int) -> None:
    """Set a soft limit, at most the hard limit, which stays as it is: a limit that the user has set is never raised."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(kind)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        if limit != soft:
            resource.setrlimit(kind, (limit, hard))
