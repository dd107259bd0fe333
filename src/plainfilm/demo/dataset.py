# SPDX-License-Identifier: MIT
"""Build a valid DICOM object of the CR, DX, MG or XRF IOD from a synthetic radiograph, and write it as a file.

Patients are invented. UIDs are name-based UUIDs under 2.25 (PS3.5 B.2), so that the same radiograph has the same UIDs
on every machine.
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
from plainfilm.demo.exposure import Acquisition
from plainfilm.demo.phantoms import Phantom
from plainfilm.demo.radiograph import (
    SyntheticRadiograph,
    ground_truth_json,
    reference_image,
    stored_values,
    with_high_bits,
)
from plainfilm.demo.vendor import BurnedIn, Photometric, SopClass

DATE, TIME = "20240102", "101500"
BODY_PARTS = {Phantom.CHEST: "CHEST", Phantom.BREAST: "BREAST"}
REGIONS = {"HAND": ("85562004", "Hand"), "CHEST": ("51185008", "Chest"), "BREAST": ("76752008", "Breast")}
VIEWS = {"HAND": ("272479007", "postero-anterior"), "BREAST": ("399368009", "medio-lateral oblique")}


def build_dataset(radiograph: SyntheticRadiograph) -> Any:
    """Return a pydicom Dataset with its file meta information, ready to be written."""
    from pydicom.dataset import Dataset

    dataset = Dataset()
    _describe_patient(dataset, radiograph)
    _describe_series(dataset, radiograph)
    _describe_image(dataset, radiograph)
    sop_class = radiograph.vendor.sop_class
    if sop_class.digital:
        _describe_digital_x_ray(dataset, radiograph)
    if sop_class is SopClass.MG_FOR_PRESENTATION:
        _describe_mammogram(dataset)
    if sop_class is SopClass.RF:
        _describe_fluoroscopy(dataset, radiograph)
    describe_pixels(dataset, radiograph)
    describe_display(dataset, radiograph)
    frames = [with_high_bits(stored_values(radiograph, frame), radiograph) for frame in range(radiograph.vendor.frames)]
    set_pixels(dataset, frames, radiograph.vendor.storage)
    return dataset


def write_radiograph(radiograph: SyntheticRadiograph, path: Path) -> None:
    """Write a radiograph as a DICOM file (PS3.10)."""
    build_dataset(radiograph).save_as(path, enforce_file_format=True)


def write_radiographs(folder: Path, radiographs: Iterable[SyntheticRadiograph] | None = None) -> tuple[Path, ...]:
    """Write radiographs into a folder, which is created; return their paths.

    radiographs: None for the twelve of `plainfilm demo`. Raises OSError.
    """
    from plainfilm.demo.catalog import demo_radiographs

    radiographs = tuple(demo_radiographs() if radiographs is None else radiographs)
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{radiograph.name}.dcm" for radiograph in radiographs)
    for radiograph, path in zip(radiographs, paths, strict=True):
        write_radiograph(radiograph, path)
    return paths


def write_ground_truth(radiograph: SyntheticRadiograph, folder: Path) -> Path:
    """Write NAME.json (landmarks, collimated field, side) and NAME.png (the reference image); return the first path.

    The reference image shows the first frame. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(reference_image(radiograph)).save(folder / f"{radiograph.name}.png", compress_level=1)
    path = folder / f"{radiograph.name}.json"
    path.write_text(json.dumps(ground_truth_json(radiograph), indent=1) + "\n", encoding="utf-8", newline="\n")
    return path


def uid_of(radiograph: SyntheticRadiograph, entity: str) -> str:
    """Return the UID of the study, series or instance of a radiograph: 2.25 and a name-based UUID in decimal."""
    return f"2.25.{uuid.uuid5(NAMESPACE, f'{entity}/{radiograph.number}/{radiograph.name}').int}"


def _body_part(acquisition: Acquisition) -> str:
    return BODY_PARTS[acquisition.subject] if isinstance(acquisition.subject, Phantom) else "HAND"


def _age(acquisition: Acquisition) -> str:
    """Return Patient's Age: the age of the person whose hand is shown; 42 years for a phantom."""
    years = 42.0 if isinstance(acquisition.subject, Phantom) else acquisition.subject[0].person.age
    return f"{int(years):03d}Y"


