# SPDX-License-Identifier: MIT
"""Film -> a valid DICOM object of the CR or DX IOD, as a pydicom Dataset and as a file.

Patients are invented. UIDs are made of name-based UUIDs under 2.25 (PS3.5 B.2), so that the same film has the same UIDs
everywhere.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.demo.films import films
from plainfilm.demo.habit import Curve, Film, Habit, Photometric, SopClass, Tone, TransferSyntax, Voi, store

NAMESPACE = uuid.UUID("8d0b1d4e-6f0c-4f0e-9b52-0d5a2c6f7e10")
UNUSED_WINDOW = (2048, 4096)
DATE, TIME = "20240102", "101500"


def build_film(film: Film) -> Any:
    """A pydicom Dataset with its file meta information, ready to be written."""
    from pydicom.dataset import Dataset

    dataset = Dataset()
    _describe_patient(dataset, film)
    _describe_series(dataset, film)
    _describe_image(dataset, film)
    if film.habit.sop_class is SopClass.DX_FOR_PRESENTATION:
        _describe_digital_x_ray(dataset, film)
    _describe_pixels(dataset, film)
    _describe_display(dataset, film)
    _set_pixels(dataset, store(film), film)
    return dataset


def write_film(film: Film, path: Path) -> None:
    """Write a film as a DICOM file (PS3.10)."""
    build_film(film).save_as(path, enforce_file_format=True)


def write_films(folder: Path) -> tuple[Path, ...]:
    """Write the eight films into a folder, which is made where it is missing; their paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{film.name}.dcm" for film in films())
    for film, path in zip(films(), paths, strict=True):
        write_film(film, path)
    return paths


def uid_of(film: Film, what: str) -> str:
    """The UID of a film's study, series, instance ...: 2.25 and a name-based UUID as a decimal number."""
    return f"2.25.{uuid.uuid5(NAMESPACE, f'{what}/{film.number}/{film.name}').int}"


def _describe_patient(dataset: Any, film: Film) -> None:
    """Patient, General Study and SOP Common modules."""
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = film.habit.sop_class.value
    dataset.SOPInstanceUID = uid_of(film, "instance")
    dataset.PatientName = "Synthetic^Hand"
    dataset.PatientID = f"PLAINFILM-{film.number:04d}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.PatientAge = "042Y"
    dataset.StudyInstanceUID = uid_of(film, "study")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = TIME
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = str(film.number)
    dataset.AccessionNumber = ""


def _describe_series(dataset: Any, film: Film) -> None:
    """General Series, CR Series and General Equipment modules."""
    digital = film.habit.sop_class is SopClass.DX_FOR_PRESENTATION
    dataset.Modality = "DX" if digital else "CR"
    dataset.SeriesInstanceUID = uid_of(film, "series")
    dataset.SeriesNumber = "1"
    dataset.BodyPartExamined = "HAND"
    dataset.ViewPosition = "PA"
    dataset.Manufacturer = "Plainfilm Synthetic Films"
    dataset.ManufacturerModelName = f"Habit {film.number}"
    dataset.SoftwareVersions = "1"


def _describe_image(dataset: Any, film: Film) -> None:
    """General Image, General Acquisition, and what CR and DX have in common."""
    dataset.InstanceNumber = "1"
    # fingers up, the back of the hand towards the reader: columns run to the head, rows to the patient's left
    dataset.PatientOrientation = ["L", "H"]
    dataset.ImageType = (
        ["ORIGINAL", "PRIMARY", ""] if film.habit.sop_class is SopClass.DX_FOR_PRESENTATION else ["ORIGINAL", "PRIMARY"]
    )
    dataset.AcquisitionNumber = "1"
    dataset.BurnedInAnnotation = "NO"
    dataset.ImageLaterality = film.hand.side.value
    dataset.KVP = "50"
    spacing = round(film.hand.pixel_spacing, 6)
    dataset.ImagerPixelSpacing = [spacing, spacing]
    dataset.LossyImageCompression = "00"


