# SPDX-License-Identifier: MIT
"""Tasks that go wrong in every way a native decoder can, run by real workers: what to play in, the fault out."""

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

Part = Mapping[str, Any]
"""What to play. All but the name may be left out: `name`; `frames`; `fault`, and the place `at` which it happens: a
frame, "each frame", "reading" or "between" (after an answer), or `looking`: the frames in which it happens when they
are looked at ahead of their turn; `once`: a file that says it has happened; `seconds`."""

Tell = Callable[[Report], None]

hoard: list[bytes] = []


def play(job: Job, report: Tell) -> None:
    """Report (name, frame, process id) of every frame, and go wrong where the part says so."""
    part: Any = job.payload
    report(FrameStarted(None))
    misbehave(part, "reading")
    frames = range(part.get("frames", 1))
    for frame in [one for one in frames if "looking" in part and one not in job.left_out]:
        report(FrameSurveyed(frame))
        if frame in part["looking"]:
            FAULTS[part["fault"]](part)
    for frame in frames[job.first_frame :]:
        if frame in job.left_out:
            report(FrameSkipped(frame))
            continue
        report(FrameStarted(frame))
        misbehave(part, frame)
        report(TaskResult((part["name"], frame, os.getpid())))
        misbehave(part, "between")


def misbehave(part: Part, where: int | str) -> None:
    """Do the part's fault, if this is the place and, where it is to happen once, the time."""
    place = part.get("at", "looking" if "looking" in part else 0)
    here = place == where or (place == "each frame" and isinstance(where, int))
    if "fault" not in part or not here:
        return
    if "once" in part:
        if Path(part["once"]).exists():
            return
        Path(part["once"]).touch()
    FAULTS[part["fault"]](part)


def read_nowhere(_: Part) -> None:
    """SIGSEGV."""
    ctypes.string_at(0)


def hold_the_interpreter(_: Part) -> None:
    """A call into C that never lets another thread of Python run."""
    ctypes.PyDLL(None).sleep(600)


def match_forever(_: Part) -> None:
    """A loop in C that holds the interpreter, and burns a processor."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def spin(_: Part) -> None:
    """A loop in Python."""
    while True:
        pass


def bloat(_: Part) -> None:
    """Take memory until there is none."""
    kept = []
    while True:
        kept.append(b"x" * (16 << 20))


def bloat_and_wait(_: Part) -> None:
    """Take 400 MiB, for as long as it goes."""
    kept = b"x" * (400 << 20)
    time.sleep(600)
    del kept


def keep_memory(_: Part) -> None:
    """Leak 64 MiB."""
    hoard.append(b"x" * (64 << 20))


def fail(part: Part) -> None:
    """An exception that quotes what is private."""
    raise ValueError(f"the patient is called {part['name']}")


def recurse(part: Part) -> None:
    """Nest without end."""
    recurse(part)


def print_everywhere(_: Part) -> None:
    """Print through every door that a library has."""
    print("a line of Python's", flush=True)
    os.write(1, b"a line of the system's\n" * 100)
    libc = ctypes.CDLL(None)
    libc.puts(b"a line of C's")
    libc.fflush(None)
    print("an error of Python's", file=sys.stderr, flush=True)


def scribble(_: Part) -> None:
    """Write garbage into every open pipe, the private ones too."""
    for descriptor in range(3, 32):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue


def leave_amid_threads(_: Part) -> None:
    """SystemExit, while a thread goes on that Python would wait for."""
    threading.Thread(target=time.sleep, args=(600,)).start()
    sys.exit(5)


def die_then_hang(part: Part) -> None:
    """Die at the first attempt, hang in the second, and leave a file `died` and a file `hangs` in a folder."""
    folder = Path(part["folder"])
    if not (folder / "died").exists():
        (folder / "died").touch()
        os._exit(1)
    (folder / "hangs").touch()
    time.sleep(600)


def die_later(_: Part) -> None:
    """Return as if nothing had happened, and die while the next job runs."""
    threading.Timer(0.2, lambda: os._exit(3)).start()


FAULTS: dict[str, Callable[[Part], object]] = {
    "segfault": read_nowhere,
    "abort": lambda _: os.abort(),
    "leave quietly": lambda _: os._exit(0),
    "leave with 7": lambda _: os._exit(7),
    "SystemExit": leave_amid_threads,
    "kill itself": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "sleep": lambda _: time.sleep(600),
    "spin": spin,
    "hold the interpreter": hold_the_interpreter,
    "match forever": match_forever,
    "bloat": bloat,
    "bloat and wait": bloat_and_wait,
    "keep memory": keep_memory,
    "raise": fail,
    "recurse": recurse,
    "print": print_everywhere,
    "scribble": scribble,
    "die later": die_later,
    "die, then hang": die_then_hang,
    "wait": lambda part: time.sleep(part["seconds"]),
}


def tell_surroundings(job: Job, report: Tell) -> None:
    """Report what a worker is given: environment, and its limits of core size and processor time."""
    import resource

    names: Any = job.payload
    report(TaskResult({name: os.environ.get(name) for name in names}))
    report(TaskResult(resource.getrlimit(resource.RLIMIT_CORE)))
    report(TaskResult(resource.getrlimit(resource.RLIMIT_CPU)[0]))


def run_out_of_disk(_: Job, report: Tell) -> None:
    """Find that the run as a whole cannot go on."""
    report(FrameStarted(None))
    raise StorageFullError("no space is left", reason=Reason.STORAGE_FULL)


def send_a_lock(_: Job, report: Tell) -> None:
    """Report what no pipe can carry."""
    report(TaskResult(threading.Lock()))


def leave_pid(job: Job, report: Tell) -> None:
    """Leave this process's id as the name of a file in a folder, then go wrong for ever."""
    work: Any = job.payload
    folder, fault = work
    report(FrameStarted(0))
    Path(folder, str(os.getpid())).touch()
    FAULTS[fault]({})


def answer_whole(_: Job, report: Tell) -> None:
    """Answer for the whole job, then die."""
    report(FrameStarted(None))
    report(TaskResult("the whole job"))
    os._exit(9)
