# SPDX-License-Identifier: MIT
"""The two masks of a decoded frame: pixels that may not be used, and pixels outside the display shutter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Shutter
from plainfilm.pickling import dataclass
from plainfilm.rendering.redaction import RedactionMask
from plainfilm.rendering.shutter import outside_shutter

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FrameMasks:
    """The masks of a frame that do not depend on its values, each (rows, columns); None for a mask without pixels.

    unavailable: pixels that are redacted or missing from the data. Their values may not be used.
    outside_shutter: pixels outside the display shutter. They are masked: not part of the picture.
    """

    unavailable: Mask | None = None
    outside_shutter: Mask | None = None

    @property
    def union(self) -> Mask | None:
        """The pixels that are in at least one of the two masks; None where there are none."""
        if self.unavailable is None or self.outside_shutter is None:
            return self.outside_shutter if self.unavailable is None else self.unavailable
        return self.unavailable | self.outside_shutter

    @property
    def nbytes(self) -> int:
        """The memory that the masks take, in bytes."""
        unavailable, outside = self.unavailable, self.outside_shutter
        return (0 if unavailable is None else unavailable.nbytes) + (0 if outside is None else outside.nbytes)


NO_MASKS = FrameMasks()


def frame_masks(decoded: DecodedFrame, redaction: RedactionMask, shutter: Shutter | None) -> FrameMasks:
    """The masks of a decoded frame."""
    rows, columns = decoded.samples.shape[:2]
    unavailable = decoded.missing
    if redaction:
        redacted = redaction.mask(rows, columns)
        unavailable = redacted if unavailable is None else redacted | unavailable
    return FrameMasks(unavailable, None if shutter is None else outside_shutter(shutter, rows, columns))
