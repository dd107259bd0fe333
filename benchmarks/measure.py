# SPDX-License-Identifier: MIT
"""A command in; its wall time, the peak memory of its process tree and what it wrote out. Linux: it reads /proc."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PAGE, _PERIOD = 4096, 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, bytes of memory at the peak, pictures and their bytes; `problem` where the command failed."""

    seconds: float
    memory: int
    pictures: int
    written: int
    problem: str = ""


def measure(command: list[str], out: Path, timeout: float) -> Measured:
    """Run a command that writes into `out`, which is removed before and after.

    A command that prints `timed SECONDS` knows better than the clock what of its time counts.
    """
    shutil.rmtree(out, ignore_errors=True)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    problem, said = _ended(process, timeout)
    seconds = time.perf_counter() - started
    own = re.findall(r"^timed ([0-9.]+)$", said, re.MULTILINE)
    seconds = float(own[-1]) if own else seconds
    watcher.join()
    pictures = [path for path in out.rglob("*") if path.suffix in (".png", ".jpg")]
    written = sum(path.stat().st_size for path in pictures)
    shutil.rmtree(out, ignore_errors=True)
    return Measured(seconds, peak[0], len(pictures), written, problem)


def _ended(process: subprocess.Popen[str], timeout: float) -> tuple[str, str]:
    """What went wrong, in one line, '' where the exit code is 0; and what it printed."""
    try:
        printed, said = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"ended after {timeout:.0f} s", ""
    last = said.strip().splitlines()[-1:] or [""]
    return ("" if process.returncode == 0 else f"exit code {process.returncode}: {last[0][:100]}"), printed


def _watch(process: subprocess.Popen[str], peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_resident(pid) for pid in _tree(process.pid)))
        time.sleep(_PERIOD)


def _tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for task in found:
        for children in Path(f"/proc/{task}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:  # it has just ended
                continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):  # it has just ended
        return 0
