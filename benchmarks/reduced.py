# SPDX-License-Identifier: MIT
"""A folder of DICOM files in, a table out: how far pictures of --decode reduced are from those of the full decode.

python benchmarks/reduced.py [FOLDER]       FOLDER: else PLAINFILM_TEST_DATA
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import cv2
import numpy as np

import plainfilm

SIZES, ROUNDS = (512, 256), 5


@dataclass(frozen=True, slots=True)
class Row:
    """One film at one size: PSNR in dB, how far apart two levels are at most, and milliseconds of CPU time."""

    film: str
    pixels: str
    size: int
    does: str
    psnr: float
    most: int
    full: float
    reduced: float


def rows_of(path: Path, name: str) -> Iterator[Row]:
    """The rows of a film; none of a size for which it is not reduced."""
    content = path.read_bytes()
    for size in SIZES:
        try:
            explained = plainfilm.explain(content, size=size, decode="reduced").to_dict()
        except plainfilm.PlainfilmError:
            return
        found: Any = explained["findings"]
        does = [one["detail"] for one in found if one["code"] == "reduced_decode"]
        if does:
            full, slow = _timed(content, size, "full")
            reduced, fast = _timed(content, size, "reduced")
            psnr, most = _apart(full, reduced)
            pixels = f"{explained['columns']} x {explained['rows']}"
            yield Row(name, pixels, size, does[0].split(" of ")[0].removeprefix("decoded at "), psnr, most, slow, fast)


def _timed(content: bytes, size: int, decode: str) -> tuple[Any, float]:
    times = []
    for _ in range(ROUNDS):
        started = process_time()
        image = plainfilm.render(content, size=size, decode=decode)
        times.append(process_time() - started)
    return image, median(times) * 1e3


def _apart(full: Any, reduced: Any) -> tuple[float, int]:
    """PSNR of 8-bit pictures in dB, and the largest difference of two levels."""
    difference = np.abs(full.astype(np.int32) - reduced)
    error = float(np.mean(difference.astype(np.float64) ** 2))
    return (math.inf if error == 0 else 10 * math.log10(255**2 / error)), int(difference.max())


def main(folder: Path) -> None:
    """Print the table, the worst first."""
    cv2.setNumThreads(1)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [row for path in files for row in rows_of(path, str(path.name))]
    print("| film | pixels | `--size` | resolution | PSNR, dB | most, of 255 | full, ms | reduced, ms |")
    print("|---|---|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda one: one.psnr):
        print(
            f"| {row.film} | {row.pixels} | {row.size} | {row.does} | {row.psnr:.1f} | {row.most} | "
            f"{row.full:.1f} | {row.reduced:.1f} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["PLAINFILM_TEST_DATA"]))