def _describe_digital_x_ray(dataset: Any, film: Film) -> None:
    """DX Series, DX Anatomy Imaged, DX Image, DX Detector and Acquisition Context modules."""
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.AnatomicRegionSequence = [_code("85562004", "Hand")]
    dataset.PositionerType = ""
    dataset.ViewCodeSequence = [_code("272479007", "postero-anterior")]
    dataset.DetectorType = "SCINTILLATOR"
    dataset.PixelIntensityRelationship = film.habit.response.intensity.value
    dataset.PixelIntensityRelationshipSign = 1 if film.habit.response.gain > 0 else -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    inverse = film.habit.photometric is Photometric.MONOCHROME1
    dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    dataset.AcquisitionContextSequence = []


def _code(value: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _describe_pixels(dataset: Any, film: Film) -> None:
    """Image Pixel module (C.7.6.3), padding (C.7.5.1.1.2) and rescale (C.11.1)."""
    habit = film.habit
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = habit.photometric.value
    dataset.Rows, dataset.Columns = film.hand.rows, film.hand.columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, habit.bits_stored, habit.bits_stored - 1
    dataset.PixelRepresentation = int(habit.signed)
    if habit.padding is not None:
        dataset.add_new("PixelPaddingValue", "SS" if habit.signed else "US", habit.padding)
    if habit.rescale is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = (f"{number:g}" for number in habit.rescale)
        dataset.RescaleType = "US"


def _describe_display(dataset: Any, film: Film) -> None:
    """VOI LUT module (C.11.2)."""
    voi, tone = film.habit.voi, film.habit.tone
    if voi is Voi.BELOW_THE_PIXELS:
        dataset.WindowCenter, dataset.WindowWidth = (str(number) for number in UNUSED_WINDOW)
    elif voi is Voi.WINDOW and tone is not None:
        center, width = _window_of(film.habit, tone)
        dataset.WindowCenter, dataset.WindowWidth = str(center), str(width)
        dataset.VOILUTFunction = tone.curve.value
    elif voi is Voi.LUT and tone is not None:
        dataset.VOILUTSequence = [_voi_lut_of(film.habit, tone)]


def _window_of(habit: Habit, tone: Tone) -> tuple[int, int]:
    """Center and width on the modality output, in whole numbers as vendors write them, that show what the tone says."""
    slope, intercept = habit.rescale if habit.rescale is not None else (1.0, 0.0)
    low, high = sorted(float(end) * slope + intercept for end in habit.response.value_of([tone.black, tone.white]))
    if tone.curve is Curve.SIGMOID:
        return round((low + high) / 2), round(high - low)
    # LINEAR runs from c - 0.5 - (w - 1)/2 to c - 0.5 + (w - 1)/2
    return round((low + high + 1) / 2), round(high - low + 1)


def _voi_lut_of(habit: Habit, tone: Tone) -> Any:
    """A table over all stored values whose entries need Bits Stored bits, though its descriptor says 16."""
    from pydicom.dataset import Dataset

    first, last = habit.value_range
    levels = tone.level_of(np.arange(first, last + 1), habit.response)
    levels = levels if habit.photometric is Photometric.MONOCHROME2 else 1 - levels
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if habit.signed else "US", [last - first + 1, first, 16])
    item.LUTExplanation = "SYNTHETIC"
    item.add_new("LUTData", "OW", np.floor(((1 << habit.bits_stored) - 1) * levels + 0.5).astype("<u2").tobytes())
    return item


def _set_pixels(dataset: Any, values: npt.NDArray[Any], film: Film) -> None:
    """Pixel Data and the file meta information."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate

    syntax = film.habit.transfer_syntax
    if syntax is TransferSyntax.EXPLICIT_LITTLE_ENDIAN:
        dataset.add_new("PixelData", "OW", values.astype(values.dtype.newbyteorder("<")).tobytes())
    else:
        dataset.add_new("PixelData", "OB", encapsulate([_encode(values, film)]))
        dataset["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax.value
    meta.ImplementationClassUID = f"2.25.{NAMESPACE.int}"
    meta.ImplementationVersionName = "PLAINFILM_DEMO"
    dataset.file_meta = meta


def _encode(values: npt.NDArray[Any], film: Film) -> bytes:
    """A codestream of Bits Stored bits a sample: JPEG process 14, selection value 1, or reversible JPEG 2000."""
    import imagecodecs

    bits = film.habit.bits_stored
    if film.habit.transfer_syntax is TransferSyntax.JPEG_LOSSLESS:
        return bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1, bitspersample=bits))
    return bytes(
        imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True, mct=False, bitspersample=bits)
    )
