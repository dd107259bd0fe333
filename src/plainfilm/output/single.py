# SPDX-License-Identifier: MIT
"""Write one image to a file of the user's choice or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from plainfilm.output.directory import open_directory
from plainfilm.output.storage import translate_os_errors


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
