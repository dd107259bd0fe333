# SPDX-License-Identifier: MIT
"""Define `Reference`: where one input file is, and what its images and rows are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plainfilm.pickling import FastPickle


@dataclass(frozen=True, slots=True)
class Reference(FastPickle):
    """One input file.

    path: absolute path of the file; it may hold bytes that are not UTF-8 (as surrogate escapes).
    source: relative path with the file's own suffix, as the tables show it; unique within a run.
    name: relative path of its image without suffix and frame, `/` between components; unique within a run, case folded.
    is_renamed: whether its name, or that of a folder above it, was changed because another file or folder has it.
    """

    path: Path
    source: str
    name: str
    is_renamed: bool = False
