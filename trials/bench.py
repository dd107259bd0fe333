# SPDX-License-Identifier: MIT
"""What every trial stands on: a temporary folder, the real command in processes of its own, figures and faults.

A trial is a function that takes a Bench. `run_trial` gives it a folder, prints what it says, and leaves with 1 where an
expectation did not hold.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SOME_FAILED, CANNOT_GO_ON = 1, 3
_OURS = ("PLAINFILM_", "PYTHONHASHSEED", "MALLOC_PERTURB_", "LC_ALL")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class SkippedError(Exception):
    """This system cannot hold the trial, or a part of it; the message says why."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit code, what it said last on standard error (up to 400 characters), seconds."""

    code: int
    said: str
    seconds: float


@dataclass(slots=True)
class Bench:
    """One trial's place: `short` asks for the form that CI runs; `folder` is empty at first and removed at the end."""

    short: bool
    folder: Path
    faults: list[str] = field(default_factory=list)

    def say(self, what: str) -> None:
        """Print a figure or a fact."""
        print(what, flush=True)

    def expect(self, holds: bool, fault: str) -> None:
        """Note and print a fault unless the expectation holds."""
        if not holds:
            self.faults.append(fault)
            self.say(f"FAULT: {fault[:500]}")

    def start(
        self, sources: Sequence[Path], out: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """`plainfilm convert SOURCES OUT WORDS` in a process group of its own, with one key for the whole trial."""
        key = self.folder / "key"
        if not key.exists():
            key.write_bytes(b"a secret that is made for trials, and for nothing else")
        named = ["convert", *map(str, sources), str(out), "--key-file", str(key), *words]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return subprocess.Popen(
            [sys.executable, "-m", "plainfilm", *named],
            env={**inherited, **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )

    def convert(
        self, sources: Sequence[Path], out: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> Ended:
        """The same, until it has ended."""
        began = time.monotonic()
        with self.start(sources, out, *words, environment=environment) as process:
            return end_of(process, began)


def end_of(process: subprocess.Popen[str], began: float, patience: float = 3600) -> Ended:
    """Wait for a command that was started; it is killed, and TimeoutExpired raised, beyond the patience (seconds)."""
    try:
        _, said = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise
    return Ended(process.returncode, said[-400:], time.monotonic() - began)


def kill_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL the process group of a command, and wait for the command."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds since the start, and bytes in memory: of the command itself, and of all its workers."""

    seconds: float
    parent: int
    workers: int


class MemoryWatch:
    """Samples the memory of a process (by its id) and its descendants until its block is left (Linux); samples stay."""

    def __init__(self, process: int, interval: float = 0.2) -> None:
        self.samples: list[Sample] = []
        self._number = process
        self._interval = interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def parent_peak(self) -> int:
        """Bytes of the command itself, at most."""
        return max((sample.parent for sample in self.samples), default=0)

    @property
    def workers_peak(self) -> int:
        """Bytes of the workers together, at most."""
        return max((sample.workers for sample in self.samples), default=0)

    def _watch(self) -> None:
        began = time.monotonic()
        while not self._over.wait(self._interval):
            parent = _resident(self._number)
            workers = sum(map(_resident, _descendants(self._number)))
            if parent:
                self.samples.append(Sample(time.monotonic() - began, parent, workers))


def _descendants(number: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(after_name[1]), []).append(int(path.parent.name))
    found, waiting = [], [number]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _resident(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def run_trial(about: str | None, trial: Callable[[Bench], None]) -> None:
    """The command line of a trial: `[--short] [--folder PLACE]`. Leaves the process with 0, or 1 where it failed."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the form that CI runs, in seconds")
    parser.add_argument("--folder", type=Path, help="where to make a temporary folder (default: the system's place)")
    given = parser.parse_args()
    if sys.platform == "win32":
        print("skipped: trials need POSIX signals and permissions")
        sys.exit(0)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="plainfilm-trial-", dir=given.folder) as folder:
        bench = Bench(given.short, Path(folder))
        try:
            trial(bench)
        except SkippedError as reason:
            bench.say(f"skipped: {reason}")
    bench.say(f"{len(bench.faults)} faults in {time.monotonic() - began:.1f} s")
    sys.exit(1 if bench.faults else 0)
