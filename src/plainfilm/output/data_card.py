# SPDX-License-Identifier: MIT
"""Write OUT/README.md: a data card for people, with the YAML that Hugging Face's loader needs.

The YAML names the images and the table, and lists every column with its type (in the config: at the top of the YAML the
loader does not use it to read the table). With it, `datasets.load_dataset(OUT)` gives all images and columns, whatever
the names of the images are.

The last line of the card has a checksum of the lines above. A README.md without it, or with another text above, was
written or changed by somebody else: it stays as it is. The card holds no time and no path, so that the same images give
the same card.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from plainfilm.errors import OutputError
from plainfilm.options.output import Layout, Table
from plainfilm.output.folder import FolderOutput
from plainfilm.output.table_schema import NO_DATA_SET, Column, ColumnType, DataSetColumns, metadata_columns
from plainfilm.output.tables import FAILURES, METADATA, table_name
from plainfilm.records import Failure, Record
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

CARD = "README.md"
_LARGEST = 1 << 20
_MOST_VALUES = 100
_MARK = "<!-- Written by plainfilm, which replaces this file as long as nobody changes it. Checksum: {} -->\n"
_MARK_LINE = re.compile(re.escape(_MARK).replace(r"\{\}", "([0-9a-f]{64})"))
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
        if not self._patterns.get(record.split, "").startswith("**/"):
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


def write_card(output: FolderOutput, content: CardContent, survey: CardSurvey) -> str:
    """Write the card, and return a note for the user where README.md is not plainfilm's, which leaves it as it is.

    Raises StorageFullError and RunError.
    """
    if not _is_own_card(output):
        return f"{CARD} in OUT is not plainfilm's, or was changed, and stays as it is: move it away to get a new one"
    try:
        output.write(CARD, card_text(content, survey).encode())
    except OutputError as error:
        return f"{CARD} could not be written: {error.message}"
    return ""


def remove_card(output: FolderOutput) -> None:
    """Remove the card of an earlier run; any other README.md stays. Raises StorageFullError and RunError."""
    if _is_own_card(output):
        output.remove([CARD])


def card_text(content: CardContent, survey: CardSurvey) -> str:
    """Return the text of README.md."""
    lines = [*_yaml(content, survey), *_description(content, survey)]
    text = "".join(f"{line}\n" for line in lines)
    return text + _MARK.format(hashlib.sha256(text.encode()).hexdigest())


def _is_own_card(output: FolderOutput) -> bool:
    """Whether README.md is missing, or is a regular file with the checksum of a card."""
    path = output.out / CARD
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        return False
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:
            content = file.read(_LARGEST)
    except OSError:
        return False
    above, _, last = content.rstrip(b"\n").rpartition(b"\n")
    match = _MARK_LINE.fullmatch(last.decode(errors="replace") + "\n")
    return match is not None and match[1] == hashlib.sha256(above + b"\n").hexdigest()


def _yaml(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    """Yield the YAML block. Without images there is none: the loader would fail at it."""
    if not survey.patterns:
        return
    yield "---"
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    for split in sorted(survey.patterns, key=_split_order(content)):
        yield f"  - split: {split or 'train'}"
        yield f"    path: {_paths_of(content, survey, split)}"
    yield from _features(content)
    yield "---"


def _split_order(content: CardContent) -> Callable[[str], int]:
    """Return the key that sorts splits as the user gave them."""
    names = content.data_set.splits
    return lambda split: names.index(split) if split in names else len(names)


def _paths_of(content: CardContent, survey: CardSurvey, split: str) -> str:
    """Return the files of a split, as text of YAML."""
    if content.layout is Layout.WEBDATASET:
        return f'"{split}-*.tar"' if split else '"*.tar"'
    if content.layout is Layout.PARQUET:
        return f'"{split or "train"}-*.parquet"'
    folder = f"{split}/" if split else ""
    return f'["{folder}{survey.patterns[split]}", "{folder}{table_name(METADATA, content.table)}"]'


def _features(content: CardContent) -> Iterator[str]:
    """Yield the types of all columns; Parquet files of images hold them themselves."""
    if content.layout is Layout.PARQUET:
        return
    yield "  features:"
    if content.layout is Layout.FOLDER:
        yield from _feature("image", "image")
        for column in content.columns:
            if column.name != "file_name":
                yield from _feature(column.name, feature_type(column, content.table))
        return
    yield from _feature("__key__", "string")
    yield from _feature("__url__", "string")
    yield from _feature(content.suffix, "image")
    yield "  - name: json"
    yield "    struct:"
    for column in content.columns:
        # a missing number is null in JSON, which keeps whole numbers
        yield from _feature(column.name, column.type.value)


def _feature(name: str, dtype: str) -> Iterator[str]:
    yield f"  - name: {name if _PLAIN_NAME.fullmatch(name) else _quoted(name)}"
    yield f"    dtype: {dtype}"


def feature_type(column: Column, table: Table) -> str:
    """Return the type of a column in `datasets`, which cannot read missing whole numbers from CSV."""
    is_fractional = column.type is ColumnType.INTEGER and column.may_be_missing and table is Table.CSV
    return ColumnType.NUMBER.value if is_fractional else column.type.value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _description(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    metadata, failures = table_name(METADATA, content.table), table_name(FAILURES, content.table)
    yield "# Images from DICOM files"
    yield ""
    yield f"{survey.images} images that plainfilm {VERSION} made from DICOM files ({NOT_FOR_DIAGNOSIS})."
    place = f"`{metadata}` in the folder of each split" if content.data_set.has_split_folders else f"`{metadata}`"
    yield f"{place} has one row for each image, `{failures}` one for each input that gave no image"
    yield f"({survey.failures['failed']} failed, {survey.failures['skipped']} skipped), and `run.json` the options and"
    yield "versions."
    yield from _counts(content, survey)
    yield from _section("How the set was made")
    yield f"    {content.command}"
    if survey.looks:
        yield ""
        yield f"Look: {', '.join(sorted(survey.looks))}."
    yield from _loading(content, survey)
    yield from _known_issues(survey)
    yield from _section("Licence and consent")
    yield "*To be filled in: who may use these images and for what, and on which ground (consent, approval, contract).*"
    yield ""


def _section(title: str) -> tuple[str, str, str]:
    return "", f"## {title}", ""


def _counts(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    labels = zip(content.data_set.labels, survey.labels, strict=False)
    for name, values in (*survey.values.items(), *labels):
        if not values or (name == "split" and not content.data_set.splits):
            continue
        yield from _section(f"Images by {name.replace('_', ' ')}")
        yield f"| {name} | images |"
        yield "|---|---|"
        shown = dict(values.most_common(_MOST_VALUES))
        for value, number in sorted(shown.items()):
            yield f"| {_cell(value)} | {number} |"
        if len(values) > _MOST_VALUES:
            yield f"| {len(values) - _MOST_VALUES} others | {values.total() - sum(shown.values())} |"


def _cell(value: str) -> str:
    """Return a value as the cell of a Markdown table."""
    text = re.sub(r"[\x00-\x1f\x7f]", " ", value).replace("`", "'").replace("|", r"\|")
    return f"`{text}`" if text.strip() else "(empty)"


def _loading(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    if not survey.patterns:
        return
    split = min(survey.patterns, key=_split_order(content))
    reader = {Table.CSV: "csv", Table.PARQUET: "parquet", Table.JSONL: "json"}[content.table]
    arguments = ", lines=True" if content.table is Table.JSONL else ""
    folder = f"{split}/" if content.data_set.has_split_folders else ""
    yield from _section("How to load the set")
    yield "```python"
    yield "import datasets, pandas"
    yield ""
    yield f'images = datasets.load_dataset("path/to/this/folder", split="{split or "train"}")'
    table = f"{folder}{table_name(METADATA, content.table)}"
    yield f'table = pandas.read_{reader}("path/to/this/folder/{table}"{arguments})'
    yield "```"
    yield ""
    if content.data_set.splits:
        yield "Each patient is in one split, and so are patients that have an image in common."
    else:
        yield "`patient` is a pseudonym. Before you train, split by patient, and keep copies together (`duplicate_of`)."


def _known_issues(survey: CardSurvey) -> Iterator[str]:
    yield from _section("Known issues")
    if not survey.findings and not survey.copies:
        yield "plainfilm has found nothing unusual."
        return
    if survey.copies:
        yield f"{survey.copies} images are copies of others (`duplicate_of`)."
        yield ""
    if survey.findings:
        yield "Findings (column `findings`), with the number of images:"
        yield ""
    for code, number in sorted(survey.findings.items(), key=lambda item: (-item[1], item[0])):
        yield f"- `{code}`: {number}"


def _pattern_of(file_name: str) -> str:
    *folders, name = file_name.split("/")
    suffix = name[name.rindex(".") :]
    parts = [next((mark for mark in (".", "__") if folder.startswith(mark)), "") for folder in folders]
    if not any(parts) and not name.startswith("."):
        return f"**/*{suffix}"
    return "/".join([f"{mark}*" for mark in parts] + [f".*{suffix}" if name.startswith(".") else f"*{suffix}"])
