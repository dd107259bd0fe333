# SPDX-License-Identifier: MIT
"""Films as DICOM objects: valid, lossless, the same bytes each time, and their headers mean what the film intends."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from plainfilm.demo.dataset import build_film, uid_of, write_film, write_films, write_truth
from plainfilm.demo.film import Film, intended_picture, store
from plainfilm.demo.films import films, fluoroscopy_film
from plainfilm.demo.habit import Photometric, TransferSyntax, Voi
from plainfilm.demo.naive import pixel_array

BY_NAME = pytest.mark.parametrize("film", films(), ids=lambda film: film.name)
WINDOWED = pytest.mark.parametrize("film", [films()[n] for n in (1, 3, 4, 5, 8, 9, 10, 11)], ids=lambda film: film.name)

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


def small(film: Film) -> Film:
    return replace(film, radiograph=replace(film.radiograph, rows=250, columns=200))


def reread(film: Film, folder: Path) -> Any:
    write_film(film, folder / "film.dcm")
    return pydicom.dcmread(folder / "film.dcm")


def shown_by_its_window(dataset: Any) -> npt.NDArray[Any]:
    """The window of the header, applied as PS3.3 C.11.2.1.2 writes it, and the polarity."""
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
def test_required_attributes_are_there(film: Film, tmp_path: Path) -> None:
    dataset = reread(small(film), tmp_path)
    digital = dataset.Modality in ("DX", "MG")
    filled, present = FILLED + FILLED_DX * digital, PRESENT + PRESENT_DX * digital
    assert [keyword for keyword in filled if dataset.get(keyword) in (None, "")] == []
    assert [keyword for keyword in present if keyword not in dataset] == []
    assert digital or "PresentationIntentType" not in dataset


@BY_NAME
def test_a_for_presentation_film_has_a_voi_as_its_iod_demands(film: Film) -> None:
    dataset = build_film(small(film))
    if dataset.Modality in ("DX", "MG"):
        assert "WindowCenter" in dataset or "VOILUTSequence" in dataset


@BY_NAME
def test_parameters_are_in_the_header(film: Film, tmp_path: Path) -> None:
    dataset = reread(small(film), tmp_path)
    habit = film.habit
    assert (dataset.Rows, dataset.Columns) == (250, 200)
    assert dataset.PhotometricInterpretation == habit.photometric.value
    assert (dataset.BitsStored, dataset.HighBit) == (habit.storage.bits_stored, habit.storage.bits_stored - 1)
    assert dataset.PixelRepresentation == int(habit.storage.signed)
    assert dataset.ImageLaterality == film.radiograph.laterality
    assert dataset.file_meta.TransferSyntaxUID == habit.storage.transfer_syntax.value
    assert dataset.get("PixelPaddingValue") == habit.padding
    assert list(dataset.ImagerPixelSpacing) == pytest.approx([film.radiograph.width / 200] * 2, rel=1e-5)


@BY_NAME
def test_pixels_survive_encoding(film: Film, tmp_path: Path) -> None:
    film = small(film)
    values = pixel_array(reread(film, tmp_path))
    assert values.dtype == store(film).dtype
    assert np.array_equal(values, store(film))


def test_jpeg_lossless_is_process_14_with_selection_value_1() -> None:
    film = small(films()[4])
    assert film.habit.storage.transfer_syntax is TransferSyntax.JPEG_LOSSLESS
    stream = build_film(film).PixelData
    frame, scan = stream.index(b"\xff\xc3"), stream.index(b"\xff\xda")
    assert stream[frame + 4] == film.habit.storage.bits_stored
    assert stream[scan + 7] == 1


def test_jpeg_2000_is_reversible_and_signed() -> None:
    film = small(films()[5])
    assert film.habit.storage.transfer_syntax is TransferSyntax.JPEG_2000_LOSSLESS
    stream = build_film(film).PixelData
    size, coding = stream.index(b"\xff\x4f\xff\x51") + 2, stream.index(b"\xff\x52")
    # Ssiz: sign in the top bit, then bits less one; the last byte of the coding style is the transformation, 1 is 5-3
    assert stream[size + 40] == 0x80 | (film.habit.storage.bits_stored - 1)
    assert stream[coding + 13] == 1


@WINDOWED
def test_the_window_of_the_header_shows_the_intended_picture(film: Film) -> None:
    film = small(film)
    shown, intended = shown_by_its_window(build_film(film)), intended_picture(film).astype(int)
    hidden = (store(film) == film.habit.padding) if film.habit.padding is not None else (intended == 0)
    assert np.abs(shown - intended)[~hidden].max() <= 1
    assert intended[hidden].sum() == 0


def test_the_voi_lut_shows_the_intended_picture_and_declares_too_many_bits() -> None:
    film = small(films()[2])
    item = build_film(film).VOILUTSequence[0]
    entries = np.frombuffer(item.LUTData, "<u2")
    assert list(item.LUTDescriptor) == [4096, 0, 16]
    assert int(entries.max()).bit_length() == 12
    shown = np.floor(entries[store(film)] / 4095 * 255 + 0.5).astype(int)
    assert np.abs(shown - intended_picture(film)).max() <= 1


@pytest.mark.parametrize("film", [films()[n] for n in (0, 6, 7)], ids=lambda film: film.name)
def test_percentiles_of_the_stored_values_show_the_intended_picture(film: Film) -> None:
    values = store(film)
    low, high = np.percentile(values[(values > values.min()) & (values < values.max())], (0.1, 99.9))
    level = np.clip((values - low) / (high - low), 0, 1)
    level = 1 - level if film.habit.photometric is Photometric.MONOCHROME1 else level
    assert np.abs(np.floor(255 * level + 0.5) - intended_picture(film)).max() <= 2


def test_the_eighth_window_lies_below_all_pixels() -> None:
    dataset = build_film(small(films()[7]))
    assert dataset.WindowCenter + dataset.WindowWidth / 2 < pixel_array(dataset).min()


def test_padding_is_the_largest_value_of_the_fourth() -> None:
    values = pixel_array(build_film(small(films()[3])))
    assert values.max() == 4095
    assert np.unique(values)[-2] < 3500


@BY_NAME
def test_the_patient_is_an_invention(film: Film) -> None:
    dataset = build_film(small(film))
    assert str(dataset.PatientName) in ("Synthetic^Hand", "Synthetic^Chest", "Synthetic^Breast")
    assert dataset.PatientID == f"PLAINFILM-{film.number:04d}"


def test_uids_are_uuids_and_differ() -> None:
    uids = [uid_of(film, what) for film in films() for what in ("study", "series", "instance")]
    assert len(set(uids)) == len(uids)
    for uid in uids:
        assert uid.startswith("2.25.")
        assert uuid.UUID(int=int(uid.removeprefix("2.25."))).version == 5
        assert pydicom.uid.UID(uid).is_valid


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for film in films():
        for name in ("once", "again"):
            write_film(small(film), tmp_path / name)
        assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()


def test_the_twelve_are_written_in_order(tmp_path: Path) -> None:
    paths = write_films(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [f"{film.name}.dcm" for film in films()]
    assert [pydicom.dcmread(path).SOPInstanceUID for path in paths] == [uid_of(film, "instance") for film in films()]


@pytest.mark.dcmtk
@pytest.mark.parametrize("film", [films()[1], films()[4]], ids=lambda film: film.name)
def test_dcmtk_shows_the_intended_picture(film: Film, dcmj2pnm: str, tmp_path: Path) -> None:
    film = small(film)
    write_film(film, tmp_path / "film.dcm")
    subprocess.run([dcmj2pnm, "+Wi", "1", "+opw", tmp_path / "film.dcm", tmp_path / "film.pgm"], check=True)
    shown = cv2.imread(str(tmp_path / "film.pgm"), cv2.IMREAD_UNCHANGED)
    assert np.abs(shown.astype(int) / 257 - intended_picture(film)).max() <= 2


def test_several_windows_have_their_names_and_the_right_one_is_first() -> None:
    (film,) = (film for film in films() if film.habit.voi is Voi.SEVERAL)
    dataset = build_film(small(film))
    assert len(dataset.WindowCenter) == len(dataset.WindowWidth) == 3
    assert list(dataset.WindowCenterWidthExplanation) == ["NORMAL", "BONE", "SOFT TISSUE"]


def test_what_is_known_lies_beside_the_films(tmp_path: Path) -> None:
    film = small(films()[0])
    known = json.loads(write_truth(film, tmp_path / "truth").read_text(encoding="utf-8"))
    assert (known["name"], known["rows"], known["columns"]) == (film.name, 250, 200)
    picture = cv2.imread(str(tmp_path / "truth" / f"{film.name}.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(picture, intended_picture(film))
    assert len(known["field"]) == 4


@pytest.mark.parametrize("film", [*films(), fluoroscopy_film(2)], ids=lambda film: film.name)
def test_the_validator_finds_nothing_but_what_is_meant(film: Film, dciodvfy: str, tmp_path: Path) -> None:
    write_film(small(film), tmp_path / "film.dcm")
    done = subprocess.run([dciodvfy, tmp_path / "film.dcm"], capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    meant = ["LookupTableData bad"] if film.habit.voi is Voi.LUT else []
    assert len(errors) == len(meant)
    assert all(words in line for words, line in zip(meant, errors, strict=True))
