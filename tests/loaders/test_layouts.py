# SPDX-License-Identifier: MIT
"""Load splits and shards with Hugging Face's `datasets` and with `webdataset` themselves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm

datasets = pytest.importorskip("datasets")
webdataset = pytest.importorskip("webdataset")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("offline")]

SPLITS = "train=0.6,test=0.4"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty images of ten patients, with names that hold split words."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(20):
        dataset, _ = build_case(rows=8, columns=8, seed=number)
        dataset.PatientID = f"P{number % 10}"
        # one of the columns is empty in all images but one
        dataset.ViewPosition = "PA" if number == 3 else ""
        path = folder / ("train" if number % 2 else "x") / f"hand_test.{number}.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(to_bytes(dataset))
    (folder / "labels.csv").write_text(
        "PatientID,side\n" + "".join(f"P{n},{'left' if n % 2 else 'right'}\n" for n in range(9))
    )
    return folder


def convert(films: Path, out: Path, **options: Any) -> None:
    key = out.parent / "key"
    key.write_bytes(b"a secret of thirty-two bytes, so.")
    plainfilm.convert(films, out, key_file=key, jobs=1, no_report=True, **options)


def load(out: Path, **options: Any) -> Any:
    return datasets.load_dataset(str(out), cache_dir=str(out.parent / "cache"), **options)


def rows_of(out: Path) -> list[dict[str, str]]:
    tables = sorted(out.rglob("metadata.csv"))
    return [row for table in tables for row in csv.DictReader(table.open(newline="", encoding="utf-8"))]


@pytest.mark.parametrize("table", ["csv", "jsonl", "parquet"])
def test_splits_of_folders_load_with_all_their_images(films: Path, tmp_path: Path, table: str) -> None:
    labels = {"labels": films / "labels.csv", "label": "side", "label_key": "PatientID"}
    convert(films, tmp_path / "out", split=SPLITS, table=table, **labels)
    loaded = load(tmp_path / "out")
    assert set(loaded) == {"train", "test"}
    assert sum(split.num_rows for split in loaded.values()) == 20
    patients = {name: set(split["patient"]) for name, split in loaded.items()}
    assert not patients["train"] & patients["test"]
    for name, split in loaded.items():
        assert set(split["split"]) == {name}
        assert {"left", "right"} & set(split["label_side"])
    columns = set(loaded["train"].features)
    assert ("view_position" in columns) == (table == "parquet")
    assert loaded["train"][0]["image"].size == (8, 8)


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
@pytest.mark.parametrize("split", ["", SPLITS])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_shards_load_with_all_their_images(
    films: Path, tmp_path: Path, layout: str, split: str, is_streamed: bool
) -> None:
    convert(films, tmp_path / "out", layout=layout, split=split, samples_per_file=7)
    loaded = load(tmp_path / "out", streaming=is_streamed)
    assert set(loaded) == ({"train", "test"} if split else {"train"})
    samples = [sample for name in loaded for sample in loaded[name]]
    hashes = {sample["json"]["sha256"] if layout == "webdataset" else sample["sha256"] for sample in samples}
    assert hashes == {row["sha256"] for row in rows_of(tmp_path / "out")}
    assert len(samples) == 20
    assert samples[0]["png" if layout == "webdataset" else "image"].size == (8, 8)


def test_webdataset_reads_each_sample_with_its_row(films: Path, tmp_path: Path) -> None:
    convert(films, tmp_path / "out", layout="webdataset", samples_per_file=7)
    shards = [str(path) for path in sorted((tmp_path / "out").glob("*.tar"))]
    assert len(shards) == 3
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("l8"))
    assert [sample["json"]["file_name"] for sample in samples] == [
        row["file_name"] for row in rows_of(tmp_path / "out")
    ]
    assert {sample["png"].shape for sample in samples} == {(8, 8)}
