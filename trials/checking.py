# SPDX-License-Identifier: MIT
"""What must hold of every OUT, whatever came over its run: whole pictures, true tables, nothing left lying about."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plainfilm.errors import Reason
from plainfilm.output.tables import FAILURES, METADATA, read_table

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEMPORARY = re.compile(r"\.plainfilm-[0-9a-f]{16}\.tmp")
_OF_A_RUN = frozenset({"options", "output_not_empty", "ledger_differs", "output_locked", "storage_full"})
INSTANCE_REASONS = frozenset(Reason) - _OF_A_RUN


def pictures_of(out: Path) -> dict[str, Path]:
    """Every picture that has its name, by that name relative to OUT."""
    return {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*.png"))}


def is_whole(content: bytes) -> bool:
    """Whether a PNG's chunks run to IEND, the last, each with its CRC (PNG, section 5)."""
    if not content.startswith(SIGNATURE):
        return False
    position = len(SIGNATURE)
    while position + 12 <= len(content):
        length = int.from_bytes(content[position : position + 4])
        end = position + 8 + length
        kind_and_data = content[position + 4 : end]
        if zlib.crc32(kind_and_data) != int.from_bytes(content[end : end + 4]) or end + 4 > len(content):
            return False
        position = end + 4
        if kind_and_data[:4] == b"IEND":
            return position == len(content)
    return False


def halves(out: Path) -> list[str]:
    """The names of pictures that are not whole."""
    return [name for name, path in pictures_of(out).items() if not is_whole(path.read_bytes())]


def leftovers(out: Path) -> list[str]:
    """Temporary files, staged or elsewhere."""
    return [path.relative_to(out).as_posix() for path in out.rglob("*") if _TEMPORARY.fullmatch(path.name)]


def rows_of(out: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows of metadata and of failures."""
    return read_table(out / METADATA), read_table(out / FAILURES)


def untruths(out: Path) -> Iterator[str]:
    """Where the tables and the files of an OUT whose command has ended contradict one another; a line each."""
    images, failures = rows_of(out)
    files, named = pictures_of(out), [row["file_name"] for row in images]
    yield from (f"{name} has {count} rows" for name, count in Counter(named).items() if count > 1)
    yield from (f"{name} has a row and no file" for name in set(named) - set(files))
    yield from (f"{name} is in no table" for name in set(files) - set(named))
    for row in images:
        path = files.get(row["file_name"])
        if path is not None and hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            yield f"{row['file_name']} is not what its row says"
    places = Counter((row["source"], row["frame"]) for row in images)
    frames = Counter((row["source"], row["frame"]) for row in failures)
    yield from (f"{place} has more than one row" for place, count in (places + frames).items() if count > 1)
    wholly_failed = {row["source"] for row in failures if not row["frame"]}
    several = {row["source"] for row in images if int(row["frames"]) > 1}
    yield from (f"{source} is in both tables" for source in wholly_failed & {row["source"] for row in images} - several)
    yield from (f"unknown reason {row['reason']}" for row in failures if row["reason"] not in INSTANCE_REASONS)
    yield from (f"{name} is a temporary file" for name in leftovers(out))
    yield from (f"{name} is not whole" for name in halves(out))


def sources_in(out: Path) -> set[str]:
    """Every source that has a row in a table."""
    images, failures = rows_of(out)
    return {row["source"] for row in (*images, *failures)}


def reasons_in(out: Path) -> Counter[str]:
    """How often each reason stands in failures."""
    return Counter(row["reason"] for row in rows_of(out)[1])


def tree_of(out: Path) -> dict[str, str]:
    """Every file of OUT but the private ones, with a hash; of run.json what is neither a time nor a number of jobs."""
    found = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and not name.startswith(".plainfilm/"):
            content = path.read_bytes() if name != "run.json" else _timeless(json.loads(path.read_bytes()))
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def _timeless(told: dict[str, Any]) -> bytes:
    del told["times"]
    told["options"].pop("jobs", None)
    return json.dumps(told, sort_keys=True).encode()


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names of files that two trees do not have alike."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
