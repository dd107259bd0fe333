# SPDX-License-Identifier: MIT
"""Nothing in, synthetic 12-bit radiographs out, in the transfer syntaxes of real ones: the work that is timed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

Array = npt.NDArray[Any]

DX, XA = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.12.1"


@dataclass(frozen=True, slots=True)
class Workload:
    """A folder of films: how many, how large, of how many frames, how they are encoded; `size` of the longest side out.

    films: what workloads on the same films share.
    """

    films: str
    syntax: str
    files: int
    rows: int
    columns: int
    frames: int = 1
    size: int | None = None

    @property
    def name(self) -> str:
        """The films, and what becomes of them."""
        return self.films if self.size is None else f"{self.films} to {self.size}"

    def files_of(self, part: int) -> int:
        """How many files one in `part` of them are; at least two, where there are as many."""
        return min(self.files, max(2, self.files // part))


# How many films of an encoding: the start of a program shall not count for more than its work.
_COUNTS = {"explicit": 192, "jpeg-lossless": 128, "jpeg2000": 96, "htj2k": 96}
_OTHERS, _MOST_SMALLER = 16, 96
SIZES = (1024, 512)
_MADE_SMALLER = ("explicit", "jpeg2000", "htj2k")


def workloads(short: bool) -> tuple[Workload, ...]:
    """All that is timed; short: the same kinds, few of each."""
    large = (600, 500) if short else (3000, 2500)
    found = []
    for syntax in ENCODERS:
        films = Workload(f"films {syntax}", syntax, 3 if short else _COUNTS.get(syntax, _OTHERS), *large)
        fewer = replace(films, files=min(films.files, _MOST_SMALLER))
        smaller = [replace(fewer, size=size // (8 if short else 1)) for size in SIZES]
        found += [films, *(smaller if syntax in _MADE_SMALLER else [])]
    small = Workload("small films", "explicit", 40 if short else 2000, 512, 512)
    cine = Workload("cine", "explicit", 1, 512, 512, 8 if short else 500)
    return (*found, small, cine)


def film(rows: int, columns: int, seed: int) -> Array:
    """Stored values (uint16, 12 bits): a body with quantum noise, a collimated margin, a marker."""
    noise = np.random.default_rng(seed)
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, columns, dtype=np.float32)
    thickness = np.exp(-3 * (x**2 + 0.6 * y**2)) * (1 + 0.3 * np.cos(9 * y + seed) * np.cos(7 * x))
    dose = 3400 * np.exp(-1.7 * thickness)
    dose += np.sqrt(dose) * 0.5 * noise.standard_normal((rows, columns), np.float32)
    values = dose.clip(0, 4095).astype(np.uint16)
    top, side, mark = rows // 20, columns // 16, max(4, rows // 30)
    values[:top] = values[-top:] = values[:, :side] = values[:, -side:] = 12
    values[2 * top : 2 * top + 2 * mark, -side - 2 * mark : -side - mark] = 40
    values[2 * top + mark : 2 * top + 2 * mark, -side - mark : -side - mark // 2] = 40
    return values


def make(work: Workload, folder: Path) -> None:
    """Write the films of a work into a folder; pixels repeat after 8. Raises MissingToolError."""
    folder.mkdir(parents=True)
    for number in range(work.files):
        path = folder / f"film{number:05}.dcm"
        if number >= 8:
            again = dcmread(folder / f"film{number % 8:05}.dcm")
            again.InstanceNumber, again.SOPInstanceUID = number + 1, generate_uid()
            again.file_meta.MediaStorageSOPInstanceUID = again.SOPInstanceUID
            again.save_as(path)
        else:
            _write(work, number, path)


class MissingToolError(Exception):
    """What an encoding needs and is not here."""


def _write(work: Workload, seed: int, path: Path) -> None:
    uid, encode = ENCODERS[work.syntax]
    frames = [film(work.rows, work.columns, seed * 1000 + frame % 8) for frame in range(min(work.frames, 8))]
    encoded = list(encode(frames, path.parent))
    data = [encoded[frame % len(encoded)] for frame in range(work.frames)]
    dataset = _header(work, uid)
    dataset.InstanceNumber = seed + 1
    native = uid == ExplicitVRLittleEndian
    dataset.PixelData = b"".join(data) if native else encapsulate(data)
    dataset["PixelData"].VR = "OW"
    dataset["PixelData"].is_undefined_length = not native
    dataset.save_as(path, enforce_file_format=True)


def _header(work: Workload, uid: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid
    dataset.SOPClassUID = DX if work.frames == 1 else XA
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (generate_uid() for _ in range(3))
    dataset.PatientID, dataset.PatientName, dataset.StudyDate = "SYNTHETIC", "Synthetic", "20200101"
    dataset.Modality = "DX" if work.frames == 1 else "XA"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = work.rows, work.columns, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PhotometricInterpretation = "MONOCHROME1" if work.frames == 1 else "MONOCHROME2"
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 1900, 3200
    if work.frames > 1:
        dataset.NumberOfFrames = work.frames
    return dataset


def _native(frames: list[Array], _folder: Path) -> Iterator[bytes]:
    return (frame.astype("<u2").tobytes() for frame in frames)


def _with_pydicom(frames: list[Array], _folder: Path) -> Iterator[bytes]:
    """RLE by pydicom's own encoder."""
    for frame in frames:
        dataset = _header(Workload("", "explicit", 1, *frame.shape), ExplicitVRLittleEndian)
        dataset.PixelData = frame.astype("<u2").tobytes()
        dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        yield next(generate_frames(dataset.PixelData, number_of_frames=1))


def _with_dcmtk(frames: list[Array], folder: Path) -> Iterator[bytes]:
    """JPEG Lossless, first-order prediction, by dcmcjpeg."""
    if shutil.which("dcmcjpeg") is None:
        raise MissingToolError("dcmcjpeg of DCMTK is not installed")
    for frame in frames:
        dataset = _header(Workload("", "explicit", 1, *frame.shape), ExplicitVRLittleEndian)
        dataset.PixelData = frame.astype("<u2").tobytes()
        dataset["PixelData"].VR = "OW"
        with TemporaryDirectory(dir=folder) as place:
            plain, packed = Path(place, "plain.dcm"), Path(place, "packed.dcm")
            dataset.save_as(plain, enforce_file_format=True)
            subprocess.run(["dcmcjpeg", "+e1", plain, packed], check=True, capture_output=True)
            yield next(generate_frames(dcmread(packed).PixelData, number_of_frames=1))


def _each(encode: Callable[[Array], bytes]) -> Callable[[list[Array], Path], Iterator[bytes]]:
    return lambda frames, _folder: (bytes(encode(frame)) for frame in frames)


def _jpeg2000(frame: Array) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, bitspersample=12))


ENCODERS: dict[str, tuple[str, Callable[[list[Array], Path], Iterator[bytes]]]] = {
    "explicit": (ExplicitVRLittleEndian, _native),
    "jpeg-lossless": (JPEGLosslessSV1, _with_dcmtk),
    "jpeg-ls": (JPEGLSLossless, _each(imagecodecs.jpegls_encode)),
    "jpeg2000": (JPEG2000Lossless, _each(_jpeg2000)),
    "htj2k": (HTJ2KLossless, _each(lambda frame: imagecodecs.htj2k_encode(frame, reversible=True))),
    "rle": (RLELossless, _with_pydicom),
}
