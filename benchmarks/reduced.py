# SPDX-License-Identifier: MIT
"""Compare --decode reduced with the full decode: print a table of PSNR and times for a folder of DICOM files.

python -m benchmarks.reduced [FOLDER]       the default folder is PLAINFILM_TEST_DATA
python -m benchmarks.reduced --speed        the time for a synthetic file, compared with pydicom and a resize
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import cv2
import numpy as np
from pydicom import dcmread

import plainfilm
from benchmarks.workloads import Workload, write_workload

SIZES, ROUNDS = (512, 256), 5


@dataclass(frozen=True, slots=True)
class Row:
    """One file at one size: PSNR in dB, the largest difference of two levels, and milliseconds of CPU time."""

    file: str
    pixels: str
    size: int
    resolution: str
    psnr: float
    largest: int
    full: float
    reduced: float


def rows_of(path: Path, name: str) -> Iterator[Row]:
    """Yield the rows of a file; a size at which the file is not reduced has no row."""
    content = path.read_bytes()
    for size in SIZES:
        try:
            explained = plainfilm.explain(content, size=size, decode="reduced").to_dict()
        except plainfilm.PlainfilmError:
            return
        findings: Any = explained["findings"]
        notes = [finding["detail"] for finding in findings if finding["code"] == "reduced_decode"]
        if notes:
            full, full_time = _timed(content, size, "full")
            reduced, reduced_time = _timed(content, size, "reduced")
            psnr, largest = _difference(full, reduced)
            pixels = f"{explained['columns']} x {explained['rows']}"
            resolution = notes[0].split(" of ")[0].removeprefix("decoded at ")
            yield Row(name, pixels, size, resolution, psnr, largest, full_time, reduced_time)


def _timed(content: bytes, size: int, decode: str) -> tuple[Any, float]:
    times = []
    for _ in range(ROUNDS):
        started = process_time()
        image = plainfilm.render(content, size=size, decode=decode)
        times.append(process_time() - started)
    return image, median(times) * 1e3


def _difference(full: Any, reduced: Any) -> tuple[float, int]:
    """Return the PSNR of 8-bit images in dB, and the largest difference of two levels."""
    difference = np.abs(full.astype(np.int32) - reduced)
    error = float(np.mean(difference.astype(np.float64) ** 2))
    return (math.inf if error == 0 else 10 * math.log10(255**2 / error)), int(difference.max())


def speed() -> None:
    """Print the CPU time for a file of 3000 x 2500 at size 512, alternately with pydicom and OpenCV and plainfilm."""
    with TemporaryDirectory() as place:
        write_workload(Workload("file", "jpeg2000", 1, 3000, 2500), Path(place, "files"))
        (path,) = Path(place, "files").iterdir()
        plainfilm.render(path, size=512, decode="reduced")
        times: dict[str, list[float]] = {"pydicom": [], "plainfilm": []}
        for _ in range(2 * ROUNDS):
            started = process_time()
            cv2.resize(dcmread(path).pixel_array, (427, 512), interpolation=cv2.INTER_AREA)
            between = process_time()
            plainfilm.render(path, size=512, decode="reduced")
            times["pydicom"].append((between - started) * 1e3)
            times["plainfilm"].append((process_time() - between) * 1e3)
    theirs, ours = (median(times[name]) for name in ("pydicom", "plainfilm"))
    ratios = sorted(a / b for a, b in zip(times["pydicom"], times["plainfilm"], strict=True))
    spread = f"{median(ratios):.1f} times ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    print(f"pydicom {theirs:.0f} ms, plainfilm {ours:.0f} ms: {spread}")


def table(folder: Path) -> None:
    """Print the table for the files of a folder, the lowest PSNR first."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [row for path in files for row in rows_of(path, path.name)]
    print("| file | pixels | `--size` | resolution | PSNR, dB | largest difference of 255 | full, ms | reduced, ms |")
    print("|---|---|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: row.psnr):
        print(
            f"| {row.file} | {row.pixels} | {row.size} | {row.resolution} | {row.psnr:.1f} | {row.largest} | "
            f"{row.full:.1f} | {row.reduced:.1f} |"
        )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", metavar="FOLDER", default=os.environ.get("PLAINFILM_TEST_DATA"))
    parser.add_argument("--speed", action="store_true", help="measure a synthetic file instead of a folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.speed:
        speed()
    elif arguments.folder is None:
        parser.error("give FOLDER, or set PLAINFILM_TEST_DATA")
    else:
        table(Path(arguments.folder))


if __name__ == "__main__":
    main()
