# SPDX-License-Identifier: MIT
"""Read what a run wrote into OUT."""

from __future__ import annotations

import csv
from pathlib import Path


def rows_of(out: Path, table: str = "metadata") -> list[dict[str, str]]:
    """The rows of a table of OUT, by column."""
    with open(out / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files_of(out: Path) -> list[str]:
    """The relative paths of every file in OUT, except in the private folder of the run."""
    paths = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if path.parts[0] != ".plainfilm")


def images_of(out: Path) -> list[str]:
    """The relative paths of every PNG in OUT."""
    return [name for name in files_of(out) if name.endswith(".png")]
