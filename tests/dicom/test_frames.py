# SPDX-License-Identifier: MIT
"""Frames are located to the bit in native data, and by lengths and offset tables in encapsulated data."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from plainfilm.dicom.frames import FrameTable, frame_bytes, locate_frames
from plainfilm.dicom.instance import ExtendedOffsetTable, ImagePixel, PixelData, PixelKind
from plainfilm.errors import DecodeError, Reason, TruncatedError, UnsupportedError
from plainfilm.findings import FindingCode

NATIVE, BASELINE, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
PIXEL = ImagePixel(2, 3, 1, "MONOCHROME2", 0, 8, 8, 7, False, 1)


def native(value: bytes, **more: object) -> PixelData:
    return replace(PixelData(value, NATIVE, False), **more)  # type: ignore[arg-type]


def item(content: bytes, declared: int | None = None) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content) if declared is None else declared) + content


def encapsulated(*items: bytes, table: bytes = b"", end: bytes = DELIMITER, **more: object) -> PixelData:
    data = PixelData(item(table) + b"".join(items) + end, BASELINE, True)
    return replace(data, **more)  # type: ignore[arg-type]


def jpeg(number: int, length: int = 12) -> bytes:
    """Bytes that begin and end as a JPEG codestream does."""
    return b"\xff\xd8\xff\xe1" + bytes((number,)) * (length - 6) + b"\xff\xd9"


def frames_of(table: FrameTable, data: PixelData, count: int) -> list[bytes]:
    return [frame_bytes(table, data, frame).data for frame in range(count)]


def codes(table: FrameTable) -> list[FindingCode]:
    return [finding.code for finding in table.findings]


@pytest.mark.parametrize(("bits", "samples"), [(8, 1), (16, 1), (32, 1), (64, 1), (8, 3), (16, 3)])
def test_native_frames_follow_one_another(bits: int, samples: int) -> None:
    pixel = replace(PIXEL, bits_allocated=bits, samples_per_pixel=samples, number_of_frames=3)
    length = 6 * samples * bits // 8
    data = native(b"".join(bytes((number,)) * length for number in range(3)))
    table = locate_frames(pixel, data)
    assert frames_of(table, data, 3) == [bytes((number,)) * length for number in range(3)]
    assert table.findings == ()


@pytest.mark.parametrize(("kind", "bits"), [(PixelKind.FLOAT, 32), (PixelKind.DOUBLE, 64)])
def test_float_frames_have_cells_of_their_bits_allocated(kind: PixelKind, bits: int) -> None:
    pixel = replace(PIXEL, kind=kind, bits_allocated=bits, number_of_frames=2)
    data = native(bytes(range(6 * bits // 8)) + b"\x01" * (6 * bits // 8))
    assert frame_bytes(locate_frames(pixel, data), data, 1).data == b"\x01" * (6 * bits // 8)


def test_frames_of_single_bits_may_begin_inside_a_byte() -> None:
    pixel = replace(PIXEL, bits_allocated=1, number_of_frames=4)
    flags = np.random.default_rng(1).integers(0, 2, 24, np.uint8)
    data = native(np.packbits(flags, bitorder="little").tobytes() + b"\0")
    table = locate_frames(pixel, data)
    for frame in range(4):
        found = frame_bytes(table, data, frame)
        unpacked = np.unpackbits(np.frombuffer(found.data, np.uint8), bitorder="little")
        assert np.array_equal(unpacked[found.first_bit :][:6], flags[6 * frame :][:6])


def test_many_declared_frames_over_the_data_of_one_are_refused() -> None:
    pixel = replace(PIXEL, rows=60_000, columns=60_000, bits_allocated=16, number_of_frames=1000)
    with pytest.raises(TruncatedError, match=r"12 bytes, 1000 frames .* need 7200000000000") as caught:
        locate_frames(pixel, native(bytes(12)))
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize("missing", [1, 2, 5, 6])
def test_the_error_for_short_native_data_has_both_lengths(missing: int) -> None:
    with pytest.raises(TruncatedError, match=f"{6 - missing} bytes.* need 6"):
        locate_frames(PIXEL, native(bytes(6 - missing)))


@pytest.mark.parametrize(("excess", "found"), [(0, False), (1, True), (40, True)])
def test_excess_native_data_is_a_finding(excess: int, found: bool) -> None:
    table = locate_frames(PIXEL, native(bytes(6 + excess)))
    assert codes(table) == [FindingCode.EXCESS_PIXEL_DATA] * found


def test_a_pad_byte_after_an_odd_length_is_not_excess() -> None:
    pixel = replace(PIXEL, columns=1, rows=3)
    assert locate_frames(pixel, native(bytes(4))).findings == ()
    assert codes(locate_frames(pixel, native(bytes(5)))) == [FindingCode.EXCESS_PIXEL_DATA]


def test_halved_chroma_has_two_samples_per_pixel() -> None:
    pixel = replace(
        PIXEL, columns=4, samples_per_pixel=3, photometric_interpretation="YBR_FULL_422", number_of_frames=2
    )
    data = native(bytes(16) + b"\x01" * 16)
    assert frame_bytes(locate_frames(pixel, data), data, 1).data == b"\x01" * 16


def test_three_samples_per_pixel_under_halved_chroma_are_a_finding() -> None:
    pixel = replace(PIXEL, columns=4, samples_per_pixel=3, photometric_interpretation="YBR_FULL_422")
    data = native(bytes(24))
    table = locate_frames(pixel, data)
    assert codes(table) == [FindingCode.COLOR_TRANSFORM_DISAGREES]
    assert len(frame_bytes(table, data, 0).data) == 24


def test_halved_chroma_of_odd_columns_is_refused() -> None:
    pixel = replace(PIXEL, samples_per_pixel=3, photometric_interpretation="YBR_FULL_422")
    with pytest.raises(UnsupportedError, match="odd number of Columns, 3"):
        locate_frames(pixel, native(bytes(12)))


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_small_cells_in_big_endian_words_are_put_in_pixel_order(frames: int) -> None:
    pixel = replace(PIXEL, rows=1, columns=3, number_of_frames=frames)
    cells = bytes(range(3 * frames)) + b"\xee" * (frames % 2)
    swapped = b"".join(cells[place + 1 : place + 2] + cells[place : place + 1] for place in range(0, len(cells), 2))
    data = native(swapped, big_endian=True, vr="OW")
    assert b"".join(frames_of(locate_frames(pixel, data), data, frames)) == bytes(range(3 * frames))


@pytest.mark.parametrize(("vr", "bits"), [("OB", 8), ("", 8), ("OW", 16)])
def test_big_endian_bytes_and_words_are_not_swapped(vr: str, bits: int) -> None:
    pixel = replace(PIXEL, bits_allocated=bits)
    data = native(bytes(range(6 * bits // 8)), big_endian=True, vr=vr)
    found = frame_bytes(locate_frames(pixel, data), data, 0)
    assert (found.data, found.big_endian) == (data.value, True)


def test_all_fragments_of_a_single_frame_are_joined() -> None:
    whole = jpeg(1, 90)
    data = encapsulated(item(whole[:40]), item(b""), item(whole[40:80]), item(whole[80:]))
    table = locate_frames(PIXEL, data)
    assert frames_of(table, data, 1) == [whole]
    assert table.findings == ()


def test_each_fragment_is_a_frame_if_the_offset_table_is_empty() -> None:
    data = encapsulated(*(item(jpeg(number)) for number in range(3)))
    table = locate_frames(replace(PIXEL, number_of_frames=3), data)
    assert frames_of(table, data, 3) == [jpeg(number) for number in range(3)]


def test_codestream_starts_separate_the_frames_if_there_are_more_fragments() -> None:
    first, second = jpeg(1, 30), jpeg(2, 50)
    data = encapsulated(item(first[:10]), item(first[10:]), item(second[:20]), item(second[20:48]), item(second[48:]))
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [first, second]


def test_rle_headers_separate_the_frames_if_there_are_more_fragments() -> None:
    header = struct.pack("<16I", 1, 64, *[0] * 14)
    data = encapsulated(item(header + b"ab"), item(b"cdef"), item(header + b"gh"), transfer_syntax=RLE)
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [header + b"abcdef", header + b"gh"]


def test_an_offset_table_determines_the_fragments_of_each_frame() -> None:
    parts = [jpeg(1)[:6], jpeg(1)[6:], jpeg(2)]
    table_bytes = struct.pack("<2I", 0, 2 * 8 + 12)
    data = encapsulated(*map(item, parts), table=table_bytes)
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [jpeg(1), jpeg(2)]
    assert table.findings == ()


@pytest.mark.parametrize(
    "offsets",
    [(0, 0), (0, 21), (20, 0), (0, 4000), (1, 20), (0,), (0xFFFFFFFF, 0xFFFFFFFF)],
    ids=["repeated", "beside", "falling", "beyond", "not first", "too few", "nonsense"],
)
def test_an_offset_table_that_contradicts_the_fragments_is_ignored(offsets: tuple[int, ...]) -> None:
    data = encapsulated(item(jpeg(1)), item(jpeg(2)), table=struct.pack(f"<{len(offsets)}I", *offsets))
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [jpeg(1), jpeg(2)]
    assert codes(table) == [FindingCode.OFFSET_TABLE_IGNORED]


def test_an_offset_into_the_middle_of_a_codestream_is_ignored() -> None:
    parts = [jpeg(1)[:6], jpeg(1)[6:], jpeg(2)]
    data = encapsulated(*map(item, parts), table=struct.pack("<2I", 0, 14))
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [jpeg(1), jpeg(2)]
    assert codes(table) == [FindingCode.OFFSET_TABLE_IGNORED]


def test_the_basic_offset_table_may_be_absent() -> None:
    data = PixelData(item(jpeg(1)) + item(jpeg(2)) + DELIMITER, BASELINE, True)
    assert frames_of(locate_frames(replace(PIXEL, number_of_frames=2), data), data, 2) == [jpeg(1), jpeg(2)]


def test_extended_offset_table_lengths_may_exclude_the_pad_byte() -> None:
    offsets, lengths = struct.pack("<2Q", 0, 8 + 12), struct.pack("<2Q", 11, 12)
    data = encapsulated(
        item(jpeg(1, 11) + b"\0"), item(jpeg(2)), extended_offsets=ExtendedOffsetTable(offsets, lengths)
    )
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [jpeg(1, 11) + b"\0", jpeg(2)]
    assert table.findings == ()


@pytest.mark.parametrize(
    ("offsets", "lengths"), [((0, 20), (12, 9)), ((0, 21), (12, 12)), ((0,), (12,)), ((), ()), ((0, 20), (12,))]
)
def test_an_extended_offset_table_that_contradicts_the_fragments_is_ignored(
    offsets: tuple[int, ...], lengths: tuple[int, ...]
) -> None:
    extended = ExtendedOffsetTable(
        struct.pack(f"<{len(offsets)}Q", *offsets), struct.pack(f"<{len(lengths)}Q", *lengths)
    )
    data = encapsulated(item(jpeg(1)), item(jpeg(2)), extended_offsets=extended)
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [jpeg(1), jpeg(2)]
    assert codes(table) == [FindingCode.OFFSET_TABLE_IGNORED]


def test_an_empty_fragment_is_an_empty_frame_and_shifts_no_other() -> None:
    data = encapsulated(item(jpeg(1)), item(b""), item(jpeg(3)))
    table = locate_frames(replace(PIXEL, number_of_frames=3), data)
    assert frame_bytes(table, data, 2).data == jpeg(3)
    with pytest.raises(TruncatedError, match="empty"):
        frame_bytes(table, data, 1)


def test_additional_empty_fragments_are_ignored() -> None:
    data = encapsulated(item(jpeg(1)), item(b""), item(jpeg(2)))
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [jpeg(1), jpeg(2)]


def test_missing_frames_fail_one_by_one_with_the_counts() -> None:
    data = encapsulated(item(jpeg(1)))
    table = locate_frames(replace(PIXEL, number_of_frames=1_000_000_000), data)
    assert table.present_frames == 1
    assert frame_bytes(table, data, 0).data == jpeg(1)
    with pytest.raises(TruncatedError, match="1 of the 1000000000 frames") as caught:
        frame_bytes(table, data, 1)
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


def test_frames_beyond_the_declared_number_are_left_out_with_a_finding() -> None:
    data = encapsulated(item(jpeg(1)), item(jpeg(2)), item(jpeg(3)))
    table = locate_frames(PIXEL, data)
    assert frames_of(table, data, 1) == [jpeg(1)]
    assert codes(table) == [FindingCode.EXCESS_PIXEL_DATA]


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_truncated_last_fragment_fails_only_its_frame(cut: int) -> None:
    value = encapsulated(item(jpeg(1)), item(jpeg(2)), end=b"").value[:-cut]
    data = PixelData(value, BASELINE, True)
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frame_bytes(table, data, 0).data == jpeg(1)
    with pytest.raises(TruncatedError, match=f"declares 12 bytes, but only {12 - cut} are in the file") as caught:
        frame_bytes(table, data, 1)
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


def test_a_fragment_of_undefined_length_is_refused() -> None:
    data = encapsulated(item(jpeg(1), declared=0xFFFFFFFF))
    with pytest.raises(TruncatedError):
        frame_bytes(locate_frames(PIXEL, data), data, 0)


@pytest.mark.parametrize("end", [b"", b"\xfe\xff\xdd", b"\x00\x00\x00\x00"])
def test_a_missing_sequence_delimiter_is_a_finding(end: bytes) -> None:
    data = encapsulated(item(jpeg(1)), end=end)
    table = locate_frames(PIXEL, data)
    assert frames_of(table, data, 1) == [jpeg(1)]
    assert codes(table) == [FindingCode.SEQUENCE_DELIMITER_MISSING]


def test_bytes_of_delimiters_and_items_inside_a_codestream_belong_to_it() -> None:
    whole = jpeg(1)[:6] + DELIMITER + item(b"xy") + jpeg(1)[6:]
    data = encapsulated(item(whole))
    table = locate_frames(PIXEL, data)
    assert frames_of(table, data, 1) == [whole]
    assert table.findings == ()


@pytest.mark.parametrize("pad", [b"", b"\0"], ids=["no pad", "pad not counted"])
def test_fragments_of_odd_length_are_read(pad: bytes) -> None:
    odd = jpeg(1, 13)
    data = encapsulated(item(odd) + pad, item(jpeg(2)))
    table = locate_frames(replace(PIXEL, number_of_frames=2), data)
    assert frames_of(table, data, 2) == [odd, jpeg(2)]
    assert table.findings == ()


def test_bytes_after_the_sequence_delimiter_are_ignored() -> None:
    data = encapsulated(item(jpeg(1)), end=DELIMITER + b"\xfc\xff\xfc\xff" + item(jpeg(2)))
    table = locate_frames(PIXEL, data)
    assert frames_of(table, data, 1) == [jpeg(1)]
    assert table.findings == ()


@pytest.mark.parametrize("value", [b"", item(b""), item(b"") + DELIMITER])
def test_encapsulated_data_without_fragments_are_truncated(value: bytes) -> None:
    with pytest.raises(TruncatedError, match="no fragments") as caught:
        locate_frames(PIXEL, PixelData(value, BASELINE, True))
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


def test_encapsulated_data_without_items_are_corrupt() -> None:
    with pytest.raises(DecodeError, match="does not begin with an item"):
        locate_frames(PIXEL, PixelData(jpeg(1), BASELINE, True))
