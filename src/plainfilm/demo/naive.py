# SPDX-License-Identifier: MIT
"""The naive conversion that many scripts use, for comparison: pixel values divided by their maximum, times 255."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.demo.vendor import TransferSyntax


def naive_image(dataset: Any) -> npt.NDArray[np.uint8]:
    """Return `pixel_array / pixel_array.max() * 255` as uint8, (rows, columns).

    dataset: a pydicom Dataset with one grey frame. Values that do not fit into 8 bits wrap around, as in such scripts.
    """
    values = pixel_array(dataset)
    scaled = values / values.max() * 255
    return np.asarray(scaled.astype(np.int64).astype(np.uint8))


def pixel_array(dataset: Any) -> npt.NDArray[Any]:
    """Return the `pixel_array` of pydicom.

    JPEG Lossless and JPEG-LS, for which pydicom needs other libraries, are decoded with imagecodecs.
    """
    import imagecodecs
    from pydicom.encaps import generate_frames

    decoders = {
        TransferSyntax.JPEG_LOSSLESS.value: imagecodecs.jpeg8_decode,
        TransferSyntax.JPEG_LS_LOSSLESS.value: imagecodecs.jpegls_decode,
    }
    decode = decoders.get(str(dataset.file_meta.TransferSyntaxUID))
    if decode is None:
        return np.asarray(dataset.pixel_array)
    return np.asarray(decode(next(generate_frames(dataset.PixelData, number_of_frames=1))))
