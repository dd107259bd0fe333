# SPDX-License-Identifier: MIT
"""Pass images as arrays from a worker to its parent, through temporary files that the parent maps into memory.

On Linux such a file never has a name: the parent opens it through /proc while the worker holds it open, so that nothing
is left on the disk, however the processes end. Elsewhere the file has a name in a private folder until the parent has
received it. A pipe would take several times as long, and /dev/shm is small in containers.
"""

from __future__ import annotations

import math
import mmap
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.conversion.job import ArrayFile, ArrayFolder, ArrayImage
from plainfilm.errors import Reason, RunError, Stage, StorageFullError
from plainfilm.output.storage import classify_os_error
from plainfilm.records import Record

if sys.platform != "win32":
    import resource

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class MappedImage:
    """An image whose array is mapped into memory, with its row."""

    record: Record
    array: Array


def write_array(array: Array, folder: ArrayFolder) -> ArrayFile:
    """Write an array to a temporary file. Raises StorageFullError and RunError where this is not possible."""
    array = np.ascontiguousarray(array)
    try:
        if folder.has_names:
            with tempfile.NamedTemporaryFile(dir=folder.path, delete=False) as named:
                named.write(array.data)
            return ArrayFile(named.name, array.dtype.str, array.shape, None)
        with tempfile.TemporaryFile(dir=folder.path) as file:
            file.write(array.data)
            file.flush()
            descriptor = os.dup(file.fileno())
    except OSError as error:
        raise _temporary_error(error, folder) from error
    return ArrayFile(f"/proc/{os.getpid()}/fd/{descriptor}", array.dtype.str, array.shape, descriptor)


def receive_image(value: object) -> object:
    """Map the array of an ArrayImage into memory, and remove the name of its file; any other value stays as it is.

    The array belongs to the caller, who may write to it. The space of its file is free as soon as the array is gone.
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


def _content(descriptor: int, size: int) -> mmap.mmap | bytearray:
    """Map a file, or read it where the map would prevent its removal, or where few descriptors are left.

    A map keeps a descriptor, so that a caller who collects thousands of arrays could not open files any more.
    """
    if sys.platform != "win32" and _has_descriptors(descriptor):
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY)
    content = bytearray(size)
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        view = memoryview(content)
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
