# SPDX-License-Identifier: MIT
"""Open what a Python function gets as its source: a path, a URL, bytes, a binary file, or a pydicom Dataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import instance_from_dataset, read_instance
from plainfilm.errors import ArgumentTypeError
from plainfilm.options.local_path import scheme_of
from plainfilm.options.options import Options
from plainfilm.sources.file_reader import inflated_content, open_source
from plainfilm.sources.remote_file import public_text
from plainfilm.sources.remote_tree import file_of_url

Source: TypeAlias = str | PathLike[str] | bytes | BinaryIO | Dataset
Image8: TypeAlias = npt.NDArray[np.uint8]
Image16: TypeAlias = npt.NDArray[np.uint16]


@contextmanager
def open_source_instance(source: Source, options: Options) -> Iterator[Instance]:
    """Open a source as a context manager for its instance, whose pixels are read from it within the context.

    Raises ArgumentTypeError for a wrong type, and ConversionError where the source is no image that can be read.
    """
    max_pixels, columns = options.limits.max_pixels, options.privacy.columns
    if isinstance(source, Dataset):
        yield instance_from_dataset(source, max_pixels, columns)
    elif isinstance(source, (str, PathLike)):
        location = Path(source) if scheme_of(source) is None else file_of_url(os.fspath(source))
        with open_source(location) as content:
            yield read_instance(content, max_pixels, columns)
    else:
        yield read_instance(inflated_content(content_of(source)), max_pixels, columns)


def content_of(source: object) -> bytes:
    """Return the bytes of a source that is in memory, or a binary file. Raises ArgumentTypeError for another type."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    read = getattr(source, "read", None)
    if not callable(read):
        wanted = "a path, a URL, bytes, a binary file or a pydicom Dataset"
        raise ArgumentTypeError(f"source must be {wanted}, not {type_name(source)}")
    content = read()
    if not isinstance(content, bytes):
        raise ArgumentTypeError(f"source must be a file in binary mode: it reads {type_name(content)}, not bytes")
    return content


def path_of(source: object) -> str | None:
    """Return the path of a source that is one, for messages; None for another source."""
    return public_text(str(source)) if isinstance(source, (str, PathLike)) else None


def type_name(value: object) -> str:
    """Return the name of the type of a value, as messages show it."""
    return "None" if value is None else type(value).__name__
