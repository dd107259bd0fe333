# SPDX-License-Identifier: MIT
"""Find the pixels that an overlay plane covers (PS3.3 C.9.2, C.9.3; PS3.5 8.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Overlay

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def is_on_frame(overlay: Overlay, frame: int) -> bool:
    """Whether an overlay plane applies to a frame of the image, counted from 0.

    A plane without Number of Frames in Overlay applies to all frames.
    """
    if overlay.frames is None or overlay.bit_position is not None:
        return True
    return 0 <= frame - (overlay.first_frame - 1) < overlay.frames


def overlay_mask(overlay: Overlay, size: tuple[int, int], frame: int) -> tuple[Mask, bool]:
    """Return the pixels of an image of `size` (rows, columns) that Overlay Data cover.

    The second value tells whether a part of the overlay lies outside the image.
    """
    mask = np.zeros(size, np.bool_)
    bits = _bits(overlay, 0 if overlay.frames is None else frame - (overlay.first_frame - 1))
    (top, bottom), (left, right) = (
        (max(0, 1 - origin), min(length, extent + 1 - origin))
        for origin, length, extent in zip(overlay.origin, bits.shape, size, strict=True)
    )
    if top < bottom and left < right:
        row, column = overlay.origin[0] - 1 + top, overlay.origin[1] - 1 + left
        mask[row : row + bottom - top, column : column + right - left] = bits[top:bottom, left:right]
    return mask, int(np.count_nonzero(bits)) > int(np.count_nonzero(mask))


def cell_mask(position: int, cells: Array) -> Mask:
    """Return the pixels whose cell has the bit at this position (from 0) set."""
    unsigned = cells.view(np.dtype(f"u{cells.dtype.itemsize}"))
    if position >= 8 * cells.dtype.itemsize:
        return np.zeros(cells.shape, np.bool_)
    return np.asarray((unsigned >> unsigned.dtype.type(position)) & unsigned.dtype.type(1), np.bool_)


def _bits(overlay: Overlay, frame: int) -> Mask:
    """Return the bits of one overlay frame, (rows, columns); with fewer rows where the data end early."""
    start, count = frame * overlay.rows * overlay.columns, overlay.rows * overlay.columns
    octets = np.frombuffer(overlay.data, np.uint8)[start // 8 : -(-(start + count) // 8)]
    bits = np.unpackbits(octets, bitorder="little")[start % 8 :][:count]
    rows = -(-bits.size // overlay.columns)
    plane = np.zeros(rows * overlay.columns, np.bool_)
    plane[: bits.size] = bits
    return plane.reshape(rows, overlay.columns)
