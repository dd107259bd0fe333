# SPDX-License-Identifier: MIT
"""The bytes of one image -> one file of the user's choice, whole or not at all, or standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from plainfilm.output.directory import open_directory
from plainfilm.output.storage import translate_os_errors


def write_file(path: Path, data: bytes) -> None:
    """Write or replace one file; its folder exists. Raises OutputError, StorageFullError and RunError."""
    with translate_os_errors(), open_directory(path.parent) as place:
        place.replace(path.name, [data])


def write_stdout(data: bytes) -> None:
    """Write the image, and nothing else, to standard output. Raises OutputError, StorageFullError and RunError."""
    with translate_os_errors():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
