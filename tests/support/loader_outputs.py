# SPDX-License-Identifier: MIT
"""Write an OUT from rows alone, for the tests of loaders: each image is one grey pixel."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.output.test_tables import record

from plainfilm.conversion.row_survey import RowSurvey
from plainfilm.options.options import Options
from plainfilm.options.output import Table
from plainfilm.output.card_content import CardContent
from plainfilm.output.data_card import write_card
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import write_tables
from plainfilm.records import Failure, Record

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")


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


def write_out(out: Path, images: Sequence[Record], table: str = "csv", carried: Sequence[str] = ()) -> list[str]:
    """Write an OUT with these images, as a run does, and return the notes of the run."""
    output = FolderOutput(out, sync=False)
    for image in images:
        path = out / image.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PIXEL)
    with output.open_for_run(overwrite=True):
        rows = RowSurvey(RowList(images), Options.of({"table": table}))
        write_tables(output, rows, Table(table), carried)
        note = write_card(output, CardContent("plainfilm convert SOURCE... OUT", Table(table), carried), rows.card)
    assert note == ""
    return list(rows.notes())


def images_named(*names: str) -> list[Record]:
    """Rows of images with these names, in table order."""
    return [record(f"{name}.dcm", file_name=f"{name}.png") for name in sorted(names)]


def many_images(number: int) -> list[Record]:
    """So many rows, of which the last 50 have text and numbers in columns that are empty in all others."""
    first = record("0.dcm", laterality="", spacing_x_mm=None, findings="", model="7", patient="0" * 32)
    rows = [
        replace(first, source=f"{index:05}.dcm", file_name=f"{index // 1000}/{index:05}.png") for index in range(number)
    ]
    late: dict[str, Any] = {
        "laterality": "L",
        "spacing_x_mm": 0.143,
        "findings": "for_processing",
        "model": "Model",
        "patient": "ab",
    }
    return [*rows[:-50], *(replace(row, **late) for row in rows[-50:])]
