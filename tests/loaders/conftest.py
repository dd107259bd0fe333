# SPDX-License-Identifier: MIT
"""OUTs for the tests of loaders, made from rows alone: each image is one grey pixel."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.output.test_tables import record

from plainfilm.conversion.row_survey import RowSurvey
from plainfilm.options.options import Options
from plainfilm.options.output import Table
from plainfilm.output.data_card import CardContent, write_card
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import write_tables
from plainfilm.records import Failure, Record

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
MakesOut = Callable[..., list[str]]


class RowList:
    """Rows that a test has made."""

    def __init__(self, images: Sequence[Record]) -> None:
        self._images = images

    def records(self) -> Iterator[Record]:
        """Yield the images."""
        return iter(self._images)

    def failures(self) -> Iterator[Failure]:
        """Yield nothing."""
        return iter(())


@pytest.fixture
def make_out(tmp_path: Path) -> MakesOut:
    """Writes an OUT with these images, as a run does, and returns the notes of the run."""

    def make(images: Sequence[Record], table: str = "csv", *, carried: Sequence[str] = ()) -> list[str]:
        output = FolderOutput(tmp_path / "out", sync=False)
        for image in images:
            path = output.out / image.file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PIXEL)
        with output.open_for_run(overwrite=True):
            rows = RowSurvey(RowList(images), Options.of({"table": table}).output)
            write_tables(output, rows, Table(table), carried)
            note = write_card(output, CardContent("plainfilm convert SOURCE... OUT", Table(table), carried), rows.card)
        assert note == ""
        return list(rows.notes())

    return make


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps `datasets` from the network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def images_named(*names: str) -> list[Record]:
    """Rows of images with these names, in table order."""
    return [record(f"{name}.dcm", file_name=f"{name}.png") for name in sorted(names)]


def many_images(number: int) -> list[Record]:
    """So many rows, of which the last 50 have text and numbers in columns that are empty in all others."""
    first = record("0.dcm", laterality="", spacing_x_mm=None, findings="", model="7", patient="0" * 32)
    rows = [
        replace(first, source=f"{index:05}.dcm", file_name=f"{index // 1000}/{index:05}.png") for index in range(number)
    ]
    late = {"laterality": "L", "spacing_x_mm": 0.143, "findings": "for_processing", "model": "Model", "patient": "ab"}
    return [*rows[:-50], *(replace(row, **late) for row in rows[-50:])]
