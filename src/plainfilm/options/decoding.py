# SPDX-License-Identifier: MIT
"""The options of decoding."""

from __future__ import annotations

from enum import StrEnum

from plainfilm.options.field import FREE, option
from plainfilm.options.value_types import SWITCH, members
from plainfilm.pickling import dataclass


class Resolution(StrEnum):
    """The resolution at which a frame is decoded: its own, or no more than the output size needs."""

    FULL = "full"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How the bytes of a frame become samples."""

    decode: Resolution = option(
        Resolution.FULL,
        members(Resolution),
        "reduced decodes JPEG 2000, HTJ2K and 8-bit JPEG only at the resolution that --size needs, which is faster and "
        "changes the pixels slightly",
    )
    allow_truncated: bool = option(
        False, SWITCH, "paint the missing part of a truncated image as padding instead of failing the image"
    )
    verify: bool = option(
        False,
        SWITCH,
        "decode lossless codestreams with a second library as well and compare the results",
        resume=FREE,
    )
