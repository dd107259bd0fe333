# SPDX-License-Identifier: MIT
"""Make what the report shows of one image, while the worker has its pixels: a thumbnail, a chart and the explanation.

The thumbnail is a JPEG of at most 64 pixels: it takes a thirtieth of the time of a WebP. The ledger stores a preview as
bytes, and every value that is read back is checked.
"""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

import cv2

from plainfilm.dicom.instance import Instance
from plainfilm.kernels.levels import Levels
from plainfilm.rendering.explanation import explanation_of
from plainfilm.rendering.frame import PlannedFrame, RenderedFrame
from plainfilm.report.drawing import reduce_image
from plainfilm.report.tone_chart import EMPTY_CHART, ToneChart, tone_chart

THUMBNAIL = 64
"""The most rows and columns of a thumbnail."""

_QUALITY = 75
_LENGTH = struct.Struct(">I")
_MOST_BYTES = 1 << 20
Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the report shows of one image.

    thumbnail: a JPEG file. steps: name, what it does, attribute and reason of each step. findings: code and detail.
    """

    thumbnail: bytes
    chart: ToneChart = EMPTY_CHART
    steps: tuple[Texts, ...] = ()
    findings: tuple[Texts, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the bytes that the ledger stores."""
        chart = self.chart
        counts, levels = (b64encode(part).decode() for part in (chart.counts, chart.levels))
        text = json.dumps([chart.low, chart.high, counts, levels, self.steps, self.findings], ensure_ascii=False)
        packed = zlib.compress(text.encode("utf-8", "replace"), 1)
        return _LENGTH.pack(len(packed)) + packed + self.thumbnail

    @classmethod
    def from_bytes(cls, content: bytes) -> Preview:
        """Read what `to_bytes` wrote. Raises ValueError for anything else."""
        if len(content) < _LENGTH.size:
            raise ValueError("no preview")
        end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        try:
            inflater = zlib.decompressobj()
            values = json.loads(inflater.decompress(content[_LENGTH.size : end], _MOST_BYTES))
            low, high, counts, levels, steps, findings = values
            chart = ToneChart(float(low), float(high), b64decode(counts), b64decode(levels))
        except (zlib.error, TypeError, RecursionError) as error:
            raise ValueError("no preview") from error
        return cls(content[end:], chart, _texts(steps), _texts(findings))


def make_preview(instance: Instance, planned: PlannedFrame | None, rendered: RenderedFrame) -> Preview:
    """Return the preview of a rendered frame.

    planned: None for a projection of several frames, whose steps differ from frame to frame.
    """
    steps = () if planned is None else explanation_of(instance, planned).steps
    texts = tuple((step.name, step.does, step.attribute, step.reason) for step in steps)
    findings = tuple((finding.code.value, finding.detail) for finding in rendered.findings)
    return Preview(thumbnail_of(rendered.levels), tone_chart(planned, rendered), texts, findings)


def thumbnail_of(image: Levels) -> bytes:
    """Return an image of at most 64 x 64 pixels as JPEG; image: grey or RGB, uint8 or uint16."""
    small = reduce_image(image, THUMBNAIL, THUMBNAIL)
    channels = cv2.cvtColor(small, cv2.COLOR_RGB2BGR) if small.ndim == 3 else small
    _, encoded = cv2.imencode(".jpg", channels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(encoded)


def thumbnail_of_file(content: bytes) -> bytes:
    """Return the thumbnail of an encoded image; empty if it cannot be decoded."""
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return b""
    if image is None:
        return b""
    return thumbnail_of(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image)


def _texts(value: object) -> tuple[Texts, ...]:
    """Check a list of lists of texts. Raises ValueError."""
    if not isinstance(value, list) or not all(isinstance(item, list) for item in value):
        raise ValueError("no preview")
    if not all(isinstance(text, str) for item in value for text in item):
        raise ValueError("no preview")
    return tuple(map(tuple, value))
