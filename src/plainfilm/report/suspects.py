# SPDX-License-Identifier: MIT
"""Find the images of a run that a person should look at first.

Statistics are compared with those of the images of the same modality and body part, by median and median absolute
deviation. Both are computed from histograms, so that the memory does not depend on the number of images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from operator import attrgetter

from plainfilm.findings import FindingCode
from plainfilm.pickling import dataclass
from plainfilm.records import Record


class Suspect(StrEnum):
    """Why a person should look at an image."""

    POLARITY = "polarity"
    """Black and white may be exchanged."""
    BLANK = "blank"
    """Almost all pixels have the same level."""
    OUTLIER = "outlier"
    """The mean, the entropy, or the share of black or white pixels is far from that of similar images."""
    WINDOW = "window"
    """The window is replaced, is not the image's own, or its width is far from that of similar images."""
    DUPLICATE = "duplicate"
    """An earlier image has the same SOP Instance and frame, or the same stored pixels."""
    BURNED_IN = "burned_in"
    """The pixels contain text, or images of this kind usually do."""


BLANK_ENTROPY, BLANK_FRACTION = 0.5, 0.995
"""An image is blank below this entropy in bits, or with more than this share of pixels at one end."""

FEWEST_IMAGES, DEVIATIONS = 30, 6.0
"""Statistics are compared in groups of at least so many images; an outlier is so many deviations from the median."""

MOST_GROUPS = 500
_BINS = 512
_BURNED_IN = {FindingCode.BURNED_IN_ANNOTATION.value, FindingCode.BURNED_IN_LIKELY.value}
# `window_unusual` is a finding of windows that are meant for another depth
_WINDOW = {FindingCode.VOI_DEGENERATE.value, FindingCode.VOI_INVALID.value, "window_unusual"}
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class _Statistic:
    """A statistic that is compared: its range in histograms, and the smallest deviation that counts as one."""

    low: float
    high: float
    floor: float


_STATISTICS = {
    "mean": _Statistic(0, 1, 0.02),
    "entropy": _Statistic(0, 8, 0.2),
    "black_fraction": _Statistic(0, 1, 0.03),
    "white_fraction": _Statistic(0, 1, 0.03),
    "voi_width": _Statistic(-8, 24, 0.3),
}
_WIDTH = "voi_width"
_statistics_of = attrgetter(*_STATISTICS)


class Baselines:
    """The distributions of the statistics of a run, by modality and body part."""

    def __init__(self) -> None:
        self._histograms: dict[tuple[str, str], dict[str, list[int]]] = {}
        self._ranges: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}

    def add(self, record: Record) -> None:
        """Count an image."""
        group = self._group(record)
        if group not in self._histograms:
            self._histograms[group] = {name: [0] * _BINS for name in _STATISTICS}
        histograms = self._histograms[group]
        for name, value in _values(record):
            histograms[name][_bin(name, value)] += 1

    def suspects(self, record: Record) -> tuple[Suspect, ...]:
        """Return why a person should look at an image, after all images have been counted."""
        findings = set(record.findings.split(";")) if record.findings else set()
        outliers = set(self._outliers(record))
        reasons = (
            (Suspect.POLARITY, record.polarity_suspect),
            (Suspect.BLANK, is_blank(record)),
            (Suspect.OUTLIER, bool(outliers - {_WIDTH})),
            (Suspect.WINDOW, _WIDTH in outliers or not findings.isdisjoint(_WINDOW)),
            (Suspect.DUPLICATE, bool(record.duplicate_of)),
            (Suspect.BURNED_IN, not findings.isdisjoint(_BURNED_IN)),
        )
        return tuple([reason for reason, applies in reasons if applies])

    def _outliers(self, record: Record) -> Iterator[str]:
        """Yield the names of the statistics that are far from those of similar images."""
        group = self._group(record)
        if group not in self._ranges:
            self._ranges[group] = {name: _usual(name, counts) for name, counts in self._histograms[group].items()}
        ranges = self._ranges[group]
        for name, value in _values(record):
            low, high = ranges[name]
            if not low <= value <= high:
                yield name

    def _group(self, record: Record) -> tuple[str, str]:
        group = (record.modality, record.body_part)
        return group if group in self._histograms or len(self._histograms) < MOST_GROUPS else ("", "")


def is_blank(record: Record) -> bool:
    """Whether almost all pixels of an image have the same level."""
    if record.entropy is None or record.black_fraction is None or record.white_fraction is None:
        return True
    return record.entropy < BLANK_ENTROPY or max(record.black_fraction, record.white_fraction) > BLANK_FRACTION


def _values(record: Record) -> Iterator[tuple[str, float]]:
    """Yield the statistics that an image has, the width of its window as logarithm to the base 2."""
    for name, value in zip(_STATISTICS, _statistics_of(record), strict=True):
        if name == _WIDTH:
            value = math.log2(value) if value is not None and value > 0 else None
        if value is not None and math.isfinite(value):
            yield name, value


def _bin(name: str, value: float) -> int:
    statistic = _STATISTICS[name]
    share = (value - statistic.low) / (statistic.high - statistic.low)
    return min(max(int(share * _BINS), 0), _BINS - 1)


def _usual(name: str, counts: Sequence[int]) -> tuple[float, float]:
    """Return the range of a statistic outside of which an image is an outlier."""
    if sum(counts) < FEWEST_IMAGES:
        return -math.inf, math.inf
    statistic = _STATISTICS[name]
    width = (statistic.high - statistic.low) / _BINS
    weighted = [(statistic.low + (number + 0.5) * width, count) for number, count in enumerate(counts) if count]
    median = _median(weighted)
    deviation = _median(sorted((abs(value - median), count) for value, count in weighted))
    reach = DEVIATIONS * max(_MAD_TO_SIGMA * deviation, statistic.floor)
    return median - reach, median + reach


def _median(weighted: Sequence[tuple[float, int]]) -> float:
    """Return the median of values in ascending order, each with the number of its occurrences."""
    middle, total = (sum(count for _, count in weighted) + 1) // 2, 0
    for value, count in weighted:
        total += count
        if total >= middle:
            return value
    raise ValueError("no values")
