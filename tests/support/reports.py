# SPDX-License-Identifier: MIT
"""Rows and previews of runs of any size that never took place, for tests and benchmarks of the report."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from plainfilm.errors import Reason, Stage
from plainfilm.records import Failure, Record, Status
from plainfilm.report.preview import Preview
from plainfilm.report.thumbnail import thumbnail_of
from plainfilm.report.tone_chart import BINS, ToneChart

_PARTS = ("HAND", "CHEST", "KNEE", "FOOT")
_STEPS = (("voi", "window window:0: center 2048, width 4096, LINEAR", "Window Center, Window Width", "the first one"),)


def report_record(number: int, **values: Any) -> Record:
    """The row of an image: radiographs of four body parts, every tenth repaired, every hundredth a duplicate."""
    name = f"films/{number:06}"
    duplicate = f"films/{number - 1:06}.png" if number % 100 == 99 else ""
    ordinary: dict[str, Any] = {
        **dict.fromkeys(("sop_instance", "patient", "study", "series", "sha256"), f"{number:032x}"),
        **dict.fromkeys(("findings", "decoder", "view_position", "laterality", "patient_sex", "model"), ""),
        **dict.fromkeys(("presentation_intent", "burned_in_annotation", "patient_age"), ""),
        **dict.fromkeys(("width", "columns"), 824),
        **dict.fromkeys(("height", "rows"), 1024),
        **dict.fromkeys(("spacing_x_mm", "spacing_y_mm"), 0.2),
        "file_name": f"{name}.png",
        "source": f"{name}.dcm",
        "frame": 1,
        "frames": 1,
        "bits": 8,
        "look": "viewer",
        "status": Status.REPAIRED if number % 10 == 9 else Status.OK,
        "voi": "window:0",
        "voi_function": "LINEAR",
        "voi_center": 2048.0,
        "voi_width": 4096.0,
        "low": 0.5,
        "high": 4095.5,
        "inverted": False,
        "bits_stored": 12,
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "modality": "DX" if number % 3 else "CR",
        "patient_age": None,
        "body_part": _PARTS[number % 4],
        "manufacturer": f"Maker {number % 7}",
        "affine": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        "photometric_interpretation": "MONOCHROME2",
        "padding_fraction": 0.0,
        "black_fraction": 0.1,
        "white_fraction": 0.01,
        "mean": 0.3 + number % 97 / 1000,
        "entropy": 6 + number % 31 / 100,
        "polarity_suspect": False,
        "duplicate_of": duplicate,
    }
    return Record(**(ordinary | values))


@cache
def report_preview(variant: int) -> bytes:
    """One of a hundred previews: a bright square at a place of its own on noise."""
    image = np.random.default_rng(variant).integers(0, 40, (64, 52), dtype=np.uint8)
    image[variant % 50 : variant % 50 + 12, variant % 40 : variant % 40 + 12] = 230
    chart = ToneChart(0.0, 4095.0, bytes(range(0, 4 * BINS, 4)), bytes(range(0, 4 * BINS, 4)))
    return Preview(thumbnail_of(image), chart, _STEPS, (("voi_lut_bits", "12 of 16 bits"),)).to_bytes()


@dataclass(frozen=True, slots=True)
class SyntheticRows:
    """The rows of a run.

    images: their number. changes: by the number of an image, the values in which its row differs.
    without_preview: the numbers of the images that lack their preview.
    """

    images: int
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    inputs_without_image: tuple[Failure, ...] = ()
    without_preview: frozenset[int] = frozenset()
    label_columns: tuple[str, ...] = ()

    def records(self) -> Iterator[Record]:
        """Yield the rows of the images."""
        return (report_record(number, **self.changes.get(number, {})) for number in range(self.images))

    def failures(self) -> Iterator[Failure]:
        """Yield the rows of the failures."""
        return iter(self.inputs_without_image)

    def chosen_records(self, chosen: Iterable[bool]) -> Iterator[Record]:
        """Yield the rows of some images."""
        return compress(self.records(), chosen)

    def preview(self, record: Record) -> bytes:
        """The preview of an image."""
        names = (self.changes.get(number, {}).get("source", f"films/{number:06}.dcm") for number in range(self.images))
        number = int(record.source[6:12]) if record.source.startswith("films/") else list(names).index(record.source)
        return b"" if number in self.without_preview else report_preview(number % 100)


def failure(source: str, reason: Reason = Reason.TRUNCATED_FILE, status: Status = Status.FAILED) -> Failure:
    """The row of an input without an image."""
    return Failure(source, None, status, reason, Stage.READ, "the file ends within its header")


def script_values(out: Path, pattern: str) -> list[Any]:
    """The values that the scripts of a report hand to the page, in the order of their names."""
    import json

    texts = [path.read_text(encoding="ascii") for path in sorted(out.glob(pattern))]
    calls = [re.fullmatch(r"/\* plainfilm report \*/\nadd(?:Index|Data)\((.*)\);\n", text) for text in texts]
    return [json.loads(call[1]) for call in calls if call is not None]


def sources_in(table: Path) -> list[str]:
    """The column `source` of a CSV file."""
    with table.open(newline="", encoding="utf-8") as file:
        return [row["source"] for row in csv.DictReader(file)]
