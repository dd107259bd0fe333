# SPDX-License-Identifier: MIT
"""Draw a contact sheet of a finished run: a PNG picture, or a PDF file with pages of A4 shape."""

from __future__ import annotations

import heapq
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.errors import OptionsError
from plainfilm.output.table_schema import FAILURE_COLUMNS, metadata_columns, printable_text
from plainfilm.output.tables import Rows
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Record
from plainfilm.report.drawing import BACKGROUND, HAIRLINE, QUIET, TEXT, WARNING, font_of, reduce_image, shorten, wrap
from plainfilm.report.preview import Preview
from plainfilm.report.report import PreviewedRows
from plainfilm.report.suspects import Baselines, Suspect

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST_IN_PDF, MOST_IN_PNG = 2_000, 500
"""A sheet shows at most so many entries; its last line says how many there are."""

Row = Record | Failure
_COLUMNS, _ROWS = 5, 6
_WIDE = 10
_CELL, _TEXT_HEIGHT, _GUTTER, _MARGIN = 240, 62, 14, 30
_SIZE = 14


@dataclass(frozen=True, slots=True)
class SheetChoice:
    """Which rows a sheet shows, and in which order.

    sort: a column of the tables; None for the order of the table. descending: the largest value first.
    failed: only the inputs without an image. suspects: only the images that a person should look at first; with both,
    the inputs without an image come before the suspects.
    """

    sort: str | None = None
    descending: bool = False
    failed: bool = False
    suspects: bool = False

    def __post_init__(self) -> None:
        """Raise OptionsError for a column that no table has."""
        if self.sort is not None and self.sort not in {
            column.name for column in (*metadata_columns(), *FAILURE_COLUMNS)
        }:
            raise OptionsError(f"--sort {self.sort}: not a column of metadata.csv or failures.csv")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a sheet: the path of an image, or None, and lines of text, the first of which is its name.

    preview: the preview of an image, which is shown where the image is no file of its own or cannot be read.
    """

    image: Path | None
    lines: tuple[str, ...]
    preview: bytes = b""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of a sheet, of which there are `total` without the limit of `make_sheet`."""

    cells: Sequence[Cell]
    total: int

    def to_png(self) -> bytes:
        """Return all cells in one picture, which is wider where there are many."""
        buffer, cells = io.BytesIO(), self.cells
        columns = _COLUMNS if len(cells) <= _COLUMNS * _ROWS else _WIDE
        shape = -(-max(len(cells), 1) // columns), columns
        _draw_page(cells, shape, self._note).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def to_pdf(self) -> bytes:
        """Return the cells on pages of 30 cells each."""
        per_page = _COLUMNS * _ROWS
        starts = range(0, max(len(self.cells), 1), per_page)
        pages = (_draw_page(self.cells[start : start + per_page], (_ROWS, _COLUMNS), self._note) for start in starts)
        buffer = io.BytesIO()
        # the generator draws each page when it is written
        next(pages).save(buffer, "PDF", save_all=True, append_images=pages, resolution=150, title="plainfilm sheet")
        return buffer.getvalue()

    @property
    def _note(self) -> str:
        shown = "" if self.total == len(self.cells) else f"the first {len(self.cells):,} of "
        return f"{shown}{self.total:,} {'entry' if self.total == 1 else 'entries'}; not for diagnostic use"


def make_sheet(out: Path, rows: PreviewedRows, choice: SheetChoice, most: int = MOST_IN_PDF) -> Sheet:
    """Choose the rows of a sheet, at most `most`. The memory does not depend on the number of rows of the run."""
    failures, images = _Selection([], 0), _Selection([], 0)
    if choice.failed:
        failures = _select(rows.failures, choice, most)
    if choice.suspects or not choice.failed:
        baselines = _baselines(rows)
        images = _select(lambda: _chosen(rows, baselines, choice), choice, most - len(failures.rows))
    cells = [_failure_cell(row) for row in failures.rows if isinstance(row, Failure)]
    records = [row for row in images.rows if isinstance(row, Record)]
    cells += [_image_cell(out, record, baselines.suspects(record), rows.preview(record)) for record in records]
    return Sheet(cells, failures.total + images.total)


@dataclass(frozen=True, slots=True)
class _Selection:
    """The rows that a sheet shows, of `total` rows."""

    rows: Sequence[Row]
    total: int


def _select(rows: Callable[[], Iterator[Row]], choice: SheetChoice, most: int) -> _Selection:
    """Return the first rows by the column of the choice. Rows without a value come last."""
    column = choice.sort
    total = sum(1 for _ in rows())
    if column is None or not hasattr(next(rows(), None), column):
        return _Selection(list(islice(rows(), most)), total)
    valued = ((_key(row, column), number, row) for number, row in enumerate(rows()))
    if choice.descending:
        chosen = heapq.nlargest(most, valued, key=lambda item: (not item[0][0], *item[0][1:], -item[1]))
    else:
        chosen = heapq.nsmallest(most, valued, key=lambda item: item[:2])
    return _Selection([row for *_, row in chosen], total)


def _baselines(rows: Rows) -> Baselines:
    baselines = Baselines()
    for record in rows.records():
        baselines.add(record)
    return baselines


def _chosen(rows: Rows, baselines: Baselines, choice: SheetChoice) -> Iterator[Record]:
    return (record for record in rows.records() if not choice.suspects or baselines.suspects(record))


def _key(row: Row, column: str) -> tuple[bool, float, str]:
    """Return whether the row lacks a value, its number, and its text."""
    value = getattr(row, column)
    if value is None or value == "" or value != value:
        return True, 0.0, ""
    return (False, float(value), "") if isinstance(value, (int, float)) else (False, 0.0, str(value))


def _image_cell(out: Path, record: Record, suspects: Sequence[Suspect], preview: bytes) -> Cell:
    facts = " ".join(text for text in (record.modality, record.body_part, record.view_position, record.voi) if text)
    notes = ", ".join([*(["repaired"] if record.status == "repaired" else []), *(kind.value for kind in suspects)])
    name = printable_text(record.file_name).rpartition("/")[2]
    return Cell(out / record.file_name, (name, printable_text(facts), notes.replace("_", " ")), preview)


def _failure_cell(failure: Failure) -> Cell:
    frame = "" if failure.frame is None else f", frame {failure.frame}"
    name = printable_text(failure.source).rpartition("/")[2]
    return Cell(None, (f"{name}{frame}", f"{failure.status}: {failure.reason}", printable_text(failure.message)))


def _draw_page(cells: Sequence[Cell], shape: tuple[int, int], note: str) -> Picture:
    """Draw cells in a grid; shape: its rows and columns."""
    from PIL import Image, ImageDraw

    height, (rows, columns) = _CELL + _TEXT_HEIGHT, shape
    size = (
        2 * _MARGIN + columns * (_CELL + _GUTTER) - _GUTTER,
        2 * _MARGIN + rows * (height + _GUTTER) + 2 * _SIZE,
    )
    page = Image.new("RGB", size, BACKGROUND)
    for number, cell in enumerate(cells):
        left = _MARGIN + number % columns * (_CELL + _GUTTER)
        top = _MARGIN + number // columns * (height + _GUTTER)
        _draw_cell(page, (left, top), cell)
    ImageDraw.Draw(page).text((_MARGIN, size[1] - _MARGIN - _SIZE), note, QUIET, font_of(_SIZE))
    return page


def _draw_cell(page: Picture, top_left: tuple[int, int], cell: Cell) -> None:
    """Draw an image, or the reason why there is none, with its lines of text below."""
    from PIL import Image, ImageDraw

    draw, font, (left, top) = ImageDraw.Draw(page), font_of(_SIZE), top_left
    draw.rectangle((left, top, left + _CELL - 1, top + _CELL - 1), "black", HAIRLINE)
    name, facts, notes = cell.lines
    image = None if cell.image is None else _read_image(cell.image, cell.preview)
    if image is not None:
        rows, columns = image.shape[:2]
        page.paste(Image.fromarray(image), (left + (_CELL - columns) // 2, top + (_CELL - rows) // 2))
    else:
        text = notes if cell.image is None else "the image file cannot be read"
        for number, line in enumerate(wrap(text, _CELL - 24, font)[:10]):
            draw.text((left + 12, top + 12 + 19 * number), shorten(line, _CELL - 24, font), QUIET, font)
        notes = "" if cell.image is None else notes
    for number, (line, color) in enumerate(((name, TEXT), (facts, QUIET), (notes, WARNING))):
        draw.text((left, top + _CELL + 4 + 19 * number), shorten(line, _CELL, font), color, font)


def _read_image(path: Path, preview: bytes) -> npt.NDArray[np.uint8] | None:
    """Read an image file, reduced to a cell, or the thumbnail of its preview; None if neither can be read."""
    image = None
    with suppress(OSError, cv2.error):
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        with suppress(ValueError, cv2.error):
            image = cv2.imdecode(np.frombuffer(Preview.from_bytes(preview).thumbnail, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    color = cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image
    return reduce_image(color, _CELL, _CELL)
