# SPDX-License-Identifier: MIT
"""Build files in which every text names the patient, and search any bytes for these texts."""

from __future__ import annotations

import base64
import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian
from tests.support.cases.build import LutSpec, build_case

FAMILY, GIVEN, FREE, DIGITS, BIRTH = "Quxnamzorf", "Jabwicket", "Frobzyxqu", "7719402268", "19470813"
UIDS = "1.2.826.0.1.3680043.77194022685"
# These texts occur in no other file and in no message of the project.
MARKS = {
    "family name": FAMILY,
    "given name": GIVEN,
    "free text": FREE,
    "number": DIGITS,
    "UID": UIDS,
    "birth date": BIRTH,
    "birth date, written": "1947-08-13",
    "birth date, written the other way": "13.08.1947",
    "birth date, turned round": "13081947",
    "birth date, American": "08/13/1947",
}
TEXT_VRS = ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")
# The tables show these attributes on purpose, so they keep their values.
SHOWN = {
    *("BodyPartExamined", "ViewPosition", "ImageLaterality", "Laterality", "PatientSex", "PatientAge", "Manufacturer"),
    *("ManufacturerModelName", "Modality", "PresentationIntentType", "BurnedInAnnotation", "PhotometricInterpretation"),
}
# These attributes decide how the pixels are read, so they keep their values.
DECIDES = {"SpecificCharacterSet", "SOPClassUID", "ShutterShape", "VOILUTFunction", "PresentationLUTShape"}


def planted_film() -> Dataset:
    """The film: each standard attribute of a text, name, date, time, age or UID, each repeating group, private ones."""
    dataset, _ = build_case(
        centers=(2000, 900),
        widths=(1500, 100),
        explanations=(f"{FREE} one", f"{FREE} two"),
        voi_luts=(LutSpec(tuple(range(0, 4096, 16)), explanation=f"{FREE} LUT"),),
        modality_lut=LutSpec(tuple(range(4096)), explanation=f"{FREE} LUT"),
    )
    for entry in DicomDictionary.values():
        vr, keyword = entry[0], entry[4]
        value = _value_of(vr)
        if not keyword or value is None or keyword in SHOWN | DECIDES or keyword in dataset:
            continue
        if tag_of(keyword) >> 16 > 7:
            dataset.add_new(tag_of(keyword), vr, value)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = f"{FAMILY}^{GIVEN}={FAMILY}^{GIVEN}", f"{FREE}{DIGITS}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (f"{UIDS}.{n}" for n in (1, 2, 3))
    dataset.OtherPatientIDsSequence = Sequence([_item(PatientID=f"{FREE}{DIGITS}", IssuerOfPatientID=FREE)])
    for group in (0x0009, 0x0029, 0x7FE1):
        block = dataset.private_block(group, f"{FREE} {group}", create=True)
        for element, vr in enumerate(("LO", "UN", "OB", "PN", "UT"), 1):
            block.add_new(element, vr, FREE.encode() * 2 if vr in ("UN", "OB") else FREE)
    for element, vr, value in ((0x0022, "LO", FREE), (0x1500, "LO", FREE), (0x4000, "LT", FREE)):
        dataset.add_new(0x60000000 | element, vr, value)
    dataset.ICCProfile = b"\0" * 128 + FREE.encode() * 4
    dataset.DataSetTrailingPadding = FREE.encode() * 4
    _fill_meta(dataset)
    return dataset


def tag_of(keyword: str) -> int:
    """The tag of a keyword."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return int(tag)


def file_of(dataset: Dataset) -> bytes:
    """The film as a file whose preamble speaks too."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return (FREE * 12).encode()[:100].ljust(128, b"\0") + buffer.getvalue()[128:]


