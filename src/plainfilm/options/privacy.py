# SPDX-License-Identifier: MIT
"""The options of privacy: the boxes to redact, and the attributes to carry into the tables.

The coordinates of a box are stored pixels from the upper left corner of the image, before pixels are made square.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from plainfilm.dicom.dictionary import Keywords, parse_columns
from plainfilm.errors import OptionsError
from plainfilm.options.field import FREE, Scope, ValueType, option
from plainfilm.options.value_types import members, path_type
from plainfilm.pickling import FastPickle, dataclass


@dataclass(frozen=True, slots=True)
class RedactionBox:
    """A rectangle: its left and upper edge, width and height. Every pixel that it touches belongs to it."""

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x, self.y, self.w, self.h))) or min(self.w, self.h) <= 0:
            raise OptionsError(f"a box X,Y,W,H needs finite numbers, W and H above 0, not {self}")

    def __str__(self) -> str:
        return ",".join(f"{number:.15g}" for number in (self.x, self.y, self.w, self.h))

    def within(self, rows: int, columns: int) -> tuple[slice, slice] | None:
        """The rows and columns of an image that the box covers, clipped to the image; None if it covers none."""
        top, bottom = max(math.floor(self.y), 0), min(math.ceil(self.y + self.h), rows)
        left, right = max(math.floor(self.x), 0), min(math.ceil(self.x + self.w), columns)
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


@dataclass(frozen=True, slots=True)
class RedactionBoxes(FastPickle):
    """The boxes of one instance.

    of_all: the boxes of every frame. of_frames: pairs of a frame number, counted from 1, and a box of this frame.
    """

    of_all: tuple[RedactionBox, ...] = ()
    of_frames: tuple[tuple[int, RedactionBox], ...] = ()

    def __str__(self) -> str:
        return ";".join(map(str, self.of_all))

    def __bool__(self) -> bool:
        return bool(self.of_all or self.of_frames)

    def __add__(self, others: RedactionBoxes) -> RedactionBoxes:
        return RedactionBoxes((*self.of_all, *others.of_all), (*self.of_frames, *others.of_frames))

    def of(self, frame: int) -> tuple[RedactionBox, ...]:
        """The boxes of a frame, counted from 0."""
        return (*self.of_all, *(box for number, box in self.of_frames if number == frame + 1))

    def beyond(self, frames: int) -> int:
        """The number of boxes whose frame number is above the number of frames of the instance."""
        return sum(number > frames for number, _ in self.of_frames)


NO_REDACTION_BOXES = RedactionBoxes()


def parse_boxes(value: object) -> RedactionBoxes:
    """`X,Y,W,H`, several joined by `;`; or a sequence of four numbers, or of such sequences. Raises OptionsError."""
    if isinstance(value, RedactionBoxes):
        return value
    if isinstance(value, str):
        boxes = [[*map(str.strip, box.split(","))] for box in value.split(";") if box.strip()]
    elif isinstance(value, Iterable):
        items = list(value)
        is_nested = any(isinstance(item, Iterable) and not isinstance(item, str) for item in items)
        boxes = [list(item) for item in items] if is_nested else [items] if items else []
    else:
        raise OptionsError(f"X,Y,W,H, several joined by ;, not {value!r}")
    return RedactionBoxes(tuple(map(parse_box, boxes)))


def parse_box(parts: Iterable[object]) -> RedactionBox:
    """A box from four numbers or texts. Raises OptionsError."""
    parts = list(parts)
    numbers = [number for part in parts if (number := parse_coordinate(part)) is not None]
    if len(parts) != 4 or len(numbers) != 4:
        text = ",".join("" if part is None else str(part) for part in parts)
        raise OptionsError(f"a box is four numbers X,Y,W,H, not {text!r}")
    return RedactionBox(*numbers)


def parse_coordinate(part: object) -> float | None:
    """A number, or None for a value that is not a number."""
    try:
        return float(str(part))
    except ValueError:
        return None


_BOXES = ValueType(
    parse_boxes,
    "X,Y,W,H",
    "str | tuple[float, float, float, float] | list[tuple[float, float, float, float]]",
    separator=";",
)
_COLUMNS = ValueType(parse_columns, "KEYWORD,...", "str | list[str]", separator=",")


class RedactUnmatched(StrEnum):
    """What happens where a row of `--redact-from` names no source."""

    ERROR = "error"
    """The run does not start."""
    IGNORE = "ignore"
    """The row redacts nothing, and a note of the run gives its line."""


@dataclass(frozen=True, slots=True)
class PrivacyOptions:
    """What is removed from images and what is added to tables. By default neither happens."""

    redact: RedactionBoxes = option(
        NO_REDACTION_BOXES,
        _BOXES,
        "black out a box of every image, in stored pixels from its upper left corner; several boxes are joined by ; or "
        "given by repeating the option",
    )
    redact_from: Path | None = option(
        None,
        path_type("CSV"),
        "black out the boxes of a CSV file with the columns source (as in the tables), x, y, w, h and optionally frame",
        scope=Scope.RUN,
    )
    redact_unmatched: RedactUnmatched = option(
        RedactUnmatched.ERROR,
        members(RedactUnmatched),
        "what a row of --redact-from does that names no file of the SOURCEs: error ends the command before it starts, "
        "ignore redacts nothing and adds a note",
        scope=Scope.RUN,
        resume=FREE,
    )
    columns: Keywords = option(
        Keywords(),
        _COLUMNS,
        "copy more DICOM attributes into metadata.csv, such as StudyDate, whatever they reveal about the patient",
        scope=Scope.RUN,
    )
