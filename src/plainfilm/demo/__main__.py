# SPDX-License-Identifier: MIT
"""`python -m plainfilm.demo OUT --count N`: write any number of synthetic radiographs, for benchmarks and tests."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plainfilm.demo.series import RadiographSeries, write_series


def main(argv: list[str]) -> int:
    """Run the command; return 0. Raises OSError where OUT cannot be written."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if min(arguments.count, arguments.first, arguments.seed) < 1:
        parser.error("--count, --first and --seed must be 1 or more")
    if min(arguments.rows, arguments.columns) < 32:
        parser.error("a radiograph needs at least 32 rows and columns")
    numbers = range(arguments.first, arguments.first + arguments.count)
    series = RadiographSeries(arguments.seed, arguments.rows, arguments.columns)
    for _ in write_series(series, numbers, arguments.out, arguments.truth):
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m plainfilm.demo",
        description="Writes synthetic hand radiographs as DICOM files. A radiograph depends only on the seed, its "
        "number and the size of the detector: several processes can each write a part of a series.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder of the DICOM files; it is created")
    parser.add_argument("--count", type=int, default=100, help="the number of radiographs")
    parser.add_argument("--first", type=int, default=1, help="the number of the first radiograph, from 1")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the series")
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--columns", type=int, default=824)
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="FOLDER",
        help="a folder for landmarks, collimated field, side and reference image of each radiograph",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
