# SPDX-License-Identifier: MIT
"""Display values -> output values: polarity once, then rounding to the output range (PS3.3 C.7.6.3.1.2, C.11.6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode
from plainfilm.options.choices import Polarity

Array = npt.NDArray[Any]


def invert(y: Array, ymax: float) -> Array:
    """The other polarity, about the output range; its own inverse."""
    inverted: Array = ymax - y
    return inverted


def nearest(y: Array, ymax: int) -> Array:
    """floor(y + 0.5) as uint8 or uint16. What is not a number becomes 0, and is painted over as padding."""
    # far from 0 the arithmetic of a narrow window may leave the range, and must not wrap from white to black;
    # of a number and what is none, fmin and fmax take the number
    within = np.fmin(np.fmax(y, 0.0), float(ymax))
    within += 0.5
    return np.floor(within, out=within).astype(output_type(ymax))


def output_type(ymax: int) -> type[np.uint8] | type[np.uint16]:
    """uint8 for an output range to 255, uint16 for one to 65535."""
    return np.uint8 if ymax <= 255 else np.uint16


def output_maximum(bits: int) -> int:
    """255 or 65535."""
    return (1 << bits) - 1


def decide_inversion(photometric: str, shape: str | None, polarity: Polarity) -> tuple[bool, tuple[Finding, ...]]:
    """Whether the image is inverted for display.

    MONOCHROME1 and Presentation LUT Shape INVERSE state the same fact; where they disagree Photometric Interpretation
    is believed. The user's word goes over both.
    """
    monochrome1 = photometric == "MONOCHROME1"
    findings: tuple[Finding, ...] = ()
    if shape in ("INVERSE", "IDENTITY") and (shape == "INVERSE") != monochrome1:
        note = f"{photometric} with Presentation LUT Shape {shape}; Photometric Interpretation is believed"
        findings = (Finding(FindingCode.POLARITY_CONFLICT, note),)
    if polarity is not Polarity.AUTO:
        monochrome1 = polarity is Polarity.MONOCHROME1
    return monochrome1, findings
