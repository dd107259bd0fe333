# SPDX-License-Identifier: MIT
"""Collect what the data card of OUT says: from the options, and from one row after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from plainfilm.options.output import Layout, Table
from plainfilm.output.imagefolder import is_loadable
from plainfilm.output.table_schema import NO_DATA_SET, Column, DataSetColumns, metadata_columns
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Record


class CardSurvey:
    """Counts, from one row after the other, what the card says about all of them; no row is kept in memory."""

    counted_columns: tuple[str, ...] = ("split", "modality", "status")
    """The columns whose values are counted, each in a table of the card."""

    def __init__(self) -> None:
        self.images = self.copies = 0
        self.values: dict[str, Counter[str]] = {name: Counter() for name in self.counted_columns}
        self.labels: list[Counter[str]] = []
        self.findings: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.looks: set[str] = set()
        self._patterns: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Count one image."""
        self.images += 1
        self.copies += bool(record.duplicate_of)
        self.looks.add(f"{record.look} (version {record.look_version})")
        self.findings.update(filter(None, record.findings.split(";")))
        for name, values in self.values.items():
            values[str(getattr(record, name))] += 1
        self.labels = self.labels or [Counter() for _ in record.labels]
        for labels, label in zip(self.labels, record.labels, strict=False):
            labels[label] += 1
        if not self._patterns.get(record.split, "").startswith("**/") and is_loadable(record.file_name):
            # the folder of the split comes before the pattern
            self._patterns[record.split] = _pattern_of(record.file_name.removeprefix(f"{record.split}/"))

    def add_failure(self, failure: Failure) -> None:
        """Count one failure."""
        self.failures[failure.status.value] += 1

    @property
    def patterns(self) -> dict[str, str]:
        """For each split a glob pattern, relative to its folder, that Hugging Face's loader resolves to an image.

        Without splits there is one for ''.

        The images themselves are those of the table. The loader skips files and folders that begin with a dot, and
        folders that begin with two underscores, unless the pattern does so too.
        """
        return {split: self._patterns[split] for split in sorted(self._patterns)}


@dataclass(frozen=True, slots=True)
class CardContent:
    """What a card says that does not follow from the rows.

    command: the words of the command, without paths.
    table: the format of the tables.
    carried: the names of the columns of `--columns`. data_set: the columns of splits and labels.
    layout: how the images are arranged. left_out: the columns that the tables of the splits do not have.
    suffix: that of the image files, without the dot.
    """

    command: str
    table: Table
    carried: Sequence[str] = ()
    data_set: DataSetColumns = NO_DATA_SET
    layout: Layout = Layout.FOLDER
    left_out: Sequence[str] = ()
    suffix: str = "png"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the metadata table."""
        columns = metadata_columns(self.carried, self.data_set)
        return tuple(column for column in columns if column.name not in self.left_out)


def _pattern_of(file_name: str) -> str:
    *folders, name = file_name.split("/")
    suffix = name[name.rindex(".") :]
    parts = [next((mark for mark in (".", "__") if folder.startswith(mark)), "") for folder in folders]
    if not any(parts) and not name.startswith("."):
        return f"**/*{suffix}"
    return "/".join([f"{mark}*" for mark in parts] + [f".*{suffix}" if name.startswith(".") else f"*{suffix}"])
