# SPDX-License-Identifier: MIT
"""A folder of DICOM files in, a table out: how far pictures of --decode reduced are from those of the full decode.

python -m benchmarks.reduced [FOLDER]       FOLDER: else PLAINFILM_TEST_DATA
python -m benchmarks.reduced --speed        of a synthetic film the time, beside that of pydicom's decode and a resize
"""

from __future__ import annotations

import math
import os
import sys
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
from benchmarks.films import Workload, make

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


def speed() -> None:
    """Print the processor time of a film of 3000 x 2500 to 512, by turns by pydicom with OpenCV and by plainfilm."""
    with TemporaryDirectory() as place:
        make(Workload("film", "jpeg2000", 1, 3000, 2500), Path(place, "films"))
        (film,) = Path(place, "films").iterdir()
        plainfilm.render(film, size=512, decode="reduced")
        times: dict[str, list[float]] = {"pydicom": [], "plainfilm": []}
        for _ in range(2 * ROUNDS):
            started = process_time()
            cv2.resize(dcmread(film).pixel_array, (427, 512), interpolation=cv2.INTER_AREA)
            between = process_time()
            plainfilm.render(film, size=512, decode="reduced")
            times["pydicom"].append((between - started) * 1e3)
            times["plainfilm"].append((process_time() - between) * 1e3)
    theirs, ours = (median(times[name]) for name in ("pydicom", "plainfilm"))
    ratios = sorted(a / b for a, b in zip(times["pydicom"], times["plainfilm"], strict=True))
    spread = f"{median(ratios):.1f} times ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    print(f"pydicom {theirs:.0f} ms, plainfilm {ours:.0f} ms: {spread}")


def table(folder: Path) -> None:
    """Print the table of the films of a folder, the worst first."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [row for path in files for row in rows_of(path, path.name)]
    print("| film | pixels | `--size` | resolution | PSNR, dB | most, of 255 | full, ms | reduced, ms |")
    print("|---|---|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda one: one.psnr):
        print(
            f"| {row.film} | {row.pixels} | {row.size} | {row.does} | {row.psnr:.1f} | {row.most} | "
            f"{row.full:.1f} | {row.reduced:.1f} |"
        )


if __name__ == "__main__":
    cv2.setNumThreads(1)
    if sys.argv[1:] == ["--speed"]:
        speed()
    else:
        table(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["PLAINFILM_TEST_DATA"]))
