# SPDX-License-Identifier: MIT
"""Test OUT with Hugging Face's `datasets` itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.output.test_tables import record
from tests.support.loader_outputs import images_named, many_images

from plainfilm.options.output import Table
from plainfilm.output.card_yaml import feature_type
from plainfilm.output.table_schema import ColumnType, metadata_columns
from plainfilm.records import Record

datasets = pytest.importorskip("datasets")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("offline")]

TABLES = pytest.mark.parametrize("table", [table.value for table in Table])
NAMES = [
    "hand_test_1",
    "a/train/b",
    "a/train/c",
    "val/x",
    "plain",
    "two words/é [1] {2}",
    ".hidden/test",
    "__special/x",
    "data/train-00000-of-00001",
]


def load(path: Path, *words: str, **options: Any) -> Any:
    """The split `train` that a loader gives."""
    return datasets.load_dataset(
        *(words or (str(path),)), split="train", cache_dir=str(path.parent / "cache"), **options
    )


def expected_value(image: Record, name: str) -> object:
    """The value of a column as the loader gives it: a missing text may be None or empty."""
    column = next(column for column in metadata_columns() if column.name == name)
    return column.cell_of(getattr(image, name))


def check(rows: Any, images: list[Record], table: str = "csv") -> None:
    """Compare all rows and columns with the records."""
    names = [column.name for column in metadata_columns() if column.name != "file_name"]
    assert rows.column_names == ["image", *names]
    for column in metadata_columns():
        if column.name != "file_name":
            assert rows.features[column.name].dtype == feature_type(column, Table(table))
    without_images = rows.remove_columns("image")
    assert len(without_images) == len(images)
    for row, image in zip(without_images, images, strict=True):
        for name in names:
            value, expected = row[name], expected_value(image, name)
            if isinstance(value, float) and math.isnan(value):
                value = None
            assert (None if value == "" else value) == expected, name


@TABLES
def test_all_images_and_columns_are_loaded_whatever_their_names_are(
    make_out: Callable[..., list[str]], tmp_path: Path, table: str
) -> None:
    images = images_named(*NAMES)
    make_out(images, table)
    rows = load(tmp_path / "out")
    check(rows, images, table)
    assert [row["image"].size for row in rows] == [(1, 1)] * len(images)
    streamed = list(load(tmp_path / "out", streaming=True))
    assert [row["source"] for row in streamed] == [image.source for image in images]


@pytest.mark.parametrize("name", ["x", ".hidden/.x", "__special/x", "test"])
def test_an_out_of_one_image_is_loaded(make_out: Callable[..., list[str]], tmp_path: Path, name: str) -> None:
    make_out(images_named(name))
    check(load(tmp_path / "out"), images_named(name))


@pytest.mark.component
@TABLES
def test_more_rows_than_a_loader_reads_at_once_keep_their_types(
    make_out: Callable[..., list[str]], tmp_path: Path, table: str
) -> None:
    images = many_images(10_050)
    make_out(images, table)
    check(load(tmp_path / "out"), images, table)


@TABLES
def test_requested_columns_are_loaded_as_text(make_out: Callable[..., list[str]], tmp_path: Path, table: str) -> None:
    make_out([record("a.dcm", carried=("007",)), record("b.dcm", carried=("",))], table, carried=("KVP",))
    rows = load(tmp_path / "out")
    assert rows.features["KVP"].dtype == ColumnType.TEXT.value
    assert [value or "" for value in rows["KVP"]] == ["007", ""]


def imagefolder(out: Path, **options: Any) -> Any:
    return load(out, "imagefolder", data_dir=str(out), **options)


@pytest.mark.parametrize("names", [["hand_test_1", "x"], ["a/val/b", "x"], ["test/a", "test/b", "train/x", "y"]])
def test_imagefolder_loses_the_table_exactly_where_the_run_says_so(
    make_out: Callable[..., list[str]], tmp_path: Path, names: list[str]
) -> None:
    (note,) = make_out(images_named(*names))
    assert "for splits" in note
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert all("source" not in rows.column_names for rows in loaded.values())
    files = {"train": ["**/*.png", "metadata.csv"]}
    assert str(files).replace("'", '"') in note
    assert len(imagefolder(tmp_path / "out", data_files=files)) == len(names)
    assert "source" in imagefolder(tmp_path / "out", data_files=files).column_names


@pytest.mark.parametrize("names", [["x"], ["contest/latest", "Train/x"], [".test/x", "y"], ["a/__b/test/x", "y"]])
def test_imagefolder_loads_the_table_where_the_run_says_nothing(
    make_out: Callable[..., list[str]], tmp_path: Path, names: list[str]
) -> None:
    assert make_out(images_named(*names)) == []
    rows = imagefolder(tmp_path / "out")
    assert sorted(rows["source"]) == sorted(f"{name}.dcm" for name in names)


@pytest.mark.component
def test_imagefolder_needs_parquet_where_the_run_says_so(make_out: Callable[..., list[str]], tmp_path: Path) -> None:
    images = many_images(10_050)
    (note,) = make_out(images)
    assert "give --table parquet" in note
    with pytest.raises(datasets.exceptions.DatasetGenerationError):
        imagefolder(tmp_path / "out")
    assert make_out(images, "parquet") == []
    check(imagefolder(tmp_path / "out").select_columns(["image", *_names()]), images, "parquet")


def _names() -> list[str]:
    return [column.name for column in metadata_columns() if column.name != "file_name"]
