# SPDX-License-Identifier: MIT
"""Checks of OUT that hold after every run: complete pictures, consistent tables, no temporary files."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plainfilm.errors import Reason
from plainfilm.options.output import Table
from plainfilm.output.tables import read_records, read_table
from trials.forms import Form

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TABLES = ("metadata", "failures")
_TEMPORARY = re.compile(r"\.plainfilm-[0-9a-f]{16}\.tmp")
_RUN_REASONS = frozenset({"options", "output_not_empty", "ledger_differs", "output_locked", "storage_full"})
INSTANCE_REASONS = frozenset(Reason) - _RUN_REASONS


def pictures_of(out: Path) -> dict[str, Path]:
    """Return the pictures in OUT by their file names relative to OUT."""
    return {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*.png"))}


def is_complete_png(content: bytes) -> bool:
    """Whether the chunks of a PNG are complete up to IEND, each with a correct CRC (PNG, section 5)."""
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


def incomplete_pictures(out: Path) -> list[str]:
    """Return the names of the pictures that are not complete."""
    return [name for name, path in pictures_of(out).items() if not is_complete_png(path.read_bytes())]


def is_complete_shard(path: Path) -> bool:
    """Whether a tar file or a Parquet file is complete: the tar file up to its end mark, the other up to its footer."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return content[:4] == b"PAR1" == content[-4:]
    with tarfile.open(path) as archive:
        sizes = [member.offset_data + member.size for member in archive]
    return len(content) % tarfile.RECORDSIZE == 0 and content[max(sizes) :].strip(b"\0") == b""


def incomplete_shards(out: Path) -> list[str]:
    """Return the names of the tar and Parquet files in OUT that are not complete."""
    shards = [path for path in out.rglob("*") if path.suffix in (".tar", ".parquet") and ".plainfilm" not in str(path)]
    return [path.name for path in shards if not is_complete_shard(path)]


def contradictions(out: Path, form: Form) -> Iterator[str]:
    """Yield a line for each file of OUT that its tables do not have, and each that they have alone.

    The tables may have any format; an image in a shard stands for the shard.
    """
    failures = out / f"failures.{form.table}"
    splits = tuple(path.name for path in out.iterdir() if path.is_dir()) if form.has_split_folders else ()
    if not failures.exists():
        tables = [path.name for path in out.rglob("metadata.*")]
        yield from (f"{name} is there without {failures.name}" for name in tables)
    elif not form.has_split_folders and not (out / f"metadata.{form.table}").exists():
        yield f"{failures.name} is there without the table of the images"
    rows = list(read_records(out, Table(form.table), splits)) if failures.exists() else []
    named = {row.file_name.split("/")[0] if form.has_shards else row.file_name for row in rows}
    suffixes = (".tar", ".parquet") if form.has_shards else (".png", ".jpg")
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.suffix in suffixes}
    files = {name for name in files if not name.startswith(".plainfilm") and Path(name).stem not in _TABLES}
    yield from (f"{name} is in a table and not in OUT" for name in sorted(named - files))
    yield from (f"{name} is in no table" for name in sorted(files - named))


def temporary_files(out: Path) -> list[str]:
    """Return the temporary files in OUT, staged or not."""
    return [path.relative_to(out).as_posix() for path in out.rglob("*") if _TEMPORARY.fullmatch(path.name)]


def rows_of(out: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows of metadata.csv and of failures.csv."""
    return read_table(out / "metadata.csv"), read_table(out / "failures.csv")


def inconsistencies(out: Path) -> Iterator[str]:
    """Yield a line for each contradiction between the tables and the files of OUT, after the end of the command."""
    images, failures = rows_of(out)
    files, named = pictures_of(out), [row["file_name"] for row in images]
    yield from (f"{name} has {count} rows" for name, count in Counter(named).items() if count > 1)
    yield from (f"{name} has a row and no file" for name in set(named) - set(files))
    yield from (f"{name} is in no table" for name in set(files) - set(named))
    for row in images:
        path = files.get(row["file_name"])
        if path is not None and hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            yield f"{row['file_name']} does not have the SHA-256 of its row"
    image_rows = Counter((row["source"], row["frame"]) for row in images)
    failure_rows = Counter((row["source"], row["frame"]) for row in failures)
    yield from (f"{frame} has more than one row" for frame, count in (image_rows + failure_rows).items() if count > 1)
    failed_files = {row["source"] for row in failures if not row["frame"]}
    multi_frame = {row["source"] for row in images if int(row["frames"]) > 1}
    yield from (
        f"{source} is in both tables" for source in failed_files & {row["source"] for row in images} - multi_frame
    )
    yield from (f"unknown reason {row['reason']}" for row in failures if row["reason"] not in INSTANCE_REASONS)
    yield from (f"{name} is a temporary file" for name in temporary_files(out))
    yield from (f"{name} is not complete" for name in incomplete_pictures(out))


def sources_in(out: Path) -> set[str]:
    """Return every source that has a row in a table."""
    images, failures = rows_of(out)
    return {row["source"] for row in (*images, *failures)}


def reasons_in(out: Path) -> Counter[str]:
    """Count the reasons in failures.csv."""
    return Counter(row["reason"] for row in rows_of(out)[1])


def file_hashes(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of OUT except the private ones of runs.

    What differs between a resumed and an uninterrupted run is removed from run.json first: times, jobs, notes.
    """
    hashes = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and not name.startswith(".plainfilm"):
            content = path.read_bytes() if name != "run.json" else _without_times(json.loads(path.read_bytes()))
            hashes[name] = hashlib.sha256(content).hexdigest()
    return hashes


def _without_times(run: dict[str, Any]) -> bytes:
    del run["times"]
    del run["notes"]
    run["options"].pop("jobs", None)
    return json.dumps(run, sort_keys=True).encode()


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """Return the names of the files that differ between two results of `file_hashes`."""
    return sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
