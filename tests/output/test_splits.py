# SPDX-License-Identifier: MIT
"""Test the names that Hugging Face's loader reads as splits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from plainfilm.output.splits import Splits, SplitSurvey


def infer_splits(names: list[str]) -> Splits:
    """What a survey says of images with these names."""
    survey = SplitSurvey(())
    for name in names:
        image: Any = SimpleNamespace(file_name=name)
        assert survey.add(image) is image
    return survey.splits()


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
    assert infer_splits([f"{folder}/x.png"]) == Splits((folder,))


@pytest.mark.parametrize(
    "folder", ["Train", "trainer", "latest", "attest", "validated", "a+test", "devices", "contest2"]
)
def test_other_names_are_no_splits(folder: str) -> None:
    assert infer_splits([f"{folder}/x.png"]) == Splits()


def test_the_outermost_folder_determines_the_split() -> None:
    found = infer_splits(["a/train/test/x.png", "a/b/x.png", "test/val/x.png"])
    assert found == Splits(("a/train", "test"), left_out=1)
    assert "a/train, test" in str(found)


def test_a_file_name_determines_the_split_if_no_folder_does() -> None:
    assert infer_splits(["a/test.png", "a/x.png", "y.png"]) == Splits(by_file_name=True, left_out=2)
    assert infer_splits(["a/my-test_1.png", "train/x.png"]) == Splits(("train",), left_out=1)
    assert "data_files" in str(infer_splits(["test.png"]))


def test_ordinary_names_have_no_split() -> None:
    assert str(infer_splits(["a/x.png", "contrast.png", "mytest.png"])) == ""
