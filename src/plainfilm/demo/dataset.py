# SPDX-License-Identifier: MIT
"""Film -> a valid DICOM object of the CR, DX, MG or XRF IOD, as a pydicom Dataset and as a file.

Patients are invented. UIDs are made of name-based UUIDs under 2.25 (PS3.5 B.2), so that the same film has the same UIDs
everywhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from plainfilm.demo.display import describe_display, describe_pixels
from plainfilm.demo.encoding import NAMESPACE, set_pixels
from plainfilm.demo.exposure import Radiograph
from plainfilm.demo.film import Film, intended_picture, store, truth_as_json, with_high_bits
from plainfilm.demo.habit import Burned, Photometric, SopClass
from plainfilm.demo.phantoms import Phantom

DATE, TIME = "20240102", "101500"
NAMES = {Phantom.CHEST: "Synthetic^Chest", Phantom.BREAST: "Synthetic^Breast"}
BODY_PARTS = {Phantom.CHEST: "CHEST", Phantom.BREAST: "BREAST"}
REGIONS = {"HAND": ("85562004", "Hand"), "CHEST": ("51185008", "Chest"), "BREAST": ("76752008", "Breast")}
VIEWS = {"HAND": ("272479007", "postero-anterior"), "BREAST": ("399368009", "medio-lateral oblique")}


def build_film(film: Film) -> Any:
    """A pydicom Dataset with its file meta information, ready to be written."""
    from pydicom.dataset import Dataset

    dataset = Dataset()
    _describe_patient(dataset, film)
    _describe_series(dataset, film)
    _describe_image(dataset, film)
    sop_class = film.habit.sop_class
    if sop_class.digital:
        _describe_digital_x_ray(dataset, film)
    if sop_class is SopClass.MG_FOR_PRESENTATION:
        _describe_mammogram(dataset)
    if sop_class is SopClass.RF:
        _describe_fluoroscopy(dataset, film)
    describe_pixels(dataset, film)
    describe_display(dataset, film)
    frames = [with_high_bits(store(film, frame), film) for frame in range(film.habit.frames)]
    set_pixels(dataset, frames, film.habit.storage)
    return dataset


def write_film(film: Film, path: Path) -> None:
    """Write a film as a DICOM file (PS3.10)."""
    build_film(film).save_as(path, enforce_file_format=True)


def write_films(folder: Path, films: Iterable[Film] | None = None) -> tuple[Path, ...]:
    """Write films, the twelve if none are given, into a folder, which is made where it is missing; their paths."""
    from plainfilm.demo.films import films as twelve

    chosen = tuple(twelve() if films is None else films)
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{film.name}.dcm" for film in chosen)
    for film, path in zip(chosen, paths, strict=True):
        write_film(film, path)
    return paths


def write_truth(film: Film, folder: Path) -> Path:
    """Write what is known of a film as NAME.json (landmarks, field, side), and its intended picture as NAME.png.

    Of several frames the picture is the first's. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(intended_picture(film)).save(folder / f"{film.name}.png", compress_level=1)
    path = folder / f"{film.name}.json"
    path.write_text(json.dumps(truth_as_json(film), indent=1) + "\n", encoding="utf-8", newline="\n")
    return path


def uid_of(film: Film, what: str) -> str:
    """The UID of a film's study, series, instance ...: 2.25 and a name-based UUID as a decimal number."""
    return f"2.25.{uuid.uuid5(NAMESPACE, f'{what}/{film.number}/{film.name}').int}"


def _body_part(radiograph: Radiograph) -> str:
    return BODY_PARTS[radiograph.subject] if isinstance(radiograph.subject, Phantom) else "HAND"


def _age(radiograph: Radiograph) -> str:
    """Patient's Age of the hand's owner; a phantom is 42."""
    years = 42.0 if isinstance(radiograph.subject, Phantom) else radiograph.subject[0].person.age
    return f"{int(years):03d}Y"


