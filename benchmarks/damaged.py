# SPDX-License-Identifier: MIT
"""Measure the cost of replaced workers: a folder of JPEG 2000 films, intact and with 5 % damaged films.

    python -m benchmarks.damaged [--rounds N] [--files N]

A worker in which OpenJPEG refused a codestream is replaced before its next image. Each damaged film has a code-block
width that does not exist, which only OpenJPEG notices. Printed are the median wall time and CPU time of whole commands
with two jobs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.workloads import Workload, write_workload
from plainfilm.output.tables import read_table

ROWS, COLUMNS = 1000, 800
SHARE = 20
_CODING = b"\xff\x52\x00\x0c"
_CODE_BLOCK_WIDTH = 10


def damage(path: Path) -> None:
    """Give the codestream of a film a code-block width that does not exist (T.800 A.6.1)."""
    content = bytearray(path.read_bytes())
    content[content.index(_CODING) + _CODE_BLOCK_WIDTH] = 0xFF
    path.write_bytes(content)


def convert(films: Path, out: Path, key: Path) -> tuple[float, float]:
    """Convert a folder in a new process; return the wall time and the CPU time of all processes, in seconds."""
    command = [sys.executable, "-m", "plainfilm", "convert", films, out, "--jobs", "2", "--key-file", key]
    wall, before = time.perf_counter(), os.times()
    subprocess.run(command, capture_output=True, check=False)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - wall, cpu


def main() -> None:
    """Write the films, time both folders in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--files", type=int, default=200, metavar="N", help="default: %(default)s")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder, times = Path(name), {"intact": [], "5 % damaged": []}
        (folder / "key").write_bytes(b"a key that is made for benchmarks, and for nothing else")
        for films in times:
            write_workload(Workload(films, "jpeg2000", arguments.files, ROWS, COLUMNS), folder / films)
        damaged = sorted((folder / "5 % damaged").iterdir())[::SHARE]
        for path in damaged:
            damage(path)
        for number in range(arguments.rounds):
            for films, measured in times.items():
                measured.append(convert(folder / films, folder / f"{films} {number}", folder / "key"))
        failures = read_table(folder / "5 % damaged 0" / "failures.csv")
        print(f"{arguments.files} films, {len(failures)} failures: {sorted({row['reason'] for row in failures})}")
        print("| films | wall time, ms per film | CPU time, ms per film |\n|---|---|---|")
        for films, measured in times.items():
            wall, cpu = (median(values) * 1e3 / arguments.files for values in zip(*measured, strict=True))
            print(f"| {films} | {wall:.1f} | {cpu:.1f} |")


if __name__ == "__main__":
    main()
