# SPDX-License-Identifier: MIT
"""The options of the output: which frames are written, and under which names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import option, parse_member, words


class Names(StrEnum):
    """How output files are named."""

    KEEP = "keep"
    UID = "uid"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """Which frames of a multi-frame instance: all, first, middle, or the number of one from 1."""

    which: str = "all"

    def __post_init__(self) -> None:
        if self.which not in ("all", "first", "middle") and not (self.which.isdecimal() and int(self.which) >= 1):
            raise OptionsError(f"--frames: all, first, middle or a number from 1, not {self.which!r}")

    def select(self, number_of_frames: int) -> range:
        """The chosen frames, counted from 0; empty when the instance has no such frame."""
        if self.which == "all":
            return range(number_of_frames)
        index = {"first": 0, "middle": number_of_frames // 2}.get(self.which)
        index = int(self.which) - 1 if index is None else index
        return range(index, index + 1) if index < number_of_frames else range(0)

    def __str__(self) -> str:
        return self.which


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Which images come out and how they are named."""

    frames: FrameChoice = option(
        FrameChoice(),
        lambda value: FrameChoice(str(value)),
        "all|first|middle|N",
        "frames of multi-frame instances; N counts from 1",
    )
    names: Names = option(
        Names.KEEP,
        parse_member(Names, "names"),
        words(Names),
        "keep: the source's own relative path; uid: the SOP Instance UID; hash: a keyed hash of the path",
    )