def _describe_patient(dataset: Any, film: Film) -> None:
    """Patient, General Study and SOP Common modules."""
    subject = film.radiograph.subject
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = film.habit.sop_class.value
    dataset.SOPInstanceUID = uid_of(film, "instance")
    dataset.PatientName = NAMES[subject] if isinstance(subject, Phantom) else "Synthetic^Hand"
    dataset.PatientID = f"PLAINFILM-{film.number:04d}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.PatientAge = _age(film.radiograph)
    dataset.StudyInstanceUID = uid_of(film, "study")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = TIME
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = str(film.number)
    dataset.AccessionNumber = ""


def _describe_series(dataset: Any, film: Film) -> None:
    """General Series, CR Series and General Equipment modules."""
    dataset.Modality = film.habit.sop_class.modality
    dataset.SeriesInstanceUID = uid_of(film, "series")
    dataset.SeriesNumber = "1"
    dataset.BodyPartExamined = _body_part(film.radiograph)
    if film.habit.sop_class is not SopClass.RF:
        dataset.ViewPosition = "MLO" if dataset.BodyPartExamined == "BREAST" else "PA"
    dataset.Manufacturer = "Plainfilm Synthetic Films"
    dataset.ManufacturerModelName = f"Habit {film.number}"
    dataset.SoftwareVersions = "1"


def _describe_image(dataset: Any, film: Film) -> None:
    """General Image, General Acquisition, and what the kinds have in common."""
    radiograph = film.radiograph
    dataset.InstanceNumber = "1"
    # fingers up, the back of the hand towards the reader: columns run to the head, rows to the patient's left
    dataset.PatientOrientation = ["A", "F"] if dataset.BodyPartExamined == "BREAST" else ["L", "H"]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""] if film.habit.sop_class.digital else ["ORIGINAL", "PRIMARY"]
    if film.habit.sop_class is SopClass.RF:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    if dataset.BodyPartExamined == "CHEST":
        dataset.PatientOrientation = ["L", "F"]
    dataset.AcquisitionNumber = "1"
    dataset.BurnedInAnnotation = "YES" if film.habit.storage.burned is Burned.ANNOTATION else "NO"
    keyword = "Laterality" if film.habit.sop_class is SopClass.RF else "ImageLaterality"
    setattr(dataset, keyword, radiograph.laterality)
    dataset.KVP = {"HAND": "50", "CHEST": "120", "BREAST": "29"}[dataset.BodyPartExamined]
    dataset.ImagerPixelSpacing = [f"{radiograph.pixel_spacing:.6g}"] * 2
    dataset.LossyImageCompression = "00"


def _describe_digital_x_ray(dataset: Any, film: Film) -> None:
    """DX Series, DX Anatomy Imaged, DX Image, DX Detector and Acquisition Context modules."""
    habit, part = film.habit, dataset.BodyPartExamined
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.AnatomicRegionSequence = [_code(*REGIONS[part])]
    dataset.PositionerType = "MAMMOGRAPHIC" if part == "BREAST" else ""
    dataset.ViewCodeSequence = [_code(*VIEWS.get(part, VIEWS["HAND"]))]
    dataset.DetectorType = "SCINTILLATOR"
    dataset.PixelIntensityRelationship = habit.response.intensity.value
    dataset.PixelIntensityRelationshipSign = 1 if habit.response.gain > 0 else -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    inverse = habit.photometric is Photometric.MONOCHROME1
    dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    dataset.AcquisitionContextSequence = []


def _describe_mammogram(dataset: Any) -> None:
    """Mammography Image module (C.8.11.7)."""
    dataset.OrganExposed = "BREAST"
    dataset.BreastImplantPresent = "NO"
    dataset.PartialView = "NO"
    dataset.ViewCodeSequence[0].ViewModifierCodeSequence = []


def _describe_fluoroscopy(dataset: Any, film: Film) -> None:
    """X-Ray Image, XRF Positioner, Multi-frame and Cine modules."""
    dataset.PixelIntensityRelationship = film.habit.response.intensity.value
    dataset.RadiationSetting = "SC"
    dataset.NumberOfFrames = str(film.habit.frames)
    dataset.FrameIncrementPointer = (0x0018, 0x1063)
    dataset.FrameTime = "100"
    dataset.XRayTubeCurrent, dataset.ExposureTime = "2", "100"


def _code(value: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item
