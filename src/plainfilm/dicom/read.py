# SPDX-License-Identifier: MIT
"""Read a DICOM file or data set into an `Instance`, and a presentation state into a `PresentationState`."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pydicom.dataset import Dataset

from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.data_set import ParsedDataSet, parse_data_set, parsed_from_dataset
from plainfilm.dicom.description import read_identity
from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.directory import FileId, directory_file_ids
from plainfilm.dicom.encoding import find_first_element
from plainfilm.dicom.extra_columns import read_extra_columns
from plainfilm.dicom.file_format import APPLE_DOUBLE, describe_non_dicom
from plainfilm.dicom.header import Header, build_header
from plainfilm.dicom.instance import Instance, InstanceIdentity
from plainfilm.dicom.instance_builder import build_instance
from plainfilm.dicom.presentation_state import PresentationState, build_presentation_state
from plainfilm.dicom.values import VALUE_ERRORS, Values
from plainfilm.errors import CompanionFileError, ConversionError, LimitError, NotDicomError, Reason, SourceError, Stage

_HEAD_SIZE = 4096
_PYDICOM_LOGGER = logging.getLogger("pydicom")
_WARNING_FILTERS_LOCK = threading.Lock()


def read_instance(content: ByteSource, max_pixels: int, columns: Keywords | None = None) -> Instance:
    """Read the image object in the bytes of a file. Pixel Data are read from `content` when frames are decoded.

    max_pixels: the limit of Rows x Columns x Samples per Pixel. columns: the attributes for `Instance.extra_columns`.

    Raises SourceError, NotDicomError, NotAnImageError, TruncatedError, UnsupportedError, AttributeValueError,
    LimitError, and ConversionError with reason `corrupt_header` if the header cannot be parsed.
    """
    start = _first_element(content)
    with _pydicom_contained():
        return _instance_of(parse_data_set(content, start), max_pixels, columns)


def read_header(content: ByteSource, columns: Keywords) -> Header:
    """Read what identifies and describes the object in the bytes of a file, whether or not it can be rendered.

    columns: the attributes for `Header.extra_columns`. Raises the errors of `read_instance` for a file that cannot be
    parsed, and NotAnImageError for an object that is not an image.
    """
    start = _first_element(content)
    with _pydicom_contained():
        return build_header(parse_data_set(content, start), columns)


def read_instance_identity(content: ByteSource) -> InstanceIdentity:
    """Read what identifies the object in the bytes of a file, whether or not it is an image.

    Raises as `read_header`.
    """
    start = _first_element(content)
    with _pydicom_contained():
        data_set = parse_data_set(content, start)
        return read_identity(Values(data_set.dataset, []), data_set)


def instance_from_dataset(dataset: Dataset, max_pixels: int, columns: Keywords | None = None) -> Instance:
    """Read the image object in a pydicom Dataset, which is not changed. Raises the errors of `read_instance`."""
    with _pydicom_contained():
        return _instance_of(parsed_from_dataset(dataset), max_pixels, columns)


def _instance_of(data_set: ParsedDataSet, max_pixels: int, columns: Keywords | None) -> Instance:
    instance = build_instance(data_set, max_pixels)
    if columns is None or not columns.words:
        return instance
    texts, findings = read_extra_columns(data_set, columns)
    return replace(instance, extra_columns=texts, findings=(*instance.findings, *findings))


def read_presentation_state(content: ByteSource) -> PresentationState:
    """Read the presentation state in the bytes of a file.

    Raises the errors of `read_instance`, and AttributeValueError if the object is not a presentation state.
    """
    start = _first_element(content)
    with _pydicom_contained():
        return build_presentation_state(Values(parse_data_set(content, start).dataset, []))


def read_directory(content: bytes) -> list[FileId]:
    """Read the names of the files in the bytes of a DICOMDIR, in the order of its tree.

    Raises ConversionError where it cannot be parsed, and LimitError for too many records.
    """
    _first_element(content)
    with _pydicom_contained():
        return directory_file_ids(content)


def _first_element(content: ByteSource) -> int:
    if len(content) == 0:
        raise SourceError("the file is empty", reason=Reason.EMPTY)
    head = content[:_HEAD_SIZE]
    start = find_first_element(head)
    if start is None:
        error = CompanionFileError if head.startswith(APPLE_DOUBLE) else NotDicomError
        raise error(describe_non_dicom(head))
    return start


@contextmanager
def _pydicom_contained() -> Iterator[None]:
    """Turn pydicom's errors into those of this project, and suppress its log messages and warnings.

    Both may quote values of the data set, such as the patient's name. Log messages of other threads, and warnings of
    other modules, are not suppressed.
    """
    parsing_thread = threading.get_ident()

    def is_from_other_thread(_record: logging.LogRecord) -> bool:
        return threading.get_ident() != parsing_thread

    _PYDICOM_LOGGER.addFilter(is_from_other_thread)
    try:
        # The warning filters belong to the whole process. Without the lock, two threads could restore them in the
        # wrong order and leave them changed.
        with _WARNING_FILTERS_LOCK, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(?:pydicom|plainfilm)(?:\.|$)")
            yield
    except RecursionError:
        raise LimitError("sequences are nested too deep", reason=Reason.TOO_DEEP) from None
    except VALUE_ERRORS as error:
        message = f"the header cannot be parsed ({type(error).__name__})"
        raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
    finally:
        _PYDICOM_LOGGER.removeFilter(is_from_other_thread)