def _describe_patient(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the Patient, General Study and SOP Common modules."""
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = radiograph.vendor.sop_class.value
    dataset.SOPInstanceUID = uid_of(radiograph, "instance")
    dataset.PatientName = "Synthetic^Patient"
    dataset.PatientID = f"PLAINFILM-{radiograph.number:04d}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.PatientAge = _age(radiograph.acquisition)
    dataset.StudyInstanceUID = uid_of(radiograph, "study")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = TIME
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = str(radiograph.number)
    dataset.AccessionNumber = ""


def _describe_series(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the General Series, CR Series and General Equipment modules."""
    dataset.Modality = radiograph.vendor.sop_class.modality
    dataset.SeriesInstanceUID = uid_of(radiograph, "series")
    dataset.SeriesNumber = "1"
    dataset.BodyPartExamined = _body_part(radiograph.acquisition)
    if radiograph.vendor.sop_class is not SopClass.RF:
        dataset.ViewPosition = "MLO" if dataset.BodyPartExamined == "BREAST" else "PA"
    dataset.Manufacturer = "Plainfilm Synthetic Films"
    dataset.ManufacturerModelName = f"Habit {radiograph.number}"
    dataset.SoftwareVersions = "1"


def _describe_image(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the General Image and General Acquisition modules, and the attributes that all IODs share."""
    acquisition = radiograph.acquisition
    dataset.InstanceNumber = "1"
    # fingers up, back of the hand towards the viewer: rows run to the patient's left, columns to the head
    dataset.PatientOrientation = ["A", "F"] if dataset.BodyPartExamined == "BREAST" else ["L", "H"]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""] if radiograph.vendor.sop_class.digital else ["ORIGINAL", "PRIMARY"]
    if radiograph.vendor.sop_class is SopClass.RF:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    if dataset.BodyPartExamined == "CHEST":
        dataset.PatientOrientation = ["L", "F"]
    dataset.AcquisitionNumber = "1"
    dataset.BurnedInAnnotation = "YES" if radiograph.vendor.storage.burned_in is BurnedIn.ANNOTATION else "NO"
    keyword = "Laterality" if radiograph.vendor.sop_class is SopClass.RF else "ImageLaterality"
    setattr(dataset, keyword, acquisition.laterality)
    dataset.KVP = {"HAND": "50", "CHEST": "120", "BREAST": "29"}[dataset.BodyPartExamined]
    dataset.ImagerPixelSpacing = [f"{acquisition.pixel_spacing:.6g}"] * 2
    dataset.LossyImageCompression = "00"


def _describe_digital_x_ray(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the DX Series, DX Anatomy Imaged, DX Image, DX Detector and Acquisition Context modules."""
    vendor, part = radiograph.vendor, dataset.BodyPartExamined
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.AnatomicRegionSequence = [_code(*REGIONS[part])]
    dataset.PositionerType = "MAMMOGRAPHIC" if part == "BREAST" else ""
    dataset.ViewCodeSequence = [_code(*VIEWS.get(part, VIEWS["HAND"]))]
    dataset.DetectorType = "SCINTILLATOR"
    dataset.PixelIntensityRelationship = vendor.response.intensity.value
    dataset.PixelIntensityRelationshipSign = 1 if vendor.response.gain > 0 else -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    inverse = vendor.photometric is Photometric.MONOCHROME1
    dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    dataset.AcquisitionContextSequence = []


def _describe_mammogram(dataset: Any) -> None:
    """Set the Mammography Image module (C.8.11.7)."""
    dataset.OrganExposed = "BREAST"
    dataset.BreastImplantPresent = "NO"
    dataset.PartialView = "NO"
    dataset.ViewCodeSequence[0].ViewModifierCodeSequence = []


def _describe_fluoroscopy(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the X-Ray Image, XRF Positioner, Multi-frame and Cine modules."""
    dataset.PixelIntensityRelationship = radiograph.vendor.response.intensity.value
    dataset.RadiationSetting = "SC"
    dataset.NumberOfFrames = str(radiograph.vendor.frames)
    dataset.FrameIncrementPointer = (0x0018, 0x1063)
    dataset.FrameTime = "100"
    dataset.XRayTubeCurrent, dataset.ExposureTime = "2", "100"


def _code(value: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item
