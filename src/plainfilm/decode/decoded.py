# SPDX-License-Identifier: MIT
"""The result of a decoder: the samples of one frame and what the codestream declares about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass


def excess_findings(excess: bytes) -> tuple[Finding, ...]:
    """Return a finding where the bytes after the end of a codestream are more than padding (zeros or FF)."""
    if not excess.strip(b"\0\xff"):
        return ()
    note = f"{len(excess)} bytes follow the end of the codestream and are ignored"
    return (Finding(FindingCode.EXCESS_PIXEL_DATA, note),)


class CodecDeclined(Exception):  # noqa: N818 - it is no error: the next codec decodes the codestream
    """A codec leaves a codestream to the next codec of its transfer syntax, which judges it."""


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as its decoder returns it: the samples are not yet masked, shifted or sign-extended.

    samples: shape (rows, columns), or (rows, columns, samples per pixel) for colour; C order, native byte order.
        Where `is_reduced`, the array has fewer rows and columns, on a grid that spans the frame from edge to edge.
        Integer samples are unsigned and keep the bits of the file, except that a signed JPEG 2000 codestream gives
        signed samples. 1-bit images are uint8 with the values 0 and 1. Float and Double Float Pixel Data are float32
        and float64.
    precision: bits per sample that the codestream declares; None for native and RLE data, which declare nothing.
    signed: sign that the codestream declares; None where it cannot declare one (native, RLE, JPEG, JPEG-LS).
    decoder: name of the codec with the version of its library.
    photometric_interpretation: colour space of `samples`, after the colour transforms that the decoder has reverted.
    missing: (rows, columns), True for the pixels that a truncated frame lacks (--allow-truncated); None for a complete
        frame.
    is_irreversible: whether the codestream itself, whatever the transfer syntax, changes the samples that were encoded.
    near: the largest change of a sample that a JPEG-LS codestream allows (NEAR); 0 where no bound is known.
    """

    samples: npt.NDArray[Any]
    precision: int | None
    signed: bool | None
    decoder: str
    photometric_interpretation: str
    findings: tuple[Finding, ...] = ()
    missing: npt.NDArray[np.bool_] | None = None
    is_irreversible: bool = False
    near: int = 0

    @property
    def is_reduced(self) -> bool:
        """Whether the samples have a lower resolution than the frame."""
        return FindingCode.REDUCED_DECODE in [finding.code for finding in self.findings]
