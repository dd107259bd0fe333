# SPDX-License-Identifier: MIT
"""The options of the output: which frames are written, how the files are named, and what is written beside them."""

from __future__ import annotations

import re
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import FREE, Scope, ValueType, option
from plainfilm.options.value_types import COUNT, SWITCH, members
from plainfilm.pickling import dataclass

_NUMBER = "0*[1-9][0-9]{0,8}"
_FRAME_CHOICE = re.compile(
    rf"all|first|middle|mip|mean|(?P<first>{_NUMBER})(?:\.\.(?P<last>{_NUMBER}))?|every:(?P<step>{_NUMBER})"
)


class Names(StrEnum):
    """How output files are named."""

    KEEP = "keep"
    UID = "uid"
    HASH = "hash"
    TAGS = "tags"


class Layout(StrEnum):
    """How the images are arranged in OUT."""

    FOLDER = "folder"
    """One file an image, in the tree of the sources."""
    WEBDATASET = "webdataset"
    """Tar files of many images each, as `webdataset` reads them."""
    PARQUET = "parquet"
    """Parquet files of many images each, as Hugging Face's `datasets` reads them."""


class Table(StrEnum):
    """The format of the tables. The word is also the suffix of their files."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"


class Projection(StrEnum):
    """How the frames of a multi-frame instance become one image: the largest P-Value of each pixel, or the mean."""

    MIP = "mip"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The frames of a multi-frame instance to convert, counted from 1, or the projection of all frames.

    which: `all`, `first`, `middle`, `N`, `N..M` (both included), `every:K` (the first, and every K-th after it), `mip`
    or `mean`.
    """

    which: str = "all"

    def __post_init__(self) -> None:
        match = _FRAME_CHOICE.fullmatch(self.which)
        if match is None or (match["last"] and int(match["last"]) < int(match["first"])):
            message = "all, first, middle, a number N from 1, N..M with M not below N, every:K, mip or mean"
            raise OptionsError(f"{message}, not {self.which!r}")

    @property
    def projection(self) -> Projection | None:
        """The projection; None where each frame gives an image."""
        return Projection(self.which) if self.which in tuple(Projection) else None

    def select(self, number_of_frames: int) -> range:
        """The chosen frames, counted from 0; empty if the instance has no such frame. A projection is of all frames."""
        frames = range(number_of_frames)
        match = _FRAME_CHOICE.fullmatch(self.which)
        assert match is not None
        if match["step"]:
            return frames[:: int(match["step"])]
        if match["first"]:
            return frames[int(match["first"]) - 1 : int(match["last"] or match["first"])]
        index = {"first": 0, "middle": number_of_frames // 2}.get(self.which)
        return frames if index is None else frames[index : index + 1]

    def __str__(self) -> str:
        return self.which


def parse_frames(value: object) -> FrameChoice:
    """`all`, `first`, `middle`, `N`, `N..M`, `every:K`, `mip` or `mean`. Raises OptionsError."""
    return FrameChoice(str(value).strip().lower())


_FRAMES = ValueType(parse_frames, "all|first|middle|N|N..M|every:K|mip|mean", "str | int")


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Which images are written, how they are named, and what is written beside them."""

    frames: FrameChoice = option(
        FrameChoice(),
        _FRAMES,
        "the frames of multi-frame instances, where N counts from 1; mip and mean make one image of all frames, of the "
        "largest or the mean output levels",
        scope=Scope.RUN,
    )
    names: Names = option(
        Names.KEEP,
        members(Names),
        "name images by the relative path of the source (keep), the SOP Instance UID (uid), a keyed hash of the path "
        "(hash), or modality, body part, view, laterality and 8 digits of the keyed hash of the instance (tags)",
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
