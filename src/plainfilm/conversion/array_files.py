# SPDX-License-Identifier: MIT
"""Pass images as arrays from a worker to its parent, through temporary files.

On Linux such a file never has a name: the parent opens it through /proc while the worker holds it open, so that nothing
is left on the disk, however the processes end. Elsewhere the file has a name in a private folder until the parent has
received it. A pipe would take several times as long, and /dev/shm is small in containers.

The parent maps a large array into memory. It copies a small one, so that the worker can use the same file again: that
takes less time than another file and another map.

A worker holds its last two files open. The parent has received the array before them: it sends a job only after it has
received the array of the job before the last, and of several arrays of one job the worker sends each only after the
parent has received the one before (`WorkerSettings.lockstep`).
"""

from __future__ import annotations

import math
import mmap
import os
import sys
import tempfile
from collections import deque
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.conversion.job import ArrayFile, ArrayFolder, ArrayImage
from plainfilm.errors import Reason, RunError, Stage, StorageFullError
from plainfilm.output.storage import classify_os_error
from plainfilm.pickling import dataclass
from plainfilm.records import Record

if sys.platform != "win32":
    import resource

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class MappedImage:
    """An image whose array is mapped into memory, with its row."""

    record: Record
    array: Array


COPIED_BYTES = 512 * 1024
"""Larger arrays are mapped into the memory of the parent, which copies others."""


@dataclass(slots=True)
class _WorkerFiles:
    """The files without names of this worker that the parent may not have received.

    reused: the two files of small arrays, of which the first is the next to be written. mapped: those of large arrays.
    """

    reused: deque[int] = field(default_factory=deque)
    mapped: deque[int] = field(default_factory=deque)

    def next_reused(self, folder: Path) -> int:
        """Return the descriptor of the file that takes the next small array."""
        self.reused.append(_open_file(folder) if len(self.reused) < _FILES_HELD else self.reused.popleft())
        return self.reused[-1]

    def next_mapped(self, folder: Path) -> int:
        """Return the descriptor of a new file for a large array, and close the file before the last one."""
        while len(self.mapped) >= _FILES_HELD:
            os.close(self.mapped.popleft())
        self.mapped.append(_open_file(folder))
        return self.mapped[-1]


_FILES_HELD = 2
_worker_files = _WorkerFiles()


def write_array(array: Array, folder: ArrayFolder) -> ArrayFile:
    """Write an array to a temporary file. Raises StorageFullError and RunError where this is not possible."""
    array = np.ascontiguousarray(array)
    try:
        if folder.has_names:
            with tempfile.NamedTemporaryFile(dir=folder.path, delete=False) as named:
                named.write(array.data)
            return ArrayFile(named.name, array.dtype.str, array.shape, None)
        next_file = _worker_files.next_reused if array.nbytes <= COPIED_BYTES else _worker_files.next_mapped
        descriptor = next_file(folder.path)
        _write(descriptor, array.data.cast("B"))
    except OSError as error:
        raise _temporary_error(error, folder) from error
    return ArrayFile(f"/proc/{os.getpid()}/fd/{descriptor}", array.dtype.str, array.shape, descriptor)


def _open_file(folder: Path) -> int:
    """Return the descriptor of a new file without a name. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())


def _write(descriptor: int, content: memoryview) -> None:
    position = 0
    while position < len(content):
        position += os.pwrite(descriptor, content[position:], position)


def receive_image(value: object) -> object:
    """Return the MappedImage of an ArrayImage, and remove the name of its file; any other value stays as it is.

    The array belongs to the caller, who may write to it. The space of the file of a large array is free as soon as the
    array is gone.
    """
    if not isinstance(value, ArrayImage):
        return value
    file, dtype = value.file, np.dtype(value.file.dtype)
    descriptor = os.open(file.path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        buffer = _content(descriptor, math.prod(file.shape) * dtype.itemsize)
    finally:
        os.close(descriptor)
        if file.descriptor is None:
            Path(file.path).unlink()
    return MappedImage(value.record, np.frombuffer(buffer, dtype).reshape(file.shape))


def _content(descriptor: int, size: int) -> mmap.mmap | bytearray | memoryview:
    """Map a file, or read it: if it is small, a map would prevent its removal, or few descriptors are left.

    A map keeps a descriptor, so that a caller who collects thousands of arrays could not open files any more.
    """
    if sys.platform != "win32" and size > COPIED_BYTES and _has_descriptors(descriptor):
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY)
    # unlike a bytearray, it is not filled with zeros first
    content = np.empty(size, np.uint8).data
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        view = content
        while view and (count := file.readinto(view)):
            view = view[count:]
    return content


def _has_descriptors(descriptor: int) -> bool:
    """Whether less than half of the descriptors that this process may have are in use."""
    lowest_free = os.dup(descriptor)
    os.close(lowest_free)
    return lowest_free < resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2


def _temporary_error(error: OSError, folder: ArrayFolder) -> RunError:
    place = f"the folder for temporary files, {folder.path} (the environment variable TMPDIR names another one)"
    if isinstance(classify_os_error(error), StorageFullError):
        return StorageFullError(f"no space is left in {place}")
    return RunError(f"{error.strerror}: {place}", reason=Reason.WRITE_FAILED, stage=Stage.WRITE)
