# SPDX-License-Identifier: MIT
"""A PS3.10 file or a bare data set, as bytes -> a frozen Instance; what pydicom leaves to chance about damaged files stands here.

pydicom parses the elements up to Pixel Data; that element is taken from the bytes here, so that a file that ends inside it
keeps its header.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Any

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator

from plainfilm.dicom.attributes import instance_of
from plainfilm.dicom.instance import Instance, PixelData, PixelKind
from plainfilm.dicom.syntax import (
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Encoding,
    encoding_of,
    start_of,
    transfer_syntax_of_codestream,
)
from plainfilm.errors import ConversionError, LimitError, NotDicomError, Reason, SourceError, Stage, TruncatedError
from plainfilm.findings import Finding, FindingCode

_PIXEL_TAGS = {0x7FE00008: PixelKind.FLOAT, 0x7FE00009: PixelKind.DOUBLE, 0x7FE00010: PixelKind.INTEGER}
_UNDEFINED = 0xFFFFFFFF
_MOST_ELEMENTS = 50_000
_INFLATED_FLOOR, _INFLATED_RATIO = 64 * 1024**2, 200
# What pydicom raises on a damaged header. Its messages may quote values, so only the kind of error is passed on.
PARSE_ERRORS = (
    struct.error,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    EOFError,
)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A data set without its pixels, the pixels' element, and what had to be assumed."""

    dataset: Dataset
    data: PixelData | None
    kind: PixelKind
    media_storage_sop_class: str
    findings: tuple[Finding, ...]


def read_instance(content: bytes, max_pixels: int) -> Instance:
    """The image object in the bytes of a file.

    Raises NotDicomError, NotAnImageError, TruncatedError, UnsupportedError, AttributeValueError, LimitError, and
    ConversionError with reason `corrupt_header` where the header cannot be parsed.
    """
    if not content:
        raise SourceError("the file is empty", reason=Reason.EMPTY)
    start = start_of(content[:4096])
    if start is None:
        raise NotDicomError("neither a preamble with DICM nor a data set that begins as DICOM does")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = _parse(content, start)
            return instance_of(
                parsed.dataset,
                parsed.data,
                (parsed.kind, max_pixels, parsed.media_storage_sop_class),
                parsed.findings,
            )
        except RecursionError:
            raise LimitError("sequences are nested too deep", reason=Reason.TOO_DEEP) from None
        except PARSE_ERRORS as error:
            raise ConversionError(
                f"the header cannot be parsed ({type(error).__name__})", reason=Reason.CORRUPT_HEADER, stage=Stage.READ
            ) from error


def instance_from_dataset(dataset: Dataset, max_pixels: int) -> Instance:
    """The image object in a pydicom Dataset, which is left as it is. Raises as `read_instance` does."""
    meta = getattr(dataset, "file_meta", None)
    syntax = str(getattr(meta, "TransferSyntaxUID", "")) if meta is not None else ""
    findings: tuple[Finding, ...] = ()
    if not syntax:
        implicit, little = dataset.original_encoding[:2]
        syntax = Encoding(bool(implicit), little is False).transfer_syntax
        findings = (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, f"taken for {syntax}"),)
    kind = next((kind for kind in PixelKind if kind.value in dataset), PixelKind.INTEGER)
    value = dataset[kind.value].value if kind.value in dataset else None
    data = None if value is None else PixelData(value, syntax, value[:4] == _ITEM, syntax == EXPLICIT_BIG)
    try:
        return instance_of(dataset, data, (kind, max_pixels, ""), findings)
    except PARSE_ERRORS as error:
        message = f"the data set cannot be understood ({type(error).__name__})"
        raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from error


def _parse(content: bytes, start: int) -> _Parsed:
    stream = io.BytesIO(content)
    stream.seek(start)
    meta = _file_meta(stream, content[start : start + 8])
    syntax = str(meta.get("TransferSyntaxUID", "") or "")
    if syntax == DEFLATED:
        content = _inflated(content[stream.tell() :])
        stream = io.BytesIO(content)
    position = stream.tell()
    encoding = encoding_of(content[position : position + 8])
    dataset = _dataset(stream, encoding, _PIXEL_TAGS.__contains__)
    found = _pixel_element(content, stream.tell(), encoding)
    data, kind, findings = _pixel_data(found, syntax, encoding)
    return _Parsed(dataset, data, kind, str(meta.get("MediaStorageSOPClassUID", "") or ""), findings)


