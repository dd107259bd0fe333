# SPDX-License-Identifier: MIT
"""A data set -> its overlay planes, groups 6000 to 60FE (PS3.3 C.9.2, C.9.3; PS3.5 8.1.2 for those in pixel cells)."""

from __future__ import annotations

from dataclasses import replace

from plainfilm.dicom.instance import ImagePixel, Overlay
from plainfilm.dicom.values import Values

GROUPS = range(0x6000, 0x6100, 2)
_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN = 0x0010, 0x0011, 0x0015, 0x0040, 0x0050
_FIRST_FRAME, _POSITION, _DATA = 0x0051, 0x0102, 0x3000


def overlays_of(values: Values, pixel: ImagePixel | None) -> tuple[Overlay, ...]:
    """The planes, each with its own data or, of an image, as a bit of the pixel cells.

    What is wrong with a plane it says itself: it matters only to who asks for overlays.
    """
    # most data sets have none: one look at what there is costs less than one for each of 128 groups
    groups = sorted({tag >> 16 for tag in values.tags}.intersection(GROUPS))
    return tuple(overlay for group in groups if (overlay := _overlay(values, pixel, group << 16)) is not None)


def _overlay(values: Values, pixel: ImagePixel | None, group: int) -> Overlay | None:
    if not any(group | element in values.tags for element in (_DATA, _POSITION)):
        return None
    overlay = _plane(values, group)
    data = values.words(group | _DATA)
    if data:
        return _checked(overlay, data)
    position = values.integer(group | _POSITION)
    if pixel is not None and position is not None and _is_free(pixel, position):
        return replace(overlay, rows=pixel.rows, columns=pixel.columns, origin=(1, 1), bit_position=position)
    if pixel is not None and position is not None:
        return replace(overlay, fault="neither has Overlay Data nor is it a free bit of the pixel cells")
    return None


def _plane(values: Values, group: int) -> Overlay:
    origin = values.integers(group | _ORIGIN)
    return Overlay(
        group=group >> 16,
        rows=values.integer(group | _ROWS) or 0,
        columns=values.integer(group | _COLUMNS) or 0,
        origin=(origin[0], origin[1]) if len(origin) >= 2 else (1, 1),
        is_region=values.code(group | _TYPE) == "R",
        frames=values.integer(group | _FRAMES),
        first_frame=values.integer(group | _FIRST_FRAME) or 1,
    )


def _checked(overlay: Overlay, data: bytes) -> Overlay:
    """The plane with its data, if it has a size that can be; nothing is allocated for what a header claims."""
    if overlay.rows < 1 or overlay.columns < 1:
        return replace(overlay, fault="has no rows or no columns")
    needed = -(-overlay.rows * overlay.columns * max(overlay.frames or 1, 1) // 8)
    if len(data) < needed:
        return replace(overlay, data=data, fault=f"has {len(data)} bytes of {needed}; what is there is drawn")
    return replace(overlay, data=data)


def _is_free(pixel: ImagePixel, position: int) -> bool:
    """Whether a bit of the pixel cells holds no part of a stored value."""
    lowest = pixel.high_bit - pixel.bits_stored + 1
    return 0 <= position < pixel.bits_allocated and not lowest <= position <= pixel.high_bit
