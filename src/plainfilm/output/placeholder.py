# SPDX-License-Identifier: MIT
"""Files that stand for objects of a store: OUT is in the store, and a run works in a folder of this machine.

A placeholder is a sparse file of the size of its object, so that what compares sizes needs not know of it. It begins
with a magic number and with a hash of the name of the object, relative to OUT; zeros follow. The file itself therefore
says which object it stands for, also after it was renamed or linked.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from plainfilm.output.directory import open_regular_file
from plainfilm.output.folder import FolderOutput
from plainfilm.output.storage import translate_private_errors

LEAST_SIZE = 24
"""An object of fewer bytes has no placeholder: its bytes are needed."""

_MAGIC = b"\x89PFobj\r\n"
_DIGEST_BYTES = 16


def digest_of_name(name: str) -> bytes:
    """Return what a placeholder has of the name of its object, relative to OUT."""
    return hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).digest()


def read_placeholder(path: Path) -> bytes | None:
    """Return the hash of the name of the object that a file stands for; None for an ordinary file or none."""
    try:
        with open_regular_file(path) as file:
            header = file.read(LEAST_SIZE)
    except OSError:
        return None
    return header[len(_MAGIC) :] if len(header) == LEAST_SIZE and header.startswith(_MAGIC) else None


def write_placeholder(path: Path, name: str, size: int) -> None:
    """Write a new file that stands for an object. Raises OSError, also where the file exists."""
    _check_size(size)
    with open(path, "xb") as file:
        file.write(_MAGIC + digest_of_name(name))
        file.truncate(size)


def repoint_placeholder(path: Path, name: str) -> None:
    """Let a placeholder stand for another object of the same bytes; its size and its time stay. Raises OSError."""
    status = path.stat()
    with open(path, "r+b") as file:
        file.write(_MAGIC + digest_of_name(name))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def stage_placeholder(output: FolderOutput, name: str, size: int) -> str:
    """Stage a file that stands for an object, as `FolderOutput.stage` stages one. Raises as that, and RunError."""
    _check_size(size)
    temporary_name = output.stage([_MAGIC + digest_of_name(name)])
    with translate_private_errors(output.staged_path(temporary_name).parent):
        os.truncate(output.staged_path(temporary_name), size)
    return temporary_name


def _check_size(size: int) -> None:
    if size < LEAST_SIZE:
        raise ValueError(f"an object of {size} bytes has no placeholder")
