# SPDX-License-Identifier: MIT
"""The options of decoding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plainfilm.options.field import option, parse_flag, parse_member, words


class Resolution(StrEnum):
    """Whether all of a frame is decoded, or no more than its picture's size needs."""

    FULL = "full"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How the bytes of a frame become its cells."""

    decode: Resolution = option(
        Resolution.FULL,
        parse_member(Resolution, "decode"),
        words(Resolution),
        "reduced: of JPEG 2000 and 8-bit JPEG only the resolution that --size needs; fast, a little different",
    )
    allow_truncated: bool = option(
        False, parse_flag, "", "what is missing of a short image is painted as padding, instead of failing it"
    )
    verify: bool = option(False, parse_flag, "", "decode lossless codestreams with a second library too, and compare")
