# SPDX-License-Identifier: MIT
"""The options of the output: which frames are written, how the files are named, and what is written beside them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import FREE, Scope, ValueType, option
from plainfilm.options.value_types import SWITCH, members


class Names(StrEnum):
    """How output files are named."""

    KEEP = "keep"
    UID = "uid"
    HASH = "hash"


class Table(StrEnum):
    """The format of the tables. The word is also the suffix of their files."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The frames of a multi-frame instance to convert: `all`, `first`, `middle`, or the number of a frame from 1."""

    which: str = "all"

    def __post_init__(self) -> None:
        if self.which not in ("all", "first", "middle") and not (self.which.isdecimal() and int(self.which) >= 1):
            raise OptionsError(f"all, first, middle or a number from 1, not {self.which!r}")

    def select(self, number_of_frames: int) -> range:
        """The chosen frames, counted from 0; empty if the instance has no such frame."""
        if self.which == "all":
            return range(number_of_frames)
        index = {"first": 0, "middle": number_of_frames // 2}.get(self.which)
        index = int(self.which) - 1 if index is None else index
        return range(index, index + 1) if index < number_of_frames else range(0)

    def __str__(self) -> str:
        return self.which


def parse_frames(value: object) -> FrameChoice:
    """`all`, `first`, `middle`, or the number of a frame from 1. Raises OptionsError."""
    return FrameChoice(str(value))


_FRAMES = ValueType(parse_frames, "all|first|middle|N", "str | int")


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Which images are written, how they are named, and what is written beside them."""

    frames: FrameChoice = option(
        FrameChoice(), _FRAMES, "the frames of multi-frame instances, where N counts from 1", scope=Scope.RUN
    )
    names: Names = option(
        Names.KEEP,
        members(Names),
        "name images by the relative path of the source (keep), the SOP Instance UID (uid) or a keyed hash of the path "
        "(hash)",
        scope=Scope.RUN,
    )
    table: Table = option(
        Table.CSV,
        members(Table),
        "the format of the tables metadata and failures; parquet needs pyarrow (`pip install 'plainfilm[parquet]'`)",
        scope=Scope.RUN,
        resume=FREE,
    )
    no_card: bool = option(
        False,
        SWITCH,
        "leave out README.md, the data card with what Hugging Face's `datasets` needs to load OUT",
        scope=Scope.RUN,
        resume=FREE,
    )
