# SPDX-License-Identifier: MIT
"""A PS3.10 file or a bare data set, as bytes -> a frozen Instance; what pydicom leaves to chance stands here.

pydicom parses the elements up to Pixel Data; that element is taken from the bytes here, so that a file that ends
inside it keeps its header.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator

from plainfilm.dicom.attributes import instance_of
from plainfilm.dicom.inflate import inflated
from plainfilm.dicom.instance import Instance, PixelData, PixelKind
from plainfilm.dicom.presentation_state import PresentationState, presentation_state_of
from plainfilm.dicom.syntax import (
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    Encoding,
    encoding_of,
    start_of,
    transfer_syntax_of_codestream,
)
from plainfilm.dicom.values import VALUE_ERRORS, Values, is_too_deep
from plainfilm.errors import (
    ConversionError,
    LimitError,
    NotDicomError,
    Reason,
    SourceError,
    Stage,
    TruncatedError,
    UnsupportedError,
)
from plainfilm.findings import Finding, FindingCode

_PIXEL_TAGS = {0x7FE00008: PixelKind.FLOAT, 0x7FE00009: PixelKind.DOUBLE, 0x7FE00010: PixelKind.INTEGER}
_UNDEFINED = 0xFFFFFFFF
_MOST_ELEMENTS = 50_000
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class _PixelElement:
    """The element that holds the pixels, as it is written; the Extended Offset Table and its lengths go with it."""

    kind: PixelKind
    vr: str
    value: bytes
    undefined_length: bool
    extended_offsets: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A data set without its pixels, the pixels' element, and what the file meta information says."""

    dataset: Dataset
    pixels: _PixelElement | None
    encoding: Encoding
    transfer_syntax: str
    media_storage_sop_class: str = ""


def read_instance(content: bytes, max_pixels: int) -> Instance:
    """The image object in the bytes of a file.

    Raises SourceError, NotDicomError, NotAnImageError, TruncatedError, UnsupportedError, AttributeValueError,
    LimitError, and ConversionError with reason `corrupt_header` where the header cannot be parsed.
    """
    if not content:
        raise SourceError("the file is empty", reason=Reason.EMPTY)
    start = start_of(content[:4096])
    if start is None:
        raise NotDicomError("neither a preamble with DICM nor a data set that begins as DICOM does")
    with _parsing():
        return _instance(_parse(content, start), max_pixels)


def instance_from_dataset(dataset: Dataset, max_pixels: int) -> Instance:
    """The image object in a pydicom Dataset, which is left as it is. Raises as `read_instance` does."""
    with _parsing():
        meta = getattr(dataset, "file_meta", None)
        syntax = "" if meta is None else _uid(meta, "TransferSyntaxUID")
        parsed = _Parsed(dataset, _pixels_in(dataset), _encoding_in_memory(dataset, syntax), syntax)
        return _instance(parsed, max_pixels)


def read_presentation_state(content: bytes) -> PresentationState:
    """The presentation state in the bytes of a file. Raises as `read_instance` does, and where it is none."""
    start = start_of(content[:4096])
    if start is None:
        raise NotDicomError("neither a preamble with DICM nor a data set that begins as DICOM does")
    with _parsing():
        return presentation_state_of(Values(_parse(content, start).dataset, []))


def _instance(parsed: _Parsed, max_pixels: int) -> Instance:
    sop_class = parsed.media_storage_sop_class
    if parsed.pixels is None:
        return instance_of(parsed.dataset, None, (PixelKind.INTEGER, max_pixels, sop_class), ())
    data, findings = _pixel_data(parsed.pixels, parsed.transfer_syntax, parsed.encoding)
    return instance_of(parsed.dataset, data, (parsed.pixels.kind, max_pixels, sop_class), findings)


_SILENCE = threading.Lock()


