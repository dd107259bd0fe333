# SPDX-License-Identifier: MIT
"""Find the pixels of a frame that the redaction boxes cover, and black them out.

Nothing may depend on these pixels: they are left out of every histogram, and black in every image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode
from plainfilm.options.counting import counted
from plainfilm.options.privacy import RedactionBox
from plainfilm.pickling import dataclass

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RedactionMask:
    """The redacted part of a frame: the rows and columns of each box within it."""

    parts: tuple[tuple[slice, slice], ...] = ()
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def mask(self, rows: int, columns: int) -> Mask:
        """The redacted pixels of a frame of this size, (rows, columns)."""
        mask = np.zeros((rows, columns), np.bool_)
        for part in self.parts:
            mask[part] = True
        return mask

    def black_out(self, image: Array) -> Array:
        """The image, (rows, columns) or (rows, columns, samples), with 0 where it is redacted.

        Without redacted pixels this is the image itself, else a copy.
        """
        if not self.parts:
            return image
        redacted = image.copy()
        for part in self.parts:
            redacted[part] = 0
        return redacted


NO_REDACTION_MASK = RedactionMask()


def redaction_mask(
    boxes: tuple[RedactionBox, ...], size: tuple[int, int], boxes_without_frame: int = 0
) -> RedactionMask:
    """The boxes clipped to a frame of (rows, columns).

    boxes_without_frame: the number of boxes for frames that the instance does not have; the finding counts them.
    """
    clipped = [box.within(*size) for box in boxes]
    parts = tuple(part for part in clipped if part is not None)
    missed = boxes_without_frame + len(clipped) - len(parts)
    findings = []
    if parts:
        findings.append(Finding(FindingCode.REDACTED, f"{counted(len(parts), 'box is', 'boxes are')} blacked out"))
    if missed:
        boxes_text = counted(missed, "box lies", "boxes lie")
        note = f"{boxes_text} outside the image of {size[1]} x {size[0]}, or in a frame that does not exist"
        findings.append(Finding(FindingCode.REDACTION_MISSED, note))
    return RedactionMask(parts, tuple(findings))
