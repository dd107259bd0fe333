# SPDX-License-Identifier: MIT
"""Build Grayscale Softcopy Presentation States by parameter that other implementations accept."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def item(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def lut(entries: Any, first: int = 0, bits: int = 16, **more: Any) -> Dataset:
    """An item with LUT Descriptor and LUT Data in words."""
    made = item(**more)
    made.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    made.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return made


def reference(image: Dataset, *frames: int) -> Dataset:
    made = item(ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID)
    if frames:
        made.ReferencedFrameNumber = list(frames)
    return made


def referenced_series(*images: Dataset) -> Dataset:
    return item(SeriesInstanceUID="1.2.3.4.8", ReferencedImageSequence=list(images))


def state_of(image: Dataset, **values: Any) -> Dataset:
    """A presentation state for an image, IDENTITY and the whole image displayed unless it is said otherwise."""
    made = item(
        SOPClassUID=GSPS,
        SOPInstanceUID="1.2.3.4.5",
        PatientName="Film^A",
        PatientID="1",
        PatientBirthDate="",
        PatientSex="",
        StudyInstanceUID=image.get("StudyInstanceUID", "1.2.3.4.6"),
        StudyDate="",
        StudyTime="",
        StudyID="",
        ReferringPhysicianName="",
        AccessionNumber="",
        SeriesInstanceUID="1.2.3.4.7",
        SeriesNumber="1",
        Modality="PR",
        Manufacturer="",
        InstanceNumber="1",
        ContentLabel="STATE",
        ContentDescription="",
        ContentCreatorName="",
        PresentationCreationDate="20260101",
        PresentationCreationTime="120000",
        PresentationLUTShape="IDENTITY",
        ReferencedSeriesSequence=[referenced_series(reference(image))],
        DisplayedAreaSelectionSequence=[area(1, 1, image.Columns, image.Rows)],
    )
    for keyword, value in values.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def area(left: int, top: int, right: int, bottom: int, **more: Any) -> Dataset:
    """A displayed area of square pixels."""
    made = item(PresentationSizeMode="SCALE TO FIT", PresentationPixelAspectRatio=[1, 1], **more)
    made.add_new("DisplayedAreaTopLeftHandCorner", "SL", [left, top])
    made.add_new("DisplayedAreaBottomRightHandCorner", "SL", [right, bottom])
    return made


def to_file(dataset: Dataset) -> bytes:
    """The bytes of a file of PS3.10."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
