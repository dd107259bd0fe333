# SPDX-License-Identifier: MIT
"""Choose what the report holds of each image: the columns of its index, and the facts that it shows of one image."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence

from plainfilm.findings import FindingCode
from plainfilm.output.table_schema import printable_text
from plainfilm.records import Record
from plainfilm.report.meanings import meanings_of
from plainfilm.report.preview import Preview
from plainfilm.report.script_text import CodedColumn, rounded
from plainfilm.report.suspects import Suspect

TEXT_COLUMNS = ("file_name", "source")
"""Columns in which almost every row has a value of its own."""

CODED_COLUMNS = (
    *("status", "findings", "suspects", "modality", "body_part", "view_position", "laterality", "manufacturer"),
    *("look", "voi", "duplicate_of", "split"),
)
NUMBER_COLUMNS = (
    *("frame", "width", "height", "mean", "entropy", "black_fraction", "white_fraction", "padding_fraction"),
    *("voi_center", "voi_width", "low", "high"),
)
FACT_COLUMNS = (
    *("model", "photometric_interpretation", "bits_stored", "rows", "columns", "bits", "spacing_x_mm", "spacing_y_mm"),
    *("presentation_intent", "burned_in_annotation", "transfer_syntax", "decoder", "patient", "study", "series"),
)
_DIGITS = 4


class IndexChunk:
    """The columns of consecutive rows of the index, by which the page filters, sorts and searches.

    label_columns: the names of the columns whose values are in `Record.labels`.
    has_files: whether the images are files beside the report, and not in shards.
    """

    def __init__(self, first: int, label_columns: Sequence[str] = ()) -> None:
        self.first, self.size = first, 0
        self.has_files = False
        self._texts: dict[str, list[str]] = {name: [] for name in TEXT_COLUMNS}
        self._coded = {name: CodedColumn() for name in CODED_COLUMNS}
        self._labels = {name: CodedColumn() for name in label_columns}
        self._numbers: dict[str, list[float | int | None]] = {name: [] for name in NUMBER_COLUMNS}

    def add(self, record: Record, suspects: Iterable[Suspect]) -> None:
        """Append the row of an image."""
        for name, texts in self._texts.items():
            texts.append(printable_text(getattr(record, name)))
        for name, column in self._coded.items():
            column.add(";".join(suspects) if name == "suspects" else printable_text(str(getattr(record, name))))
        for label, column in zip(record.labels, self._labels.values(), strict=False):
            column.add(printable_text(label))
        for name, numbers in self._numbers.items():
            numbers.append(rounded(getattr(record, name), _DIGITS))
        self.size += 1

    def to_json(self) -> dict[str, object]:
        """Return the chunk as a value of JSON."""
        coded = {name: column.to_json() for name, column in (self._coded | self._labels).items()}
        head = {"first": self.first, "size": self.size, "has_files": self.has_files}
        return {**head, "texts": self._texts, "coded": coded, "numbers": self._numbers}


class DataChunk:
    """The previews of consecutive images, which the page loads when it shows them."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.rows: list[Sequence[object]] = []
        self._texts: dict[str, int] = {}
        self._headers: dict[str, int] = {}

    def add(self, record: Record, preview: Preview) -> None:
        """Append the preview and the facts of an image."""
        header, body = split_jpeg(preview.thumbnail)
        chart = preview.chart
        self.rows.append(
            (
                self._headers.setdefault(base64_text(header), len(self._headers)),
                base64_text(body),
                rounded(chart.low),
                rounded(chart.high),
                base64_text(chart.counts),
                base64_text(chart.levels),
                [[self._number_of(text) for text in step] for step in preview.steps],
                [[self._number_of(text) for text in finding] for finding in _findings(record, preview)],
                [self._number_of(_fact(record, name)) for name in FACT_COLUMNS],
            )
        )

    def to_json(self) -> dict[str, object]:
        """Return the chunk as a value of JSON; texts that repeat are written once."""
        return {
            "number": self.number,
            "texts": list(self._texts),
            "headers": list(self._headers),
            "facts": FACT_COLUMNS,
            "rows": self.rows,
        }

    def _number_of(self, text: str) -> int:
        return self._texts.setdefault(printable_text(text), len(self._texts))


def _findings(record: Record, preview: Preview) -> Sequence[Sequence[str]]:
    """Return code and detail of each finding; those about the source as a whole have their meaning as detail."""
    detailed = {code for code, *_ in preview.findings}
    others = [code for code in record.findings.split(";") if code and code not in detailed]
    return [*preview.findings, *((code, meanings_of(FindingCode).get(code, "")) for code in others)]


def split_jpeg(content: bytes) -> tuple[bytes, bytes]:
    """Split a JPEG file after its tables, which are the same in all files of one size: half of a thumbnail's bytes."""
    start = content.find(b"\xff\xda")
    return (content[:start], content[start:]) if start > 0 else (b"", content)


def base64_text(content: bytes) -> str:
    """Return bytes as a text of JSON."""
    return b64encode(content).decode("ascii")


def _fact(record: Record, name: str) -> str:
    value = getattr(record, name)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
