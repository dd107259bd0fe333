# SPDX-License-Identifier: MIT
"""Open the images of a training data set for random access: those of OUT, or DICOM files that are rendered on demand.

This module needs no PyTorch; `plainfilm.torch` makes data sets of its classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from plainfilm.api.arguments import options_of, paths_of, python_errors
from plainfilm.api.item_options import ItemOptions, other_keywords
from plainfilm.api.one_image import FrameNumber, render
from plainfilm.conversion.presentation_index import presentation_of
from plainfilm.conversion.source_array import SourceLabels, list_sources
from plainfilm.encode.image_reader import decode_image
from plainfilm.errors import OptionsError
from plainfilm.options.counting import counted
from plainfilm.options.keywords import ImageKeywords
from plainfilm.options.options import Options
from plainfilm.output.byte_strings import ByteStrings
from plainfilm.output.image_table import (
    column_of_label,
    is_out,
    read_image_table,
    select_cells,
    texts_of_cells,
    value_of_cell,
)
from plainfilm.output.table_schema import Cell, ColumnType, metadata_columns
from plainfilm.records import Record
from plainfilm.sources.file_reader import open_source
from plainfilm.sources.member_reader import open_reference
from plainfilm.sources.remote_file import public_text

Array: TypeAlias = npt.NDArray[Any]
Indexes: TypeAlias = npt.NDArray[np.int64]

_NO_INDEXES: Indexes = np.empty(0, np.int64)


class TrainingImages(Protocol):
    """The images of a data set. They can be pickled, and forked processes share them without copying them.

    classes: the labels in the order of their indexes. codes: the class index of each image. Both are empty without
    labels. without_label: the number of images that are left out because they have no label.
    """

    classes: tuple[str, ...]
    codes: Indexes
    without_label: int

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """Return the path of an image, or of its source."""

    def load(self, index: int) -> Array:
        """Return an image: (rows, columns) or (rows, columns, 3), uint8 or uint16. Raises ConversionError."""

    def cells(self, index: int) -> dict[str, Cell]:
        """Return the cells of the target columns of an image."""


def open_images(sources: Any, items: ItemOptions, keywords: Mapping[str, Any]) -> TrainingImages:
    """Open the OUT of a run, or one or several sources of DICOM files.

    keywords: those of DatasetKeywords. Raises OptionsError, SourceMissingError and RunError.
    """
    paths, others = paths_of(sources), other_keywords(keywords)
    split, frame = others.pop("split", None), others.pop("frame", 1)
    if len(paths) == 1 and is_out(Path(paths[0])):
        for name in (*others, *items.label_file, *(["frame"] if "frame" in keywords else [])):
            raise OptionsError(f"{name} applies to DICOM files, and {paths[0]} holds images that are made: drop it")
        return StoredImages(Path(paths[0]), items, split)
    for name in (*(["split"] if split is not None else []), *(["target_columns"] if items.target_columns else [])):
        raise OptionsError(f"{name} needs the OUT of a run, and {public_text(paths[0])} is none: convert it first")
    return SourceImages(paths, items, frame, others)


class StoredImages:
    """The images of OUT. Raises the errors of `read_image_table`, and OptionsError."""

    def __init__(self, out: Path, items: ItemOptions, split: str | None) -> None:
        label = None if items.label is None else column_of_label(out, items.label)
        columns = dict.fromkeys((*items.target_columns, *(() if label is None else (label,))))
        table = read_image_table(out, tuple(columns))
        of_split = indexes = table.indexes_of(split)
        self.classes: tuple[str, ...] = ()
        self.codes = _NO_INDEXES
        if label is not None:
            texts = texts_of_cells(label, table.cells[label])
            # those of all splits, so that a label has the same index in each
            self.classes = items.classes or tuple(sorted(set(texts) - {""}))
            indexes, self.codes = _labelled(texts, of_split, self.classes)
        self.without_label = len(of_split) - len(indexes)
        self._out = out.absolute()
        self._names: ByteStrings = table.names.select(indexes)
        self._cells = {name: select_cells(table.cells[name], indexes) for name in items.target_columns}

    def __len__(self) -> int:
        return len(self._names)

    def name(self, index: int) -> str:
        """Return the path of an image file."""
        return str(self._out / self._names[index].decode())

    def load(self, index: int) -> Array:
        """Return the image of a file. Raises ConversionError with the path, also as a FileNotFoundError."""
        path = Path(self.name(index))
        with python_errors(str(path)), open_source(path) as content:
            return decode_image(content[:], path.suffix)

    def cells(self, index: int) -> dict[str, Cell]:
        """Return the cells of the target columns of an image."""
        return {name: value_of_cell(cells, index) for name, cells in self._cells.items()}


class SourceImages:
    """DICOM files, each rendered when it is loaded. Raises the errors of `list_sources`, and OptionsError."""

    def __init__(
        self, sources: Sequence[str], items: ItemOptions, frame: FrameNumber, keywords: Mapping[str, Any]
    ) -> None:
        presentation_of(options_of("ImageDataset", keywords, ImageKeywords))
        if items.label is not None and items.label_file.get("labels") is None:
            raise OptionsError("label needs labels, the file with the labels of DICOM files")
        self._sources = list_sources(sources, Options.of({**keywords, **items.label_file}))
        self._frame, self._keywords = frame, dict(keywords)
        self._indexes = np.arange(len(self._sources))
        self.classes: tuple[str, ...] = ()
        self.codes = _NO_INDEXES
        if items.label is not None:
            texts = [text.decode() for text in self._sources.labels]
            self.classes = items.classes or self._sources.classes
            self._indexes, self.codes = _labelled(texts, self._indexes, self.classes)
        self.without_label = len(self._sources) - len(self._indexes)

    def __len__(self) -> int:
        return len(self._indexes)

    def name(self, index: int) -> str:
        """Return the path of a source, relative to its folder or archive, as the tables of a run show it."""
        return self._sources.reference(self._indexes[index]).source

    def load(self, index: int) -> Array:
        """Render a source. Raises ConversionError with the path, also as a FileNotFoundError."""
        reference = self._sources.reference(self._indexes[index])
        if reference.member is None and isinstance(reference.path, Path):
            return render(reference.path, frame=self._frame, **self._keywords)
        with python_errors(reference.source), open_reference(reference) as content:
            return render(content[:], frame=self._frame, **self._keywords)

    def cells(self, index: int) -> dict[str, Cell]:  # noqa: ARG002
        """Return no cells: there is no table."""
        return {}


def _labelled(texts: Sequence[str], indexes: Indexes, classes: Sequence[str]) -> tuple[Indexes, Indexes]:
    """Return which of the images at these indexes have a label, and the index of its class.

    texts: the label of every image, '' where it has none. Raises OptionsError for a label that is not in `classes`.
    """
    labelled = [index for index in indexes.tolist() if texts[index]]
    codes = {text: code for code, text in enumerate(classes)}
    try:
        return np.array(labelled, np.int64), np.array([codes[texts[index]] for index in labelled], np.int64)
    except KeyError:
        unknown = sum(texts[index] not in codes for index in labelled)
        raise OptionsError(
            f"{counted(unknown, 'image has', 'images have')} a label that is not in classes: add it, or drop classes"
        ) from None


class RecordTargets:
    """The targets of images that come one after the other, from their rows. Raises OptionsError.

    classes: the labels in the order of their indexes.
    """

    def __init__(self, items: ItemOptions, options: Options) -> None:
        self._label, self._labels = items.label, None
        if items.label_file.get("labels") is not None:
            self._labels = SourceLabels(Options.of(items.label_file).data_set)
            if self._labels.needs_header:
                raise OptionsError(
                    "label_key is file_name, stem or source for an iterable data set, or use ImageDataset"
                )
        elif items.label is not None and items.classes is None:
            raise OptionsError("the labels are not known before the files are read: give classes, a list of them")
        self.classes = items.classes or (() if self._labels is None else self._labels.classes)
        self._codes = {text: code for code, text in enumerate(self.classes)}
        columns = {column.name: column for column in metadata_columns(options.privacy.columns.words)}
        names = (*items.target_columns, *([items.label] if items.label and self._labels is None else []))
        for name in names:
            if name not in columns:
                raise OptionsError(f"the metadata table has no column {name!r}")
        self._columns = {name: columns[name] for name in names}
        self._target_columns = items.target_columns

    @property
    def has_target(self) -> bool:
        """Whether an item has a target."""
        return self._label is not None or bool(self._target_columns)

    def is_left_out(self, record: Record) -> bool:
        """Whether an image has no label although labels are asked for."""
        return self._label is not None and not self._text(record)

    def of(self, record: Record) -> Any:
        """Return the target of an image. Raises OptionsError for a label that is not among the classes."""
        cells: dict[str, Any] = {name: self._cell(name, record) for name in self._target_columns}
        if self._label is not None:
            code = self._codes.get(self._text(record))
            if code is None:
                raise OptionsError("an image has a label that is not in classes: add it")
            cells["label"] = code
        return cells if self._target_columns else cells["label"]

    def _text(self, record: Record) -> str:
        if self._labels is not None:
            return self._labels.of_path(record.source, record.file_name)
        cell = self._cell(str(self._label), record)
        return str(cell).lower() if isinstance(cell, bool) else "" if cell != cell else str(cell)

    def _cell(self, name: str, record: Record) -> Any:
        column = self._columns[name]
        cell = column.cell_of(column.get(record))
        return ("" if column.type is ColumnType.TEXT else math.nan) if cell is None else cell