@contextmanager
def _parsing() -> Iterator[None]:
    """Errors of pydicom become the project's; what pydicom would say meanwhile quotes values, so it says nothing."""
    logger = logging.getLogger("pydicom")

    def silence(_record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(silence)
    try:
        # the filters are the whole process's: two threads that put them back crosswise would leave them changed
        with _SILENCE, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (RecursionError, *VALUE_ERRORS) as error:
        if is_too_deep(error):
            raise LimitError("sequences are nested too deep", reason=Reason.TOO_DEEP) from None
        message = f"the header cannot be parsed ({type(error).__name__})"
        raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
    finally:
        logger.removeFilter(silence)


def _parse(content: bytes, start: int) -> _Parsed:
    stream = io.BytesIO(content)
    stream.seek(start)
    meta = _file_meta(stream, content[start : start + 8])
    syntax = _uid(meta, "TransferSyntaxUID")
    if syntax == DEFLATED:
        content = inflated(memoryview(content)[stream.tell() :])
        stream = io.BytesIO(content)
    position = stream.tell()
    encoding = encoding_of(content[position : position + 8])
    dataset = _dataset(stream, encoding, _PIXEL_TAGS.__contains__)
    pixels = _pixel_element(content, stream.tell(), encoding, _extended_offsets(dataset))
    return _Parsed(dataset, pixels, encoding, syntax, _uid(meta, "MediaStorageSOPClassUID"))


def _file_meta(stream: io.BytesIO, head: bytes) -> Dataset:
    """File Meta Information, or an empty Dataset where there is none (PS3.10 7.1)."""
    if head[:2] not in (b"\x02\x00", b"\x00\x02"):
        return Dataset()
    return _dataset(stream, encoding_of(head), lambda tag: tag >> 16 != 2)


def _uid(meta: Dataset, keyword: str) -> str:
    """A UID of the file meta information, '' where it is absent or, in a damaged file, something else."""
    uid = Values(meta, []).text(keyword)
    return uid if _UID.fullmatch(uid) else ""


def _dataset(stream: io.BytesIO, encoding: Encoding, stop: Any) -> Dataset:
    """The elements up to the first that `stop` is true of; the stream is left at the first byte after the last one."""
    elements: dict[Any, Any] = {}
    end = stream.tell()
    reader = data_element_generator(
        stream, encoding.implicit, not encoding.big_endian, lambda tag, _vr, _length: stop(tag)
    )
    try:
        for count, element in enumerate(reader):
            _check_whole(element)
            if count >= _MOST_ELEMENTS:
                raise LimitError(f"more than {_MOST_ELEMENTS} elements in one data set")
            elements[element.tag], end = element, stream.tell()
    except (EOFError, OSError, struct.error) as error:
        if is_too_deep(error) or (isinstance(error, struct.error) and stream.read(1)):
            raise
        raise TruncatedError("the file ends inside an element's header or a sequence") from None
    if stream.tell() - end < 8:
        stream.seek(end)
    character_set = _character_set(elements.get(0x00080005))
    dataset = Dataset(elements, parent_encoding=character_set)
    dataset.set_original_encoding(encoding.implicit, not encoding.big_endian, character_set)
    return dataset


def _character_set(element: Any) -> Any:
    """Specific Character Set as pydicom has it; the default one where it cannot be read (PS3.3 C.12.1.1.2)."""
    value = None if element is None else element.value
    if not isinstance(value, bytes):
        return default_encoding
    try:
        return convert_encodings([name.strip(" \0") for name in value.decode("ascii", "replace").split("\\")])
    except (ValueError, LookupError):
        return default_encoding


def _check_whole(element: Any) -> None:
    """Raises TruncatedError where the file ends inside the element's value."""
    length, value = getattr(element, "length", None), element.value
    if length not in (None, _UNDEFINED) and isinstance(value, bytes) and len(value) < length:
        raise TruncatedError(f"the file ends inside {element.tag}: {len(value)} of {length} bytes")


def _extended_offsets(dataset: Dataset) -> tuple[bytes, bytes] | None:
    """Extended Offset Table and Extended Offset Table Lengths (PS3.3 C.7.6.3.1.8), None unless both are there."""
    values = Values(dataset, [])
    offsets, lengths = values.raw("ExtendedOffsetTable"), values.raw("ExtendedOffsetTableLengths")
    return (offsets, lengths) if isinstance(offsets, bytes) and isinstance(lengths, bytes) else None


def _pixel_element(
    content: bytes, position: int, encoding: Encoding, extended: tuple[bytes, bytes] | None
) -> _PixelElement | None:
    """The pixel element that begins at `position`; None at the end of the content."""
    rest = len(content) - position
    if rest < 8:
        if content[position:].strip(b"\0"):
            raise TruncatedError(f"the file ends inside the header of an element, {rest} bytes after the last one")
        return None
    order = ">" if encoding.big_endian else "<"
    group, element = struct.unpack_from(f"{order}HH", content, position)
    vr = content[position + 4 : position + 6]
    if encoding.implicit or not b"AA" <= vr <= b"ZZ":  # an element written without its VR among others is read as such
        vr = b""
    long_form = vr in LONG_VRS
    start = position + (12 if long_form else 8)
    form, at = ("I", start - 4) if long_form or not vr else ("H", start - 2)
    (length,) = struct.unpack_from(f"{order}{form}", content, at)
    undefined = length == _UNDEFINED
    value = content[start:] if undefined else content[start : start + length]
    return _PixelElement(_PIXEL_TAGS[group << 16 | element], vr.decode("ascii", "replace"), value, undefined, extended)


def _pixels_in(dataset: Dataset) -> _PixelElement | None:
    """The pixel element of a Dataset in memory."""
    kind = next((kind for kind in PixelKind if kind.value in dataset), None)
    element = None if kind is None else dataset[kind.value]
    if kind is None or element is None or element.value is None:
        return None
    if not isinstance(element.value, (bytes, bytearray, memoryview)):
        raise UnsupportedError(f"{kind.value} is given as {type(element.value).__name__}; bytes are needed")
    value, undefined = bytes(element.value), bool(element.is_undefined_length)
    if value[:4] == _ITEM and value[-8:] != _SEQUENCE_DELIMITER:
        value += _SEQUENCE_DELIMITER  # pydicom takes it off when it reads and puts it back when it writes
    return _PixelElement(kind, str(element.VR), value, undefined, _extended_offsets(dataset))


def _encoding_in_memory(dataset: Dataset, declared: str) -> Encoding:
    """The encoding that the values of a Dataset have; for one that was never read, the declared one."""
    implicit, little = dataset.original_encoding[:2]
    big_endian = declared == EXPLICIT_BIG if little is None else not little
    return Encoding(not big_endian and (declared == IMPLICIT_LITTLE if declared else bool(implicit)), big_endian)


def _pixel_data(found: _PixelElement, declared: str, encoding: Encoding) -> tuple[PixelData, tuple[Finding, ...]]:
    """The pixel element with its transfer syntax: the declared one where it can be, else what the bytes show."""
    value = found.value
    encapsulated = found.undefined_length or (declared not in _NATIVE and value[:4] == _ITEM)
    shown = encoding.transfer_syntax
    if encapsulated and (not declared or declared in _NATIVE):
        shown = _transfer_syntax_of_items(value) or declared or shown
    elif declared and not (declared in _NATIVE and declared not in (DEFLATED, shown)):
        shown = declared
    note = f"{'the file says ' + declared if declared else 'the file does not say'}; taken for {shown}"
    findings = () if shown == declared else (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note),)
    return PixelData(value, shown, encapsulated, encoding.big_endian, found.extended_offsets, found.vr), findings


def _transfer_syntax_of_items(value: bytes) -> str | None:
    """What the first fragment with a codestream shows; an offset table may come before it (PS3.5 A.4)."""
    first = 8 + int.from_bytes(value[4:8], "little")
    codestreams = (value[position : position + 65536] for position in (8, first + 8))
    return next(filter(None, map(transfer_syntax_of_codestream, codestreams)), None)
