# SPDX-License-Identifier: MIT
"""Test that names and texts cannot lead out of OUT, run in a spreadsheet, hide an image or stop the run.

The real command converts folders with such names. The rules of names are tested in tests/sources and tests/output.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import socket
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from pydicom.dataset import Dataset
from tests.support.cases.build import build_case
from tests.support.command_line import CommandLine, Finished
from tests.support.planted import file_of

from plainfilm.output.tables import read_table

pytestmark = [pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning:pydicom"), pytest.mark.slow]
Convert = Callable[..., Finished]

HOSTILE = [
    "../../../escape",
    "/etc/escape",
    "..\\..\\escape",
    "C:\\escape",
    "nul",
    "a\x00b",
    "\x1b[31m\x07bell",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1,2)",
    "\t=1",
    "\r\n=1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    'quoted "text", and a comma',
    "\u202egpj.exe",
    "\u2028line",
    "x" * 65_000,
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "%00%2e%2e%2f",
    "$(touch escape)`touch escape`",
]


def file_with_text(seed: int = 0, **values: Any) -> bytes:
    dataset: Dataset = build_case(seed=seed)[0]
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    return file_of(dataset)


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """`plainfilm convert` with a home folder of its own, which is its current folder."""
    home = tmp_path / "here"
    home.mkdir()

    def run(*words: str | Path) -> Finished:
        return CommandLine(home).run("convert", *words, cwd=home)

    return run


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time of modification and content (of a link its aim) of everything in a folder."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        known = path.lstat()
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[os.fsdecode(path)] = (known.st_mode, known.st_mtime_ns, hashlib.sha256(content).hexdigest())
    return found


def rows(out: Path, table: str = "metadata") -> list[dict[str, str]]:
    return read_table(out / f"{table}.csv")


def assert_whole(out: Path, images: int) -> None:
    """Each row has its own picture, each picture its row."""
    names = [row["file_name"] for row in rows(out)]
    assert len(names) == len(set(names)) == images
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.png")} == set(names)
    for row in rows(out):
        assert hashlib.sha256((out / row["file_name"]).read_bytes()).hexdigest() == row["sha256"]


def test_hostile_text_in_tags_stays_text(convert: Convert, tmp_path: Path) -> None:
    keywords = ("PatientName", "PatientID", "Manufacturer", "ManufacturerModelName", "StudyDescription")
    for number, text in enumerate(HOSTILE):
        cut = text[:60] if "x" * 100 in text else text
        values = {keyword: cut.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for keyword in keywords}
        uid = cut.encode("ascii", "ignore").decode()
        values |= {"SOPInstanceUID": uid, "StudyInstanceUID": uid, "PatientComments": text}
        write(
            tmp_path / "in" / f"{number:02d}.dcm", file_with_text(number, SpecificCharacterSet="ISO_IR 192", **values)
        )
    before = snapshot(tmp_path / "in")
    asked = "PatientName,StudyDescription,PatientComments,SOPInstanceUID"
    done = convert(tmp_path / "in", tmp_path / "out", "--columns", asked)
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path / "in") == before
    assert_whole(tmp_path / "out", len(HOSTILE))
    assert sorted(path.name for path in tmp_path.rglob("*escape*")) == []
    with open(tmp_path / "out" / "metadata.csv", newline="", encoding="utf-8") as file:
        cells = [cell for line in csv.reader(file, strict=True) for cell in line]
    numbers = [cell for cell in cells if cell.startswith(("-", "+"))]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r", "\n"))]
    assert all(float(number.split(" ")[0]) is not None for number in numbers)
    assert not any(control in "".join(cells) for control in "\x00\x07\x1b")
    comments = [row["PatientComments"] for row in rows(tmp_path / "out")]
    for text, found in zip(HOSTILE, comments, strict=True):
        assert found == re.sub(r"[\x00-\x08\x0e-\x1f]", "\N{REPLACEMENT CHARACTER}", text)[:1024]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_hostile_names_of_files_and_folders_stay_within_out(convert: Convert, tmp_path: Path) -> None:
    names = [text.replace("/", "\u2215").replace("\0", "")[:60] for text in HOSTILE]
    for number, name in enumerate(names):
        for at, file in enumerate((f"{name}.dcm", os.fsdecode(b"\xff\xfe.dcm"), "..."), 1):
            write(tmp_path / "in" / name / file, file_with_text(3 * number + at))
    before = snapshot(tmp_path / "in")
    done = convert(tmp_path / "in", tmp_path / "out", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path / "in") == before
    assert_whole(tmp_path / "out", 3 * len(names))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "here"}
    assert not [path for path in (tmp_path / "here").rglob("*") if "escape" in path.name]
    for row in rows(tmp_path / "out"):
        for part in row["file_name"].split("/"):
            assert part not in ("", ".", "..")
            assert part == unicodedata.normalize("NFC", part)
            assert len(part.encode()) <= 210
            assert not part.startswith(("=", "+", "-", "@"))
            assert not any(each in '<>:"\\|?*' or ord(each) < 32 or each in "\u202e\u2028" for each in part)


def test_names_that_differ_only_in_case_or_composition_stay_distinct(convert: Convert, tmp_path: Path) -> None:
    composed, decomposed = "M\u00fcller", unicodedata.normalize("NFD", "M\u00fcller")
    files = ["a/hand", "a/HAND", "a/hand.dcm", "a/Hand.DCM", "b/hand", f"{composed}.dcm", f"{decomposed}.dcm", "A/hand"]
    for seed, file in enumerate(files):
        write(tmp_path / "in" / file, file_with_text(seed))
    there = len({path for path in (tmp_path / "in").rglob("*") if path.is_file()})
    if there < len(files):
        pytest.skip("this file system takes such names for one")
    assert convert(tmp_path / "in", tmp_path / "out").returncode == 0
    assert_whole(tmp_path / "out", len(files))
    folded = [unicodedata.normalize("NFC", row["file_name"]).casefold() for row in rows(tmp_path / "out")]
    assert len(set(folded)) == len(files)
    assert len({row["sha256"] for row in rows(tmp_path / "out")}) == len(files)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_a_special_file_is_a_row_with_its_reason(convert: Convert, tmp_path: Path, monkeypatch: Any) -> None:
    source = tmp_path / "in"
    write(source / "hand.dcm", file_with_text())
    os.mkfifo(source / "pipe.dcm")
    (source / "loop").symlink_to(".")
    (source / "up").symlink_to("..", target_is_directory=True)
    (source / "itself").symlink_to("itself")
    (source / "nowhere.dcm").symlink_to("missing")
    (source / "zero.dcm").symlink_to("/dev/zero")
    (source / "link.dcm").symlink_to("hand.dcm")
    monkeypatch.chdir(source)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.dcm")
        done = convert(source, tmp_path / "out")
    assert done.returncode == 1, done.stderr
    reasons = {row["source"]: row["reason"] for row in rows(tmp_path / "out", "failures")}
    special = ("loop", "up", "pipe.dcm", "socket.dcm", "zero.dcm")
    assert reasons == dict.fromkeys(special, "not_a_file") | dict.fromkeys(("itself", "nowhere.dcm"), "unreadable")
    assert [row["source"] for row in rows(tmp_path / "out")] == ["hand.dcm", "link.dcm"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions work otherwise here")
def test_a_file_without_read_permission_is_a_row(convert: Convert, tmp_path: Path) -> None:
    source = tmp_path / "in"
    for name in ("open.dcm", "closed.dcm", "folder/hand.dcm"):
        write(source / name, file_with_text())
    (source / "closed.dcm").chmod(0)
    (source / "folder").chmod(0)
    try:
        if os.access(source / "closed.dcm", os.R_OK):
            pytest.skip("this user may read everything")
        assert convert(source, tmp_path / "out").returncode == 1
    finally:
        (source / "folder").chmod(0o700)
    reasons = {row["source"]: row["reason"] for row in rows(tmp_path / "out", "failures")}
    assert reasons == {"closed.dcm": "unreadable", "folder": "unreadable"}


def test_an_out_within_a_source_is_not_read_as_a_source(convert: Convert, tmp_path: Path) -> None:
    write(tmp_path / "in" / "hand.dcm", file_with_text())
    out = tmp_path / "in" / "out"
    for _ in range(3):
        assert convert(tmp_path / "in", out, "--overwrite").returncode == 0
        assert_whole(out, 1)
        assert rows(out, "failures") == []


def test_symbolic_links_planted_in_out_are_not_followed(convert: Convert, tmp_path: Path) -> None:
    for name in ("a/hand.dcm", "foot.dcm", "knee.dcm"):
        write(tmp_path / "in" / name, file_with_text())
    victim = write(tmp_path / "victim" / "precious.txt", b"precious").parent
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").symlink_to(victim)
    (out / "foot.png").symlink_to(victim / "precious.txt")
    (out / "metadata.csv").symlink_to(victim / "precious.txt")
    (out / "run.json").symlink_to(victim / "new.json")
    before = snapshot(victim)
    convert(tmp_path / "in", out, "--overwrite")
    assert snapshot(victim) == before
    assert cv2.imread(str(out / "knee.png"), cv2.IMREAD_UNCHANGED) is not None
    assert {row["source"]: row["reason"] for row in rows(out, "failures")} == {"a/hand.dcm": "write_failed"}
    assert not (out / "foot.png").is_symlink()


@pytest.mark.parametrize("name", ["", "-lock", "-staging", "-wal", "-journal"])
def test_a_link_under_a_private_name_is_refused(name: str, convert: Convert, tmp_path: Path) -> None:
    write(tmp_path / "in" / "hand.dcm", file_with_text())
    victim = write(tmp_path / "victim" / "file", b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".plainfilm{name}").symlink_to(victim)
    before = snapshot(victim.parent)
    assert convert(tmp_path / "in", tmp_path / "out", "--overwrite").returncode == 3
    assert snapshot(victim.parent) == before


@pytest.mark.skipif(sys.platform != "linux", reason="proven on Linux")
def test_a_read_only_source_folder_can_be_converted(convert: Convert, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a" / "hand.dcm", file_with_text())
    for folder in (tmp_path / "in" / "a", tmp_path / "in"):
        folder.chmod(0o500)
    try:
        before = snapshot(tmp_path / "in")
        assert convert(tmp_path / "in", tmp_path / "out").returncode == 0
        assert snapshot(tmp_path / "in") == before
    finally:
        (tmp_path / "in").chmod(0o700)
        (tmp_path / "in" / "a").chmod(0o700)
