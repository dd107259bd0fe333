# SPDX-License-Identifier: MIT
"""Sources for the conformance suite of the engines: what shards could disagree about is in them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.engine_runs import film


@pytest.fixture
def sources(tmp_path: Path) -> Sequence[Path]:
    """Two folders of one base name, and an archive: copies, equal UIDs, names that collide, and damaged files."""
    first, second = tmp_path / "one" / "films", tmp_path / "two" / "films"
    for folder in (first / "a", first / "b", second):
        folder.mkdir(parents=True)
    for number in range(8):
        (first / "a" / f"{number}.dcm").write_bytes(film(f"1.2.{number}", f"P{number}", number))
    (first / "a" / "x.dcm").write_bytes(film("1.2.100", "P1", 100))
    (first / "a" / "x").write_bytes(film("1.2.101", "P2", 101))
    (first / "b" / "copy.dcm").write_bytes(film("1.2.0", "P0", 0))
    (first / "b" / "same uid.dcm").write_bytes(film("1.2.1", "P7", 200))
    # patients P3 and P4 share an image
    (first / "b" / "shared.dcm").write_bytes(film("1.2.201", "P4", 3))
    (first / "b" / "frames.dcm").write_bytes(film("1.2.202", "P5", 202, frames=3, content="gradient"))
    (first / "b" / "cut.dcm").write_bytes(film("1.2.203", "P5", 203)[:-40])
    (first / "notes.txt").write_text("no film")
    for number in range(3):
        (second / f"{number}.dcm").write_bytes(film(f"1.3.{number}", f"Q{number}", 300 + number))
    with zipfile.ZipFile(tmp_path / "disk.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"m/{number}.dcm", film(f"1.4.{number}", f"R{number}", 400 + number))
    return first, second, tmp_path / "disk.zip"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The key of all runs of a test."""
    path = tmp_path / "key"
    path.write_bytes(b"a secret of thirty-two bytes, so.")
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A label file by PatientID, without a row for R3."""
    path = tmp_path / "labels.csv"
    patients = [*(f"P{number}" for number in range(8)), "Q0", "Q1", "Q2", "R0", "R1", "R2"]
    rows = "".join(f"{patient},{'sick' if number % 3 else 'well'}\n" for number, patient in enumerate(patients))
    path.write_text(f"PatientID,state\n{rows}")
    return path
