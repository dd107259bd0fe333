# SPDX-License-Identifier: MIT
"""Patients that are removed for good (`plainfilm remove`): nothing of them is left, and no run brings them back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.output_forms import FORMS, HALVES, options_of_form
from tests.support.outputs import rows_of
from tests.support.sweeps import sweep

from plainfilm.cli.main import main
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.pseudonyms import Key, patient_hash
from plainfilm.conversion.removal import Removal
from plainfilm.conversion.summary import Run
from plainfilm.conversion.verification import verify_output
from plainfilm.errors import LedgerError
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput

pytestmark = pytest.mark.slow

SECRET = b"a secret of thirty-two bytes, so."
LEAVER, OTHERS = "Pleaver", ("P1", "P2", "P3")
HASH = patient_hash(Key(SECRET), "", LEAVER)
PLANTED = "folderofleaver"
Converts = Callable[..., Run]


def film(path: Path, patient: str, seed: int, **parameters: Any) -> None:
    dataset, _ = build_case(rows=12, columns=10, seed=seed, **parameters)
    dataset.PatientID = patient
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{seed}.{len(path.name)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(dataset))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Images of four patients, of which two share an image, in two frames too, and what fails of the leaver."""
    folder = tmp_path / "in"
    for number in range(9):
        film(folder / OTHERS[number % 3] / f"{number}.dcm", OTHERS[number % 3], number)
    for number in range(20, 24):
        film(folder / PLANTED / f"{number}.dcm", LEAVER, number)
    # the leaver's image is the first of three with equal pixels
    film(folder / "A" / f"{PLANTED}.dcm", LEAVER, 50)
    film(folder / "P1" / "copy.dcm", "P1", 50)
    film(folder / "P2" / "copy.dcm", "P2", 50)
    film(folder / PLANTED / "frames.dcm", LEAVER, 60, frames=2)
    content = (folder / PLANTED / "20.dcm").read_bytes()
    (folder / PLANTED / "cut.dcm").write_bytes(content[:-40])
    (folder / "broken.dcm").write_bytes(b"no DICOM file")
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Converts:
    (tmp_path / "key").write_bytes(SECRET)

    def run(out: str = "out", origin: Path = source, **given: Any) -> Run:
        values = {"jobs": 1, "key_file": tmp_path / "key", "samples_per_file": 4, **given}
        return Conversion([origin], tmp_path / out, Options.of(values)).run()

    return run


def without_leaver(source: Path) -> Path:
    """A folder as `source`, without the files of the leaver."""
    copy = source.parent / "others" / "in"
    shutil.copytree(source, copy)
    shutil.rmtree(copy / PLANTED)
    shutil.rmtree(copy / "A")
    return copy


def tree(out: Path) -> dict[str, bytes]:
    """All files and folders but the private ones and run.json."""
    paths = {path.relative_to(out).as_posix(): path for path in out.rglob("*")}
    contents = {name: path.read_bytes() if path.is_file() else b"" for name, path in paths.items()}
    return {name: content for name, content in contents.items() if not name.startswith((".plainfilm", "run.json"))}


def rows_of_ledger(out: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(out / ".plainfilm")) as connection:
        return connection.execute(query).fetchall()


def labels(folder: Path) -> Path:
    path = folder / "labels.csv"
    rows = [(f"{patient}", "left" if number % 2 else "right") for number, patient in enumerate((*OTHERS, LEAVER))]
    path.write_text("PatientID,side\n" + "".join(f"{patient},{side}\n" for patient, side in rows))
    return path


def options_of(form: str, folder: Path) -> dict[str, Any]:
    return options_of_form(form, labels(folder))


@pytest.mark.parametrize("form", FORMS)
def test_out_is_that_of_a_run_without_the_patient(convert: Converts, source: Path, tmp_path: Path, form: str) -> None:
    pytest.importorskip("pyarrow")
    options = options_of(form, tmp_path)
    convert(**options)
    convert("new", without_leaver(source), **options)
    assert main(["remove", str(tmp_path / "out"), "--patient", HASH]) == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "new")
    assert not verify_output(tmp_path / "out").has_differences
    counts = [json.loads((tmp_path / out / "run.json").read_text())["counts"] for out in ("out", "new")]
    assert counts[0] == counts[1]
    assert rows_of_ledger(tmp_path / "out", "SELECT count(*) FROM patients WHERE source LIKE '%leaver%'") == [(0,)]


