# SPDX-License-Identifier: MIT
"""Compare `plainfilm receive` with DCMTK's storescp: the time until storescu has sent a folder, on this machine.

    python -m benchmarks.receive [FILES]

plainfilm flushes each instance to the disk before it answers, and converts at the same time; storescp does neither.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tests.support.cases.build import build_case, to_bytes

SIDE = 1500
START_SECONDS = 60
MB = 1e6


def main() -> None:
    """Print the time and MB/s of each receiver."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _write_films(folder / "films", files)
        size = sum(path.stat().st_size for path in paths)
        for title, receiver in (("storescp", _storescp), ("plainfilm receive", _plainfilm)):
            with receiver(folder / title) as port:
                seconds = _send(paths, port)
            print(f"{title}: {files} instances, {size / MB:.0f} MB in {seconds:.1f} s, {size / MB / seconds:.0f} MB/s")


def _write_films(folder: Path, files: int) -> list[Path]:
    """Write radiographs of noise, each with its own pixels and its own UID."""
    folder.mkdir()
    paths = []
    for number in range(files):
        dataset, _ = build_case(rows=SIDE, columns=SIDE)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{number}"
        dataset.PixelData = np.random.default_rng(number).integers(0, 4096, SIDE * SIDE, np.uint16).tobytes()
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(to_bytes(dataset))
    return paths


@contextmanager
def _storescp(out: Path) -> Iterator[int]:
    out.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with subprocess.Popen([_dcmtk("storescp"), "-od", str(out), str(port)]) as process:
        _wait_for(lambda: _is_open(port))
        yield port
        process.kill()


@contextmanager
def _plainfilm(out: Path) -> Iterator[int]:
    messages = out.with_suffix(".messages")
    command = [sys.executable, "-m", "plainfilm", "receive", str(out), "--port", "0"]
    with open(messages, "wb") as stream, subprocess.Popen(command, stderr=stream) as process:
        _wait_for(lambda: "listening" in messages.read_text())
        yield int(re.findall(r" port (\d+)", messages.read_text())[0])
        process.kill()


def _send(paths: list[Path], port: int) -> float:
    started = time.perf_counter()
    subprocess.run([_dcmtk("storescu"), "-aec", "PLAINFILM", "127.0.0.1", str(port), *paths], check=True)
    return time.perf_counter() - started


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the receiver does not start")
        time.sleep(0.05)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _dcmtk(name: str) -> str:
    """The path of a program of DCMTK; pynetdicom installs programs of the same names beside Python."""
    others = [folder for folder in os.get_exec_path() if Path(folder) != Path(sys.executable).parent]
    return shutil.which(name, path=os.pathsep.join(others)) or name


if __name__ == "__main__":
    main()
