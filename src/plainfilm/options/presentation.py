# SPDX-License-Identifier: MIT
"""The options for what a viewer adds to an image: overlays, a presentation state, and the orientation."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from plainfilm.options.field import ValueType, option
from plainfilm.options.local_path import local_path
from plainfilm.options.value_types import members
from plainfilm.pickling import dataclass


class Overlays(StrEnum):
    """What is done with overlay planes."""

    OFF = "off"
    BURN = "burn"
    MASK = "mask"


class Orient(StrEnum):
    """The orientation of the output: that of the stored pixels, or that in which a viewer hangs a radiograph."""

    STORED = "stored"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class PresentationSource:
    """Where the presentation state of an image comes from.

    path: the file of a presentation state; None: the one among the sources that refers to the image.
    """

    path: Path | None = None

    def __str__(self) -> str:
        return "auto" if self.path is None else str(self.path)


def parse_presentation(value: object) -> PresentationSource:
    """`auto`, or the path of a presentation state."""
    if isinstance(value, PresentationSource):
        return value
    text = str(value)
    return PresentationSource(None if text.strip().lower() == "auto" else local_path(text))


_PRESENTATION = ValueType(parse_presentation, "PATH|auto", "str | PathLike[str]")


@dataclass(frozen=True, slots=True)
class PresentationOptions:
    """What is added to the output levels, as a viewer does."""

    overlays: Overlays = option(
        Overlays.OFF,
        members(Overlays),
        "burn paints overlay planes into the image, mask writes each plane as an image of its own",
    )
    presentation: PresentationSource | None = option(
        None,
        _PRESENTATION,
        "apply a grayscale softcopy presentation state to the images that it refers to; auto finds it in the sources",
    )
    orient: Orient = option(
        Orient.STORED, members(Orient), "viewer turns and flips the image as radiographs are hung for reading"
    )
