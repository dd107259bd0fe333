# SPDX-License-Identifier: MIT
"""Tasks that fail in every way in which a native decoder can fail. Real workers run them."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plainfilm.errors import Reason, StorageFullError
from plainfilm.workers.messages import FrameSkipped, FrameStarted, FrameSurveyed, Job, Report, TaskResult

Script = Mapping[str, Any]
"""What `run_script` does. Every key but `name` may be absent.

- `name`, `frames`: the name and number of frames that are reported.
- `fault`: a key of FAULTS.
- `at`: where the fault happens: a frame, "each frame", "reading", or "between" (after a result).
- `survey_faults`: the frames in whose survey the fault happens instead; all frames are then surveyed first.
- `once`: a file that the fault creates; when it exists, the fault does not happen again.
- `seconds`, `folder`: parameters of single faults.
"""

ReportFunction = Callable[[Report], None]

leaked_memory: list[bytes] = []


def run_script(job: Job, report: ReportFunction) -> bool:
    """Report (name, frame, process id) of every frame, and inject the script's fault.

    Return what the script says about the need of a new process.
    """
    script: Any = job.payload
    report(FrameStarted(None))
    inject_fault(script, "reading")
    frames = range(script.get("frames", 1))
    for frame in [frame for frame in frames if "survey_faults" in script and frame not in job.skipped_frames]:
        report(FrameSurveyed(frame))
        if frame in script["survey_faults"]:
            FAULTS[script["fault"]](script)
    for frame in frames[job.first_frame :]:
        if frame in job.skipped_frames:
            report(FrameSkipped(frame))
            continue
        report(FrameStarted(frame))
        inject_fault(script, frame)
        report(TaskResult((script["name"], frame, os.getpid())))
        inject_fault(script, "between")
    return bool(script.get("needs_new_process"))


def inject_fault(script: Script, place: int | str) -> None:
    """Run the script's fault if this is its place, unless it happens only once and has happened."""
    fault_place = script.get("at", "survey" if "survey_faults" in script else 0)
    is_here = fault_place == place or (fault_place == "each frame" and isinstance(place, int))
    if "fault" not in script or not is_here:
        return
    if "once" in script:
        if Path(script["once"]).exists():
            return
        Path(script["once"]).touch()
    FAULTS[script["fault"]](script)


def read_invalid_address(_: Script) -> None:
    """Cause SIGSEGV."""
    ctypes.string_at(0)


def fill_the_disk(_: Script) -> None:
    """Report that no image can be written any more."""
    raise StorageFullError("no space is left", reason=Reason.STORAGE_FULL)


def hold_the_interpreter(_: Script) -> None:
    """Call a C function that never releases the interpreter lock."""
    ctypes.PyDLL(None).sleep(600)


def match_forever(_: Script) -> None:
    """Run an endless loop in C that holds the interpreter lock."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def spin(_: Script) -> None:
    """Run an endless loop in Python."""
    while True:
        pass


def bloat(_: Script) -> None:
    """Allocate memory until none is left."""
    blocks = []
    while True:
        blocks.append(b"x" * (16 << 20))


def bloat_and_wait(_: Script) -> None:
    """Allocate 400 MiB, and hang."""
    block = b"x" * (400 << 20)
    time.sleep(600)
    del block


def leak_memory(_: Script) -> None:
    """Leak 64 MiB."""
    leaked_memory.append(b"x" * (64 << 20))


def fail(script: Script) -> None:
    """Raise an exception that quotes private data."""
    raise ValueError(f"the patient is called {script['name']}")


def recurse(script: Script) -> None:
    """Recurse without end."""
    recurse(script)


def print_everywhere(_: Script) -> None:
    """Print in every way that a library can."""
    print("a line of Python", flush=True)
    os.write(1, b"a line of the system\n" * 100)
    libc = ctypes.CDLL(None)
    libc.puts(b"a line of C")
    libc.fflush(None)
    print("an error of Python", file=sys.stderr, flush=True)


def write_garbage(_: Script) -> None:
    """Write garbage into every open pipe, also those of the messages."""
    for descriptor in range(3, 32):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue


def exit_with_running_thread(_: Script) -> None:
    """Raise SystemExit while a thread runs that Python would wait for."""
    threading.Thread(target=time.sleep, args=(600,)).start()
    sys.exit(5)


def die_then_hang(script: Script) -> None:
    """Die in the first attempt and hang in the second; create the files `died` and `hangs` in a folder."""
    folder = Path(script["folder"])
    if not (folder / "died").exists():
        (folder / "died").touch()
        os._exit(1)
    (folder / "hangs").touch()
    time.sleep(600)


def die_later(_: Script) -> None:
    """Return normally, and die while the next job runs."""
    threading.Timer(0.2, lambda: os._exit(3)).start()


FAULTS: dict[str, Callable[[Script], object]] = {
    "segfault": read_invalid_address,
    "abort": lambda _: os.abort(),
    "exit with 0": lambda _: os._exit(0),
    "exit with 7": lambda _: os._exit(7),
    "SystemExit": exit_with_running_thread,
    "kill itself": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "fill the disk": fill_the_disk,
    "kill the parent": lambda _: os.kill(os.getppid(), signal.SIGKILL),
    "sleep": lambda _: time.sleep(600),
    "spin": spin,
    "hold the interpreter": hold_the_interpreter,
    "match forever": match_forever,
    "bloat": bloat,
    "bloat and wait": bloat_and_wait,
    "leak memory": leak_memory,
    "raise": fail,
    "recurse": recurse,
    "print": print_everywhere,
    "write garbage": write_garbage,
    "die later": die_later,
    "die, then hang": die_then_hang,
    "wait": lambda script: time.sleep(script["seconds"]),
}


def report_environment(job: Job, report: ReportFunction) -> None:
    """Report environment variables, and the limits of core size and processor time."""
    import resource

    names: Any = job.payload
    report(TaskResult({name: os.environ.get(name) for name in names}))
    report(TaskResult(resource.getrlimit(resource.RLIMIT_CORE)))
    report(TaskResult(resource.getrlimit(resource.RLIMIT_CPU)[0]))


def run_out_of_disk(_: Job, report: ReportFunction) -> None:
    """Raise an error that ends the run."""
    report(FrameStarted(None))
    raise StorageFullError("no space is left", reason=Reason.STORAGE_FULL)


def report_unpicklable(_: Job, report: ReportFunction) -> None:
    """Report a value that cannot be pickled."""
    report(TaskResult(threading.Lock()))


def write_pid(job: Job, report: ReportFunction) -> None:
    """Create a file in a folder whose name is this process's id, then run a fault."""
    payload: Any = job.payload
    folder, fault = payload
    report(FrameStarted(0))
    Path(folder, str(os.getpid())).touch()
    FAULTS[fault]({})


def report_whole_job(_: Job, report: ReportFunction) -> None:
    """Report a result of the whole job, then die."""
    report(FrameStarted(None))
    report(TaskResult("the whole job"))
    os._exit(9)
