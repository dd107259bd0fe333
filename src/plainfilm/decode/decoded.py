# SPDX-License-Identifier: MIT
"""What a decoder hands on: the cells of one frame and what the codestream said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as its decoder gave it: nothing masked, shifted or sign-extended yet.

    samples: (rows, columns), or (rows, columns, samples) for colour, C order, native byte order; fewer rows and columns
        where `is_reduced`, on a grid that spans the frame from edge to edge. Integer cells are
        unsigned with the bits of the file, except where a JPEG 2000 codestream is itself signed; 1-bit images are uint8
        of 0 and 1; Float and Double Float Pixel Data are float32 and float64.
    precision: bits a sample of the codestream; None for native and RLE data, which do not say.
    signed: what the codestream says; None where it cannot say (native, RLE, JPEG, JPEG-LS).
    decoder: the codec row's name with its library's version.
    photometric_interpretation: colour space of `samples`, after what the decoder undid.
    missing: (rows, columns), which pixels a frame that is cut short does not hold (--allow-truncated); None of a whole
        one.
    """

    samples: npt.NDArray[Any]
    precision: int | None
    signed: bool | None
    decoder: str
    photometric_interpretation: str
    findings: tuple[Finding, ...] = ()
    missing: npt.NDArray[np.bool_] | None = None

    @property
    def is_reduced(self) -> bool:
        """Whether the cells are of a lower resolution than the frame's."""
        return any(finding.code is FindingCode.REDUCED_DECODE for finding in self.findings)
