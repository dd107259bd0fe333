# SPDX-License-Identifier: MIT
"""Build files that give no image: the name, the bytes and the expected reason of each."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import imagecodecs
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit
from tests.support.cases.dataset import ROOT, build, to_bytes
from tests.support.cases.spec import Spec

DIRECTORY = "1.2.840.10008.1.3.10"
BASIC_TEXT_REPORT = "1.2.840.10008.5.1.4.1.1.88.11"
PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
TREATMENT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
MPEG2 = "1.2.840.10008.1.2.4.100"
NOBODYS_SYNTAX = "1.2.826.0.1.3680043.8.498.99.1"


@dataclass(frozen=True, slots=True)
class Fault:
    """A file and its row: `reason` and `status` of the failures table, and words that the message must have."""

    file_name: str
    content: bytes
    status: str
    reason: str
    said: tuple[str, ...] = ()


def faults() -> dict[str, Fault]:
    """Every fault by its name."""
    return {
        "text": Fault("notes.txt", b"about the hand\n" * 40, "skipped", "not_dicom"),
        "text named as DICOM": Fault("notes.dcm", b"about the hand\n" * 40, "failed", "not_dicom"),
        "PDF": Fault("report.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj\n" * 200, "skipped", "not_dicom"),
        "zeros": Fault("zeros", bytes(5000), "skipped", "not_dicom"),
        "empty": Fault("empty.dcm", b"", "failed", "empty"),
        "directory": Fault("DICOMDIR", _other(DIRECTORY), "skipped", "no_pixel_data", ("directory of a medium",)),
        "report": Fault("report.dcm", _other(BASIC_TEXT_REPORT), "skipped", "no_pixel_data", ("Basic Text SR",)),
        "presentation state": Fault("state.dcm", _other(PRESENTATION_STATE), "skipped", "no_pixel_data"),
        "treatment plan": Fault("plan.dcm", _other(TREATMENT_PLAN), "skipped", "no_pixel_data", ("RT Plan",)),
        "encapsulated PDF": Fault("paper.dcm", _other(ENCAPSULATED_PDF), "skipped", "no_pixel_data"),
        "no Pixel Data": _without("PixelData"),
        "no Rows": _without("Rows"),
        "no Bits Allocated": _without("BitsAllocated"),
        "Bits Allocated 20": _with("unsupported_value", BitsAllocated=20),
        "Photometric Interpretation": _with("unsupported_value", PhotometricInterpretation="HSV"),
        "Rows 0": _with("unsupported_value", Rows=0),
        "too large": _with("too_large", Rows=65535, Columns=65535),
        "short Pixel Data": Fault("short.dcm", _film()[:-100], "failed", "truncated_pixel_data", ("2972", "3072")),
        "short header": Fault("header.dcm", _film()[: _film().rindex(ROOT.encode()) + 5], "failed", "truncated_file"),
        "unknown syntax": _in_syntax("unknown.dcm", NOBODYS_SYNTAX, (NOBODYS_SYNTAX, "no decoder is known")),
        "video": _in_syntax("video.dcm", MPEG2, (MPEG2, "MPEG2 Main Profile", "video")),
        "short JPEG 2000": _shortened("jpeg2000.dcm", "truncated_pixel_data", (12, False), "JPEG 2000"),
        "short JPEG": _shortened("jpeg.dcm", "truncated_pixel_data", (12, None), "ends too early"),
        "damaged JPEG": _damaged_baseline(),
        "other size": _other_size(),
    }


def _film(**attributes: Any) -> bytes:
    dataset, _ = build(Spec())
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return to_bytes(dataset)


def _other(sop_class: str) -> bytes:
    """An object that is no image."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, f"{ROOT}.9.1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = f"{ROOT}.2", f"{ROOT}.3", "OT"
    dataset.PatientID, dataset.PatientName = "SYNTHETIC", "Nobody^At All"
    if sop_class == DIRECTORY:
        record = Dataset()
        record.DirectoryRecordType, record.PatientID = "PATIENT", "SYNTHETIC"
        dataset.DirectoryRecordSequence = Sequence([record])
    if sop_class == ENCAPSULATED_PDF:
        dataset.MIMETypeOfEncapsulatedDocument, dataset.EncapsulatedDocument = "application/pdf", b"%PDF-1.7\n\0"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return to_bytes(dataset)


def _without(keyword: str) -> Fault:
    dataset, _ = build(Spec())
    delattr(dataset, keyword)
    return Fault(f"no-{keyword}.dcm", to_bytes(dataset), "failed", "missing_attribute", (keyword, "missing"))


def _with(reason: str, **attributes: Any) -> Fault:
    keyword, value = next(iter(attributes.items()))
    said = ("Rows", "65535") if reason == "too_large" else (keyword, str(value))
    return Fault(f"{reason}-{keyword}.dcm", _film(**attributes), "failed", reason, said)


def _in_syntax(file_name: str, uid: str, said: tuple[str, ...]) -> Fault:
    dataset, cells = build(Spec())
    dataset.file_meta.TransferSyntaxUID = UID(uid)
    dataset.PixelData = encapsulate([cells.tobytes()])
    dataset["PixelData"].VR = "OB"
    dataset.preamble = bytes(128)
    buffer = BytesIO()
    # pydicom knows no encoding of a syntax that is not the standard's, unless it is told
    dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True, force_encoding=True)
    return Fault(file_name, buffer.getvalue(), "failed", "unsupported_transfer_syntax", said)


def _shortened(file_name: str, reason: str, codestream: tuple[int, bool | None], said: str) -> Fault:
    """A codestream that lacks its last third, its end marker in place."""
    dataset, _ = build(Spec(rows=64, columns=64, content="noise", codestream=codestream))
    (whole,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([whole[: len(whole) * 2 // 3 // 2 * 2] + b"\xff\xd9"])
    return Fault(file_name, to_bytes(dataset), "failed", reason, (said,))


def _damaged_baseline() -> Fault:
    """An 8-bit JPEG with a marker that means nothing amid its data."""
    dataset, cells = build(Spec(bits_allocated=8, bits_stored=8, rows=64, columns=64, content="noise"))
    whole = bytes(imagecodecs.jpeg8_encode(cells[0], level=90))
    middle = len(whole) // 2
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([whole[:middle] + b"\xff\x91" + whole[middle + 2 :]])
    return Fault("baseline.dcm", to_bytes(dataset), "failed", "corrupt_codestream", ("JPEG", "marker"))


def _other_size() -> Fault:
    dataset, _ = build(Spec(codestream=(12, False)))
    dataset.Rows = 31
    return Fault("other-size.dcm", to_bytes(dataset), "failed", "codestream_mismatch", ("32 rows", "31"))
