# SPDX-License-Identifier: MIT
"""Read the element that holds the pixels, from bytes or from a Dataset (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from plainfilm.dicom.byte_source import ByteSource, ValueField, byte_range
from plainfilm.dicom.element_header import read_element_header
from plainfilm.dicom.encoding import ITEM_BYTES, SEQUENCE_DELIMITER_BYTES, UNDEFINED_LENGTH, Encoding
from plainfilm.dicom.fragments import read_items
from plainfilm.dicom.instance import ExtendedOffsetTable, PixelKind
from plainfilm.dicom.raw_data_set import RawDataSet
from plainfilm.dicom.values import Values
from plainfilm.errors import LimitError, TruncatedError, UnsupportedError
from plainfilm.pickling import dataclass

PIXEL_TAGS = {0x7FE00008: PixelKind.FLOAT, 0x7FE00009: PixelKind.DOUBLE, 0x7FE00010: PixelKind.INTEGER}
_WHOLE_DELIMITER = SEQUENCE_DELIMITER_BYTES + bytes(4)


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The element that holds the pixels, as it is written.

    vr: '' if it is not written. end: the position after the element in the file, None if the file does not have it.
    """

    kind: PixelKind
    vr: str
    value: ValueField
    has_undefined_length: bool
    extended_offsets: ExtendedOffsetTable | None = None
    end: int | None = None

    @property
    def has_data(self) -> bool:
        """Whether the value has a byte, or a fragment if it is in fragments."""
        return read_items(self.value).has_data if self.has_undefined_length else len(self.value) > 0


def read_pixel_element(content: ByteSource, position: int, encoding: Encoding) -> PixelElement | None:
    """Return the pixel element at `position`, or None if `position` is the end of the content.

    The value is not read. It may be shorter than its length says. Raises TruncatedError if the header is cut short.
    """
    head = content[position : position + 12]
    if len(head) < 8:
        if head.strip(b"\0"):
            raise TruncatedError(f"the file ends inside the header of an element, {len(head)} bytes after the last one")
        return None
    header = read_element_header(head, encoding)
    if header is None:
        raise TruncatedError("the file ends inside the header of Pixel Data")
    start, is_undefined = position + header.size, header.length == UNDEFINED_LENGTH
    value = byte_range(content, start, None if is_undefined else start + header.length)
    end = _end_of_items(value, start) if is_undefined else start + header.length
    is_whole = end is not None and end <= len(content)
    return PixelElement(PIXEL_TAGS[header.tag], header.vr or "", value, is_undefined, end=end if is_whole else None)


def _end_of_items(value: ValueField, start: int) -> int | None:
    """Return the position after a value in fragments that begins at `start`, None if it cannot be determined."""
    try:
        end = read_items(value).end
    except LimitError:  # it is raised again when the frames are located
        return None
    return None if end is None else start + end


def pixel_element_of_dataset(dataset: Dataset) -> PixelElement | None:
    """Return the pixel element of a Dataset in memory, or None if it has none.

    Raises UnsupportedError if its value is not bytes.
    """
    kind = next((kind for kind in PixelKind if kind.value in dataset), None)
    element = None if kind is None else dataset[kind.value]
    if kind is None or element is None or element.value is None:
        return None
    if not isinstance(element.value, (bytes, bytearray, memoryview)):
        raise UnsupportedError(f"{kind.value} is given as {type(element.value).__name__}; bytes are needed")
    value, is_undefined = bytes(element.value), bool(element.is_undefined_length)
    if value[:4] == ITEM_BYTES and value[-8:] != _WHOLE_DELIMITER:
        value += _WHOLE_DELIMITER  # pydicom removes the delimiter when it reads and adds it when it writes
    return PixelElement(kind, str(element.VR), value, is_undefined, read_extended_offsets(dataset))


def read_extended_offsets(dataset: Dataset | RawDataSet) -> ExtendedOffsetTable | None:
    """Return Extended Offset Table and Extended Offset Table Lengths (PS3.3 C.7.6.3.1.8), None unless both exist."""
    values = Values(dataset, [])
    offsets, lengths = values.raw("ExtendedOffsetTable"), values.raw("ExtendedOffsetTableLengths")
    are_bytes = isinstance(offsets, bytes) and isinstance(lengths, bytes)
    return ExtendedOffsetTable(offsets, lengths) if are_bytes else None
