# SPDX-License-Identifier: MIT
"""Locate the frames in the value of Pixel Data, and read the encoded bytes of one frame (PS3.5 8, A.4)."""

from __future__ import annotations

from plainfilm.dicom.byte_source import BytesLike
from plainfilm.dicom.fragments import FrameFragments, assign_fragments
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.dicom.pixel_evidence import HALVED_CHROMA
from plainfilm.dicom.transfer_syntax import NATIVE, transfer_syntax_name
from plainfilm.errors import ConversionError, DecodeError, LimitError, Reason, TruncatedError, UnsupportedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

# An encoded frame may have four times the bytes of its pixels, plus these: metadata that encoders add.
_MAX_CODESTREAM_OVERHEAD = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class FrameTable:
    """The positions of the frames of an instance.

    declared_frames: Number of Frames. present_frames: the number of frames of which Pixel Data has bytes; the others
    fail when they are read.
    allow_truncated: whether the last present frame may be cut short and is then read as far as it goes.
    frame_bits: the size of a frame as native data, also if the frames are encapsulated. pad_bytes: the bytes after each
    native frame, 1 if frames of odd length are padded one by one.
    swapped_words: whether native cells that are smaller than a word lie in words of big endian (PS3.5 8.1.1, A.3).
    fragments: of encapsulated frames, the fragments of each; None for native frames.
    """

    declared_frames: int
    present_frames: int
    allow_truncated: bool = False
    frame_bits: int = 0
    swapped_words: bool = False
    fragments: tuple[FrameFragments, ...] | None = None
    findings: tuple[Finding, ...] = ()
    pad_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FrameBytes:
    """The encoded bytes of one frame.

    octets: for a native frame, a view. first_bit: the bit of the first byte at which small cells begin.
    """

    octets: BytesLike
    first_bit: int = 0
    big_endian: bool = False

    @property
    def data(self) -> bytes:
        """The bytes as `bytes`. Those of a view are copied."""
        return bytes(self.octets)


def locate_frames(pixel: ImagePixel, data: PixelData, allow_truncated: bool = False) -> FrameTable:
    """Locate every frame of an instance. No frame is decoded, and no memory of the size of a frame is allocated.

    Raises TruncatedError (truncated_pixel_data) if native data are shorter than the declared frames (with
    `allow_truncated`: if they are empty) or encapsulated data have no fragment, DecodeError if encapsulated data are
    not a sequence of items, UnsupportedError, and LimitError (too_large).
    """
    if not data.encapsulated:
        return _locate_native(pixel, data, allow_truncated)
    table = assign_fragments(data, pixel.number_of_frames)
    return FrameTable(
        declared_frames=pixel.number_of_frames,
        present_frames=len(table.frames),
        allow_truncated=allow_truncated,
        frame_bits=pixel.rows * pixel.columns * pixel.samples_per_pixel * pixel.bits_allocated,
        fragments=table.frames,
        findings=table.findings,
    )


def frame_bytes(table: FrameTable, data: PixelData, frame: int) -> FrameBytes:
    """Return the encoded bytes of a frame, counted from 0.

    Raises TruncatedError (truncated_pixel_data) if the frame is missing, empty or cut short, and LimitError (too_large)
    if it has far more bytes than its pixels.
    """
    if frame >= table.present_frames:
        counts = f"{table.present_frames} of the {table.declared_frames} frames"
        raise _truncated(f"Pixel Data holds {counts} that Number of Frames declares")
    if table.fragments is None:
        return _native_frame(table, data, frame)
    fragments = table.fragments[frame]
    cut = next((fragment for fragment in fragments if fragment.start + fragment.length > len(data.value)), None)
    if cut is not None and not table.allow_truncated:
        available = len(data.value) - cut.start
        raise _truncated(f"a fragment declares {cut.length} bytes, but only {available} are in the file")
    length = sum(fragment.length for fragment in fragments)
    if length > _MAX_CODESTREAM_OVERHEAD + 4 * (table.frame_bits // 8):
        raise LimitError(f"the fragments of the frame are {length} bytes long, its pixels {table.frame_bits // 8}")
    codestream = b"".join(data.value[fragment.start : fragment.start + fragment.length] for fragment in fragments)
    if not codestream:
        raise _truncated("the fragments of the frame are empty")
    return FrameBytes(codestream)


def _truncated(message: str) -> TruncatedError:
    return TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)


