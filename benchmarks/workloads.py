# SPDX-License-Identifier: MIT
"""Write the workloads: folders of synthetic 12-bit radiographs in common transfer syntaxes."""

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
    """A folder of synthetic images and the size of the output.

    films: name of the folder, which workloads with the same images share. syntax: key of ENCODERS. files: number of
    files. frames: frames per file. size: longest side of the output in pixels; None for the full size.
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
        """The name of the folder, and the output size if it is not the full size."""
        return self.films if self.size is None else f"{self.films} to {self.size}"

    def files_of(self, part: int) -> int:
        """Return the number of files in 1/`part` of the workload; at least two if it has two."""
        return min(self.files, max(2, self.files // part))


# The number of files of each encoding: large enough that start-up is a small part of the time.
_COUNTS = {"explicit": 192, "jpeg-lossless": 128, "jpeg2000": 96, "htj2k": 96}
_OTHERS, _MOST_SMALLER = 16, 96
SIZES = (1024, 512)
_MADE_SMALLER = ("explicit", "jpeg2000", "htj2k")


def workloads(short: bool) -> tuple[Workload, ...]:
    """Return all workloads. short: with few and small images."""
    large = (600, 500) if short else (3000, 2500)
    result = []
    for syntax in ENCODERS:
        films = Workload(f"films {syntax}", syntax, 3 if short else _COUNTS.get(syntax, _OTHERS), *large)
        fewer = replace(films, files=min(films.files, _MOST_SMALLER))
        smaller = [replace(fewer, size=size // (8 if short else 1)) for size in SIZES]
        result += [films, *(smaller if syntax in _MADE_SMALLER else [])]
    small = Workload("small films", "explicit", 40 if short else 2000, 512, 512)
    cine = Workload("cine", "explicit", 1, 512, 512, 8 if short else 500)
    return (*result, small, cine)


def synthetic_image(rows: int, columns: int, seed: int) -> Array:
    """Return stored values (uint16, 12 bits): a body with quantum noise, a collimated border and a marker."""
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


def write_workload(workload: Workload, folder: Path) -> None:
    """Write the files of a workload into a folder; the pixels repeat after 8 files. Raises MissingToolError."""
    folder.mkdir(parents=True)
    for number in range(workload.files):
        path = folder / f"film{number:05}.dcm"
        if number >= 8:
            copy = dcmread(folder / f"film{number % 8:05}.dcm")
            copy.InstanceNumber, copy.SOPInstanceUID = number + 1, generate_uid()
            copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
            copy.save_as(path)
        else:
            _write(workload, number, path)


class MissingToolError(Exception):
    """A tool that an encoding needs is not installed."""


def _write(workload: Workload, seed: int, path: Path) -> None:
    uid, encode = ENCODERS[workload.syntax]
    seeds = range(seed * 1000, seed * 1000 + min(workload.frames, 8))
    frames = [synthetic_image(workload.rows, workload.columns, frame_seed) for frame_seed in seeds]
    encoded = list(encode(frames, path.parent))
    data = [encoded[frame % len(encoded)] for frame in range(workload.frames)]
    dataset = _header(workload, uid)
    dataset.InstanceNumber = seed + 1
    native = uid == ExplicitVRLittleEndian
    dataset.PixelData = b"".join(data) if native else encapsulate(data)
    dataset["PixelData"].VR = "OW"
    dataset["PixelData"].is_undefined_length = not native
    dataset.save_as(path, enforce_file_format=True)


def _header(workload: Workload, uid: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid
    dataset.SOPClassUID = DX if workload.frames == 1 else XA
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (generate_uid() for _ in range(3))
    dataset.PatientID, dataset.PatientName, dataset.StudyDate = "SYNTHETIC", "Synthetic", "20200101"
    dataset.Modality = "DX" if workload.frames == 1 else "XA"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = workload.rows, workload.columns, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PhotometricInterpretation = "MONOCHROME1" if workload.frames == 1 else "MONOCHROME2"
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 1900, 3200
    if workload.frames > 1:
        dataset.NumberOfFrames = workload.frames
    return dataset


def _native(frames: list[Array], _folder: Path) -> Iterator[bytes]:
    return (frame.astype("<u2").tobytes() for frame in frames)


def _with_pydicom(frames: list[Array], _folder: Path) -> Iterator[bytes]:
    """Encode as RLE with pydicom."""
    for frame in frames:
        dataset = _header(Workload("", "explicit", 1, *frame.shape), ExplicitVRLittleEndian)
        dataset.PixelData = frame.astype("<u2").tobytes()
        dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        yield next(generate_frames(dataset.PixelData, number_of_frames=1))


def _with_dcmtk(frames: list[Array], folder: Path) -> Iterator[bytes]:
    """Encode as JPEG Lossless, first-order prediction, with dcmcjpeg."""
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
