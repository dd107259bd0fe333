# SPDX-License-Identifier: MIT
"""Choose what the report holds of each image: the columns of its index, and the facts that it shows of one image."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from operator import attrgetter

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
_SUSPECTS = CODED_COLUMNS.index("suspects")
_texts_of = attrgetter(*TEXT_COLUMNS)
_coded_values_of = attrgetter(*(name for name in CODED_COLUMNS if name != "suspects"))
_numbers_of = attrgetter(*NUMBER_COLUMNS)
_facts_of = attrgetter(*FACT_COLUMNS)


class IndexChunk:
    """The columns of consecutive rows of the index, by which the page filters, sorts and searches.

    label_columns: the names of the columns whose values are in `Record.labels`.
    has_files: whether the images are files beside the report, and not in shards.
    """

    def __init__(self, first: int, label_columns: Sequence[str] = ()) -> None:
        self.first, self.size = first, 0
        self.has_files = False
        self._texts: dict[str, list[str]] = {name: [] for name in TEXT_COLUMNS}
        self._coded = {name: CodedColumn(printable_text) for name in CODED_COLUMNS}
        self._labels = {name: CodedColumn(printable_text) for name in label_columns}
        self._numbers: dict[str, list[float | int | None]] = {name: [] for name in NUMBER_COLUMNS}

    def add(self, record: Record, suspects: Iterable[Suspect]) -> None:
        """Append the row of an image."""
        for texts, text in zip(self._texts.values(), _texts_of(record), strict=True):
            texts.append(printable_text(text))
        coded = list(_coded_values_of(record))
        coded.insert(_SUSPECTS, ";".join(suspects))
        for column, value in zip(self._coded.values(), coded, strict=True):
            column.add(value)
        for label, column in zip(record.labels, self._labels.values(), strict=False):
            column.add(label)
        for numbers, number in zip(self._numbers.values(), _numbers_of(record), strict=True):
            numbers.append(rounded(number, _DIGITS))
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
        self._texts = CodedColumn(printable_text)
        self._headers: dict[bytes, int] = {}

    def add(self, record: Record, preview: Preview) -> None:
        """Append the preview and the facts of an image."""
        header, body = split_jpeg(preview.thumbnail)
        chart, code_of = preview.chart, self._texts.code_of
        self.rows.append(
            (
                self._headers.setdefault(header, len(self._headers)),
                base64_text(body),
                rounded(chart.low),
                rounded(chart.high),
                base64_text(chart.counts),
                base64_text(chart.levels),
                [[code_of(text) for text in step] for step in preview.steps],
                [[code_of(text) for text in finding] for finding in _findings(record, preview)],
                [code_of(value if type(value) is str else _fact_text(value)) for value in _facts_of(record)],
            )
        )

    def to_json(self) -> dict[str, object]:
        """Return the chunk as a value of JSON; texts that repeat are written once."""
        return {
            "number": self.number,
            "texts": self._texts.texts,
            "headers": list(map(base64_text, self._headers)),
            "facts": FACT_COLUMNS,
            "rows": self.rows,
        }


def _findings(record: Record, preview: Preview) -> Sequence[Sequence[str]]:
    """Return code and detail of each finding; those about the source as a whole have their meaning as detail."""
    if not record.findings:
        return preview.findings
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


def _fact_text(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
