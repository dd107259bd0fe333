# SPDX-License-Identifier: MIT
"""What a worker may take of the machine: bytes and seconds in, limits of the operating system set.

Each function does what the system at hand allows, and nothing where it allows nothing.
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
from pathlib import Path

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
"""Environment variables that hold native libraries to one thread: the processes are what is parallel."""

_PR_SET_PDEATHSIG = 1
_STATM = Path("/proc/self/statm")
_SAMPLING_PATIENCE = 5.0


def forbid_core_dumps() -> None:
    """A core dump holds the patient's picture and name: there shall be none."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_address_space(allowance: int) -> None:
    """Let this process take `allowance` bytes beyond its address space now; more is a MemoryError (Linux only)."""
    if sys.platform == "linux":
        present = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, present + allowance)


def limit_processor_time(seconds: float) -> None:
    """Let this process use `seconds` more of one processor, several times over for the threads of libraries.

    The parent's own deadline comes first. This one holds where there is no parent any more: SIGXCPU ends the process.
    """
    if sys.platform != "win32":
        _lower(resource.RLIMIT_CPU, math.ceil(time.process_time() + 2 * seconds * (os.cpu_count() or 1)) + 1)


def die_with_parent() -> None:
    """Have this process killed when the thread that started it ends, however it ends (Linux only).

    A parent that is gone by now is not noticed here, but by the end of its pipe.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_stopping_to_parent() -> None:
    """Ctrl-C, and a scheduler that signals every process of a run, mean the parent: it lets the work in hand finish."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def resident_size() -> int | None:
    """Bytes of this process in memory now; on systems that do not tell, at its largest so far, or None."""
    if sys.platform == "linux":
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    if sys.platform != "win32":
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
    return None


def resident_sizes(processes: Iterable[int]) -> dict[int, int]:
    """Bytes in memory of other processes, by process id, as far as `ps` knows them."""
    wanted = ",".join(str(process) for process in processes)
    if not wanted:
        return {}
    command = ["ps", "-o", "pid=,rss=", "-p", wanted]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_SAMPLING_PATIENCE, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return {int(process): int(kilobytes) * 1024 for process, kilobytes in map(str.split, said.splitlines())}


def _lower(kind: int, wanted: int) -> None:
    """Set a soft limit, within the hard one, which stays as it is: a limit of the user's own is never raised."""
    if sys.platform != "win32":
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
