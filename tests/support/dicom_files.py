# SPDX-License-Identifier: MIT
"""Build small image objects in memory, in every encoding, including elements that pydicom would not write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element
from pydicom.tag import Tag

from plainfilm.dicom.encoding import LONG_VRS
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import ConversionError, Reason, Stage

DX = "1.2.840.10008.5.1.4.1.1.1.1"
RawElements = Mapping[str | int, tuple[str, bytes]]
END_OF_SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
# Every reason with which the reader may refuse a file.
REASONS = {
    Reason.EMPTY,
    Reason.NOT_DICOM,
    Reason.NO_PIXEL_DATA,
    Reason.TRUNCATED_FILE,
    Reason.CORRUPT_HEADER,
    Reason.MISSING_ATTRIBUTE,
    Reason.UNSUPPORTED_VALUE,
    Reason.TOO_LARGE,
    Reason.TOO_DEEP,
    Reason.SUSPICIOUS_COMPRESSION,
}


def _jpeg(start_of_frame: int) -> bytes:
    return b"\xff\xd8" + bytes([0xFF, start_of_frame, 0, 11]) + bytes(9) + b"\xff\xd9\0"


MAX_PIXELS = 500_000_000
CODESTREAMS: Mapping[str, bytes] = {
    "1.2.840.10008.1.2.4.50": _jpeg(0xC0),
    "1.2.840.10008.1.2.4.70": _jpeg(0xC3),
    "1.2.840.10008.1.2.4.81": _jpeg(0xF7),
    "1.2.840.10008.1.2.4.91": b"\xff\x4f\xff\x51" + bytes(44),
    "1.2.840.10008.1.2.5": struct.pack("<16I", 2, 64, 66, *[0] * 13) + b"\0\1\0\1",
}


def image_dataset(**changes: Any) -> Dataset:
    """A radiograph of 4 x 6 pixels of 12 bits in 16; a change to None leaves the attribute out."""
    values: dict[str, Any] = {
        "SOPClassUID": DX,
        "SOPInstanceUID": "1.2.3.4",
        "Modality": "DX",
        "Rows": 4,
        "Columns": 6,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelData": b"".join(struct.pack("<H", value) for value in range(24)),
    }
    dataset = Dataset()
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    return dataset


def sequence_item(**values: Any) -> Dataset:
    """A sequence item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def lut_item(*entries: int, syntax: str = EXPLICIT_LITTLE, explanation: str | None = None) -> Dataset:
    """An item with a table of 16-bit entries in the byte order of a syntax."""
    item = sequence_item(LUTDescriptor=[len(entries), 0, 16])
    item.add_new("LUTData", "OW", struct.pack(f"{'>' if syntax == EXPLICIT_BIG else '<'}{len(entries)}H", *entries))
    if explanation is not None:
        item.LUTExplanation = explanation
    return item


def encapsulate_fragments(*fragments: bytes) -> bytes:
    """Fragments as the value of encapsulated Pixel Data, after an empty offset table; the writer adds the end."""
    items = (b"\xfe\xff\x00\xe0" + struct.pack("<I", len(each)) + each for each in (b"", *fragments))
    return b"".join(items)


def encode_element(tag: str | int, vr: str, value: bytes, syntax: str = EXPLICIT_LITTLE) -> bytes:
    """The bytes of one element; an encapsulated value has an undefined length."""
    number = Tag(tag_for_keyword(tag) if isinstance(tag, str) else tag)
    order = ">" if syntax == EXPLICIT_BIG else "<"
    length = 0xFFFFFFFF if value[:4] == b"\xfe\xff\x00\xe0" else len(value)
    head = struct.pack(f"{order}HH", number.group, number.element)
    if syntax == IMPLICIT_LITTLE:
        return head + struct.pack("<I", length) + value
    if vr.encode() in LONG_VRS:
        return head + vr.encode() + struct.pack(f"{order}2xI", length) + value
    return head + vr.encode() + struct.pack(f"{order}H", length) + value


