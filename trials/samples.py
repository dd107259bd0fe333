# SPDX-License-Identifier: MIT
"""Small synthetic files in every transfer syntax that can be written here, and the paths of real files."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from openjpeg.utils import encode_array
from PIL import Image
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import UID

from plainfilm.demo.catalog import demo_radiographs
from plainfilm.demo.dataset import build_dataset
from plainfilm.demo.radiograph import SyntheticRadiograph

Array = npt.NDArray[Any]
ROWS, COLUMNS = 60, 48
_ROOT = "1.2.840.10008.1.2"
_MAX_REAL_BYTES = 256 * 1024
_NATIVE = {"implicit": "", "big-endian": ".2", "deflated": ".1.99"}


def demo_files(rows: int = ROWS, columns: int = COLUMNS) -> dict[str, bytes]:
    """Return the radiographs of the demo with few pixels, by name."""
    smaller = [_small(radiograph, rows, columns) for radiograph in demo_radiographs()]
    return {radiograph.name: _written(build_dataset(radiograph)) for radiograph in smaller}


def _small(radiograph: SyntheticRadiograph, rows: int, columns: int) -> SyntheticRadiograph:
    return replace(radiograph, acquisition=replace(radiograph.acquisition, rows=rows, columns=columns))


def sample_files() -> dict[str, bytes]:
    """Return the demo files and one file for each transfer syntax, for colour and for multi-frame, by name."""
    grey, deep, colour = _picture(8), _picture(12), np.dstack([_picture(8), _picture(8)[::-1], _picture(8)[:, ::-1]])
    files = demo_files()
    for name, syntax in _NATIVE.items():
        files[name] = _native(deep, f"{_ROOT}{syntax}")
    files["frames"] = _native(np.stack([deep, deep[::-1], deep // 2]), f"{_ROOT}.1", frames=3)
    files["colour"] = _native(colour, f"{_ROOT}.1")
    for name, (syntax, encode, bits) in _ENCODERS.items():
        image = colour if bits == 24 else grey if bits == 8 else deep
        files[name] = _encapsulated(image, f"{_ROOT}{syntax}", [encode(np.ascontiguousarray(image))])
    return files


def real_files() -> Iterator[Path]:
    """Yield the smaller files of the folder PLAINFILM_TEST_DATA, if it is set."""
    folder = os.environ.get("PLAINFILM_TEST_DATA")
    if folder:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and 132 < path.stat().st_size <= _MAX_REAL_BYTES:
                yield path


def _picture(bits: int) -> Array:
    """Return a soft disc with noise, which no codec compresses to almost nothing."""
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    disc = np.hypot(rows - ROWS / 2, columns - COLUMNS / 2) / ROWS
    grain = np.random.default_rng(bits).normal(0, 0.02, disc.shape)
    return (np.clip(disc + grain, 0, 1) * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def _described(image: Array, syntax: str, frames: int = 1) -> Dataset:
    dataset = build_dataset(_small(demo_radiographs()[0], ROWS, COLUMNS))
    colour, deep = image.ndim == 3 and frames == 1, image.dtype != np.uint8
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored = (16, 12) if deep else (8, 8)
    dataset.HighBit = dataset.BitsStored - 1
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def _native(image: Array, syntax: str, frames: int = 1) -> bytes:
    dataset = _described(image, syntax, frames)
    order = ">" if syntax.endswith("1.2.2") else "<"
    dataset.add_new("PixelData", "OW", image.astype(image.dtype.newbyteorder(order)).tobytes())
    return _written(dataset)


def _encapsulated(image: Array, syntax: str, codestreams: list[bytes]) -> bytes:
    dataset = _described(image, syntax)
    if dataset.SamplesPerPixel == 3 and ".4.5" in syntax:
        dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.add_new("PixelData", "OB", encapsulate(codestreams))
    dataset["PixelData"].is_undefined_length = True
    return _written(dataset)


def _written(dataset: Dataset) -> bytes:
    buffer, syntax = BytesIO(), str(dataset.file_meta.TransferSyntaxUID)
    # pydicom cannot write transfer syntaxes that are newer than itself: write another UID of the same length, then
    # replace it
    stand_in = _STAND_INS.get(syntax, syntax)
    dataset.file_meta.TransferSyntaxUID = UID(stand_in)
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue().replace(_padded(stand_in), _padded(syntax), 1)


def _padded(syntax: str) -> bytes:
    return syntax.encode() + b"\0" * (len(syntax) % 2)


def _jpeg(image: Array) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, 92))


def _jpeg_lossless(image: Array) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, predictor=1, bitspersample=12))


def _jpeg_12(image: Array) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, 92, bitspersample=12))


def _jpeg_ls(image: Array) -> bytes:
    return bytes(imagecodecs.jpegls_encode(image))


def _jpeg_2000(image: Array) -> bytes:
    return bytes(encode_array(image, bits_stored=12, photometric_interpretation=2, codec_format=0))


def _jpeg_2000_tiles(image: Array) -> bytes:
    """Encode in tiles, with the lengths of the packets."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG2000", no_jp2=True, irreversible=False, tile_size=(16, 16), plt=True)
    return file.getvalue()


def _htj2k(image: Array) -> bytes:
    return bytes(imagecodecs.htj2k_encode(image, reversible=True))


def _jpeg_xl(image: Array) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(image, lossless=True, bitspersample=12))


def _deflated_frame(image: Array) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(image.tobytes()) + deflate.flush()


def _rle(image: Array) -> bytes:
    dataset = _described(image, f"{_ROOT}.5")
    options = {name: getattr(dataset, keyword) for name, keyword in _RLE_ATTRIBUTES.items()}
    return bytes(RLELosslessEncoder.encode(image, encoding_plugin="pydicom", number_of_frames=1, **options))


_RLE_ATTRIBUTES = {
    "rows": "Rows",
    "columns": "Columns",
    "samples_per_pixel": "SamplesPerPixel",
    "bits_allocated": "BitsAllocated",
    "bits_stored": "BitsStored",
    "pixel_representation": "PixelRepresentation",
    "photometric_interpretation": "PhotometricInterpretation",
}
_STAND_INS = {f"{_ROOT}.8.1": f"{_ROOT}.4.50"} | {f"{_ROOT}.4.11{last}": f"{_ROOT}.4.201" for last in range(3)}
_ENCODERS: dict[str, tuple[str, Callable[[Array], bytes], int]] = {
    "encapsulated-native": (".1.98", lambda image: image.tobytes(), 12),
    "deflated-frame": (".8.1", _deflated_frame, 12),
    "rle": (".5", _rle, 12),
    "jpeg-baseline": (".4.50", _jpeg, 8),
    "jpeg-colour": (".4.50", _jpeg, 24),
    "jpeg-extended-12": (".4.51", _jpeg_12, 12),
    "jpeg-lossless-57": (".4.57", _jpeg_lossless, 12),
    "jpeg-lossless-70": (".4.70", _jpeg_lossless, 12),
    "jpeg-ls-lossless": (".4.80", _jpeg_ls, 12),
    "jpeg-ls-near": (".4.81", _jpeg_ls, 12),
    "jpeg-2000-lossless": (".4.90", _jpeg_2000, 12),
    "jpeg-2000-tiles": (".4.90", _jpeg_2000_tiles, 8),
    "jpeg-2000": (".4.91", _jpeg_2000, 12),
    "htj2k-lossless": (".4.201", _htj2k, 12),
    "htj2k": (".4.203", _htj2k, 12),
    "jpeg-xl-lossless": (".4.110", _jpeg_xl, 12),
    "jpeg-xl": (".4.112", _jpeg_xl, 12),
}
