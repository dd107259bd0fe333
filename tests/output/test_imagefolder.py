# SPDX-License-Identifier: MIT
"""Test what is said about Hugging Face's loader `imagefolder`."""

from __future__ import annotations

import pytest
from tests.output.test_tables import record

from plainfilm.options.output import Table
from plainfilm.output.imagefolder import ImagefolderSurvey


def notes_of(names: list[str]) -> list[str]:
    """What is said of images with these names."""
    survey = ImagefolderSurvey()
    for name in names:
        survey.add(record(file_name=name))
    return list(survey.notes())


@pytest.mark.parametrize(
    "folder",
    [
        "train",
        "training",
        "test",
        "testing",
        "eval",
        "evaluation",
        "valid",
        "validation",
        "val",
        "dev",
        "train1",
        "my test",
        "2_val.b",
    ],
)
def test_names_of_splits_are_recognised(folder: str) -> None:
    (note,) = notes_of([f"{folder}/x.png", "y.png"])
    assert "folder names for splits" in note
    assert "leaves out 1 image and the table" in note


@pytest.mark.parametrize(
    "folder", ["Train", "trainer", "latest", "attest", "validated", "a+test", "devices", "contest2"]
)
def test_other_names_are_no_splits(folder: str) -> None:
    assert notes_of([f"{folder}/x.png"]) == []


def test_a_file_name_determines_the_split_if_no_folder_does() -> None:
    (note,) = notes_of(["a/hand_test_1.png", "a/x.png", "y.png"])
    assert "file names for splits and leaves out 2 images and the table" in note
    assert 'data_files={"train": ["**/*.png", "metadata.csv"]}' in note


def test_ordinary_and_hidden_names_have_no_split() -> None:
    assert notes_of(["a/x.png", "contrast.png", "mytest.png", ".hidden/test/x.png", "__a/test/x.png"]) == []


def test_another_format_of_images_is_named_and_one_that_no_loader_knows_is_not() -> None:
    assert '["**/*.jpg", "metadata.csv"]' in notes_of(["test/x.jpg"])[0]
    assert notes_of(["test/x.npy"]) == []


def types_of(*texts: str, table: Table = Table.CSV, first_rows: int = 10_000) -> list[str]:
    """What is said of images whose column `model` is empty in the first rows and then has these texts."""
    survey = ImagefolderSurvey(table)
    first = record(model="")
    for _ in range(first_rows):
        survey.add(first)
    for text in texts:
        survey.add(record(model=text))
    return list(survey.notes(has_card=False))


@pytest.mark.parametrize("text", ["AP", "7"])
def test_a_text_column_that_is_empty_in_the_first_rows_asks_for_parquet(text: str) -> None:
    (note,) = types_of("", text)
    assert "wrong for model: give --table parquet" in note
    assert "load_dataset(OUT)" not in note


def test_columns_that_keep_their_type_need_no_advice() -> None:
    assert types_of("", "") == []
    assert types_of("AP", first_rows=9_999) == []
    assert types_of("AP", table=Table.PARQUET) == []
