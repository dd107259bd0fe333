# SPDX-License-Identifier: MIT
"""The recipe that is pasted everywhere, to show what it does: pixel values over their maximum times 255."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.demo.habit import TransferSyntax


def naive_picture(dataset: Any) -> npt.NDArray[np.uint8]:
    """`pixel_array / pixel_array.max() * 255` as uint8 of a single-frame grey pydicom Dataset; (rows, columns).

    What does not fit into 8 bits wraps around, as it does where people run this.
    """
    values = pixel_array(dataset)
    scaled = values / values.max() * 255
    return np.asarray(scaled.astype(np.int64).astype(np.uint8))


def pixel_array(dataset: Any) -> npt.NDArray[Any]:
    """pydicom's pixel_array; JPEG Lossless and JPEG-LS, for which it needs other libraries, through imagecodecs."""
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
