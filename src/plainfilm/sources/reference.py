# SPDX-License-Identifier: MIT
"""What a source hands on: where the bytes of one SOP Instance are and what its images and rows are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plainfilm.pickling import FastPickle


@dataclass(frozen=True, slots=True)
class Reference(FastPickle):
    """One input file.

    path: absolute, where its bytes are read; it may hold bytes that are not UTF-8 (surrogate escapes).
    source: relative path with its own suffix, as the tables show it; unique within a run.
    name: relative path of its image without suffix and frame, `/` between components; unique within a run, case folded.
    """

    path: Path
    source: str
    name: str
