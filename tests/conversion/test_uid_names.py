# SPDX-License-Identifier: MIT
"""Test `--names uid` in whole runs: unique, valid and reproducible names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import is_private

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.pseudonyms import Key, source_hash
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table
from plainfilm.sources.naming_rules import uid_name

pytestmark = pytest.mark.slow

KEY = b"a secret of thirty-two bytes, so."
UID = "1.2.840.10008.999"
Converts = Callable[..., Run]


def file_with_uid(uid: str, **parameters: Any) -> bytes:
    dataset, _ = build_case(**parameters)
    dataset.SOPInstanceUID, dataset.file_meta.MediaStorageSOPInstanceUID = uid, uid or "1.2"
    return to_bytes(dataset)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three sources of one instance, two of another with several frames, one of a third, and one without a UID."""
    folder = tmp_path / "in"
    folder.mkdir()
    for seed, name in enumerate(("a", "b", "c")):
        (folder / name).write_bytes(file_with_uid(UID, seed=seed))
    for seed, name in enumerate(("d", "e")):
        (folder / name).write_bytes(file_with_uid(f"{UID}.1", seed=seed, frames=3, content="gradient"))
    (folder / "f").write_bytes(file_with_uid(f"{UID}.2"))
    (folder / "g").write_bytes(file_with_uid(""))
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Converts:
    (tmp_path / "key").write_bytes(KEY)

    def run(*names: str, out: str = "out", stop_after: int = 1 << 30, **given: Any) -> Run:
        options = Options.of({"jobs": 1, "key_file": tmp_path / "key", "names": "uid", **given})
        conversion = Conversion([source / name for name in names] or [source], tmp_path / out, options)
        return conversion.run(lambda progress: conversion.stop(0.0) if progress.converted >= stop_after else None)

    return run


def tree(out: Path) -> dict[str, bytes]:
    """Every file of OUT but its private ones, of run.json the counts alone."""
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    counts = json.dumps(json.loads(files.pop("run.json"))["counts"]).encode()
    return {name: data for name, data in files.items() if not is_private(name.split("/")[0])} | {"counts": counts}


def hashed(*names: str) -> list[str]:
    return sorted(source_hash(Key(KEY), name) for name in names)


def test_the_first_source_of_an_instance_has_the_plain_name(convert: Converts, tmp_path: Path) -> None:
    convert()
    found = {row["file_name"]: row["source"] for row in read_table(tmp_path / "out" / "metadata.csv")}
    first, second, third = hashed("a", "b", "c")
    cine, other_cine = hashed("d", "e")
    ((alone,), (unnamed,)) = hashed("f"), hashed("g")
    frames = [f"_f{frame:04}" for frame in (1, 2, 3)]
    assert found == {
        f"{UID}.png": first,
        f"{UID}-{second[:8]}.png": second,
        f"{UID}-{third[:8]}.png": third,
        **{f"{UID}.1{frame}.png": cine for frame in frames},
        **{f"{UID}.1-{other_cine[:8]}{frame}.png": other_cine for frame in frames},
        f"{UID}.2.png": alone,
        f"{unnamed[:2]}/{unnamed}.png": unnamed,
    }
    assert set(found) == {name for name in tree(tmp_path / "out") if name.endswith(".png")}


def test_names_do_not_depend_on_order_workers_or_interruptions(convert: Converts, tmp_path: Path) -> None:
    convert(out="whole")
    whole = tree(tmp_path / "whole")
    convert("g", "f", "e", "d", "c", "b", "a", out="backwards", jobs=2)
    assert tree(tmp_path / "backwards") == whole
    for names in ("gc", "e", "bdaf"):
        convert(*names, out="bit by bit")
    assert tree(tmp_path / "bit by bit") == whole
    for stop_after in (1, 5):
        convert(out="stopped", stop_after=stop_after)
    convert(out="stopped")
    assert tree(tmp_path / "stopped") == whole


def test_a_changed_file_is_named_as_in_a_new_run(convert: Converts, source: Path, tmp_path: Path) -> None:
    convert()
    first = next(name for name in "abc" if hashed(name) == hashed("a", "b", "c")[:1])
    (source / first).write_bytes(file_with_uid("1.2.3", rows=16))
    (source / "g").write_bytes(file_with_uid(UID, rows=17))
    convert()
    convert(out="afresh")
    assert tree(tmp_path / "out") == tree(tmp_path / "afresh")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_replaces_an_image_during_the_run_is_not_copied(
    kind: str, source: Path, convert: Converts, tmp_path: Path
) -> None:
    (first, *_, last) = sorted("abc", key=lambda name: hashed(name))
    convert(last)
    victim, planted = tmp_path / "victim", tmp_path / "out" / f"{UID}.png"
    victim.write_bytes(b"a secret of another folder")

    def plant(converted: int, *_: object) -> None:
        if converted and planted.is_file() and not planted.is_symlink():
            planted.unlink()
            make = {"link": lambda: planted.symlink_to(victim), "pipe": lambda: os.mkfifo(planted)}
            make.get(kind, planted.mkdir)()

    options = Options.of({"jobs": 1, "key_file": tmp_path / "key", "names": "uid"})
    Conversion([source / first], tmp_path / "out", options).run(plant)
    assert not planted.is_file() or planted.is_symlink() or planted.read_bytes().startswith(b"\x89PNG")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if b"a secret of another" in path.read_bytes()] == []
    assert victim.read_bytes() == b"a secret of another folder"


@pytest.mark.parametrize("uid", ["", "../../x", "1.2/3", "1.2\\1.3", ".", "..", ".1", "1" * 65, "1.2-3", "x", "1.2\n"])
def test_an_invalid_uid_is_not_used_as_a_name(uid: str) -> None:
    assert uid_name(uid) is None


@pytest.mark.parametrize("uid", ["1.2.840.113619", "1.2.840.113619\0", " 1.2.840.113619 ", "1" * 64])
def test_a_valid_uid_is_used_as_the_name(uid: str) -> None:
    assert uid_name(uid) == uid.strip(" \0")
