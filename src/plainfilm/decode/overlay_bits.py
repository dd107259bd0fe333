# SPDX-License-Identifier: MIT
"""An overlay plane and a frame's cells -> which pixels of the image it covers (PS3.3 C.9.2, C.9.3; PS3.5 8.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Overlay

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def is_on_frame(overlay: Overlay, frame: int) -> bool:
    """Whether a plane is of this frame of the image, counted from 0: one without frames of its own is of all."""
    if overlay.frames is None or overlay.bit_position is not None:
        return True
    return 0 <= frame - (overlay.first_frame - 1) < overlay.frames


def overlay_mask(overlay: Overlay, size: tuple[int, int], frame: int) -> tuple[Mask, bool]:
    """The pixels that Overlay Data cover of an image of so many rows and columns; whether some lie outside of it."""
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
    """The pixels whose cell has the bit at this position set."""
    unsigned = cells.view(np.dtype(f"u{cells.dtype.itemsize}"))
    if position >= 8 * cells.dtype.itemsize:
        return np.zeros(cells.shape, np.bool_)
    return np.asarray((unsigned >> unsigned.dtype.type(position)) & unsigned.dtype.type(1), np.bool_)


def _bits(overlay: Overlay, frame: int) -> Mask:
    """The bits of one of its frames, (rows, columns); where the data end early, as many rows as there are."""
    start, count = frame * overlay.rows * overlay.columns, overlay.rows * overlay.columns
    content = np.frombuffer(overlay.data, np.uint8)[start // 8 : -(-(start + count) // 8)]
    bits = np.unpackbits(content, bitorder="little")[start % 8 :][:count]
    rows = -(-bits.size // overlay.columns)
    whole = np.zeros(rows * overlay.columns, np.bool_)
    whole[: bits.size] = bits
    return whole.reshape(rows, overlay.columns)
