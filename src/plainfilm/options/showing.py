# SPDX-License-Identifier: MIT
"""The values of the options for what a viewer adds to the grey levels: overlays, a presentation state, how it hangs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


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
