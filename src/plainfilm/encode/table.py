# SPDX-License-Identifier: MIT
"""The table of encoders: a format -> the depths it holds and the library that writes it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True, slots=True)
class EncoderStatus:
    """One output format: its bits a sample, and the library with its version."""

    format: str
    bits: tuple[int, ...]
    library: str
    version: str


def encoder_status() -> tuple[EncoderStatus, ...]:
    """What this installation can write."""
    return (EncoderStatus("PNG", (8, 16), "isal", version("isal")),)
