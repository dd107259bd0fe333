# SPDX-License-Identifier: MIT
"""A PS3.10 file or a bare data set -> a frozen Instance; what pydicom leaves to chance stands here.

Elements are found up to Pixel Data, which stay where they are: a file that ends inside them keeps its header, and one
that is larger than memory is read all the same. pydicom converts the values.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataset import Dataset

from plainfilm.dicom.attributes import instance_of
from plainfilm.dicom.carrying import carried_values
from plainfilm.dicom.content import Content, ValueField, most_parts, part_of
from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.elements import Scanner
from plainfilm.dicom.inflate import inflated
from plainfilm.dicom.instance import Instance, PixelData, PixelKind
from plainfilm.dicom.nesting import UNDEFINED, Budget, header_of
from plainfilm.dicom.presentation_state import PresentationState, presentation_state_of
from plainfilm.dicom.syntax import (
    DEFLATED,
    ENCAPSULATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Encoding,
    encoding_of,
    start_of,
    transfer_syntax_of_codestream,
)
from plainfilm.dicom.values import VALUE_ERRORS, Values
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
_IMAGE_TAGS = (0x00280010, 0x00280011, 0x00280100)  # Rows, Columns, Bits Allocated
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class _PixelElement:
    """The element that holds the pixels, as it is written; the Extended Offset Table and its lengths go with it."""

    kind: PixelKind
    vr: str
    value: ValueField
    undefined_length: bool
    extended_offsets: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A data set without its pixels, the pixels' element, and what the file meta information says."""

    dataset: Dataset
    pixels: _PixelElement | None
    encoding: Encoding
    transfer_syntax: str
    meta: Dataset


def read_instance(content: Content, max_pixels: int, carry: Keywords | None = None) -> Instance:
    """The image object in the bytes of a file; Pixel Data are not read where they are not in memory.

    carry: attributes whose values it shall carry into the table.

    Raises SourceError, NotDicomError, NotAnImageError, TruncatedError, UnsupportedError, AttributeValueError,
    LimitError, and ConversionError with reason `corrupt_header` where the header cannot be parsed.
    """
    if len(content) == 0:
        raise SourceError("the file is empty", reason=Reason.EMPTY)
    start = start_of(content[:4096])
    if start is None:
        raise NotDicomError("neither a preamble with DICM nor a data set that begins as DICOM does")
    with _parsing():
        parsed = _parse(content, start)
        instance = _instance(parsed, max_pixels)
        if carry is None or not carry.words:
            return instance
        carried, findings = carried_values(parsed.dataset, parsed.meta, carry)
        return replace(instance, carried=carried, findings=(*instance.findings, *findings))


def instance_from_dataset(dataset: Dataset, max_pixels: int) -> Instance:
    """The image object in a pydicom Dataset, which is left as it is. Raises as `read_instance` does."""
    with _parsing():
        meta = getattr(dataset, "file_meta", None)
        syntax = "" if meta is None else _uid(meta, "TransferSyntaxUID")
        parsed = _Parsed(dataset, _pixels_in(dataset), _encoding_in_memory(dataset, syntax), syntax, Dataset())
        return _instance(parsed, max_pixels)


def read_presentation_state(content: Content) -> PresentationState:
    """The presentation state in the bytes of a file. Raises as `read_instance` does, and where it is none."""
    start = start_of(content[:4096])
    if start is None:
        raise NotDicomError("neither a preamble with DICM nor a data set that begins as DICOM does")
    with _parsing():
        return presentation_state_of(Values(_parse(content, start).dataset, []))


def _instance(parsed: _Parsed, max_pixels: int) -> Instance:
    sop_class = _uid(parsed.meta, "MediaStorageSOPClassUID")
    if parsed.pixels is None:
        return instance_of(parsed.dataset, None, (PixelKind.INTEGER, max_pixels, sop_class), ())
    data, findings = _pixel_data(parsed.pixels, parsed.transfer_syntax, parsed.encoding)
    return instance_of(parsed.dataset, data, (parsed.pixels.kind, max_pixels, sop_class), findings)


_SILENCE = threading.Lock()


@contextmanager
def _parsing() -> Iterator[None]:
    """Errors of pydicom become the project's; what pydicom would say meanwhile quotes values, so it says nothing.

    Others are still heard: what other threads log, and all warnings that are none of pydicom's.
    """
    logger = logging.getLogger("pydicom")
    parsing = threading.get_ident()

    def silence(_record: logging.LogRecord) -> bool:
        return threading.get_ident() != parsing

    logger.addFilter(silence)
    try:
        # the filters are the whole process's: two threads that put them back crosswise would leave them changed
        with _SILENCE, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(?:pydicom|plainfilm)(?:\.|$)")
            yield
    except RecursionError:
        raise LimitError("sequences are nested too deep", reason=Reason.TOO_DEEP) from None
    except VALUE_ERRORS as error:
        message = f"the header cannot be parsed ({type(error).__name__})"
        raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
    finally:
        logger.removeFilter(silence)


