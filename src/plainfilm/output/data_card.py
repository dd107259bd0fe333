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
from collections.abc import Iterator

from plainfilm.errors import OutputError
from plainfilm.options.counting import counted
from plainfilm.options.output import Table
from plainfilm.output.card_content import CardContent, CardSurvey
from plainfilm.output.card_yaml import split_order, yaml_lines
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import FAILURES, METADATA, table_name
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

CARD = "README.md"
_LARGEST = 1 << 20
_MOST_VALUES = 100
_MARK = "<!-- Written by plainfilm, which replaces this file as long as nobody changes it. Checksum: {} -->\n"
_MARK_LINE = re.compile(re.escape(_MARK).replace(r"\{\}", "([0-9a-f]{64})"))


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
    lines = [*yaml_lines(content, survey), *_description(content, survey)]
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


def _description(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    metadata, failures = table_name(METADATA, content.table), table_name(FAILURES, content.table)
    yield "# Images from DICOM files"
    yield ""
    yield f"{counted(survey.images, 'image')} that plainfilm {VERSION} made from DICOM files ({NOT_FOR_DIAGNOSIS})."
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
    split = min(survey.patterns, key=split_order(content))
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
        copies = counted(survey.copies, "image is a copy of another one", "images are copies of others")
        yield f"{copies} (`duplicate_of`)."
        yield ""
    if survey.findings:
        yield "Findings (column `findings`), with the number of images:"
        yield ""
    for code, number in sorted(survey.findings.items(), key=lambda item: (-item[1], item[0])):
        yield f"- `{code}`: {number}"
