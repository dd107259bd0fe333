# SPDX-License-Identifier: MIT
"""Fear: Hugging Face's loader drops the table in silence, and we did not see it coming."""

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
def test_words_that_stand_for_splits(folder: str) -> None:
    assert infer_splits([f"{folder}/x.png"]) == Splits((folder,))


@pytest.mark.parametrize(
    "folder", ["Train", "trainer", "latest", "attest", "validated", "a+test", "devices", "contest2"]
)
def test_words_that_do_not(folder: str) -> None:
    assert infer_splits([f"{folder}/x.png"]) == Splits()


def test_the_outermost_folder_of_a_path_counts() -> None:
    found = infer_splits(["a/train/test/x.png", "a/b/x.png", "test/val/x.png"])
    assert found == Splits(("a/train", "test"), left_out=1)
    assert "a/train, test" in str(found)


def test_file_names_count_where_no_folder_does() -> None:
    assert infer_splits(["a/test.png", "a/x.png", "y.png"]) == Splits(by_file_name=True, left_out=2)
    assert infer_splits(["a/my-test_1.png", "train/x.png"]) == Splits(("train",), left_out=1)
    assert "data_files" in str(infer_splits(["test.png"]))


def test_ordinary_names_need_no_word() -> None:
    assert str(infer_splits(["a/x.png", "contrast.png", "mytest.png"])) == ""
