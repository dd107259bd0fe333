# SPDX-License-Identifier: MIT
"""Decode lossless JPEG frames (ITU-T T.81 annex H) with the compiled module, which proves that the scan is whole.

A frame is whole if every sample is decoded from bits of the scan and fewer than eight bits are left. Everything else is
left to the next codec: damaged and truncated scans, several scans, subsampled components, restart intervals that are
not whole rows. What this module decodes, the next codec decodes to the same samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import START_OF_SCAN, JpegHeader, Segment
from plainfilm.decode.decoded import CodecDeclined, DecodedFrame
from plainfilm.decode.jpeg import LOSSLESS, checked_header
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.kernels import HAS_CORE

if HAS_CORE:
    from plainfilm.kernels import core

Array = npt.NDArray[Any]
_HUFFMAN_TABLES, _RESTART_INTERVAL = 0xC4, 0xDD
_END_OF_IMAGE = 0xD9
_CATEGORIES = 17


def decode_jpeg_lossless(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a lossless frame of 2 to 16 bits; the colour space is not converted.

    Raises CodecDeclined where another codec must judge the codestream, and the errors of `checked_header`.
    """
    checked = checked_header(pixel, frame, accepts_exchanged_sides=True)
    samples = decode_whole_scan(frame.data, checked.header)
    if samples is None:
        raise CodecDeclined
    return DecodedFrame(samples, checked.header.size.precision, None, "", checked.color_space, checked.findings)


def decode_whole_scan(data: bytes, header: JpegHeader) -> Array | None:
    """Return the samples, (rows, columns[, components]), of a frame; None where its scan is not simply whole."""
    size = header.size
    scan, end = next(
        (pair for pair in zip(header.segments, header.segments[1:], strict=False) if pair[0].marker == START_OF_SCAN),
        (None, None),
    )
    if scan is None or end is None or end.marker != _END_OF_IMAGE or not _is_simple(data, header, scan):
        return None
    before_scan = header.segments[: header.segments.index(scan)]
    tables = _huffman_tables(data, before_scan)
    selected = [tables.get(data[scan.start + 6 + 2 * number] >> 4) for number in range(size.components)]
    restart_interval = _restart_interval(data, before_scan)
    if restart_interval % size.columns or None in selected:
        return None
    predictor, point_transform = data[scan.stop - 3], data[scan.stop - 1]
    content = core.decode_lossless(
        memoryview(data)[scan.stop : _stop_of_scan(data, end.start)],
        b"".join(table for table in selected if table is not None),
        (size.rows, size.columns, size.components),
        (size.precision, predictor, point_transform),
        restart_interval // size.columns,
    )
    if content is None:
        return None
    shape = (size.rows, size.columns, size.components)[: 2 if size.components == 1 else 3]
    return np.frombuffer(content, np.uint8 if size.precision <= 8 else np.uint16).reshape(shape)


def _is_simple(data: bytes, header: JpegHeader, scan: Segment) -> bool:
    """Whether a single scan holds all components, in their order and not subsampled."""
    components = header.size.components
    scan_header = data[scan.start : scan.stop]
    return (
        header.process == LOSSLESS
        and 0 < components <= 4
        and min(header.size.rows, header.size.columns) > 0
        and {*header.horizontal_sampling, *header.vertical_sampling} == {1}
        and len(scan_header) == 8 + 2 * components
        and scan_header[4] == components
        and scan_header[5 : 5 + 2 * components : 2] == header.component_ids
        and scan_header[-2] == 0  # reserved: other decoders refuse another value
    )


def _huffman_tables(data: bytes, segments: tuple[Segment, ...]) -> dict[int, bytes]:
    """Map the numbers of the DC tables to 16 numbers of codes and 17 categories (T.81 B.2.4.2).

    Without a table where a segment is not made of whole tables.
    """
    tables = dict[int, bytes]()
    for segment in segments:
        position = segment.start + 4 if segment.marker == _HUFFMAN_TABLES else segment.stop
        while position + 17 <= segment.stop:
            counts = data[position + 1 : position + 17]
            categories = data[position + 17 : position + 17 + sum(counts)]
            tables[data[position]] = counts + categories[:_CATEGORIES].ljust(_CATEGORIES, b"\xff")
            position += 17 + sum(counts)
        if position != segment.stop:
            return {}
    return tables


def _restart_interval(data: bytes, segments: tuple[Segment, ...]) -> int:
    """The last restart interval before the scan, in samples of each component; 0 for none (T.81 B.2.4.4)."""
    intervals = [segment for segment in segments if segment.marker == _RESTART_INTERVAL]
    return int.from_bytes(data[intervals[-1].start + 4 : intervals[-1].stop], "big") if intervals else 0


def _stop_of_scan(data: bytes, stop: int) -> int:
    """Leave out the fill bytes FF before the end marker (T.81 B.1.1.2)."""
    while data[stop - 1] == 0xFF:
        stop -= 1
    return stop
