# SPDX-License-Identifier: MIT
"""The result of a search for the margin of a frame (`--crop border`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto

from plainfilm.options.geometry import Box
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.outline import Outline, common_outline


class BorderOutcome(Enum):
    """The outcome of a search. EMPTY: the frame holds nothing but margin, so its result does not count."""

    FOUND = auto()
    NO_MARGIN = auto()
    EMPTY = auto()
    IMPLAUSIBLE = auto()


_NOTES = {
    BorderOutcome.NO_MARGIN: "no side has a margin that is certain; nothing is cut",
    BorderOutcome.EMPTY: "there is nothing but margin; nothing is cut",
    BorderOutcome.IMPLAUSIBLE: "less than a quarter of a side would be left; nothing is cut",
}


@dataclass(frozen=True, slots=True)
class BorderResult:
    """The part of a frame, in stored pixels, that is not margin; the whole frame where no margin was found.

    outline: with `--mask border`, the convex outline of this part, whose edges may be slanted; empty for none.
    """

    content: Box
    outcome: BorderOutcome
    outline: Outline = ()

    @property
    def note(self) -> str:
        """The outcome in words, for the finding."""
        if self.outcome is not BorderOutcome.FOUND:
            return _NOTES[self.outcome]
        box = self.content
        size = f"{box.width} x {box.height} stored pixels from column {box.x}, row {box.y}"
        return f"{size} are kept; the rest is margin"


def common_border(results: Sequence[BorderResult]) -> BorderResult:
    """The box and the outline around the content of several frames or planes.

    An EMPTY result does not count beside others.
    """
    counted = [result for result in results if result.outcome is not BorderOutcome.EMPTY] or list(results)
    outline = common_outline([result.outline for result in counted])
    for result in counted:
        if result.outcome is not BorderOutcome.FOUND:
            return replace(result, outline=outline)
    boxes = [result.content for result in counted]
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return BorderResult(Box(left, top, right - left, bottom - top), BorderOutcome.FOUND, outline)
