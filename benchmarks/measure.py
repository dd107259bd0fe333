# SPDX-License-Identifier: MIT
"""Measure a command: its wall time, the peak memory of its process tree, and its output. It needs /proc (Linux)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PAGE, _PERIOD = 4096, 0.02


def environment(place: Path, path: str) -> dict[str, str]:
    """The environment of this process with another PYTHONPATH.

    Python keeps compiled modules in a folder of `place`, as it keeps those of an installed package beside them.
    """
    names = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**names, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": str(place / "compiled")}


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds, peak memory in bytes, number and bytes of the images; `problem` is '' unless the command failed."""

    seconds: float
    memory: int
    pictures: int
    written: int
    problem: str = ""


def measure(command: list[str], out: Path, timeout: float) -> Measurement:
    """Run a command that writes into `out`, which is removed before and after.

    If the command prints `timed SECONDS`, that time is used instead of the wall time.
    """
    shutil.rmtree(out, ignore_errors=True)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0]
    sampler = threading.Thread(target=_sample_memory, args=(process, peak))
    sampler.start()
    problem, output = _wait_for(process, timeout)
    seconds = time.perf_counter() - started
    reported = re.findall(r"^timed ([0-9.]+)$", output, re.MULTILINE)
    seconds = float(reported[-1]) if reported else seconds
    sampler.join()
    pictures = [path for path in out.rglob("*") if path.suffix in (".png", ".jpg")]
    written = sum(path.stat().st_size for path in pictures)
    shutil.rmtree(out, ignore_errors=True)
    return Measurement(seconds, peak[0], len(pictures), written, problem)


def _wait_for(process: subprocess.Popen[str], timeout: float) -> tuple[str, str]:
    """Return the problem in one line ('' for exit code 0), and the standard output."""
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"ended after {timeout:.0f} s", ""
    last = stderr.strip().splitlines()[-1:] or [""]
    return ("" if process.returncode == 0 else f"exit code {process.returncode}: {last[0][:100]}"), stdout


def _sample_memory(process: subprocess.Popen[str], peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_resident(pid) for pid in _tree(process.pid)))
        time.sleep(_PERIOD)


def _tree(pid: int) -> list[int]:
    """Return the ids of a process and of all its descendants."""
    pids = [pid]
    for task in pids:
        for children in Path(f"/proc/{task}/task").glob("*/children"):
            try:
                pids += [int(child) for child in children.read_text().split()]
            except OSError:  # it has just ended
                continue
    return pids


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):  # it has just ended
        return 0
