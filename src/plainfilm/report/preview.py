# SPDX-License-Identifier: MIT
"""What the report shows of one image: a thumbnail, a chart and the explanation. The ledger stores it as bytes.

This module loads no library for pixels; `thumbnail.py` makes previews.
"""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64decode
from binascii import b2a_base64
from itertools import chain

from plainfilm.pickling import dataclass
from plainfilm.report.tone_chart import EMPTY_CHART, ToneChart

_LENGTH = struct.Struct(">I")
_MOST_BYTES = 1 << 20
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_LISTS, _STRINGS = frozenset({list}), frozenset({str})
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
        counts = b2a_base64(chart.counts, newline=False).decode()
        levels = b2a_base64(chart.levels, newline=False).decode()
        text = _ENCODER.encode([chart.low, chart.high, counts, levels, self.steps, self.findings])
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


def _texts(value: object) -> tuple[Texts, ...]:
    """Check a list of lists of texts. Raises ValueError."""
    if not isinstance(value, list) or not _LISTS.issuperset(map(type, value)):
        raise ValueError("no preview")
    if not _STRINGS.issuperset(map(type, chain.from_iterable(value))):
        raise ValueError("no preview")
    return tuple(map(tuple, value))
