# SPDX-License-Identifier: MIT
"""The boxes of a frame -> which of its pixels nobody shall see, and what is told of it.

Nothing may be derived from these pixels, so they are left out of every histogram, and painted before anything else is
done with a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode
from plainfilm.options.privacy import RedactionBox

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class RedactionMask:
    """What of a frame is hidden: the rows and columns of each box within it."""

    parts: tuple[tuple[slice, slice], ...] = ()
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def mask(self, rows: int, columns: int) -> npt.NDArray[np.bool_]:
        """Which pixels are hidden."""
        hidden = np.zeros((rows, columns), np.bool_)
        for part in self.parts:
            hidden[part] = True
        return hidden

    def paint(self, image: Array) -> Array:
        """The image, (rows, columns) or (rows, columns, samples), with 0 where it is hidden: itself, if nothing is."""
        if not self.parts:
            return image
        painted = image.copy()
        for part in self.parts:
            painted[part] = 0
        return painted

    def unseen(self, size: tuple[int, int], missing: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
        """Which pixels of a frame of (rows, columns) are hidden or missing; None where none is."""
        if not self.parts:
            return missing
        return self.mask(*size) if missing is None else self.mask(*size) | missing


NO_REDACTION_MASK = RedactionMask()


def redaction_mask(boxes: tuple[RedactionBox, ...], size: tuple[int, int], beyond: int = 0) -> RedactionMask:
    """The boxes clipped to a frame of (rows, columns); beyond: boxes of the instance that are for frames it has not."""
    found = [box.within(*size) for box in boxes]
    parts = tuple(part for part in found if part is not None)
    missed = beyond + len(found) - len(parts)
    findings = []
    if parts:
        findings.append(Finding(FindingCode.REDACTED, f"{len(parts)} boxes are blacked out"))
    if missed:
        note = f"{missed} boxes lie outside the image of {size[1]} x {size[0]}, or are for frames that it has not"
        findings.append(Finding(FindingCode.REDACTION_MISSED, note))
    return RedactionMask(parts, tuple(findings))
