# SPDX-License-Identifier: MIT
"""Films for a PACS, in a folder whose paths are those that a PACS gives: study, series and instance."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pydicom
from tests.support.dicom_files import small_file

Uids = tuple[str, str, str]


def film(uids: Uids, syntax: str, modality: str = "DX") -> bytes:
    """A small film whose File Meta Information has the same UID as its data set."""
    values = dict(zip(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), uids, strict=True))
    content = small_file(syntax, PatientID=f"P{uids[0]}", StudyDate="20240203", Modality=modality, **values)
    dataset = pydicom.dcmread(io.BytesIO(content))
    dataset.file_meta.MediaStorageSOPInstanceUID = uids[2]
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()


def films_of_study(study: str, syntaxes: Sequence[str]) -> dict[Uids, bytes]:
    """One film of each transfer syntax, each in a series of its own, the first of them of modality CR."""
    films = dict[Uids, bytes]()
    for number, syntax in enumerate(syntaxes, 1):
        uids = (study, f"{study}.1.{number}", f"{study}.2.{number}")
        films[uids] = film(uids, syntax, "CR" if number == 1 else "DX")
    return films


def write_films(folder: Path, films: dict[Uids, bytes]) -> list[Path]:
    """Write films to the places that a PACS gives them, and return the paths."""
    paths = [folder / place_of(uids) for uids in films]
    for path, content in zip(paths, films.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return paths


def place_of(uids: Uids) -> str:
    """The source of an instance."""
    return "/".join(uids) + ".dcm"


def distinct_films(paths: Iterable[Path]) -> dict[Uids, bytes]:
    """The files of real films that have all three UIDs, each SOP Instance once."""
    films = dict[Uids, bytes]()
    instances = set[str]()
    for path in paths:
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
            uids = tuple(str(dataset[keyword].value) for keyword in _KEYWORDS)
        except (pydicom.errors.InvalidDicomError, KeyError, OSError):
            continue
        if all(uids) and uids[2] not in instances:
            instances.add(uids[2])
            films[uids[0], uids[1], uids[2]] = path.read_bytes()
    return films


_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
