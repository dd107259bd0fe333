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
    """pydicom's pixel_array; JPEG Lossless, for which pydicom needs another library, through imagecodecs."""
    if dataset.file_meta.TransferSyntaxUID != TransferSyntax.JPEG_LOSSLESS.value:
        return np.asarray(dataset.pixel_array)
    import imagecodecs
    from pydicom.encaps import generate_frames

    return np.asarray(imagecodecs.jpeg8_decode(next(generate_frames(dataset.PixelData, number_of_frames=1))))
