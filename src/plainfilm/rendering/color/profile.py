# SPDX-License-Identifier: MIT
"""The ICC Profile of a file -> one with the same colours and no word of the file's, or colours in sRGB.

ICC.1, PS3.3 C.11.15. A profile is copied into pictures that are shared, and has room for text, dates and serial
numbers, so it is taken apart: what the colours depend on is kept to the byte, all else is left out or written anew.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_HEADER, _ENTRY = 128, 12
_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")
_COLOR_TAGS = (
    *(b"wtpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"),
    *(b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2"),
)
_PARAMETERS = (1, 3, 4, 5, 7)
_NAME = "RGB"


class ProfileError(ValueError):
    """A profile that cannot be used; its message quotes nothing of it."""


def rebuilt_profile(content: bytes) -> bytes:
    """The same colours in a profile without text, dates, serial numbers or private tags. Raises ProfileError."""
    try:
        tags = _color_tags(content)
    except (struct.error, IndexError):
        raise ProfileError("it is damaged") from None
    newer = content[8] >= 4
    profile = _joined(_header(content), {b"desc": _description(newer), b"cprt": _copyright(newer), **tags})
    to_srgb(np.zeros((1, 1, 3), np.uint8), profile)
    return profile


def to_srgb(image: Array, profile: bytes) -> Array:
    """An RGB image (rows, columns, 3), uint8 or uint16, in sRGB, by Little CMS. Raises ProfileError."""
    import imagecodecs

    try:
        converted: Array = imagecodecs.cms_transform(
            np.ascontiguousarray(image), profile, imagecodecs.cms_profile("srgb"), colorspace="rgb", outcolorspace="rgb"
        )
    except (imagecodecs.CmsError, ValueError):
        raise ProfileError("Little CMS cannot make colours of it") from None
    return converted


def _color_tags(content: bytes) -> dict[bytes, bytes]:
    """The tags that colours depend on, each cut to what its type holds."""
    if content[36:40] != b"acsp":
        raise ProfileError("it is no ICC profile")
    if content[16:20] != b"RGB " or content[12:16] not in _CLASSES or content[20:24] not in (b"XYZ ", b"Lab "):
        raise ProfileError("it is none for RGB")
    (count,) = struct.unpack_from(">I", content, _HEADER)
    tags = {}
    for number in range(min(count, 100)):
        name, offset, size = struct.unpack_from(">4sII", content, _HEADER + 4 + number * _ENTRY)
        if name in _COLOR_TAGS:
            element = content[offset : offset + size]
            length = _length(element)
            if length > len(element):
                raise ProfileError("it is damaged")
            if length:
                tags[name] = element[:4] + bytes(4) + element[8:length]
    return tags


def _length(element: bytes) -> int:
    """The bytes of a tag's element as its type counts them; 0 for types other than numbers (ICC.1 10)."""
    kind = element[:4]
    if kind == b"XYZ ":
        return 20
    if kind == b"sf32":
        return 44
    if kind == b"curv":
        return int(12 + 2 * struct.unpack_from(">I", element, 8)[0])
    if kind == b"para":
        return 12 + 4 * _PARAMETERS[struct.unpack_from(">H", element, 8)[0]]
    if kind not in (b"mft1", b"mft2"):
        return 0
    inputs, outputs, grid = struct.unpack_from(">3B", element, 8)
    colors = grid**inputs * outputs
    if kind == b"mft1":
        return int(48 + 256 * (inputs + outputs) + colors)
    before, after = struct.unpack_from(">2H", element, 48)
    return int(52 + 2 * (before * inputs + colors + after * outputs))


def _header(content: bytes) -> bytes:
    """Version, class, colour space, connection space, intent and illuminant; the rest, a date too, is made neutral."""
    header = bytearray(_HEADER)
    for kept in (slice(8, 24), slice(36, 40), slice(64, 80)):
        header[kept] = content[kept]
    struct.pack_into(">6H", header, 24, 2000, 1, 1, 0, 0, 0)
    return bytes(header)


def _description(newer: bool) -> bytes:
    if newer:
        return _unicode(_NAME)
    text = _NAME.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)


def _copyright(newer: bool) -> bytes:
    return _unicode(_NAME) if newer else b"text" + bytes(4) + _NAME.encode("ascii") + b"\0"


def _unicode(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _joined(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, elements = b"", b""
    start = _HEADER + 4 + _ENTRY * len(tags)
    for name, element in tags.items():
        table += struct.pack(">4sII", name, start + len(elements), len(element))
        elements += element + bytes(-len(element) % 4)
    body = header[4:] + struct.pack(">I", len(tags)) + table + elements
    return struct.pack(">I", 4 + len(body)) + body
