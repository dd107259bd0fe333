# SPDX-License-Identifier: MIT
"""The table of encoders: a format -> the depths it holds, the rows that write it and which of them is in use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from plainfilm.encode.compression import ROW, Row
from plainfilm.version import VERSION


@dataclass(frozen=True, slots=True)
class EncoderStatus:
    """One output format: its bits a sample, and the encoder in use with its version.

    missing: why a faster encoder is not there, or None.
    """

    format: str
    bits: tuple[int, ...]
    library: str
    version: str
    missing: str | None


def encoder_status() -> tuple[EncoderStatus, ...]:
    """What this installation can write."""
    return (_png(ROW),)


def _png(row: Row) -> EncoderStatus:
    if row is Row.COMPILED:
        return EncoderStatus("PNG", (8, 16), "plainfilm compiled", VERSION, None)
    missing = "plainfilm compiled: install plainfilm from its source where there is a C compiler"
    return EncoderStatus("PNG", (8, 16), "isal", version("isal"), missing)
