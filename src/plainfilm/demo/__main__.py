# SPDX-License-Identifier: MIT
"""`python -m plainfilm.demo OUT --count N`: any number of synthetic films, for benchmarks and tests of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plainfilm.demo.batch import Series, write_series


def main(words: list[str]) -> int:
    """Run the command; 0. Raises OSError where OUT cannot be written."""
    parser = argparse.ArgumentParser(
        prog="python -m plainfilm.demo",
        description="Writes synthetic hand radiographs as DICOM files. A film depends on seed and number alone: "
        "several processes can each make a part of a series.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder of the films; it is made")
    parser.add_argument("--count", type=int, default=100, help="how many films")
    parser.add_argument("--first", type=int, default=1, help="the number of the first film, from 1")
    parser.add_argument("--seed", type=int, default=1, help="of the series")
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--columns", type=int, default=824)
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="FOLDER",
        help="landmarks, field, side and picture of each film",
    )
    given = parser.parse_args(words)
    if min(given.count, given.first, given.seed) < 1:
        parser.error("--count, --first and --seed are 1 or more")
    if min(given.rows, given.columns) < 32:
        parser.error("a film needs at least 32 rows and columns")
    numbers = range(given.first, given.first + given.count)
    series = Series(given.seed, given.rows, given.columns)
    for _ in write_series(series, numbers, given.out, given.truth):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
