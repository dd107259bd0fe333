# SPDX-License-Identifier: MIT
"""The table of encoders: each output format with its bit depths, and the encoder that this installation uses."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

# not encode.compression, which loads large libraries: a run needs this table before its first image
from plainfilm.kernels import HAS_CORE
from plainfilm.version import VERSION


@dataclass(frozen=True, slots=True)
class EncoderStatus:
    """An output format with its bits per sample, and the encoder in use with its version.

    missing: the faster encoder that is not installed, and how to install it; None where the fastest is in use.
    """

    format: str
    bits: tuple[int, ...]
    library: str
    version: str
    missing: str | None


def encoder_status() -> tuple[EncoderStatus, ...]:
    """Return the formats that this installation can write."""
    return (_png_status(),)


def _png_status() -> EncoderStatus:
    if HAS_CORE:
        return EncoderStatus("PNG", (8, 16), "plainfilm compiled", VERSION, None)
    missing = "plainfilm compiled: install plainfilm from its source where there is a C compiler"
    return EncoderStatus("PNG", (8, 16), "isal", version("isal"), missing)
