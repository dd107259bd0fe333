# SPDX-License-Identifier: MIT
"""Write one image to a file of the user's choice or to standard output, and tell such a file from a folder OUT."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from plainfilm.errors import OptionsError
from plainfilm.output.directory import open_directory
from plainfilm.output.storage import translate_os_errors
from plainfilm.sources.naming_rules import IMAGE_SUFFIX

_UNSUPPORTED_SUFFIXES = (".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".jxl", ".npy")


def is_image_name(out: Path) -> bool:
    """Whether OUT names one image and not a folder. Raises OptionsError for an image format that is not supported."""
    if out.is_dir():
        return False
    suffix = out.suffix.lower()
    if suffix in _UNSUPPORTED_SUFFIXES:
        raise OptionsError(f"{suffix} files cannot be written: give a name that ends in {IMAGE_SUFFIX}")
    return suffix == IMAGE_SUFFIX


def check_single_source(sources: Sequence[Path], out: Path) -> None:
    """Raise OptionsError unless there is one SOURCE, which is no folder and not the same file as OUT."""
    if len(sources) != 1 or sources[0].is_dir():
        raise OptionsError(f"one image ({out}) is made from one file: give one file, or a folder as OUT")
    if out.exists() and sources[0].exists() and out.samefile(sources[0]):
        raise OptionsError("OUT is the same file as SOURCE: give another name")


def write_file(path: Path, data: bytes) -> None:
    """Write or replace one file in an existing folder; the file is complete or unchanged.

    Raises OutputError, StorageFullError and RunError.
    """
    with translate_os_errors(), open_directory(path.parent) as directory:
        directory.replace(path.name, [data])


def write_stdout(data: bytes) -> None:
    """Write an image, and nothing else, to standard output. Raises OutputError, StorageFullError and RunError."""
    with translate_os_errors():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
