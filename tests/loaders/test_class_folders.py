# SPDX-License-Identifier: MIT
"""Test OUT with the rules by which torchvision and Keras find classes: each folder is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.cases.build import case_file

from plainfilm.conversion.conversion import Conversion
from plainfilm.options.options import Options

pytestmark = pytest.mark.slow


def torchvision_samples(root: Path) -> dict[str, list[str]]:
    """The classes of `ImageFolder`, each with its images: every folder is a class, a hidden one too."""
    samples = {}
    for name in sorted(entry.name for entry in os.scandir(root) if entry.is_dir()):
        walk = sorted(os.walk(root / name, followlinks=True))
        files = [Path(folder, file) for folder, _, names in walk for file in sorted(names)]
        samples[name] = [path.relative_to(root).as_posix() for path in files if path.suffix.lower() == ".png"]
        if not samples[name]:
            raise FileNotFoundError(f"no image of the class {name}")
    return samples


def keras_classes(root: Path) -> list[str]:
    """The classes of `image_dataset_from_directory`: every folder that is not hidden."""
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))


@pytest.mark.parametrize("table", ["csv", "parquet", "jsonl"])
def test_the_folders_of_the_sources_are_the_only_classes(tmp_path: Path, table: str) -> None:
    for number, name in enumerate(["normal/a", "normal/deep/b", "fracture/c"]):
        path = tmp_path / "in" / f"{name}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case_file(seed=number))
    (tmp_path / "in" / "normal" / "broken.dcm").write_bytes(b"none")
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    options = Options.of({"jobs": 1, "key_file": tmp_path / "key", "table": table})
    Conversion([tmp_path / "in"], tmp_path / "out", options).run()
    assert torchvision_samples(tmp_path / "out") == {
        "fracture": ["fracture/c.png"],
        "normal": ["normal/a.png", "normal/deep/b.png"],
    }
    assert keras_classes(tmp_path / "out") == ["fracture", "normal"]
