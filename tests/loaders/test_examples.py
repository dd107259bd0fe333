# SPDX-License-Identifier: MIT
"""Run the examples of docs/loading.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.output.test_tables import record

datasets = pytest.importorskip("datasets")
pytest.importorskip("pandas")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("offline")]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "loading.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def pictures(make_out: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An OUT `pictures` in the current folder: 40 patients with two images each, two of which share a copy."""
    images = []
    for number in range(40):
        patient = f"{number * 97 % 256:02x}" + "0" * 29 + "1"
        for side in "lr":
            images.append(record(f"{number:02}{side}_test_1.dcm", patient=patient, body_part="CHEST"))
    copy = replace(images[0], source="99.dcm", file_name="99.png", patient="ff" * 16, duplicate_of=images[0].file_name)
    make_out([*images, copy, record("nobody.dcm", patient="", sha256="f" * 64)])
    (tmp_path / "out").rename(tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return [image.file_name for image in images]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
@pytest.mark.usefixtures("pictures")
def test_an_example_runs_as_it_is(number: int) -> None:
    values: dict[str, Any] = {}
    exec(compile(EXAMPLES[number], str(DOCUMENT), "exec"), values)
    assert len(values["images"]) == 82
    if "train" in values:
        check_split(values["train"], values["test"])


def check_split(train: Any, test: Any) -> None:
    """Check that no patient and no copy is on both sides."""
    assert len(train) + len(test) == 82
    assert 0 < len(test) < len(train)
    assert not set(train["patient"].dropna()) & set(test["patient"].dropna())
    sides = dict.fromkeys(train["file_name"], "train") | dict.fromkeys(test["file_name"], "test")
    assert sides["99.png"] == sides["00l_test_1.png"] == sides["00r_test_1.png"]
    assert sides["99.png"] == "train", "without its original, the copy would be a test image"


def test_the_examples_are_found() -> None:
    assert len(EXAMPLES) == 4
