# SPDX-License-Identifier: MIT
"""Parse a file, or a Dataset in memory, into File Meta Information, elements and the pixel element (PS3.10 7.1).

The value of the pixel element is not read here. Therefore a file that is cut inside it still has its header, and a file
may be larger than memory.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from plainfilm.dicom.byte_source import ByteSource, element_limit
from plainfilm.dicom.element_header import read_element_header
from plainfilm.dicom.elements import ElementScanner
from plainfilm.dicom.encoding import Encoding, begins_with_command_set, detect_encoding
from plainfilm.dicom.inflate import inflate_data_set
from plainfilm.dicom.pixel_element import (
    PIXEL_TAGS,
    PixelElement,
    pixel_element_of_dataset,
    read_extended_offsets,
    read_pixel_element,
)
from plainfilm.dicom.raw_data_set import RawDataSet
from plainfilm.dicom.sequences import ElementCounter
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

_MAX_NAMES = 8
_UID = re.compile(r"[0-9.]{1,64}")


class _OtherGroups:
    """The tags of all groups but one."""

    def __init__(self, group: int) -> None:
        self._tags = range(group << 16, group + 1 << 16)

    def __contains__(self, tag: object) -> bool:
        return tag not in self._tags


_OTHER_THAN_COMMANDS, _OTHER_THAN_FILE_META = _OtherGroups(0x0000), _OtherGroups(0x0002)


@dataclass(frozen=True, slots=True)
class ParsedDataSet:
    """A data set whose values are not converted yet.

    dataset: the elements without the pixel element. transfer_syntax: the declared Transfer Syntax UID, '' if absent.
    """

    dataset: Dataset | RawDataSet
    pixel_element: PixelElement | None
    encoding: Encoding
    transfer_syntax: str
    file_meta: Dataset | RawDataSet
    findings: tuple[Finding, ...] = ()

    @property
    def media_storage_sop_class(self) -> str:
        """Media Storage SOP Class UID of the File Meta Information, '' if absent."""
        return _uid(self.file_meta, "MediaStorageSOPClassUID")


def parse_data_set(content: ByteSource, start: int) -> ParsedDataSet:
    """Parse a file whose first element begins at `start`.

    Raises TruncatedError, LimitError, and ConversionError (corrupt_header) for damaged deflated data.
    """
    file_meta, position = _read_file_meta(content, _after_command_set(content, start))
    position = _after_command_set(content, position)
    transfer_syntax = _uid(file_meta, "TransferSyntaxUID")
    findings: tuple[Finding, ...] = ()
    if transfer_syntax == DEFLATED:
        inflated = inflate_data_set(content, position)
        content, position, findings = inflated.content, inflated.start, inflated.findings
    encoding = detect_encoding(content[position : position + 8])
    scanner = ElementScanner(content, encoding, position, ElementCounter(element_limit(len(content))))
    pixel_elements = _scan_all(scanner)
    dataset = RawDataSet(scanner.elements, encoding)
    pixel_element = _choose_pixel_element(pixel_elements)
    if pixel_element is not None and (offsets := read_extended_offsets(dataset)) is not None:
        pixel_element = replace(pixel_element, extended_offsets=offsets)
    findings = (*findings, *_findings_of_scan(scanner, pixel_elements))
    return ParsedDataSet(dataset, pixel_element, encoding, transfer_syntax, file_meta, findings)


def _scan_all(scanner: ElementScanner) -> tuple[PixelElement, ...]:
    """Scan all elements, also those behind Pixel Data, and return the pixel elements in the order of the file.

    Raises TruncatedError and LimitError for what stands before the first pixel element.
    """
    content, encoding, pixel_elements = scanner.content, scanner.encoding, list[PixelElement]()
    scanner.scan(PIXEL_TAGS)
    element = read_pixel_element(content, scanner.position, encoding)
    while element is not None:
        pixel_elements.append(element)
        if element.end is None:
            scanner.position = len(content)
            break
        scanner.position = element.end
        scanner.scan_tail(PIXEL_TAGS)
        element = _next_pixel_element(scanner)
    return tuple(pixel_elements)


def _next_pixel_element(scanner: ElementScanner) -> PixelElement | None:
    """Return the pixel element at the position behind another one, None if other bytes stand there."""
    head = scanner.content[scanner.position : scanner.position + 12]
    header = read_element_header(head, scanner.encoding) if len(head) >= 8 else None
    if header is None or header.tag not in PIXEL_TAGS:
        return None
    return read_pixel_element(scanner.content, scanner.position, scanner.encoding)


def _choose_pixel_element(pixel_elements: tuple[PixelElement, ...]) -> PixelElement | None:
    """Return the last pixel element that has data, of the kind of the first that has."""
    if len(pixel_elements) < 2:
        return next(iter(pixel_elements), None)
    filled = [element for element in pixel_elements if element.has_data]
    return [element for element in filled if element.kind is filled[0].kind][-1] if filled else pixel_elements[0]


def _findings_of_scan(scanner: ElementScanner, pixel_elements: tuple[PixelElement, ...]) -> tuple[Finding, ...]:
    """Return a finding for repeated elements, and one for bytes at the end that are not an element."""
    findings = []
    if scanner.repeated_tags:
        tags = sorted(scanner.repeated_tags)
        names = ", ".join(keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in tags[:_MAX_NAMES])
        rest = f" and {len(tags) - _MAX_NAMES} others" if len(tags) > _MAX_NAMES else ""
        note = f"more than once in the file, the first is used: {names}{rest}"
        findings.append(Finding(FindingCode.ELEMENT_REPEATED, note))
    kinds = [element.kind for element in pixel_elements]
    for kind in dict.fromkeys(kinds):
        if kinds.count(kind) > 1:
            note = f"{kind.value} is {kinds.count(kind)} times in the file; the last that has data is used"
            findings.append(Finding(FindingCode.ELEMENT_REPEATED, note))
    if pixel_elements and (length := scanner.tail_length):
        note = f"the last {length} bytes of the file are not an element and are ignored"
        findings.append(Finding(FindingCode.TRAILING_DATA_IGNORED, note))
    return tuple(findings)


def parsed_from_dataset(dataset: Dataset) -> ParsedDataSet:
    """Return the parts of a pydicom Dataset, which is not changed. Raises UnsupportedError."""
    file_meta = getattr(dataset, "file_meta", None)
    transfer_syntax = "" if file_meta is None else _uid(file_meta, "TransferSyntaxUID")
    pixel_element, encoding = pixel_element_of_dataset(dataset), _encoding_of_dataset(dataset, transfer_syntax)
    return ParsedDataSet(dataset, pixel_element, encoding, transfer_syntax, Dataset())


def _read_file_meta(content: ByteSource, start: int) -> tuple[RawDataSet, int]:
    """Return the File Meta Information, an empty data set if there is none, and the position after it (PS3.10 7.1).

    File Meta Information Group Length is not used, because it is often wrong.
    """
    head = content[start : start + 8]
    encoding = detect_encoding(head)
    if head[:2] not in (b"\x02\x00", b"\x00\x02"):
        return RawDataSet({}, encoding), start
    scanner = ElementScanner(content, encoding, start, ElementCounter(element_limit(len(content))))
    scanner.scan(_OTHER_THAN_FILE_META)
    return RawDataSet(scanner.elements, encoding), scanner.position


def _after_command_set(content: ByteSource, start: int) -> int:
    """Return the position after a DIMSE command set (PS3.7 6.3), or `start` if there is none.

    Some programs save a network message as it is, with its command set before the data set.
    """
    head = content[start : start + 12]
    if not begins_with_command_set(head):
        return start
    scanner = ElementScanner(content, detect_encoding(head), start, ElementCounter(element_limit(len(content))))
    scanner.scan(_OTHER_THAN_COMMANDS)
    return scanner.position


def _uid(file_meta: Dataset | RawDataSet, keyword: str) -> str:
    """Return a UID of the File Meta Information, '' if it is absent or damaged."""
    uid = Values(file_meta, []).text(keyword)
    return uid if _UID.fullmatch(uid) else ""


def _encoding_of_dataset(dataset: Dataset, transfer_syntax: str) -> Encoding:
    """Return the encoding of the values of a Dataset; for one that was never read, that of its transfer syntax."""
    implicit, little_endian = dataset.original_encoding[:2]
    big_endian = transfer_syntax == EXPLICIT_BIG if little_endian is None else not little_endian
    is_implicit = transfer_syntax == IMPLICIT_LITTLE if transfer_syntax else bool(implicit)
    return Encoding(not big_endian and is_implicit, big_endian)
