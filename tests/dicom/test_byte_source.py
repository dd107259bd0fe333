# SPDX-License-Identifier: MIT
"""A file that is read on demand gives the same instance as in memory, and only the needed bytes are read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.dicom_files import (
    CODESTREAMS,
    MAX_PIXELS,
    encapsulate_fragments,
    encode_file,
    image_dataset,
    small_file,
)

from plainfilm.dicom.byte_source import ByteRange, byte_range
from plainfilm.dicom.frames import frame_bytes, locate_frames
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE


class Pieces:
    """A byte source that records the length of the longest slice."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.longest = 0

    def __len__(self) -> int:
        return len(self.content)

    def __getitem__(self, span: slice, /) -> bytes:
        piece = self.content[span]
        self.longest = max(self.longest, len(piece))
        return piece


FORMS = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, DEFLATED, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5")


@pytest.mark.parametrize("syntax", FORMS)
def test_a_file_read_on_demand_gives_the_same_instance(syntax: str) -> None:
    content = small_file(syntax)
    whole, pieces = (read_instance(each, MAX_PIXELS) for each in (content, Pieces(content)))
    value = pieces.data.value
    assert replace(pieces, data=replace(pieces.data, value=value[0 : len(value)])) == whole
    frames = [frame_bytes(locate_frames(each.pixel, each.data), each.data, 0) for each in (whole, pieces)]
    assert frames[0] == frames[1]


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, "1.2.840.10008.1.2.4.50"])
def test_pixels_are_read_one_frame_at_a_time(syntax: str) -> None:
    frame = bytes(2_000_000) if syntax == EXPLICIT_LITTLE else CODESTREAMS[syntax] + bytes(1_999_972)
    value = frame * 10 if syntax == EXPLICIT_LITTLE else encapsulate_fragments(*[frame] * 10)
    dataset = image_dataset(Rows=1000, Columns=1000, NumberOfFrames=10, PixelData=value)
    pieces = Pieces(encode_file(dataset, syntax))
    instance = read_instance(pieces, MAX_PIXELS)
    table = locate_frames(instance.pixel, instance.data)
    assert pieces.longest < 70_000
    assert len(frame_bytes(table, instance.data, 9).data) == pieces.longest == len(frame)


def test_a_byte_range_equals_a_slice() -> None:
    pieces = Pieces(bytes(range(100)))
    part = byte_range(pieces, 10, 30)
    assert isinstance(part, ByteRange)
    assert (len(part), part[0:5], part[15:99], part[30:40], part[7:3]) == (
        20,
        bytes(range(10, 15)),
        bytes(range(25, 30)),
        b"",
        b"",
    )
    assert (len(byte_range(pieces, 90, 300)), len(byte_range(pieces, 300)), len(byte_range(pieces, 40))) == (10, 0, 60)
    assert byte_range(b"abcdef", 2, 4) == b"cd"
