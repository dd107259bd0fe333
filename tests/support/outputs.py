# SPDX-License-Identifier: MIT
"""Read what a run wrote into OUT."""

from __future__ import annotations

import csv
import json
from pathlib import Path


def rows_of(out: Path, table: str = "metadata") -> list[dict[str, str]]:
    """The rows of a table of OUT, by column."""
    with open(out / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files_of(out: Path) -> list[str]:
    """The relative paths of every file in OUT, except those that are private to runs."""
    paths = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if not is_private(path.parts[0]))


def is_private(name: str) -> bool:
    """Whether an entry at the top of OUT belongs to the ledger, the lock or the staging of a run."""
    return name == ".plainfilm" or name.startswith(".plainfilm-")


def images_of(out: Path) -> list[str]:
    """The relative paths of every PNG in OUT."""
    return [name for name in files_of(out) if name.endswith(".png")]


def tree(out: Path) -> dict[str, bytes]:
    """Every file of OUT but its private ones, with its bytes; of run.json, which holds times, the counts."""
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    files["counts"] = json.dumps(json.loads(files.pop("run.json"))["counts"]).encode()
    return {name: data for name, data in files.items() if not is_private(name.split("/")[0])}
