# SPDX-License-Identifier: MIT
"""Write OUT/report.html and its data files from the rows and previews of a run.

    report.html               the summary, readable without scripts
    report-page.js            the script of the page
    report-index-0001.js ...  what filters, sorting and search need, for 10,000 images each
    report-data-0001.js ...   thumbnails, charts and explanations, for 500 images each; loaded when they are shown

The rows are read two or three times and never kept. The memory does not depend on their number, but for one bit for an
image of a run that is larger than a report. A report depends on the rows alone: a run that was interrupted and resumed
has the same report as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import Rows
from plainfilm.pickling import dataclass
from plainfilm.records import Record
from plainfilm.report.html_tree import page_text
from plainfilm.report.preview import Preview
from plainfilm.report.report_files import REPORT, remove_report
from plainfilm.report.report_rows import DataChunk, IndexChunk
from plainfilm.report.report_survey import ReportSurvey
from plainfilm.report.script_text import MARK, script_call
from plainfilm.report.summary_page import PAGE_SCRIPT, summary_page
from plainfilm.report.suspects import Baselines, Suspect
from plainfilm.report.tallies import Tallies

MOST_IMAGES = 100_000
"""A larger run has all suspects and a sample of the other images in its report."""

INDEX_ROWS, DATA_ROWS = 10_000, 500


class PreviewedRows(Rows, Protocol):
    """The rows of a run, and the previews of its images."""

    @property
    def label_columns(self) -> Sequence[str]:
        """The names of the columns whose values are in `Record.labels`."""

    def chosen_records(self, chosen: Iterable[bool]) -> Iterator[Record]:
        """Yield some rows of the images; chosen: for each row, in the order of the table, whether it is one of them."""

    def preview(self, record: Record) -> bytes:
        """Return the preview of an image, b"" where it has none."""


@dataclass(frozen=True, slots=True)
class ReportedImage:
    """An image of the report: its row, and why a person should look at it."""

    record: Record
    suspects: tuple[Suspect, ...]


def write_report(
    output: FolderOutput,
    rows: PreviewedRows,
    is_stopped: Callable[[], bool] = lambda: False,
    most: int = MOST_IMAGES,
    survey: ReportSurvey | None = None,
) -> bool:
    """Write the report of a run; return False where `is_stopped` ended it before it was complete.

    most: the largest number of images in the report. survey: that of all images of `rows`, if there is one already.

    Raises OutputError (something else has the name of a file of the report), StorageFullError and RunError; a report
    without report.html then remains incomplete.
    """
    # an older page must not show newer data
    remove_report(output)
    survey = survey or _surveyed(rows, is_stopped)
    baselines, tallies = survey.baselines, survey.tallies
    for failure in rows.failures():
        tallies.add_failure(failure)
    chosen = None
    if tallies.images > most:
        chosen = _choose(rows, baselines, tallies, most, is_stopped)
    writer = _DataWriter(output, rows.label_columns)
    for record in rows.records() if chosen is None else rows.chosen_records(chosen):
        if is_stopped():
            return False
        image = ReportedImage(record, baselines.suspects(record))
        if chosen is None:
            tallies.add_suspects(image.suspects)
        writer.add(image, preview_of(rows.preview(record), output.out / record.file_name))
    if is_stopped():
        return False
    writer.close()
    output.write(PAGE_SCRIPT, f"{MARK}\n{page_text('report.js')}".encode())
    output.write(REPORT, summary_page(tallies, writer.images, writer.index_names))
    return True


def _surveyed(rows: Rows, is_stopped: Callable[[], bool]) -> ReportSurvey:
    survey = ReportSurvey()
    for record in rows.records():
        if is_stopped():
            break
        survey.add(record)
    return survey


def preview_of(content: bytes, path: Path) -> Preview:
    """Return the preview of an image; one that lacks its preview gets a thumbnail from its file alone."""
    if content:
        with suppress(ValueError):
            return Preview.from_bytes(content)
    # this import loads libraries for pixels, which a run has in its workers alone
    from plainfilm.report.thumbnail import thumbnail_of_file

    with suppress(OSError):
        return Preview(thumbnail_of_file(path.read_bytes()))
    return Preview(b"")


def _choose(
    rows: Rows, baselines: Baselines, tallies: Tallies, most: int, is_stopped: Callable[[], bool]
) -> Iterator[bool]:
    """Count the suspects of all images. Return for each image, in table order, whether the report has it.

    The report has all suspects and a sample of the others; none where `is_stopped` ends the count.
    """
    images, suspects = tallies.images, 0
    bits = bytearray(images // 8 + 1)
    for index, record in enumerate(rows.records()):
        if is_stopped():
            return iter(())
        if reasons := baselines.suspects(record):
            tallies.add_suspects(reasons)
            bits[index // 8] |= 1 << index % 8
            suspects += 1
    chosen_suspects = _sample(suspects, most)
    others = _sample(images - suspects, most - min(suspects, most))
    return (next(chosen_suspects if bits[index // 8] >> index % 8 & 1 else others) for index in range(images))


def _sample(total: int, size: int) -> Iterator[bool]:
    """Yield for each of `total` items whether it is one of `size` items that are spread evenly."""
    size = min(size, total)
    return ((index + 1) * size // total > index * size // total for index in range(total))


class _DataWriter:
    """Writes the files of index and data, one chunk after the other."""

    def __init__(self, output: FolderOutput, label_columns: Sequence[str]) -> None:
        self._output, self._label_columns = output, label_columns
        self._index, self._data = IndexChunk(0, label_columns), DataChunk(1)
        self.index_names: list[str] = []
        self.images = 0

    def add(self, image: ReportedImage, preview: Preview) -> None:
        """Add an image, and write the chunks that are full."""
        if not self._index.size:
            # the images of a run are all files, or all in shards
            self._index.has_files = (self._output.out / image.record.file_name).is_file()
        self._index.add(image.record, image.suspects)
        self._data.add(image.record, preview)
        self.images += 1
        if self._index.size == INDEX_ROWS:
            self._write_index()
        if len(self._data.rows) == DATA_ROWS:
            self._write_data()

    def close(self) -> None:
        """Write the last chunks. A report without images has an empty index."""
        if self._index.size or not self.index_names:
            self._write_index()
        if self._data.rows:
            self._write_data()

    def _write_index(self) -> None:
        name = f"report-index-{len(self.index_names) + 1:04}.js"
        self.index_names.append(name)
        self._output.write(name, script_call("addIndex", self._index.to_json()))
        self._index = IndexChunk(self.images, self._label_columns)

    def _write_data(self) -> None:
        name = f"report-data-{self._data.number:04}.js"
        self._output.write(name, script_call("addData", self._data.to_json()))
        self._data = DataChunk(self._data.number + 1)
