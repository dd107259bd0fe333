# SPDX-License-Identifier: MIT
"""Encode pixel cells losslessly as Pixel Data of a transfer syntax, and set the file meta information."""

from __future__ import annotations

import uuid
from typing import Any

import numpy.typing as npt

from plainfilm.demo.vendor import Storage, TransferSyntax

NAMESPACE = uuid.UUID("8d0b1d4e-6f0c-4f0e-9b52-0d5a2c6f7e10")


def set_pixels(dataset: Any, frames: list[npt.NDArray[Any]], storage: Storage) -> None:
    """Set Pixel Data and the file meta information of a Dataset."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate

    syntax = storage.transfer_syntax
    if syntax is TransferSyntax.EXPLICIT_LITTLE_ENDIAN:
        native = b"".join(frame.astype(frame.dtype.newbyteorder("<")).tobytes() for frame in frames)
        dataset.add_new("PixelData", "OW", native)
    else:
        dataset.add_new("PixelData", "OB", encapsulate([encode(frame, storage) for frame in frames]))
        dataset["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax.value
    meta.ImplementationClassUID = f"2.25.{NAMESPACE.int}"
    meta.ImplementationVersionName = "PLAINFILM_DEMO"
    dataset.file_meta = meta


def encode(values: npt.NDArray[Any], storage: Storage) -> bytes:
    """Encode a frame with Bits Stored bits per sample.

    The codestream is JPEG process 14 selection value 1, JPEG-LS, JPEG 2000 with the 5-3 wavelet, or RLE.
    """
    import imagecodecs

    bits, syntax = storage.bits_stored, storage.transfer_syntax
    if syntax is TransferSyntax.RLE_LOSSLESS:
        return encode_rle(values)
    if syntax is TransferSyntax.JPEG_LOSSLESS:
        return bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1, bitspersample=bits))
    if syntax is TransferSyntax.JPEG_LS_LOSSLESS:
        return bytes(imagecodecs.jpegls_encode(values, level=0))
    return bytes(
        imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True, mct=False, bitspersample=bits)
    )


def encode_rle(values: npt.NDArray[Any]) -> bytes:
    """Encode a frame as RLE (PS3.5 annex G): a segment of the high bytes, then a segment of the low bytes."""
    from rle.utils import encode_pixel_data

    rows, columns = values.shape
    size = {"rows": rows, "columns": columns, "samples_per_pixel": 1, "bits_allocated": 16}
    return bytes(encode_pixel_data(values.astype("<u2").tobytes(), byteorder="<", **size))
