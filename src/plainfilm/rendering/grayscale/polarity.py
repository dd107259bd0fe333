# SPDX-License-Identifier: MIT
"""Decide and apply polarity, and round display values to output levels (PS3.3 C.7.6.3.1.2, C.11.6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Polarity

Array = npt.NDArray[Any]


def invert(y: Array, ymax: float) -> Array:
    """Invert display values about the output range [0, ymax]. Inverting twice gives the original values."""
    inverted: Array = ymax - y
    return inverted


def round_to_levels(y: Array, ymax: int) -> Array:
    """Round display values to levels, floor(y + 0.5), clipped to [0, ymax], as uint8 or uint16. NaN becomes 0."""
    # Far from a narrow window, values may lie outside the range. They are clipped, since a cast would wrap white to
    # black. Of a number and NaN, fmin and fmax return the number. The cast truncates, which is the floor from 0 on.
    levels = np.asarray(np.fmax(y, 0.0))
    np.fmin(levels, float(ymax), out=levels)
    levels += 0.5
    return levels.astype(output_type(ymax))


def output_type(ymax: int) -> type[np.uint8] | type[np.uint16]:
    """uint8 for the output range up to 255, uint16 for the output range up to 65535."""
    return np.uint8 if ymax <= 255 else np.uint16


def output_maximum(bits: int) -> int:
    """The largest output level, ymax: 255 for 8 bits, 65535 for 16 bits."""
    return (1 << bits) - 1


def decide_inversion(photometric: str, shape: str | None, polarity: Polarity) -> tuple[bool, tuple[Finding, ...]]:
    """Decide whether an image is inverted for display, and report a contradiction in the header.

    photometric: Photometric Interpretation. shape: Presentation LUT Shape. polarity: the user's choice.

    MONOCHROME1 and Presentation LUT Shape INVERSE state the same fact. Where they disagree, Photometric Interpretation
    takes precedence, with the finding `polarity_conflict`. A choice of the user takes precedence over both.
    """
    is_monochrome1 = photometric == "MONOCHROME1"
    findings: tuple[Finding, ...] = ()
    if shape in ("INVERSE", "IDENTITY") and (shape == "INVERSE") != is_monochrome1:
        note = f"{photometric} with Presentation LUT Shape {shape}; Photometric Interpretation is used"
        findings = (Finding(FindingCode.POLARITY_CONFLICT, note),)
    if polarity is not Polarity.AUTO:
        is_monochrome1 = polarity is Polarity.MONOCHROME1
    return is_monochrome1, findings
