# SPDX-License-Identifier: MIT
"""The options of the data sets of `plainfilm.torch`: what their items are, and what becomes of failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from os import PathLike
from typing import Any, Literal, TypedDict, TypeVar

from plainfilm.api.one_image import FrameNumber
from plainfilm.errors import OptionsError
from plainfilm.options.keywords import ImageKeywords, IterateKeywords
from plainfilm.pickling import dataclass


class ItemForm(StrEnum):
    """What an image is when the transform gets it."""

    TENSOR = "tensor"
    """A tensor (channels, rows, columns) with one or three channels."""
    ARRAY = "array"
    """A NumPy array (rows, columns) or (rows, columns, 3)."""


class FailurePolicy(StrEnum):
    """What becomes of an image that cannot be loaded."""

    RAISE = "raise"
    SKIP = "skip"


class ItemKeywords(TypedDict, total=False):
    """What the items of a data set are.

    classes: the labels in the order of their indexes; None for the distinct labels, sorted.
    target_columns: the columns of the table whose cells are in the target.
    form: what an image is; failures: whether an image that fails raises its exception or is skipped.
    labels, label_key: the label file of DICOM sources, and what identifies the images of a row, as for `convert`.
    """

    classes: Sequence[str] | None
    target_columns: Sequence[str]
    form: Literal["tensor", "array"]
    failures: Literal["raise", "skip"]
    labels: str | PathLike[str] | None
    label_key: Literal["file_name", "stem", "source", "SOPInstanceUID", "PatientID", "AccessionNumber"]


class DatasetKeywords(ItemKeywords, ImageKeywords, total=False):
    """The options of `ImageDataset`; split: of an OUT. frame: the frame of DICOM sources, counted from 1."""

    split: str | None
    frame: FrameNumber


class IterableKeywords(ItemKeywords, IterateKeywords, total=False):
    """The options of `IterableImageDataset`."""


_SOURCE_LABELS = ("labels", "label_key")


@dataclass(frozen=True, slots=True)
class ItemOptions:
    """What the items of a data set are; the fields are those of ItemKeywords.

    label: the column whose cell gives the class; None without classes.
    label_file: the keywords of the label file, as `Options` takes them.
    """

    label: str | None
    classes: tuple[str, ...] | None
    target_columns: tuple[str, ...]
    form: ItemForm
    failures: FailurePolicy
    label_file: Mapping[str, object]

    @classmethod
    def of(cls, label: str | None, keywords: Mapping[str, Any]) -> ItemOptions:
        """Return the options from the keywords of a data set, which may have others too. Raises OptionsError."""
        classes, columns = keywords.get("classes"), keywords.get("target_columns", ())
        if isinstance(columns, str) or isinstance(classes, str):
            raise OptionsError("classes and target_columns are lists of texts, not one text")
        if classes is not None and label is None:
            raise OptionsError("classes names the labels of a column: give label too")
        if classes is not None and len(set(classes)) < len(classes):
            raise OptionsError("classes has a label twice")
        label_file = {name: keywords[name] for name in _SOURCE_LABELS if name in keywords}
        if label_file.get("labels") is not None:
            label_file["label"] = [label] if label is not None else []
        return cls(
            label,
            None if classes is None else tuple(map(str, classes)),
            tuple(columns),
            _member(ItemForm, "form", keywords),
            _member(FailurePolicy, "failures", keywords),
            label_file,
        )


def other_keywords(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that are not those of items: they are options of rendering or of a run."""
    return {name: value for name, value in keywords.items() if name not in ItemKeywords.__annotations__}


E = TypeVar("E", ItemForm, FailurePolicy)


def _member(kind: type[E], name: str, keywords: Mapping[str, Any]) -> E:
    default = next(iter(kind))
    value = keywords.get(name, default)
    if value not in tuple(kind):
        raise OptionsError(f"{name} is one of {', '.join(kind)}, not {value!r}")
    return kind(value)
