# SPDX-License-Identifier: MIT
"""Read the label file of `--labels`, and look up the labels of images.

Rows and images are matched by a keyed hash of the key: the identifiers of patients in the label file are held in
memory as hashes only, and none is written anywhere.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from plainfilm.conversion.pseudonyms import Key
from plainfilm.dicom.instance import InstanceIdentity
from plainfilm.errors import OptionsError
from plainfilm.options.counting import counted, lines_text
from plainfilm.options.data_set import DataSetOptions, LabelKey
from plainfilm.pickling import dataclass
from plainfilm.sources.naming_rules import fold, reserved_names, sanitize, split_suffix

if TYPE_CHECKING:
    from _csv import Reader

_OPTION = "--labels"
_DELIMITERS = (",", ";", "\t")
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a label file, by the keyed hash of the key of their row.

    columns: the names of the joined columns, as in the label file.
    by_key: the values of these columns in the order of `columns`; '' where the file has none.
    lines: the number of the first line of each key, counted from 1.
    digest: a hash of all keys and values, by which a later run finds that the labels have changed.
    """

    columns: tuple[str, ...] = ()
    by_key: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""

    def of(self, label_key: str) -> tuple[str, ...]:
        """Return the labels of an image by its key; one '' for each column where the file has no row for it."""
        return self.by_key.get(label_key) or ("",) * len(self.columns)

    def values_of(self, column: str) -> set[str]:
        """Return the distinct labels of a column, without ''."""
        index = self.columns.index(column)
        return {values[index] for values in self.by_key.values()} - {""}


def load_labels(options: DataSetOptions, key: Key) -> Labels:
    """Read the label file, a CSV file in UTF-8 with a header; its cells are separated by `,`, `;` or tabs.

    Raises OptionsError where the file cannot be read, lacks a column, or has two rows for one key that differ, and
    where only a part of the options is given that belong together.
    """
    _check_options(options)
    if options.labels is None:
        return Labels()
    reader = _open_table(options.labels)
    try:
        header = next(reader, [])
        key_index = _key_column(header, options.label_key)
        indexes = [_column(header, name, options.labels) for name in options.label.names]
        rows = ((reader.line_num, row) for row in reader if row)
        labels = _collect(rows, key_index, indexes, _Context(options, key))
    except csv.Error as error:
        place = f"line {reader.line_num}"
        raise OptionsError(f"{_OPTION}: {options.labels} is no valid CSV file ({place}: {error})") from error
    if options.class_folders is not None:
        # labels that would share a folder are an error before the run starts
        folders_of_labels(labels, options.class_folders)
    return labels


def key_of_text(key: Key, kind: LabelKey, text: str) -> str:
    """Return the keyed hash of a key as the label file or an image has it; '' for an empty text."""
    stripped = unicodedata.normalize("NFC", text).strip(" \0\t\r\n")
    return key.pseudonym("label", kind.value, stripped) if stripped else ""


def key_of_path(key: Key, kind: LabelKey, source: str) -> str:
    """Return the keyed hash of the key of a source by its relative path; '' where another kind is the key."""
    if kind is LabelKey.SOURCE:
        return key_of_text(key, kind, source)
    if kind is LabelKey.STEM:
        return key_of_text(key, kind, split_suffix(source.rpartition("/")[2])[0])
    return ""


def key_of_identity(key: Key, kind: LabelKey, identity: InstanceIdentity) -> str:
    """Return the keyed hash of the key of an instance by its attributes; '' where another kind is the key."""
    match kind:
        case LabelKey.SOP_INSTANCE_UID:
            return key_of_text(key, kind, identity.sop_instance_uid)
        case LabelKey.PATIENT_ID:
            return key_of_text(key, kind, identity.patient_id)
        case LabelKey.ACCESSION_NUMBER:
            return key_of_text(key, kind, identity.accession_number)
    return ""


