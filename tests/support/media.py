# SPDX-License-Identifier: MIT
"""Build the DICOMDIR of a medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

Links = Mapping[int, tuple[int | None, int | None]]


def directory_bytes(file_ids: Sequence[Sequence[str]], links: Links | None = None) -> bytes:
    """A DICOMDIR with one record for each file ID; a record without an ID stands for a patient.

    links: by its position, the positions of the next record of a record's level and of the first one below it; without
    it no record is linked.
    """
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    directory.DirectoryRecordSequence = [_record(file_id) for file_id in file_ids]
    offsets = _offsets(directory)
    if links is not None:
        directory.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = offsets[0]
    for position, (following, lower) in (links or {}).items():
        record = directory.DirectoryRecordSequence[position]
        record.OffsetOfTheNextDirectoryRecord = 0 if following is None else offsets[following]
        record.OffsetOfReferencedLowerLevelDirectoryEntity = 0 if lower is None else offsets[lower]
    return _written(directory)


def _record(file_id: Sequence[str]) -> Dataset:
    record = Dataset()
    record.OffsetOfTheNextDirectoryRecord = 0
    record.RecordInUseFlag = 0xFFFF
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    record.DirectoryRecordType = "IMAGE" if file_id else "PATIENT"
    if file_id:
        # pydicom warns of names that the standard does not allow
        with config.disable_value_validation():
            record.ReferencedFileID = list(file_id)
    else:
        record.PatientName = "PLANTED^NAME"
    return record


def _offsets(directory: Dataset) -> list[int]:
    """The positions of the records; they do not depend on the links, which have a fixed length."""
    read = dcmread(BytesIO(_written(directory)))
    return [record.seq_item_tell for record in read.DirectoryRecordSequence]


def _written(directory: Dataset) -> bytes:
    file = BytesIO()
    directory.save_as(file, enforce_file_format=True)
    return file.getvalue()
