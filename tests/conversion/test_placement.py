# SPDX-License-Identifier: MIT
"""The folders of splits and classes in whole runs (`--split`, `--labels`, `--class-folders`)."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes

from plainfilm.conversion import progress
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.patient_splits import split_of_hash
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OptionsError
from plainfilm.options.data_set import parse_shares
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table

pytestmark = pytest.mark.slow

HALVES = "train=0.5,test=0.5"
Converts = Callable[..., Run]
_ONE_LEVEL = "constant"


def film(folder: Path, name: str, patient: str, seed: int, **parameters: Any) -> None:
    """Write an image of a patient; images with equal seeds have equal pixels."""
    dataset, _ = build_case(rows=8, columns=8, seed=seed, **parameters)
    dataset.PatientID, dataset.AccessionNumber = patient, f"A{seed}"
    uid = f"1.2.3.{zlib.crc32(name.encode())}"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(dataset))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twelve patients with one to three images each."""
    folder = tmp_path / "in"
    for patient in range(12):
        for image in range(1 + patient % 3):
            film(folder, f"p{patient}/{image}.dcm", f"P{patient}", seed=100 * patient + image)
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converts:
    # a run that is to be stopped after some images must hear of each of them
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0.0)
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(out: str = "out", stop_after: int = 1 << 30, **given: Any) -> Run:
        options = Options.of({"jobs": 1, "key_file": tmp_path / "key", **given})
        conversion = Conversion([source], tmp_path / out, options)
        return conversion.run(lambda status: conversion.stop(0.0) if status.converted >= stop_after else None)

    return run


def images(out: Path) -> dict[str, str]:
    """The path of each image without its first folder -> its first folder."""
    paths = [path.relative_to(out) for path in out.rglob("*.png")]
    return {Path(*path.parts[1:]).as_posix(): path.parts[0] for path in paths}


def tree(out: Path) -> dict[str, bytes]:
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return {name: data for name, data in files.items() if not name.startswith((".plainfilm", "run.json"))}


def splits_of_patients(out: Path) -> dict[str, set[str]]:
    splits = defaultdict(set)
    for name, split in images(out).items():
        splits[name.partition("/")[0]].add(split)
    return splits


def write_labels(path: Path, labels: dict[str, str], key: str = "source") -> Path:
    path.write_text(f"{key},side\n" + "".join(f"{name},{label}\n" for name, label in labels.items()))
    return path


def test_all_images_of_a_patient_lie_in_the_split_of_the_patients_hash(convert: Converts, tmp_path: Path) -> None:
    run = convert(split=HALVES)
    assert run.converted == len(images(tmp_path / "out")) == 24
    rows = [row for split in ("train", "test") for row in read_table(tmp_path / "out" / split / "metadata.csv")]
    assert len(rows) == 24
    for row in rows:
        folder = images(tmp_path / "out")[row["source"].replace(".dcm", ".png")]
        assert folder == split_of_hash(row["patient"], parse_shares(HALVES))
    assert set(images(tmp_path / "out").values()) == {"train", "test"}