def encode_dataset(dataset: Dataset, syntax: str = EXPLICIT_LITTLE, odd: RawElements | None = None) -> bytes:
    """The bytes of a data set in a transfer syntax; the values of `odd` are written without a check."""
    implicit, big = syntax == IMPLICIT_LITTLE, syntax == EXPLICIT_BIG
    resolved = correct_ambiguous_vr(deepcopy(dataset), not big)
    written: dict[int, bytes] = {}
    for element in resolved:
        stream = DicomBytesIO()
        stream.is_implicit_VR, stream.is_little_endian = implicit, not big
        value = element.value
        element.is_undefined_length = isinstance(value, bytes) and value[:4] == b"\xfe\xff\x00\xe0"
        write_data_element(stream, element, resolved.get("SpecificCharacterSet") and ["utf8"])
        written[int(element.tag)] = stream.getvalue()
    for tag, (vr, value) in (odd or {}).items():
        number = Tag(tag_for_keyword(tag) if isinstance(tag, str) else tag)
        written[int(number)] = encode_element(int(number), vr, value, syntax)
    return b"".join(written[tag] for tag in sorted(written))


def encode_file_meta(syntax: str | None, sop_class: str = DX) -> bytes:
    """File Meta Information, without its Transfer Syntax UID where that is None."""
    uids = {0x00020002: sop_class, 0x00020003: "1.2.3.4", 0x00020010: syntax, 0x00020012: "1.2.3"}
    elements = [
        encode_element(tag, "UI", uid.encode() + b"\0" * (len(uid) % 2)) for tag, uid in uids.items() if uid is not None
    ]
    rest = encode_element(0x00020001, "OB", b"\0\1") + b"".join(elements)
    return encode_element(0x00020000, "UL", struct.pack("<I", len(rest))) + rest


def encode_file(dataset: Dataset, syntax: str = EXPLICIT_LITTLE, odd: RawElements | None = None) -> bytes:
    """A file of PS3.10 with preamble and file meta."""
    return wrap_in_file(encode_dataset(dataset, EXPLICIT_LITTLE if syntax == DEFLATED else syntax, odd), syntax)


def wrap_in_file(body: bytes, syntax: str | None, sop_class: str = DX) -> bytes:
    """Wrap the bytes of a data set in a file with preamble and file meta; deflate them if the syntax says so."""
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    return b"\0" * 128 + b"DICM" + encode_file_meta(syntax, sop_class) + body


def small_file(syntax: str, **changes: Any) -> bytes:
    """A small file of a transfer syntax, with sequences of both kinds of length."""
    if syntax in CODESTREAMS:
        changes |= {"PixelData": encapsulate_fragments(CODESTREAMS[syntax])}
    dataset = image_dataset(WindowCenter=[5, 6], WindowWidth=[7, 8], **changes)
    dataset.VOILUTSequence = [lut_item(0, 255, syntax=syntax, explanation="A")]
    code = sequence_item(CodeValue="R-102CD", ViewModifierCodeSequence=[sequence_item(CodeValue="C")])
    dataset.ViewCodeSequence = [code]
    dataset["ViewCodeSequence"].is_undefined_length = True
    dataset.ViewCodeSequence[0].is_undefined_length_sequence_item = True
    return encode_file(dataset, syntax)


def read_error(content: bytes, max_pixels: int = MAX_PIXELS) -> ConversionError:
    """Return the error with which the reader refuses a file."""
    with pytest.raises(ConversionError) as refused:
        read_instance(content, max_pixels)
    assert refused.value.stage is Stage.READ
    return refused.value


def read_outcome(content: bytes) -> Instance | ConversionError:
    """Read a file: return the instance, or the error if its reason is one of REASONS."""
    try:
        return read_instance(content, MAX_PIXELS)
    except ConversionError as error:
        refused = error
    assert refused.reason in REASONS, refused
    assert refused.message
    return refused


def read_dataset(dataset: Dataset, syntax: str = EXPLICIT_LITTLE, odd: RawElements | None = None) -> Instance:
    """Write a data set as a file and read it."""
    return read_instance(encode_file(dataset, syntax, odd), MAX_PIXELS)


def unconverted_dataset(elements: RawElements, *, implicit: bool = False, big_endian: bool = False) -> Dataset:
    """A Dataset whose elements are not converted yet, as after reading."""
    dataset = Dataset()
    for tag, (vr, value) in elements.items():
        number = Tag(tag_for_keyword(tag) if isinstance(tag, str) else tag)
        dataset[number] = RawDataElement(
            number, None if implicit else vr, len(value), value, 0, implicit, not big_endian
        )
    dataset.set_original_encoding(implicit, not big_endian, "iso8859")
    return dataset


def dataset_in_memory(syntax: str | None, **changes: Any) -> Dataset:
    """An image that was never written, with the file meta that says its syntax."""
    dataset = image_dataset(**changes)
    if syntax is not None:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset
