# SPDX-License-Identifier: MIT
"""The options of privacy: boxes to redact, and attributes to carry into the tables."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plainfilm.dicom.dictionary import Keywords, parse_columns
from plainfilm.errors import OptionsError
from plainfilm.options.field import option, optional


@dataclass(frozen=True, slots=True)
class RedactionBox:
    """A rectangle: its left and upper edge, width and height; every pixel that it touches belongs to it."""

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
        """The rows and columns of an image that the box covers, clipped to it; None where it covers none."""
        top, bottom = max(math.floor(self.y), 0), min(math.ceil(self.y + self.h), rows)
        left, right = max(math.floor(self.x), 0), min(math.ceil(self.x + self.w), columns)
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


@dataclass(frozen=True, slots=True)
class RedactionBoxes:
    """The boxes of one instance: `of_all` are for every frame, `of_frames` each for the frame of its number from 1."""

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
        """How many boxes are for frames that an instance of so many frames has not."""
        return sum(number > frames for number, _ in self.of_frames)


NO_REDACTION_BOXES = RedactionBoxes()


def parse_boxes(value: object) -> RedactionBoxes:
    """`X,Y,W,H`, several joined by `;`; or a sequence of four numbers, or of such sequences."""
    if isinstance(value, RedactionBoxes):
        return value
    if isinstance(value, str):
        parts = [[*map(str.strip, box.split(","))] for box in value.split(";") if box.strip()]
    elif isinstance(value, Iterable):
        given = list(value)
        nested = any(isinstance(each, Iterable) and not isinstance(each, str) for each in given)
        parts = [list(box) for box in given] if nested else [given] if given else []
    else:
        raise OptionsError(f"--redact: X,Y,W,H, several joined by ;, not {value!r}")
    return RedactionBoxes(tuple(parse_box(box, "--redact") for box in parts))


def parse_box(parts: Iterable[object], place: str) -> RedactionBox:
    given = list(parts)
    numbers = [number for part in given if (number := parse_coordinate(part)) is not None]
    if len(given) != 4 or len(numbers) != 4:
        written = ",".join("" if part is None else str(part) for part in given)
        raise OptionsError(f"{place}: a box is four numbers X,Y,W,H, not {written!r}")
    try:
        return RedactionBox(*numbers)
    except OptionsError as error:
        raise OptionsError(f"{place}: {error.message}") from None


def parse_coordinate(part: object) -> float | None:
    try:
        return float(str(part))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class PrivacyOptions:
    """What of the patient is taken out of pictures, and let into tables: by itself neither."""

    redact: RedactionBoxes = option(
        NO_REDACTION_BOXES,
        parse_boxes,
        "X,Y,W,H",
        "black out a box of every image, in stored pixels from its upper left corner; several joined by ;, or repeated",
        ";",
    )
    redact_from: Path | None = option(
        None,
        optional(lambda value: Path(str(value))),
        "CSV",
        "black out boxes: columns source (as in the tables), x, y, w, h and, if need be, frame",
    )
    columns: Keywords = option(
        Keywords(),
        parse_columns,
        "KEYWORD,...",
        "carry more DICOM attributes into metadata.csv, whatever they say of the patient, such as StudyDate",
        ",",
    )
