# SPDX-License-Identifier: MIT
"""Parse a file, or a Dataset in memory, into File Meta Information, elements and the pixel element (PS3.10 7.1).

The value of the pixel element is not read here. Therefore a file that is cut inside it still has its header, and a file
may be larger than memory.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataset import Dataset

from plainfilm.dicom.byte_source import ByteSource, element_limit
from plainfilm.dicom.elements import Elements, ElementScanner
from plainfilm.dicom.encoding import Encoding, detect_encoding
from plainfilm.dicom.inflate import inflate_data_set
from plainfilm.dicom.pixel_element import (
    PIXEL_TAGS,
    PixelElement,
    pixel_element_of_dataset,
    read_extended_offsets,
    read_pixel_element,
)
from plainfilm.dicom.sequences import ElementCounter
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE
from plainfilm.dicom.values import Values
from plainfilm.errors import TruncatedError

_REQUIRED_TAGS = (0x00280010, 0x00280011, 0x00280100)  # Rows, Columns, Bits Allocated
_SPECIFIC_CHARACTER_SET = 0x00080005
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class ParsedDataSet:
    """A data set whose values are not converted yet.

    dataset: the elements without the pixel element. transfer_syntax: the declared Transfer Syntax UID, '' if absent.
    """

    dataset: Dataset
    pixel_element: PixelElement | None
    encoding: Encoding
    transfer_syntax: str
    file_meta: Dataset

    @property
    def media_storage_sop_class(self) -> str:
        """Media Storage SOP Class UID of the File Meta Information, '' if absent."""
        return _uid(self.file_meta, "MediaStorageSOPClassUID")


def parse_data_set(content: ByteSource, start: int) -> ParsedDataSet:
    """Parse a file whose first element begins at `start`.

    Raises TruncatedError, LimitError, and ConversionError (corrupt_header) for damaged deflated data.
    """
    file_meta, position = _read_file_meta(content, start)
    transfer_syntax = _uid(file_meta, "TransferSyntaxUID")
    if transfer_syntax == DEFLATED:
        content, position = inflate_data_set(content, position), 0
    encoding = detect_encoding(content[position : position + 8])
    counter = ElementCounter(element_limit(len(content)))
    header = ElementScanner(content, encoding, position, counter).scan(PIXEL_TAGS.__contains__)
    elements, pixel_element = header.elements, read_pixel_element(content, header.end, encoding)
    if pixel_element is not None and any(tag not in elements for tag in _REQUIRED_TAGS):
        trailing_scanner = ElementScanner(content, encoding, header.end, counter)
        elements = _read_trailing_elements(trailing_scanner) | elements
    dataset = _dataset(elements, encoding)
    if pixel_element is not None:
        pixel_element = replace(pixel_element, extended_offsets=read_extended_offsets(dataset))
    return ParsedDataSet(dataset, pixel_element, encoding, transfer_syntax, file_meta)


def parsed_from_dataset(dataset: Dataset) -> ParsedDataSet:
    """Return the parts of a pydicom Dataset, which is not changed. Raises UnsupportedError."""
    file_meta = getattr(dataset, "file_meta", None)
    transfer_syntax = "" if file_meta is None else _uid(file_meta, "TransferSyntaxUID")
    pixel_element, encoding = pixel_element_of_dataset(dataset), _encoding_of_dataset(dataset, transfer_syntax)
    return ParsedDataSet(dataset, pixel_element, encoding, transfer_syntax, Dataset())


def _read_file_meta(content: ByteSource, start: int) -> tuple[Dataset, int]:
    """Return the File Meta Information, an empty Dataset if there is none, and the position after it (PS3.10 7.1).

    File Meta Information Group Length is not used, because it is often wrong.
    """
    head = content[start : start + 8]
    if head[:2] not in (b"\x02\x00", b"\x00\x02"):
        return Dataset(), start
    encoding = detect_encoding(head)
    scanner = ElementScanner(content, encoding, start, ElementCounter(element_limit(len(content))))
    result = scanner.scan(lambda tag: tag >> 16 != 2)
    return _dataset(result.elements, encoding), result.end


def _read_trailing_elements(scanner: ElementScanner) -> Elements:
    """Return the elements after Pixel Data if all are whole: some writers put the description of the image there.

    scanner: stands at the pixel element.
    """
    with suppress(TruncatedError):
        scanner.scan(lambda tag: tag not in PIXEL_TAGS)
        return scanner.scan(PIXEL_TAGS.__contains__).elements
    return {}


def _uid(file_meta: Dataset, keyword: str) -> str:
    """Return a UID of the File Meta Information, '' if it is absent or damaged."""
    uid = Values(file_meta, []).text(keyword)
    return uid if _UID.fullmatch(uid) else ""


def _dataset(elements: Elements, encoding: Encoding) -> Dataset:
    """Return a Dataset that converts each element when it is asked for."""
    character_set = _character_set(elements.get(_SPECIFIC_CHARACTER_SET))
    dataset = Dataset(elements, parent_encoding=character_set)
    dataset.set_original_encoding(encoding.implicit, not encoding.big_endian, character_set)
    return dataset


def _character_set(element: Any) -> Any:
    """Return Specific Character Set in pydicom's form, or the default if it cannot be read (PS3.3 C.12.1.1.2)."""
    value = None if element is None else element.value
    if not isinstance(value, bytes):
        return default_encoding
    try:
        return convert_encodings([name.strip(" \0") for name in value.decode("ascii", "replace").split("\\")])
    except (ValueError, LookupError):
        return default_encoding


def _encoding_of_dataset(dataset: Dataset, transfer_syntax: str) -> Encoding:
    """Return the encoding of the values of a Dataset; for one that was never read, that of its transfer syntax."""
    implicit, little_endian = dataset.original_encoding[:2]
    big_endian = transfer_syntax == EXPLICIT_BIG if little_endian is None else not little_endian
    is_implicit = transfer_syntax == IMPLICIT_LITTLE if transfer_syntax else bool(implicit)
    return Encoding(not big_endian and is_implicit, big_endian)
