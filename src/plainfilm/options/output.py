# SPDX-License-Identifier: MIT
"""The options of the output: which frames are written, and how the files are named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import Scope, ValueType, option
from plainfilm.options.value_types import COUNT, members


class Names(StrEnum):
    """How output files are named."""

    KEEP = "keep"
    UID = "uid"
    HASH = "hash"


class Layout(StrEnum):
    """How the images are arranged in OUT."""

    FOLDER = "folder"
    """One file an image, in the tree of the sources."""
    WEBDATASET = "webdataset"
    """Tar files of many images each, as `webdataset` reads them."""
    PARQUET = "parquet"
    """Parquet files of many images each, as Hugging Face's `datasets` reads them."""


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
    """Which images are written and how they are named."""

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
    layout: Layout = option(
        Layout.FOLDER,
        members(Layout),
        "one file an image (folder), or files that hold many images each (webdataset, parquet)",
        scope=Scope.RUN,
    )
    samples_per_file: int = option(
        10_000,
        COUNT,
        "with --layout webdataset and parquet, the most images in a file",
        scope=Scope.RUN,
    )