def test_images_of_overlay_planes_are_removed(tmp_path: Path, convert: Converts) -> None:
    for patient, name in (("P1", "1"), (LEAVER, f"{PLANTED}/2")):
        dataset, _ = build_case(rows=8, columns=16)
        dataset.PatientID = patient
        for element, vr, value in ((0x10, "US", 8), (0x11, "US", 16), (0x50, "SS", [1, 1])):
            dataset.add_new(0x60000000 | element, vr, value)
        dataset.add_new(0x60003000, "OW", b"\xff" + bytes(15))
        path = tmp_path / "planes" / f"{name}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_bytes(dataset))
    convert(origin=tmp_path / "planes", overlays="mask")
    masks = tmp_path / "out" / "__overlays"
    assert len(list(masks.rglob("*.png"))) == 2
    assert main(["remove", str(tmp_path / "out"), "--patient", HASH]) == 0
    assert [path.name for path in masks.rglob("*")] == ["1_overlay0.png"]


@pytest.mark.parametrize("form", ["a folder", "splits", "tar files", "Parquet files"])
def test_no_byte_of_the_patient_is_left(convert: Converts, tmp_path: Path, form: str) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    convert(**FORMS[form])
    columns = "sop_instance, stored_hash, json_extract(row, '$[4]'), json_extract(row, '$[47]'), file_name"
    rows = rows_of_ledger(out, f"SELECT {columns} FROM images WHERE source LIKE '%leaver%'")
    previews = rows_of_ledger(out, "SELECT content FROM previews WHERE source LIKE '%leaver%'")
    kept = rows_of_ledger(out, f"SELECT {columns} FROM images WHERE source NOT LIKE '%leaver%'")
    texts = {text.encode() for row in rows for text in row} - {text.encode() for row in kept for text in row}
    other_previews = rows_of_ledger(out, "SELECT content FROM previews WHERE source NOT LIKE '%leaver%'")
    # a preview begins as others do, and that of a copy is the same
    ends = {content[40:] for (content,) in previews} - {content[40:] for (content,) in other_previews}
    texts |= {end for end in ends if not any(end in content for (content,) in other_previews)}
    texts |= {PLANTED.encode(), LEAVER.encode()}
    assert len(texts) > 20
    assert Removal(out).run([HASH]).images == 7
    contents = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert {(path.name, text) for path, content in contents.items() for text in texts if text in content} == set()
    hashes = {path.name for path, content in contents.items() if HASH.encode() in content}
    assert hashes == {".plainfilm"}
    assert rows_of_ledger(out, "SELECT patient FROM removed") == [(HASH,)]