def _file_meta(stream: io.BytesIO, head: bytes) -> Dataset:
    """File Meta Information, or an empty Dataset where there is none (PS3.10 7.1)."""
    if head[:2] not in (b"\x02\x00", b"\x00\x02"):
        return Dataset()
    return _dataset(stream, encoding_of(head), lambda tag: tag >> 16 != 2)


def _dataset(stream: io.BytesIO, encoding: Encoding, stop: Any) -> Dataset:
    """The elements up to the first that `stop` is true of; the stream is left at that element's first byte."""
    elements: dict[Any, Any] = {}
    try:
        for element in data_element_generator(
            stream, encoding.implicit, not encoding.big_endian, lambda tag, _vr, _length: stop(tag)
        ):
            _check_whole(element)
            elements[element.tag] = element
            if len(elements) > _MOST_ELEMENTS:
                raise LimitError(f"more than {_MOST_ELEMENTS} elements in one data set")
    except EOFError:
        raise TruncatedError("the file ends inside a sequence") from None
    charset = elements.get(0x00080005)
    names = charset.value.decode("ascii", "replace").split("\\") if charset is not None and charset.value else []
    character_set = convert_encodings(names) if names else default_encoding
    dataset = Dataset(elements, parent_encoding=character_set)
    dataset.set_original_encoding(encoding.implicit, not encoding.big_endian, character_set)
    return dataset


def _check_whole(element: Any) -> None:
    """Raises TruncatedError where the file ends inside the element's value."""
    length, value = getattr(element, "length", None), element.value
    if length not in (None, _UNDEFINED) and isinstance(value, bytes) and len(value) < length:
        raise TruncatedError(f"the file ends inside {element.tag}: {len(value)} of {length} bytes")


def _pixel_element(content: bytes, position: int, encoding: Encoding) -> tuple[PixelKind, bytes, bool] | None:
    """Which pixel element begins at `position`, its value, and whether its length is undefined; None at the end."""
    rest = len(content) - position
    if rest < 8:
        if content[position:].strip(b"\0"):
            raise TruncatedError(f"the file ends inside the header of an element, {rest} bytes after the last one")
        return None
    order = ">" if encoding.big_endian else "<"
    group, element = struct.unpack_from(f"{order}HH", content, position)
    long_form = not encoding.implicit and content[position + 4 : position + 6] in (b"OB", b"OW", b"OF", b"OD", b"UN")
    if long_form:
        length = struct.unpack_from(f"{order}I", content, position + 8)[0] if rest >= 12 else 0
    else:
        length = struct.unpack_from(f"{order}{'I' if encoding.implicit else '2xH'}", content, position + 4)[0]
    start = position + (12 if long_form else 8)
    value = content[start:] if length == _UNDEFINED else content[start : start + length]
    return _PIXEL_TAGS[group << 16 | element], value, length == _UNDEFINED


def _pixel_data(
    found: tuple[PixelKind, bytes, bool] | None, declared: str, encoding: Encoding
) -> tuple[PixelData | None, PixelKind, tuple[Finding, ...]]:
    """The pixel element with its transfer syntax: the declared one where it can be, else what the bytes show."""
    if found is None:
        return None, PixelKind.INTEGER, ()
    kind, value, undefined = found
    encapsulated = undefined or (declared not in _NATIVE and value[:4] == _ITEM)
    shown = encoding.transfer_syntax
    if encapsulated and (not declared or declared in _NATIVE):
        shown = transfer_syntax_of_codestream(_first_codestream(value)) or declared or shown
    elif declared and not (declared in _NATIVE and declared not in (DEFLATED, shown)):
        shown = declared
    note = f"{'the file says ' + declared if declared else 'the file does not say'}; taken for {shown}"
    findings = () if shown == declared else (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note),)
    return PixelData(value, shown, encapsulated, encoding.big_endian), kind, findings


_ITEM = b"\xfe\xff\x00\xe0"
_NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))


def _first_codestream(value: bytes) -> bytes:
    """The bytes from the first fragment that holds any, the offset table left out (PS3.5 A.4)."""
    position = 8 + int.from_bytes(value[4:8], "little")
    return value[position + 8 : position + 8 + 65536]


def _inflated(deflated: bytes) -> bytes:
    """A deflated data set, inflated under a bound (PS3.5 A.5)."""
    bound = max(_INFLATED_FLOOR, _INFLATED_RATIO * len(deflated))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(deflated, bound)
    except zlib.error:
        message = "the deflated data set is damaged"
        raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
    if inflater.eof:
        return content
    if len(content) >= bound:
        message = f"{len(deflated)} bytes inflate to more than {bound}"
        raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION)
    raise TruncatedError("the deflated data set ends too early")
