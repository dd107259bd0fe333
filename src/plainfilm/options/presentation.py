# SPDX-License-Identifier: MIT
"""The options for what a viewer adds to an image: overlays, presentation state, orientation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from plainfilm.options.field import option, optional, parse_member, words


class Overlays(StrEnum):
    """What becomes of overlay planes."""

    OFF = "off"
    BURN = "burn"
    MASK = "mask"


class Orient(StrEnum):
    """Whether a picture lies as it is stored or as a viewer hangs it."""

    STORED = "stored"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class PresentationSource:
    """One presentation state by its file; where `path` is None, the one among the sources that refers to the image."""

    path: Path | None = None

    def __str__(self) -> str:
        return "auto" if self.path is None else str(self.path)


def parse_presentation(value: object) -> PresentationSource:
    """`auto`, or the path of a presentation state."""
    if isinstance(value, PresentationSource):
        return value
    text = str(value)
    return PresentationSource(None if text.strip().lower() == "auto" else Path(text))


@dataclass(frozen=True, slots=True)
class PresentationOptions:
    """What a viewer adds to the grey levels."""

    overlays: Overlays = option(
        Overlays.OFF,
        parse_member(Overlays, "overlays"),
        words(Overlays),
        "overlay planes: burn paints them into the picture, mask writes each as a picture of its own",
    )
    presentation: PresentationSource | None = option(
        None,
        optional(parse_presentation),
        "PATH|auto",
        "a grayscale softcopy presentation state for the images that it refers to; auto: found among the sources",
    )
    orient: Orient = option(
        Orient.STORED, parse_member(Orient, "orient"), words(Orient), "viewer: turned and flipped as films are hung"
    )
