# SPDX-License-Identifier: MIT
"""Synthetic radiographs are valid, lossless and reproducible DICOM objects with the header of their profile."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from plainfilm.demo.catalog import demo_radiographs, fluoroscopy_radiograph
from plainfilm.demo.dataset import build_dataset, uid_of, write_ground_truth, write_radiograph, write_radiographs
from plainfilm.demo.naive import pixel_array
from plainfilm.demo.radiograph import SyntheticRadiograph, reference_image, stored_values
from plainfilm.demo.vendor import Photometric, TransferSyntax, Voi

NAME = attrgetter("name")

BY_NAME = pytest.mark.parametrize("radiograph", demo_radiographs(), ids=NAME)
WINDOWED = pytest.mark.parametrize("radiograph", [demo_radiographs()[n] for n in (1, 3, 4, 5, 8, 9, 10, 11)], ids=NAME)

# type 1 and type 2 attributes of the modules that both IODs demand, and those of DX For Presentation alone
FILLED = [
    "SOPClassUID",
    "SOPInstanceUID",
    "PatientName",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
]
PRESENT = [
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "SeriesNumber",
    "BodyPartExamined",
    "ViewPosition",
    "Manufacturer",
    "InstanceNumber",
    "PatientOrientation",
]
FILLED_DX = [
    "PresentationIntentType",
    "ImageLaterality",
    "ImageType",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "PresentationLUTShape",
    "LossyImageCompression",
    "BurnedInAnnotation",
    "ImagerPixelSpacing",
]
PRESENT_DX = [
    "AnatomicRegionSequence",
    "PositionerType",
    "DetectorType",
    "AcquisitionContextSequence",
]


def small(radiograph: SyntheticRadiograph) -> SyntheticRadiograph:
    return replace(radiograph, acquisition=replace(radiograph.acquisition, rows=250, columns=200))


def reread(radiograph: SyntheticRadiograph, folder: Path) -> Any:
    write_radiograph(radiograph, folder / "radiograph.dcm")
    return pydicom.dcmread(folder / "radiograph.dcm")


def shown_by_its_window(dataset: Any) -> npt.NDArray[Any]:
    """The image through the window of the header (PS3.3 C.11.2.1.2) and the polarity."""
    values = pixel_array(dataset) * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))
    first = 0 if isinstance(dataset.WindowCenter, pydicom.multival.MultiValue) else None
    center, width = (float(v if first is None else v[first]) for v in (dataset.WindowCenter, dataset.WindowWidth))
    if dataset.VOILUTFunction == "SIGMOID":
        level = 1 / (1 + np.exp(-4 * (values - center) / width))
    elif dataset.VOILUTFunction == "LINEAR_EXACT":
        level = np.clip((values - center) / width + 0.5, 0, 1)
    else:
        level = np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    level = 1 - level if dataset.PhotometricInterpretation == "MONOCHROME1" else level
    return np.floor(255 * level + 0.5).astype(int)


@BY_NAME
def test_required_attributes_are_present(radiograph: SyntheticRadiograph, tmp_path: Path) -> None:
    dataset = reread(small(radiograph), tmp_path)
    digital = dataset.Modality in ("DX", "MG")
    filled, present = FILLED + FILLED_DX * digital, PRESENT + PRESENT_DX * digital
    assert [keyword for keyword in filled if dataset.get(keyword) in (None, "")] == []
    assert [keyword for keyword in present if keyword not in dataset] == []
    assert digital or "PresentationIntentType" not in dataset


@BY_NAME
def test_a_for_presentation_image_has_the_voi_that_its_iod_requires(radiograph: SyntheticRadiograph) -> None:
    dataset = build_dataset(small(radiograph))
    if dataset.Modality in ("DX", "MG"):
        assert "WindowCenter" in dataset or "VOILUTSequence" in dataset


@BY_NAME
def test_the_header_has_the_parameters_of_the_profile(radiograph: SyntheticRadiograph, tmp_path: Path) -> None:
    dataset = reread(small(radiograph), tmp_path)
    vendor = radiograph.vendor
    assert (dataset.Rows, dataset.Columns) == (250, 200)
    assert dataset.PhotometricInterpretation == vendor.photometric.value
    assert (dataset.BitsStored, dataset.HighBit) == (vendor.storage.bits_stored, vendor.storage.bits_stored - 1)
    assert dataset.PixelRepresentation == int(vendor.storage.signed)
    assert dataset.ImageLaterality == radiograph.acquisition.laterality
    assert dataset.file_meta.TransferSyntaxUID == vendor.storage.transfer_syntax.value
    assert dataset.get("PixelPaddingValue") == vendor.padding
    assert list(dataset.ImagerPixelSpacing) == pytest.approx([radiograph.acquisition.width / 200] * 2, rel=1e-5)


@BY_NAME
def test_encoding_is_lossless(radiograph: SyntheticRadiograph, tmp_path: Path) -> None:
    radiograph = small(radiograph)
    values = pixel_array(reread(radiograph, tmp_path))
    assert values.dtype == stored_values(radiograph).dtype
    assert np.array_equal(values, stored_values(radiograph))


def test_jpeg_lossless_is_process_14_with_selection_value_1() -> None:
    radiograph = small(demo_radiographs()[4])
    assert radiograph.vendor.storage.transfer_syntax is TransferSyntax.JPEG_LOSSLESS
    stream = build_dataset(radiograph).PixelData
    frame, scan = stream.index(b"\xff\xc3"), stream.index(b"\xff\xda")
    assert stream[frame + 4] == radiograph.vendor.storage.bits_stored
    assert stream[scan + 7] == 1


def test_jpeg_2000_is_reversible_and_signed() -> None:
    radiograph = small(demo_radiographs()[5])
    assert radiograph.vendor.storage.transfer_syntax is TransferSyntax.JPEG_2000_LOSSLESS
    stream = build_dataset(radiograph).PixelData
    size, coding = stream.index(b"\xff\x4f\xff\x51") + 2, stream.index(b"\xff\x52")
    # Ssiz: sign in the top bit, then bits less one; the last byte of the coding style is the transformation, 1 is 5-3
    assert stream[size + 40] == 0x80 | (radiograph.vendor.storage.bits_stored - 1)
    assert stream[coding + 13] == 1


@WINDOWED
def test_the_window_of_the_header_shows_the_reference_image(radiograph: SyntheticRadiograph) -> None:
    radiograph = small(radiograph)
    shown, intended = shown_by_its_window(build_dataset(radiograph)), reference_image(radiograph).astype(int)
    hidden = (
        (stored_values(radiograph) == radiograph.vendor.padding)
        if radiograph.vendor.padding is not None
        else (intended == 0)
    )
    assert np.abs(shown - intended)[~hidden].max() <= 1
    assert intended[hidden].sum() == 0


def test_the_voi_lut_shows_the_reference_image_and_declares_too_many_bits() -> None:
    radiograph = small(demo_radiographs()[2])
    item = build_dataset(radiograph).VOILUTSequence[0]
    entries = np.frombuffer(item.LUTData, "<u2")
    assert list(item.LUTDescriptor) == [4096, 0, 16]
    assert int(entries.max()).bit_length() == 12
    shown = np.floor(entries[stored_values(radiograph)] / 4095 * 255 + 0.5).astype(int)
    assert np.abs(shown - reference_image(radiograph)).max() <= 1


@pytest.mark.parametrize("radiograph", [demo_radiographs()[n] for n in (0, 6, 7)], ids=NAME)
def test_percentiles_of_the_stored_values_show_the_reference_image(radiograph: SyntheticRadiograph) -> None:
    values = stored_values(radiograph)
    low, high = np.percentile(values[(values > values.min()) & (values < values.max())], (0.1, 99.9))
    level = np.clip((values - low) / (high - low), 0, 1)
    level = 1 - level if radiograph.vendor.photometric is Photometric.MONOCHROME1 else level
    assert np.abs(np.floor(255 * level + 0.5) - reference_image(radiograph)).max() <= 2


def test_the_window_of_the_eighth_radiograph_lies_below_all_pixels() -> None:
    dataset = build_dataset(small(demo_radiographs()[7]))
    assert dataset.WindowCenter + dataset.WindowWidth / 2 < pixel_array(dataset).min()


def test_the_padding_of_the_fourth_radiograph_is_its_largest_value() -> None:
    values = pixel_array(build_dataset(small(demo_radiographs()[3])))
    assert values.max() == 4095
    assert np.unique(values)[-2] < 3500


@BY_NAME
def test_the_patient_is_invented(radiograph: SyntheticRadiograph) -> None:
    dataset = build_dataset(small(radiograph))
    assert str(dataset.PatientName) == "Synthetic^Patient"
    assert dataset.PatientID == f"PLAINFILM-{radiograph.number:04d}"


def test_uids_are_uuids_and_differ() -> None:
    uids = [uid_of(radiograph, what) for radiograph in demo_radiographs() for what in ("study", "series", "instance")]
    assert len(set(uids)) == len(uids)
    for uid in uids:
        assert uid.startswith("2.25.")
        assert uuid.UUID(int=int(uid.removeprefix("2.25."))).version == 5
        assert pydicom.uid.UID(uid).is_valid


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for radiograph in demo_radiographs():
        for name in ("once", "again"):
            write_radiograph(small(radiograph), tmp_path / name)
        assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.slow
def test_the_twelve_radiographs_are_written_in_order(tmp_path: Path) -> None:
    paths = write_radiographs(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [f"{radiograph.name}.dcm" for radiograph in demo_radiographs()]
    assert [pydicom.dcmread(path).SOPInstanceUID for path in paths] == [
        uid_of(radiograph, "instance") for radiograph in demo_radiographs()
    ]


@pytest.mark.parametrize("radiograph", [demo_radiographs()[1], demo_radiographs()[4]], ids=NAME)
def test_dcmtk_shows_the_reference_image(radiograph: SyntheticRadiograph, dcmj2pnm: str, tmp_path: Path) -> None:
    radiograph = small(radiograph)
    write_radiograph(radiograph, tmp_path / "radiograph.dcm")
    subprocess.run([dcmj2pnm, "+Wi", "1", "+opw", tmp_path / "radiograph.dcm", tmp_path / "radiograph.pgm"], check=True)
    shown = cv2.imread(str(tmp_path / "radiograph.pgm"), cv2.IMREAD_UNCHANGED)
    assert np.abs(shown.astype(int) / 257 - reference_image(radiograph)).max() <= 2


def test_several_windows_have_names_and_the_intended_window_is_first() -> None:
    (radiograph,) = (radiograph for radiograph in demo_radiographs() if radiograph.vendor.voi is Voi.SEVERAL)
    dataset = build_dataset(small(radiograph))
    assert len(dataset.WindowCenter) == len(dataset.WindowWidth) == 3
    assert list(dataset.WindowCenterWidthExplanation) == ["NORMAL", "BONE", "SOFT TISSUE"]


def test_the_ground_truth_is_written_as_json_and_png(tmp_path: Path) -> None:
    radiograph = small(demo_radiographs()[0])
    known = json.loads(write_ground_truth(radiograph, tmp_path / "truth").read_text(encoding="utf-8"))
    assert (known["name"], known["rows"], known["columns"]) == (radiograph.name, 250, 200)
    picture = cv2.imread(str(tmp_path / "truth" / f"{radiograph.name}.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(picture, reference_image(radiograph))
    assert len(known["field"]) == 4


@pytest.mark.parametrize("radiograph", [*demo_radiographs(), fluoroscopy_radiograph(2)], ids=NAME)
def test_dciodvfy_reports_only_the_intended_errors(
    radiograph: SyntheticRadiograph, dciodvfy: str, tmp_path: Path
) -> None:
    write_radiograph(small(radiograph), tmp_path / "radiograph.dcm")
    done = subprocess.run([dciodvfy, tmp_path / "radiograph.dcm"], capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    meant = ["LookupTableData bad"] if radiograph.vendor.voi is Voi.LUT else []
    assert len(errors) == len(meant)
    assert all(words in line for words, line in zip(meant, errors, strict=True))