def test_a_folder_that_held_the_patient_alone_leaves_no_path(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(SECRET)
    film(tmp_path / PLANTED / "1.dcm", LEAVER, 1)
    film(tmp_path / "rest" / "1.dcm", "P1", 2)
    options = Options.of({"jobs": 1, "key_file": tmp_path / "key"})
    Conversion([tmp_path / PLANTED, tmp_path / "rest"], tmp_path / "out", options).run()
    Removal(tmp_path / "out").run([HASH])
    assert PLANTED.encode() not in (tmp_path / "out" / ".plainfilm").read_bytes()
    (prefixes,) = rows_of_ledger(tmp_path / "out", "SELECT value FROM meta WHERE name = 'prefixes'")
    assert json.loads(prefixes[0]) == {str(tmp_path / "rest"): "rest"}


@pytest.mark.parametrize("form", ["a folder", "splits and class folders", "tar files with splits", "Parquet files"])
def test_no_later_run_brings_the_patient_back(convert: Converts, source: Path, tmp_path: Path, form: str) -> None:
    pytest.importorskip("pyarrow")
    options = options_of(form, tmp_path) | {"table": "csv"}
    convert(**options)
    Removal(tmp_path / "out").run([HASH])
    alone = images_in(tmp_path / "out")
    for given in ({}, {"overwrite": True}):
        film(source / PLANTED / "20.dcm", LEAVER, 120)
        convert(**options, **given)
        assert images_in(tmp_path / "out") == alone
        failures = rows_of(tmp_path / "out", "failures")
        of_leaver = [row for row in failures if "leaver" in row["source"]]
        assert len(of_leaver) == 7
        assert {(row["status"], row["reason"], row["stage"], row["frame"]) for row in of_leaver} == {
            ("skipped", "excluded", "read", "")
        }
        assert rows_of_ledger(tmp_path / "out", "SELECT source FROM patients WHERE source LIKE '%leaver%'") == []


def images_in(out: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree(out).items() if name.endswith((".png", ".tar", ".jpg", ".parquet"))}


def test_overwriting_a_damaged_ledger_brings_no_patient_back(convert: Converts, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert()
    Removal(out).run([HASH])
    with closing(sqlite3.connect(out / ".plainfilm")) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE name = 'schema'")
        connection.execute("DROP TABLE masks")
        connection.commit()
    convert(overwrite=True)
    assert rows_of_ledger(out, "SELECT patient FROM removed") == [(HASH,)]
    assert [row for row in rows_of(out) if "leaver" in row["source"]] == []
    assert not [path.name for path in out.iterdir() if path.name.startswith(".plainfilm-new")]


def test_a_ledger_whose_removed_patients_cannot_be_read_is_not_overwritten(convert: Converts, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert()
    Removal(out).run([HASH])
    with closing(sqlite3.connect(out / ".plainfilm")) as connection:
        connection.execute("UPDATE removed SET patient = x'00ff'")
        connection.commit()
    with pytest.raises(LedgerError, match="patients that were removed from OUT cannot be read: choose another OUT"):
        convert(overwrite=True)


def test_another_key_is_refused_after_a_removal(convert: Converts, tmp_path: Path) -> None:
    convert()
    Removal(tmp_path / "out").run([HASH])
    (tmp_path / "other").write_bytes(SECRET[::-1])
    with pytest.raises(LedgerError, match="another key would bring them back"):
        convert(overwrite=True, key_file=tmp_path / "other")
    with pytest.raises(LedgerError, match="another key would bring them back"):
        convert(overwrite=True, key_file=tmp_path / "other", shard="1/1")
    assert HASH not in {row["patient"] for row in rows_of(tmp_path / "out")}


def test_an_interrupted_run_can_lose_a_patient_too(
    convert: Converts, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options.of({"jobs": 1, "key_file": tmp_path / "key", "layout": "webdataset", "samples_per_file": 4})
    conversion = Conversion([source], tmp_path / "out", options)
    with monkeypatch.context() as patch:
        # the run is stopped when all images are made and none is packed
        patch.setattr("plainfilm.conversion.conversion.pack_images", lambda *_: conversion.stop(0.0))
        conversion.run()
    assert main(["remove", str(tmp_path / "out"), "--patient", HASH]) == 0
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".tar"]
    convert(layout="webdataset")
    convert("new", without_leaver(source), layout="webdataset")
    assert images_in(tmp_path / "out") == images_in(tmp_path / "new")


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_shards_and_their_merge_bring_no_patient_back(
    convert: Converts, source: Path, tmp_path: Path, layout: str
) -> None:
    out = tmp_path / "out"
    convert(layout=layout, **({} if layout == "folder" else {"samples_per_file": 4}))
    Removal(out).run([HASH])
    film(source / PLANTED / "20.dcm", LEAVER, 120)
    for number in (1, 2):
        convert(layout=layout, shard=f"{number}/2", overwrite=True)
    assert main(["remove", str(out), "--patient", HASH]) == 3, "shards are merged first"
    assert main(["merge", str(out)]) == 0
    assert [row for row in rows_of(out) if "leaver" in row["source"]] == []
    of_leaver = [row for row in rows_of(out, "failures") if "leaver" in row["source"]]
    assert {row["reason"] for row in of_leaver} == {"excluded"}
    other = patient_hash(Key(SECRET), "", "P1")
    assert main(["remove", str(out), "--patient", other]) == 0
    assert {row["patient"] for row in rows_of(out)} == {patient_hash(Key(SECRET), "", name) for name in ("P2", "P3")}
    assert not verify_output(out).has_differences


def test_what_a_listener_has_received_is_removed(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(SECRET)
    received = tmp_path / "out" / ".plainfilm-received"
    film(received / "3f" / "3f01.dcm", LEAVER, 1)
    film(received / "a0" / "a002.dcm", "P1", 2)
    Conversion([received], tmp_path / "out", Options.of({"jobs": 1, "key_file": tmp_path / "key"})).run()
    assert Removal(tmp_path / "out").run([HASH]).images == 1
    assert [path.name for path in received.rglob("*.dcm")] == ["a002.dcm"]


def test_exact_splits_stay_as_they_are(convert: Converts, tmp_path: Path) -> None:
    convert(split=HALVES, split_balance="exact")
    before = {name for name in tree(tmp_path / "out") if name.endswith(".png")}
    Removal(tmp_path / "out").run([HASH])
    after = {name for name in tree(tmp_path / "out") if name.endswith(".png")}
    assert after == {name for name in before if "leaver" not in name}
    assert rows_of_ledger(tmp_path / "out", f"SELECT 1 FROM splits WHERE patient = '{HASH}'") == []


@pytest.mark.parametrize("form", ["splits", "tar files", "Parquet files with splits"])
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_removal_that_is_killed_at_any_step_is_completed(
    convert: Converts, source: Path, tmp_path: Path, form: str
) -> None:
    pytest.importorskip("pyarrow")
    options = options_of(form, tmp_path)
    convert("whole", **options)
    convert("new", without_leaver(source), **options)
    expected = tree(tmp_path / "new")
    whole = tree(tmp_path / "whole")
    for number in sweep(range(steps_of_removal(tmp_path / "whole", tmp_path / "counted")), 6):
        out = tmp_path / f"out{number}"
        shutil.copytree(tmp_path / "whole", out)
        assert removed_until(out, number) == -signal.SIGKILL
        # what is done first is that no run brings the patient back
        has_begun = rows_of_ledger_copy(out, tmp_path) == [(HASH,)]
        assert has_begun or tree(out) == whole
        if number % 2:
            assert main(["remove", str(out), "--patient", HASH]) == 0
            assert tree(out) == expected
        else:
            # the sources of all images are gone: none may be needed
            (tmp_path / "empty").mkdir(exist_ok=True)
            convert(out.name, tmp_path / "empty", **options)
            assert not has_begun or tree(out) == expected
        assert [path.name for path in out.iterdir() if path.name.startswith(".plainfilm-")] == [".plainfilm-lock"]
        assert not has_begun or PLANTED.encode() not in (out / ".plainfilm").read_bytes()
        shutil.rmtree(out)


def removed_until(out: Path, number: int) -> int:
    command = [sys.executable, "-m", "tests.support.killed_removal", str(out), HASH, str(number)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120).returncode


def steps_of_removal(whole: Path, out: Path) -> int:
    """The number of steps of a removal: the first at which it is not killed, by bisection."""
    low, high = 1, 128
    while low < high:
        middle = (low + high) // 2
        shutil.copytree(whole, out)
        if removed_until(out, middle) == 0:
            high = middle
        else:
            low = middle + 1
        shutil.rmtree(out)
    assert low < 128
    return low


def rows_of_ledger_copy(out: Path, folder: Path) -> list[Any]:
    """The removed patients; a copy is opened, because opening would change the files of a process that was killed."""
    copy = folder / "copy"
    copy.mkdir()
    for path in out.glob(".plainfilm*"):
        if path.is_file():
            shutil.copy(path, copy)
    rows = rows_of_ledger(copy, "SELECT patient FROM removed")
    shutil.rmtree(copy)
    return rows


class TestCommand:
    def test_the_exit_code_says_whether_a_patient_was_found(
        self, convert: Converts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        convert()
        out = str(tmp_path / "out")
        before = tree(tmp_path / "out")
        unknown = "0" * 32
        assert main(["remove", out, "--patient", unknown]) == 1
        assert tree(tmp_path / "out") == before
        assert rows_of_ledger(tmp_path / "out", "SELECT * FROM removed") == []
        with FolderOutput(tmp_path / "out").lock():
            assert main(["remove", out, "--patient", HASH]) == 3
        assert main(["remove", str(tmp_path), "--patient", HASH]) == 3
        assert main(["remove", str(tmp_path / "none"), "--patient", HASH]) == 2
        assert main(["remove", out]) == 2
        capsys.readouterr()
        assert main(["remove", out, "--patient", f"{HASH},{unknown}", "--patient", HASH.upper()]) == 0
        assert capsys.readouterr().err.splitlines()[-2:] == [
            "removed 1 patient: 7 images and 1 other row",
            f"{unknown} is not in OUT",
        ]
        assert main(["remove", out, "--patient", HASH]) == 0
        assert capsys.readouterr().err.endswith(f"{HASH} was removed before\n")

    @pytest.mark.parametrize("value", ["PAT0001", "", f"{HASH}0", f"{HASH},", f"{HASH},PAT0001", "g" * 32])
    def test_a_value_that_is_no_hash_is_refused_and_not_quoted(
        self, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["remove", str(tmp_path), "--patient", value]) == 2
        message = capsys.readouterr().err
        assert "is not a hash of the column patient" in message
        assert "PAT0001" not in message

    def test_a_signal_leaves_the_rest_to_the_next_removal(
        self, convert: Converts, source: Path, tmp_path: Path
    ) -> None:
        convert(layout="webdataset")
        convert("new", without_leaver(source), layout="webdataset")
        removal = Removal(tmp_path / "out")
        removal.stop()
        removal.run([HASH])
        assert [row for row in rows_of(tmp_path / "out") if "leaver" in row["source"]] == []
        assert main(["remove", str(tmp_path / "out"), "--patient", HASH]) == 0
        assert tree(tmp_path / "out") == tree(tmp_path / "new")
