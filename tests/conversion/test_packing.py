# SPDX-License-Identifier: MIT
"""Whole runs into shards (`--layout webdataset`, `--layout parquet`): whole, ordered, resumable, the same each time."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes

from plainfilm.conversion import progress
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.conversion.verification import verify_output
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table

pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.slow

LAYOUTS = ["webdataset", "parquet"]
Converts = Callable[..., Run]


def film(folder: Path, name: str, seed: int) -> None:
    dataset, _ = build_case(rows=8, columns=8, seed=seed)
    dataset.PatientID = f"P{seed % 7}"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(dataset))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twenty-five images and a file that fails."""
    folder = tmp_path / "in"
    for number in range(25):
        film(folder, f"{number % 3}/film.{number:02d}.dcm", number)
    (folder / "broken.dcm").write_bytes(b"no DICOM file")
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converts:
    # a run that is to be stopped after some images must hear of each of them
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0.0)
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(out: str = "out", stop_after: int = 1 << 30, **given: Any) -> Run:
        values = {"jobs": 1, "key_file": tmp_path / "key", "samples_per_file": 10, "no_report": True, **given}
        conversion = Conversion([source], tmp_path / out, Options.of(values))
        return conversion.run(lambda status: conversion.stop(0.0) if status.converted >= stop_after else None)

    return run


def tree(out: Path) -> dict[str, bytes]:
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return {name: data for name, data in files.items() if not name.startswith((".plainfilm", "run.json"))}


def samples(out: Path) -> list[tuple[str, bytes, dict[str, Any]]]:
    """The name in the table, the image and the row of each sample, in the order of the shards."""
    result = []
    for path in sorted(out.iterdir()):
        if path.suffix == ".tar":
            with tarfile.open(path) as archive:
                contents = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
            for name in [name for name in contents if name.endswith(".png")]:
                row = json.loads(contents[name.replace(".png", ".json")])
                result.append((f"{path.name}/{name}", contents[name], row))
        elif path.name.startswith(("train-", "test-")):
            for row in pq.read_table(path).to_pylist():
                image = row.pop("image")
                result.append((f"{path.name}/{image['path']}", image["bytes"], row))
    return result


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shards_hold_the_images_of_the_folder_layout_in_table_order(
    convert: Converts, tmp_path: Path, layout: str
) -> None:
    convert("folder")
    run = convert(layout=layout)
    assert (run.converted, run.failed) == (25, 1)
    rows = read_table(tmp_path / "out" / "metadata.csv")
    found = samples(tmp_path / "out")
    assert [name for name, _, _ in found] == [row["file_name"] for row in rows]
    assert [row["source"] for row in rows] == sorted(row["source"] for row in rows)
    folder = {row["source"]: row for row in read_table(tmp_path / "folder" / "metadata.csv")}
    for _, image, row in found:
        other = folder[row["source"]]
        assert image == (tmp_path / "folder" / other["file_name"]).read_bytes()
        assert (row["sha256"], row["patient"]) == (other["sha256"], other["patient"])
    shards = [path.name for path in (tmp_path / "out").iterdir() if path.suffix in (".tar", ".parquet")]
    assert len(shards) == 3
    assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


@pytest.mark.parametrize(("layout", "split"), [("webdataset", "train=0.5,test=0.5"), ("parquet", "")])
def test_workers_and_interruptions_change_no_byte(convert: Converts, tmp_path: Path, layout: str, split: str) -> None:
    convert("whole", layout=layout, split=split)
    assert convert("parts", layout=layout, split=split, stop_after=7).interrupted
    assert samples(tmp_path / "parts") == []
    assert read_table(tmp_path / "parts" / "metadata.csv") == []
    convert("parts", layout=layout, split=split, jobs=2)
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_later_images_and_changed_sources_give_what_a_new_run_gives(
    convert: Converts, source: Path, tmp_path: Path, layout: str
) -> None:
    convert(layout=layout)
    film(source, "0/a.dcm", 90)
    film(source, "1/film.04.dcm", 91)
    (source / "2" / "zz.dcm").write_bytes((source / "0" / "film.00.dcm").read_bytes())
    convert(layout=layout)
    convert("new", layout=layout)
    assert tree(tmp_path / "out") == tree(tmp_path / "new")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_run_without_changes_writes_no_shard(convert: Converts, tmp_path: Path, layout: str) -> None:
    convert(layout=layout)
    before = {
        path.name: path.stat().st_mtime_ns
        for path in (tmp_path / "out").iterdir()
        if path.suffix in (".tar", ".parquet")
    }
    convert(layout=layout)
    for name, mtime in before.items():
        assert (tmp_path / "out" / name).stat().st_mtime_ns == mtime


@pytest.mark.parametrize(
    ("layout", "damage"), [("webdataset", "delete"), ("webdataset", "flip"), ("parquet", "cut"), ("parquet", "flip")]
)
def test_a_lost_shard_is_made_again(convert: Converts, tmp_path: Path, layout: str, damage: str) -> None:
    convert(layout=layout)
    whole = tree(tmp_path / "out")
    shard = sorted(path for path in (tmp_path / "out").iterdir() if path.suffix in (".tar", ".parquet"))[1]
    content = shard.read_bytes()
    if damage == "delete":
        shard.unlink()
    else:
        shard.write_bytes(content[:-9] if damage == "cut" else content[:700] + b"\xff\xfe" + content[702:])
    run = convert(layout=layout)
    assert any("10 images in OUT were deleted, cut or replaced" in note for note in run.notes)
    assert tree(tmp_path / "out") == whole


@pytest.mark.parametrize("layout", ["folder", *LAYOUTS])
@pytest.mark.parametrize("split", ["", "train=0.5,test=0.5"])
def test_a_whole_output_has_no_difference_from_its_ledger(
    convert: Converts, tmp_path: Path, layout: str, split: str
) -> None:
    convert(layout=layout, split=split)
    assert not verify_output(tmp_path / "out").has_differences
    name = next(path for path in sorted((tmp_path / "out").rglob("*")) if path.suffix in (".png", ".tar", ".parquet"))
    name.write_bytes(name.read_bytes()[:-1])
    assert verify_output(tmp_path / "out").changed == (name.relative_to(tmp_path / "out").as_posix(),)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_labels_and_classes_are_in_the_rows_and_keys(convert: Converts, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "PatientID,side\n" + "".join(f"P{number},{'left' if number % 2 else 'right'}\n" for number in range(6))
    )
    given = {"labels": path, "label": "side", "label_key": "PatientID", "class_folders": "side", "layout": layout}
    run = convert(**given)
    assert (run.converted, run.skipped) == (22, 3)
    for name, _, row in samples(tmp_path / "out"):
        assert name.split("/")[1] == row["label_side"]
    path.write_text(path.read_text().replace("left", "port"))
    convert(**given)
    convert("new", **given)
    assert tree(tmp_path / "out") == tree(tmp_path / "new")


def test_two_images_whose_keys_would_be_equal_get_numbers(convert: Converts, source: Path, tmp_path: Path) -> None:
    film(source, "0/film_00.dcm", 70)
    convert(layout="webdataset")
    names = [name.split("/", 1)[1] for name, _, _ in samples(tmp_path / "out")]
    assert "0/film_00.png" in names
    assert "0/film_00-2.png" in names
