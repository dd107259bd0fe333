# SPDX-License-Identifier: MIT
"""Rebuild an ICC profile without the text of the file, or convert colours to sRGB by it (ICC.1, PS3.3 C.11.15).

A profile is copied into images that are shared, and it can contain text, dates and serial numbers. It is therefore
rebuilt: the parts on which colours depend are kept byte for byte, all other parts are left out or written anew.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_HEADER_SIZE, _ENTRY_SIZE = 128, 12  # bytes of the header, and of an entry of the tag table
_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")
_COLOR_TAGS = (
    *(b"wtpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"),
    *(b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2"),
)
_PARAMETER_COUNTS = (1, 3, 4, 5, 7)  # of a parametric curve, by its function type
_DESCRIPTION = "RGB"


class ProfileError(ValueError):
    """A profile cannot be used. The message quotes nothing of the profile."""


def rebuilt_profile(content: bytes) -> bytes:
    """Return a profile of the same colours without text, dates, serial numbers and private tags.

    Raises ProfileError where the profile is damaged, is not an RGB profile, or is refused by Little CMS.
    """
    try:
        tags = _color_tags(content)
    except (struct.error, IndexError):
        raise ProfileError("it is damaged") from None
    is_version_4 = content[8] >= 4
    texts = {b"desc": _description_element(is_version_4), b"cprt": _copyright_element(is_version_4)}
    profile = _assembled(_neutral_header(content), {**texts, **tags})
    to_srgb(np.zeros((1, 1, 3), np.uint8), profile)
    return profile


def to_srgb(image: Array, profile: bytes) -> Array:
    """Convert an RGB image (rows, columns, 3), uint8 or uint16, to sRGB with Little CMS.

    Raises ProfileError where Little CMS refuses the profile.
    """
    import imagecodecs

    try:
        converted: Array = imagecodecs.cms_transform(
            np.ascontiguousarray(image), profile, imagecodecs.cms_profile("srgb"), colorspace="rgb", outcolorspace="rgb"
        )
    except (imagecodecs.CmsError, ValueError):
        raise ProfileError("Little CMS refuses it") from None
    return converted


def _color_tags(content: bytes) -> dict[bytes, bytes]:
    """The tags on which colours depend, each cut to the length that its type defines."""
    if content[36:40] != b"acsp":
        raise ProfileError("it is not an ICC profile")
    if content[16:20] != b"RGB " or content[12:16] not in _CLASSES or content[20:24] not in (b"XYZ ", b"Lab "):
        raise ProfileError("it is not an RGB profile")
    (count,) = struct.unpack_from(">I", content, _HEADER_SIZE)
    tags = {}
    for number in range(min(count, 100)):
        name, offset, size = struct.unpack_from(">4sII", content, _HEADER_SIZE + 4 + number * _ENTRY_SIZE)
        if name in _COLOR_TAGS:
            element = content[offset : offset + size]
            length = _element_length(element)
            if length > len(element):
                raise ProfileError("it is damaged")
            if length:
                tags[name] = element[:4] + bytes(4) + element[8:length]
    return tags


def _element_length(element: bytes) -> int:
    """The length in bytes that the type of a tag's element defines; 0 for types that do not hold numbers (ICC.1 10)."""
    kind = element[:4]
    if kind == b"XYZ ":
        return 20
    if kind == b"sf32":
        return 44
    if kind == b"curv":
        return int(12 + 2 * struct.unpack_from(">I", element, 8)[0])
    if kind == b"para":
        return 12 + 4 * _PARAMETER_COUNTS[struct.unpack_from(">H", element, 8)[0]]
    if kind not in (b"mft1", b"mft2"):
        return 0
    inputs, outputs, grid_points = struct.unpack_from(">3B", element, 8)
    grid_entries = grid_points**inputs * outputs
    if kind == b"mft1":
        return int(48 + 256 * (inputs + outputs) + grid_entries)
    input_entries, output_entries = struct.unpack_from(">2H", element, 48)
    return int(52 + 2 * (input_entries * inputs + grid_entries + output_entries * outputs))


def _neutral_header(content: bytes) -> bytes:
    """A header that keeps version, class, colour spaces, signature, intent and illuminant, with a fixed date."""
    header = bytearray(_HEADER_SIZE)
    for field in (slice(8, 24), slice(36, 40), slice(64, 80)):
        header[field] = content[field]
    struct.pack_into(">6H", header, 24, 2000, 1, 1, 0, 0, 0)
    return bytes(header)


def _description_element(is_version_4: bool) -> bytes:
    if is_version_4:
        return _unicode_element(_DESCRIPTION)
    text = _DESCRIPTION.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)


def _copyright_element(is_version_4: bool) -> bytes:
    if is_version_4:
        return _unicode_element(_DESCRIPTION)
    return b"text" + bytes(4) + _DESCRIPTION.encode("ascii") + b"\0"


def _unicode_element(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of a header, the tag table and the elements of the tags, each padded to a multiple of four bytes."""
    table, elements = b"", b""
    start = _HEADER_SIZE + 4 + _ENTRY_SIZE * len(tags)
    for name, element in tags.items():
        table += struct.pack(">4sII", name, start + len(elements), len(element))
        elements += element + bytes(-len(element) % 4)
    body = header[4:] + struct.pack(">I", len(tags)) + table + elements
    return struct.pack(">I", 4 + len(body)) + body
