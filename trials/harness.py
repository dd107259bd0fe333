# SPDX-License-Identifier: MIT
"""The harness of the trials: a temporary folder, the plainfilm command in separate processes, and memory samples.

A trial is a function with a `Trial` as its parameter. `run_trial` creates the folder, prints the report, and exits with
1 if an expectation did not hold.
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

SOME_FAILED, RUN_ERROR = 1, 3
_OURS = ("PLAINFILM_", "PYTHONHASHSEED", "MALLOC_PERTURB_", "LC_ALL")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class SkippedError(Exception):
    """This system cannot run the trial or a part of it; the message is the reason."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command: exit code, the last 400 characters of standard error, and seconds."""

    code: int
    stderr: str
    seconds: float


@dataclass(slots=True)
class Trial:
    """A running trial.

    short: whether to run the short form, as CI does. folder: temporary folder, empty at the start and removed at the
    end. faults: the expectations that did not hold.
    """

    short: bool
    folder: Path
    faults: list[str] = field(default_factory=list)

    def report(self, text: str) -> None:
        """Print a measurement or a fact."""
        print(text, flush=True)

    def expect(self, holds: bool, fault: str) -> None:
        """Record and print a fault unless the expectation holds."""
        if not holds:
            self.faults.append(fault)
            self.report(f"FAULT: {fault[:500]}")

    def start(
        self, sources: Sequence[Path], out: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start `plainfilm convert SOURCES OUT WORDS` in a new process group; all commands of a trial share one key."""
        key = self.folder / "key"
        if not key.exists():
            key.write_bytes(b"a secret that is made for trials, and for nothing else")
        arguments = ["convert", *map(str, sources), str(out), "--key-file", str(key), *words]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return subprocess.Popen(
            [sys.executable, "-m", "plainfilm", *arguments],
            env={**inherited, **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )

    def convert(
        self, sources: Sequence[Path], out: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Run the same command and wait for its end."""
        started = time.monotonic()
        with self.start(sources, out, *words, environment=environment) as process:
            return wait_for_end(process, started)


def wait_for_end(process: subprocess.Popen[str], started: float, timeout: float = 3600) -> CommandResult:
    """Wait for a command and return its result, with the seconds since `started` (time.monotonic).

    After `timeout` seconds the command is killed and TimeoutExpired is raised.
    """
    try:
        _, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise
    return CommandResult(process.returncode, stderr[-400:], time.monotonic() - started)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Send SIGKILL to the process group of a command, and wait for the command."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds since the start, and resident bytes of the command itself and of all its workers."""

    seconds: float
    parent: int
    workers: int


class MemorySampler:
    """Samples the memory of a process and its descendants in a `with` block (Linux); the samples remain available."""

    def __init__(self, process: int, interval: float = 0.2) -> None:
        self.samples: list[Sample] = []
        self._pid = process
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> MemorySampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def parent_peak(self) -> int:
        """The largest number of bytes of the command itself."""
        return max((sample.parent for sample in self.samples), default=0)

    @property
    def workers_peak(self) -> int:
        """The largest number of bytes of all workers together."""
        return max((sample.workers for sample in self.samples), default=0)

    def _sample(self) -> None:
        started = time.monotonic()
        while not self._stopped.wait(self._interval):
            parent = _resident(self._pid)
            workers = sum(map(_resident, _descendants(self._pid)))
            if parent:
                self.samples.append(Sample(time.monotonic() - started, parent, workers))


def _descendants(pid: int) -> list[int]:
    children_of: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children_of.setdefault(int(after_name[1]), []).append(int(path.parent.name))
    descendants, pending = [], [pid]
    while pending:
        children = children_of.get(pending.pop(), [])
        descendants += children
        pending += children
    return descendants


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def run_trial(description: str | None, run: Callable[[Trial], None]) -> None:
    """Run the command line of a trial, `[--short] [--folder FOLDER]`; exit with 0, or with 1 if it failed."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="run the short form, as CI does, in seconds")
    parser.add_argument("--folder", type=Path, help="parent of the temporary folder (default: that of the system)")
    arguments = parser.parse_args()
    if sys.platform == "win32":
        print("skipped: trials need POSIX signals and permissions")
        sys.exit(0)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="plainfilm-trial-", dir=arguments.folder) as folder:
        trial = Trial(arguments.short, Path(folder))
        try:
            run(trial)
        except SkippedError as reason:
            trial.report(f"skipped: {reason}")
    trial.report(f"{len(trial.faults)} faults in {time.monotonic() - started:.1f} s")
    sys.exit(1 if trial.faults else 0)
