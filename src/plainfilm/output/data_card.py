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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plainfilm.errors import OutputError
from plainfilm.options.output import Table
from plainfilm.output.folder import FolderOutput
from plainfilm.output.table_schema import Column, ColumnType, metadata_columns
from plainfilm.output.tables import FAILURES, METADATA, table_name
from plainfilm.records import Failure, Record
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

CARD = "README.md"
_LARGEST = 1 << 20
_MARK = "<!-- Written by plainfilm, which replaces this file as long as nobody changes it. Checksum: {} -->\n"
_MARK_LINE = re.compile(re.escape(_MARK).replace(r"\{\}", "([0-9a-f]{64})"))
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class CardSurvey:
    """Counts, from one row after the other, what the card says about all of them; no row is kept in memory."""

    counted_columns: tuple[str, ...] = ("modality", "status")
    """The columns whose values are counted, each in a table of the card."""

    def __init__(self) -> None:
        self.images = self.copies = 0
        self.values: dict[str, Counter[str]] = {name: Counter() for name in self.counted_columns}
        self.findings: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.looks: set[str] = set()
        self._pattern = ""

    def add(self, record: Record) -> None:
        """Count one image."""
        self.images += 1
        self.copies += bool(record.duplicate_of)
        self.looks.add(f"{record.look} (version {record.look_version})")
        self.findings.update(filter(None, record.findings.split(";")))
        for name, values in self.values.items():
            values[str(getattr(record, name))] += 1
        if not self._pattern.startswith("**/"):
            self._pattern = _pattern_of(record.file_name)

    def add_failure(self, failure: Failure) -> None:
        """Count one failure."""
        self.failures[failure.status.value] += 1

    @property
    def image_pattern(self) -> str:
        """A glob pattern that Hugging Face's loader resolves to at least one image; '' without images.

        The images themselves are those of the table. The loader skips files and folders that begin with a dot, and
        folders that begin with two underscores, unless the pattern does so too.
        """
        return self._pattern


@dataclass(frozen=True, slots=True)
class CardContent:
    """What a card says that does not follow from the rows.

    command: the words of the command, without paths.
    table: the format of the tables.
    carried: the names of the columns of `--columns`.
    """

    command: str
    table: Table
    carried: Sequence[str] = ()


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
    if not survey.image_pattern:
        return
    columns = [column for column in metadata_columns(content.carried) if column.name != "file_name"]
    yield "---"
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    yield "  - split: train"
    yield f'    path: ["{survey.image_pattern}", "{table_name(METADATA, content.table)}"]'
    yield "  features:"
    yield from _feature("image", "image")
    for column in columns:
        yield from _feature(column.name, feature_type(column, content.table))
    yield "---"


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
    yield f"`{metadata}` has one row for each image, `{failures}` one for each input that gave no image"
    yield f"({survey.failures['failed']} failed, {survey.failures['skipped']} skipped), and `run.json` the options and"
    yield "versions."
    yield from _counts(survey)
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


def _counts(survey: CardSurvey) -> Iterator[str]:
    for name, values in survey.values.items():
        if not values:
            continue
        yield from _section(f"Images by {name.replace('_', ' ')}")
        yield f"| {name} | images |"
        yield "|---|---|"
        for value, number in sorted(values.items()):
            yield f"| {_cell(value)} | {number} |"


def _cell(value: str) -> str:
    """Return a value as the cell of a Markdown table."""
    text = re.sub(r"[\x00-\x1f\x7f]", " ", value).replace("`", "'").replace("|", r"\|")
    return f"`{text}`" if text.strip() else "(empty)"


def _loading(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    if not survey.image_pattern:
        return
    reader = {Table.CSV: "csv", Table.PARQUET: "parquet", Table.JSONL: "json"}[content.table]
    arguments = ", lines=True" if content.table is Table.JSONL else ""
    yield from _section("How to load the set")
    yield "```python"
    yield "import datasets, pandas"
    yield ""
    yield 'images = datasets.load_dataset("path/to/this/folder", split="train")'
    yield f'table = pandas.read_{reader}("path/to/this/folder/{table_name(METADATA, content.table)}"{arguments})'
    yield "```"
    yield ""
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