def _locate_native(pixel: ImagePixel, data: PixelData, allow_truncated: bool) -> FrameTable:
    """Locate native frames, which follow one another without a gap, to the bit (PS3.5 8.1.1, 8.2)."""
    frame_bits, findings = _native_frame_bits(pixel, len(data.value))
    needed = (frame_bits * pixel.number_of_frames + 7) // 8
    declared, available = pixel.number_of_frames, len(data.value)
    is_compressed = data.transfer_syntax not in NATIVE and transfer_syntax_name(data.transfer_syntax) != ""
    if is_compressed and not needed <= available <= needed + max(needed % 2, declared):
        raise _unencapsulated(data.transfer_syntax, available, needed)
    if available < needed and not (allow_truncated and available):
        frames = f"{declared} frames" if declared > 1 else "one frame"
        size = f"{pixel.rows} x {pixel.columns}"
        raise _truncated(f"Pixel Data has {available} bytes, {frames} of {size} pixels need {needed}")
    pad_bytes = 1 if declared > 1 and frame_bits % 16 == 8 and available == needed + declared else 0
    if pad_bytes:
        note = f"each of the {declared} frames of {frame_bits // 8} bytes has a pad byte"
        findings = (*findings, Finding(FindingCode.EXCESS_PIXEL_DATA, note))
    elif available > needed + needed % 2:
        note = f"Pixel Data has {available} bytes, {needed} are needed; the rest is left out"
        findings = (*findings, Finding(FindingCode.EXCESS_PIXEL_DATA, note))
    swapped = data.big_endian and data.vr == "OW" and pixel.bits_allocated < 16
    present = min(declared, -(-available * 8 // frame_bits))
    return FrameTable(declared, present, allow_truncated, frame_bits, swapped, findings=findings, pad_bytes=pad_bytes)


def _unencapsulated(transfer_syntax: str, available: int, needed: int) -> ConversionError:
    """Return the error for data of a compressed transfer syntax that are neither codestreams nor native data."""
    message = (
        f"the transfer syntax {transfer_syntax} needs codestreams in items; Pixel Data has {available} bytes without "
        f"items, which do not begin like a codestream, and native data would have {needed}"
    )
    return _truncated(message) if available < needed else DecodeError(message)


def _native_frame_bits(pixel: ImagePixel, available: int) -> tuple[int, tuple[Finding, ...]]:
    """Return the size of a native frame in bits: two samples per pixel if the chroma is halved (PS3.3 C.7.6.3.1.2).

    available: the length of Pixel Data in bytes, which shows whether the chroma is halved in fact.
    """
    bits = pixel.rows * pixel.columns * pixel.bits_allocated
    if pixel.photometric_interpretation not in HALVED_CHROMA:
        return bits * pixel.samples_per_pixel, ()
    full_size = bits * 3 * pixel.number_of_frames // 8
    if available in (full_size, full_size + full_size % 2):
        note = f"{pixel.photometric_interpretation}, but Pixel Data has three samples for every pixel"
        return bits * 3, (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),)
    if pixel.columns % 2:
        message = f"{pixel.photometric_interpretation} with an odd number of Columns, {pixel.columns}"
        raise UnsupportedError(message)
    return bits * 2, ()


def _native_frame(table: FrameTable, data: PixelData, frame: int) -> FrameBytes:
    """Return a native frame: a view of its bytes, or a copy if the bytes of its words are swapped."""
    first = frame * (table.frame_bits + 8 * table.pad_bytes)
    last = first + table.frame_bits
    start, stop = first // 8, (last + 7) // 8
    if not table.swapped_words:
        return FrameBytes(data.value[start:stop], first % 8, data.big_endian)
    # words begin at even bytes, but frames may begin at odd bytes
    words = bytearray(data.value[start - start % 2 : stop + stop % 2])
    words[0:-1:2], words[1::2] = words[1::2], words[0:-1:2]
    return FrameBytes(bytes(words[start % 2 : start % 2 + stop - start]), first % 8, data.big_endian)