def _parse(content: Content, start: int) -> _Parsed:
    meta, position = _file_meta(content, start)
    syntax = _uid(meta, "TransferSyntaxUID")
    if syntax == DEFLATED:
        content, position = inflated(content, position), 0
    encoding = encoding_of(content[position : position + 8])
    budget = Budget(most_parts(len(content)))
    scanned = Scanner(content, encoding, position, budget).scan(_PIXEL_TAGS.__contains__)
    found = _pixel_element(content, scanned.stop, encoding)
    elements = scanned.elements
    if found is not None and any(tag not in elements for tag in _IMAGE_TAGS):
        elements = _elements_after(content, scanned.stop, (encoding, budget)) | elements
    dataset = _dataset(elements, encoding)
    pixels = None if found is None else replace(found, extended_offsets=_extended_offsets(dataset))
    return _Parsed(dataset, pixels, encoding, syntax, meta)


def _file_meta(content: Content, start: int) -> tuple[Dataset, int]:
    """File Meta Information, an empty Dataset where there is none, and where it ends (PS3.10 7.1).

    Its own group length is often wrong and not needed.
    """
    head = content[start : start + 8]
    if head[:2] not in (b"\x02\x00", b"\x00\x02"):
        return Dataset(), start
    encoding = encoding_of(head)
    budget = Budget(most_parts(len(content)))
    scanned = Scanner(content, encoding, start, budget).scan(lambda tag: tag >> 16 != 2)
    return _dataset(scanned.elements, encoding), scanned.stop


def _elements_after(content: Content, pixels: int, known: tuple[Encoding, Budget]) -> dict[Any, Any]:
    """What follows Pixel Data, as far as it is whole: some writers put the image's description there."""
    encoding, budget = known
    scanner = Scanner(content, encoding, pixels, budget)
    with suppress(TruncatedError):
        scanner.scan(lambda tag: tag not in _PIXEL_TAGS)
        return scanner.scan(_PIXEL_TAGS.__contains__).elements
    return {}


def _uid(meta: Dataset, keyword: str) -> str:
    """A UID of the file meta information, '' where it is absent or, in a damaged file, something else."""
    uid = Values(meta, []).text(keyword)
    return uid if _UID.fullmatch(uid) else ""


def _dataset(elements: dict[Any, Any], encoding: Encoding) -> Dataset:
    """A Dataset that converts the elements when they are asked for."""
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


def _extended_offsets(dataset: Dataset) -> tuple[bytes, bytes] | None:
    """Extended Offset Table and Extended Offset Table Lengths (PS3.3 C.7.6.3.1.8), None unless both are there."""
    values = Values(dataset, [])
    offsets, lengths = values.raw("ExtendedOffsetTable"), values.raw("ExtendedOffsetTableLengths")
    return (offsets, lengths) if isinstance(offsets, bytes) and isinstance(lengths, bytes) else None


def _pixel_element(content: Content, position: int, encoding: Encoding) -> _PixelElement | None:
    """The pixel element that begins at `position`; None at the end of the content."""
    head = content[position : position + 12]
    if len(head) < 8:
        if head.strip(b"\0"):
            raise TruncatedError(f"the file ends inside the header of an element, {len(head)} bytes after the last one")
        return None
    header = header_of(head, encoding)
    if header is None:
        raise TruncatedError("the file ends inside the header of Pixel Data")
    start, undefined = position + header.size, header.length == UNDEFINED
    value = part_of(content, start, None if undefined else start + header.length)
    return _PixelElement(_PIXEL_TAGS[header.tag], header.vr or "", value, undefined)


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
        shown = _transfer_syntax_of_items(value) or ENCAPSULATED
    elif declared and not (declared in _NATIVE and declared not in (DEFLATED, shown)):
        shown = declared
    note = f"{'the file says ' + declared if declared else 'the file does not say'}; taken for {shown}"
    findings = () if shown == declared else (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note),)
    return PixelData(value, shown, encapsulated, encoding.big_endian, found.extended_offsets, found.vr), findings


def _transfer_syntax_of_items(value: ValueField) -> str | None:
    """What the first fragment with a codestream shows; an offset table may come before it (PS3.5 A.4)."""
    first = 8 + int.from_bytes(value[4:8], "little")
    codestreams = (bytes(value[position : position + 65536]) for position in (8, first + 8))
    return next(filter(None, map(transfer_syntax_of_codestream, codestreams)), None)