def folders_of_labels(labels: Labels, column: str) -> dict[str, str]:
    """Return the name of the folder of each label of a column, by the rules for file names.

    Raises OptionsError where two labels would have the same folder on some file system.
    """
    folders: dict[str, str] = {}
    labels_by_folder: dict[str, str] = {}
    for label in sorted(labels.values_of(column)):
        folder = _folder_of(label)
        other = labels_by_folder.setdefault(fold(folder), label)
        if other != label:
            raise OptionsError(
                f"--class-folders {column}: the labels {other!r} and {label!r} would share the folder {folder!r}; "
                "rename one of them in the label file"
            )
        folders[label] = folder
    return folders


def _folder_of(label: str) -> str:
    folder = sanitize(label)
    if folder.startswith((".", "__")):
        # loaders of image folders ignore such folders
        folder = f"_{folder.lstrip('._')}"
    return f"{folder}_" if fold(folder) in reserved_names(at_top=True) else folder


def _check_options(options: DataSetOptions) -> None:
    if options.labels is None and (options.label or options.class_folders is not None):
        raise OptionsError(f"--label and --class-folders need {_OPTION} CSV")
    if options.labels is not None and not options.label:
        raise OptionsError(f"{_OPTION} needs --label COLUMN,...: only columns that are named are joined")
    if options.class_folders is not None and options.class_folders not in options.label.names:
        raise OptionsError(f"--class-folders {options.class_folders}: name this column in --label too")


@dataclass(frozen=True, slots=True)
class _Context:
    options: DataSetOptions
    key: Key


def _open_table(path: Path) -> Reader:
    """Return a CSV reader. The delimiter is the one that the header has most often."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError(f"{_OPTION}: {path} cannot be read ({type(error).__name__})") from error
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _key_column(header: Sequence[str], kind: LabelKey) -> int:
    """Return the index of the column with the name of the key, in upper or lower case, or else 0."""
    folded = [name.strip().casefold() for name in header]
    return folded.index(kind.value.casefold()) if kind.value.casefold() in folded else 0


def _column(header: Sequence[str], name: str, path: Path) -> int:
    names = [text.strip() for text in header]
    if names.count(name) != 1:
        state = "has no column" if name not in names else "has more than one column"
        raise OptionsError(f"{_OPTION}: {path} {state} {name!r}; its columns are {', '.join(names) or 'none'}")
    return names.index(name)


def _collect(
    rows: Iterable[tuple[int, list[str]]], key_index: int, indexes: Sequence[int], context: _Context
) -> Labels:
    options = context.options
    by_key: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        if len(row) <= max(key_index, *indexes):
            raise OptionsError(f"{_OPTION}: {options.labels}, line {line}: the row has fewer cells than the header")
        label_key = key_of_text(context.key, options.label_key, row[key_index])
        values = tuple(row[index].strip() for index in indexes)
        if not label_key:
            continue
        if by_key.setdefault(label_key, values) != values:
            raise OptionsError(
                f"{_OPTION}: {options.labels}: lines {lines[label_key]} and {line} have the same key and other labels"
            )
        lines.setdefault(label_key, line)
    digest = hashlib.sha256(repr(sorted(by_key.items())).encode("utf-8", "surrogatepass")).hexdigest()
    return Labels(options.label.names, by_key, lines, digest)


class LabelUse:
    """Counts, over all images of a run, the rows of the label file that match none and the images without a label."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._used: set[str] = set()
        self._unlabelled = 0
        self._first_unlabelled: list[str] = []

    def add(self, label_key: str, source: str) -> None:
        """Count an image."""
        if label_key in self._labels.by_key:
            self._used.add(label_key)
        else:
            self._unlabelled += 1
            if len(self._first_unlabelled) < _MOST_SHOWN:
                self._first_unlabelled.append(source)

    def notes(self) -> Iterator[str]:
        """Yield lines for the summary."""
        unused = sorted(line for key, line in self._labels.lines.items() if key not in self._used)
        if unused:
            rows = counted(len(unused), f"row of {_OPTION} matches", f"rows of {_OPTION} match")
            yield f"{rows} no image ({lines_text(unused)})"
        if self._unlabelled:
            shown = ", ".join(self._first_unlabelled) + (", ..." if self._unlabelled > _MOST_SHOWN else "")
            yield f"{counted(self._unlabelled, 'image has', 'images have')} no row in {_OPTION} ({shown})"
