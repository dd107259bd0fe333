# SPDX-License-Identifier: MIT
"""Read overlay planes, groups 6000 to 60FE (PS3.3 C.9.2, C.9.3; for planes in the pixel cells PS3.5 8.1.2)."""

from __future__ import annotations

from dataclasses import replace

from plainfilm.dicom.instance import ImagePixel, Overlay
from plainfilm.dicom.values import Values

OVERLAY_GROUPS = range(0x6000, 0x6100, 2)
_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN = 0x0010, 0x0011, 0x0015, 0x0040, 0x0050
_FIRST_FRAME, _BIT_POSITION, _DATA = 0x0051, 0x0102, 0x3000


def read_overlays(values: Values, pixel: ImagePixel | None) -> tuple[Overlay, ...]:
    """Return the planes with data of their own and, if `pixel` is given, those in the pixel cells.

    A fault of a plane is stated in the plane and is not a finding, because overlays are drawn only on request.
    """
    # Most data sets have no overlays. One pass over the tags takes less time than 128 lookups.
    groups = sorted({tag >> 16 for tag in values.tags}.intersection(OVERLAY_GROUPS))
    return tuple(overlay for group in groups if (overlay := _read_overlay(values, pixel, group << 16)) is not None)


def _read_overlay(values: Values, pixel: ImagePixel | None, group: int) -> Overlay | None:
    """Return the plane of a group, or None if the group has no plane. group: the first tag of the group."""
    if not any(group | element in values.tags for element in (_DATA, _BIT_POSITION)):
        return None
    overlay = _read_plane(values, group)
    data = values.words(group | _DATA)
    if data:
        return _with_data(overlay, data)
    position = values.integer(group | _BIT_POSITION)
    if pixel is not None and position is not None and _is_free(pixel, position):
        return replace(overlay, rows=pixel.rows, columns=pixel.columns, origin=(1, 1), bit_position=position)
    if pixel is not None and position is not None:
        return replace(
            overlay, fault="has no Overlay Data, and Overlay Bit Position is not an unused bit of the pixel cells"
        )
    return None


def _read_plane(values: Values, group: int) -> Overlay:
    """Return a plane without its data."""
    origin = values.integers(group | _ORIGIN)
    return Overlay(
        group=group >> 16,
        rows=values.integer(group | _ROWS) or 0,
        columns=values.integer(group | _COLUMNS) or 0,
        origin=(origin[0], origin[1]) if len(origin) >= 2 else (1, 1),
        is_region=_is_region(values, group | _TYPE),
        frames=values.integer(group | _FRAMES),
        first_frame=values.integer(group | _FIRST_FRAME) or 1,
    )


def _is_region(values: Values, attribute: int) -> bool:
    """Whether Overlay Type says that a plane marks a region of interest. An unknown type adds a finding."""
    kind = values.code(attribute)
    if kind not in ("G", "R") and values.has_value(attribute):
        values.add_invalid(attribute)
    return kind == "R"


def _with_data(overlay: Overlay, data: bytes) -> Overlay:
    """Return the plane with its data, or with a fault. No memory is allocated for the size that the header claims."""
    if overlay.rows < 1 or overlay.columns < 1:
        return replace(overlay, fault="has no Overlay Rows or no Overlay Columns")
    needed = -(-overlay.rows * overlay.columns * max(overlay.frames or 1, 1) // 8)
    if len(data) < needed:
        return replace(
            overlay, data=data, fault=f"has {len(data)} bytes of Overlay Data of {needed}; what is there is drawn"
        )
    return replace(overlay, data=data)


def _is_free(pixel: ImagePixel, position: int) -> bool:
    """Whether a bit of the pixel cells is outside the stored value (PS3.5 8.1.1)."""
    lowest = pixel.high_bit - pixel.bits_stored + 1
    return 0 <= position < pixel.bits_allocated and not lowest <= position <= pixel.high_bit