@pytest.mark.parametrize("balance", ["hash", "exact"])
def test_patients_that_share_an_image_lie_in_one_split(
    convert: Converts, source: Path, tmp_path: Path, balance: str
) -> None:
    for patient in range(11):
        film(source, f"p{patient}/copy.dcm", f"P{patient}", seed=5000 + patient // 2)
    convert(split="a=0.25,b=0.25,c=0.25,d=0.25", split_balance=balance)
    splits = splits_of_patients(tmp_path / "out")
    assert all(len(found) == 1 for found in splits.values())
    assert all(splits[f"p{patient}"] == splits[f"p{patient + 1}"] for patient in range(0, 10, 2))


def test_an_image_of_one_level_joins_no_patients(convert: Converts, source: Path, tmp_path: Path) -> None:
    convert("before", split=HALVES)
    for patient in range(12):
        film(source, f"p{patient}/blank.dcm", f"P{patient}", seed=0, content=_ONE_LEVEL)
    convert("after", split=HALVES)
    assert splits_of_patients(tmp_path / "after") == splits_of_patients(tmp_path / "before")


@pytest.mark.parametrize(("balance", "stop_after"), [("hash", 9), ("exact", 1)])
def test_a_resumed_run_gives_what_an_uninterrupted_one_gives(
    convert: Converts, source: Path, tmp_path: Path, balance: str, stop_after: int
) -> None:
    for patient in range(6):
        film(source, f"p{patient}/copy.dcm", f"P{patient}", seed=7000)
    convert("whole", split=HALVES, split_balance=balance)
    assert convert("parts", split=HALVES, split_balance=balance, stop_after=stop_after).interrupted
    convert("parts", split=HALVES, split_balance=balance, jobs=2)
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def test_a_later_image_that_joins_two_patients_moves_the_images_of_one(
    convert: Converts, source: Path, tmp_path: Path
) -> None:
    convert(split=HALVES)
    splits = splits_of_patients(tmp_path / "out")
    train = next(patient for patient, found in splits.items() if found == {"train"})
    test = next(patient for patient, found in splits.items() if found == {"test"})
    for patient in (train, test):
        film(source, f"{patient}/copy.dcm", patient.upper(), seed=9000)
    run = convert(split=HALVES)
    assert any("images were moved to the split" in note for note in run.notes)
    assert splits_of_patients(tmp_path / "out")[train] == splits_of_patients(tmp_path / "out")[test]
    convert("new", split=HALVES)
    assert tree(tmp_path / "out") == tree(tmp_path / "new")


def test_exact_shares_count_images_and_later_images_do_not_move_the_earlier(
    convert: Converts, source: Path, tmp_path: Path
) -> None:
    convert(split=HALVES, split_balance="exact")
    before = images(tmp_path / "out")
    assert Counter(before.values()) == {"train": 12, "test": 12}
    for patient in range(20, 26):
        film(source, f"p{patient}/0.dcm", f"P{patient}", seed=100 * patient)
    convert(split=HALVES, split_balance="exact")
    after = images(tmp_path / "out")
    assert before.items() <= after.items()
    assert Counter(after.values()) == {"train": 15, "test": 15}


def test_another_split_is_refused_for_the_same_folder(convert: Converts) -> None:
    convert(split=HALVES)
    with pytest.raises(LedgerError, match=r"--split: train=0\.5,test=0\.5 there"):
        convert(split="train=0.6,test=0.4")


@pytest.mark.parametrize(
    ("kind", "key_of"),
    [
        ("source", lambda patient, image: f"p{patient}/{image}.dcm"),
        ("file_name", lambda patient, image: f"p{patient}/{image}.png"),
        ("PatientID", lambda patient, _: f"P{patient}"),
        ("AccessionNumber", lambda patient, image: f"A{100 * patient + image}"),
    ],
)
@pytest.mark.parametrize("names", ["keep", "uid"])
def test_images_lie_in_the_folders_of_their_labels(
    convert: Converts, tmp_path: Path, kind: str, key_of: Callable[[int, int], str], names: str
) -> None:
    if (kind, names) == ("file_name", "uid"):
        pytest.skip("the names of the images are UIDs")
    labels = {
        key_of(patient, image): "left" if patient % 2 else "right"
        for patient in range(10)
        for image in range(1 + patient % 3)
    }
    path = write_labels(tmp_path / "labels.csv", labels, kind)
    run = convert(labels=path, label="side", label_key=kind, class_folders="side", split=HALVES, names=names)
    folders = Counter(path.relative_to(tmp_path / "out").parts[1] for path in (tmp_path / "out").rglob("*.png"))
    assert (run.converted, run.skipped) == (19, 5)
    assert folders == {"left": 9, "right": 10}
    assert "P3" not in "".join(path.read_text() for path in (tmp_path / "out").rglob("*.csv") if kind == "PatientID")


def test_changed_labels_move_images_and_missing_ones_remove_them(
    convert: Converts, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    given = {"labels": path, "label": "side", "label_key": "source", "class_folders": "side"}
    names = sorted(file.relative_to(source).as_posix() for file in source.rglob("*.dcm"))
    write_labels(path, dict.fromkeys(names[:10], "left"))
    assert convert(**given).converted == 10
    write_labels(path, {name: "right" if index % 2 else "left" for index, name in enumerate(names[5:])})
    run = convert(**given)
    assert (run.converted, run.skipped) == (19, 5)
    convert("new", **given)
    assert tree(tmp_path / "out") == tree(tmp_path / "new")
    assert Counter(images(tmp_path / "out").values()) == {"left": 10, "right": 9}


def test_labels_that_would_share_a_folder_end_the_run_before_it_starts(convert: Converts, tmp_path: Path) -> None:
    path = write_labels(tmp_path / "labels.csv", {"p0/0.dcm": "Left", "p1/0.dcm": "left"})
    with pytest.raises(OptionsError, match="would share the folder"):
        convert(labels=path, label="side", label_key="source", class_folders="side")
    assert not (tmp_path / "out").exists()