def broken_films() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of such films that end in an error or a finding of every kind that would like to quote them."""
    base = file_of(planted_film())
    wrong = {
        "Rows": "IS",
        "Columns": "LO",
        "BitsAllocated": "PN",
        "BitsStored": "DS",
        "NumberOfFrames": "IS",
        "SamplesPerPixel": "CS",
        "PhotometricInterpretation": "CS",
        "PixelSpacing": "DS",
        "WindowCenter": "DS",
        "WindowWidth": "UN",
        "RescaleSlope": "DS",
        "RescaleIntercept": "ZZ",
        "PixelPaddingValue": "LO",
        "VOILUTFunction": "CS",
        "VOILUTSequence": "LO",
        "ModalityLUTSequence": "ST",
        "PatientAge": "AS",
        "SOPClassUID": "UI",
        "StudyDate": "SQ",
        "SpecificCharacterSet": "CS",
        "PresentationLUTShape": "CS",
        "ShutterShape": "CS",
    }
    for keyword, vr in wrong.items():
        dataset = planted_film()
        if keyword in dataset:
            del dataset[keyword]
        buffer = file_of(dataset)
        yield f"wrong {keyword}.dcm", _inserted(buffer, keyword, vr, FREE.encode() * 2)
    for cut in range(1, 10):
        yield f"cut {cut}.dcm", base[: len(base) * cut // 10]
    at = base.index(b"\x10\x00\x10\x00PN")
    yield "no VR.dcm", base[: at + 4] + b"\xff\xff" + base[at + 6 :]
    yield "length.dcm", base[: at + 6] + b"\xff\xff" + base[at + 8 :]
    yield "syntax.dcm", base.replace(ExplicitVRLittleEndian.encode() + b"\0", f"1.2.{FREE[:9]}      ".encode()[:20], 1)
    yield "text.dcm", (f"{FAMILY}^{GIVEN} {FREE} {DIGITS}\n" * 90).encode()
    yield "text.txt", (f"{FAMILY}^{GIVEN} {FREE} {DIGITS}\n" * 90).encode()


def _inserted(content: bytes, keyword: str, vr: str, value: bytes) -> bytes:
    """The file with one more element, where its tag belongs."""
    tag = tag_of(keyword)
    element = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    element += struct.pack("<HI", 0, len(value)) if vr in ("UN", "SQ", "UT") else struct.pack("<H", len(value))
    position = _end_of_meta(content)
    while position < len(content):
        group, number, code = struct.unpack_from("<HH2s", content, position)
        if group << 16 | number > tag:
            break
        long_form = code in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OF", b"OD", b"OL", b"OV", b"SV", b"UV")
        (length,) = struct.unpack_from("<I" if long_form else "<H", content, position + (8 if long_form else 6))
        if length == 0xFFFFFFFF:
            break
        position += (12 if long_form else 8) + length
    return content[:position] + element + value + content[position:]


def _end_of_meta(content: bytes) -> int:
    return 144 + int(struct.unpack_from("<I", content, 140)[0])


def _value_of(vr: str) -> Any:
    if vr in TEXT_VRS:
        return FREE.upper() if vr == "CS" else f"http://{FREE}" if vr == "UR" else FREE
    known = {"PN": f"{FAMILY}^{GIVEN}", "DA": BIRTH, "DT": f"{BIRTH}101112", "TM": "101112.771940", "UI": f"{UIDS}.9"}
    return known.get(vr)


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _fill_meta(dataset: Dataset) -> None:
    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, f"{UIDS}.3"
    for keyword in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ReceivingApplicationEntityTitle"):
        setattr(meta, keyword, FREE)
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = f"{UIDS}.8", FREE.encode() + b"\0"
    meta.ImplementationVersionName = FREE


def spellings(mark: str) -> Iterator[bytes]:
    """The encodings in which a text may occur."""
    for case in {mark, mark.upper(), mark.lower()}:
        raw = case.encode()
        yield from (raw, case.encode("utf-16-le"), case.encode("utf-16-be"), raw.hex().encode(), raw.hex(":").encode())
        yield quote("".join(f"%{byte:02X}" for byte in raw), safe="%").encode()
        for before in range(3):  # base64 depends on how many bytes stand before
            encoded = base64.b64encode(b"\0" * before + raw)
            yield encoded[4 if before else 0 : len(encoded) - 4]


PATTERNS = {what: re.compile(b"|".join(map(re.escape, spellings(mark)))) for what, mark in MARKS.items()}


def planted_texts(content: bytes) -> set[str]:
    """The kinds of planted text that some bytes contain, also compressed ones."""
    return {what for what, pattern in PATTERNS.items() for part in _unpacked(content) if pattern.search(part)}


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        chunks = list(_chunks(content))
        yield zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
        yield from (data for kind, data in chunks if kind != b"IDAT")
    elif content.startswith(b"PAR1"):
        # the columns of tables are compressed
        from pyarrow import parquet

        yield repr(parquet.read_table(BytesIO(content)).to_pylist()).encode()
        yield repr(parquet.read_schema(BytesIO(content)).metadata).encode()
    elif content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        yield png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        position += 12 + length


def files_in(*folders: Path) -> dict[Path, bytes]:
    """Every file of some folders with its content, hidden files included."""
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
