# SPDX-License-Identifier: MIT
"""Select the VOI that a frame is displayed with: the file's own where it is usable, otherwise a replacement.

The order is: the first VOI of the file, the other VOIs of the file, the first VOI applied to stored values, and
finally the VOI of an image that has none (`default_voi`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Instance
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import VoiChoice, VoiKind
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import Histogram, pooled
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.polarity import round_to_levels
from plainfilm.rendering.grayscale.survey import GrayscaleSurvey, SurveyedFrame
from plainfilm.rendering.grayscale.voi import ConstantLevel, Line, VoiLut, Window
from plainfilm.rendering.grayscale.voi_candidates import VoiCandidates, VoiPosition, voi_candidates, voi_from_item

Array = npt.NDArray[Any]

# A VOI is degenerate where at least this share of the pixels, in thousandths, is at one end of the 8-bit range.
DEGENERATE_PER_MILLE = 995
FALLBACK_PERCENTILES = (0.1, 99.9)
# A window is unusual where at least this share of the pixels is at 0 or at the maximum, or where the levels between
# these percentiles differ by no more than this. docs/decisions/voi-selection.md has the measurement.
_UNUSUAL_SHARE_AT_ZERO, _UNUSUAL_SHARE_AT_MAXIMUM = 0.95, 0.9
_SPAN_PERCENTILES, _UNUSUAL_SPAN = (0.01, 0.99), 25
# Values that are shown as they are are expected to reach this share of their range.
_MIN_RANGE = 0.75


@dataclass(frozen=True, slots=True)
class VoiAttempt:
    """A VOI of the file that is tried on the modality output, or on stored values where `stored_space` is true."""

    position: VoiPosition
    stored_space: bool = False

    def __str__(self) -> str:
        return f"{self.position}{':stored' if self.stored_space else ''}"


@dataclass(frozen=True, slots=True)
class AttemptedVoi:
    """The VOI of an attempt for one frame, and the Modality LUT step whose output enters it.

    voi: None where it cannot be used. findings: what was corrected in the VOI.
    """

    attempt: VoiAttempt
    modality: ModalityTransform
    voi: Window | VoiLut | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class VoiSelection:
    """The VOI that a frame is displayed with; `attempted` is None where no VOI of the file is usable.

    `rejections` states, for each attempt that was rejected before, its name and the reason. `findings` says if the
    window of the attempt shows next to nothing, or if a rejected table lacks entries.
    """

    attempted: AttemptedVoi | None
    rejections: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _OutputLevels:
    """The 8-bit output levels that an attempt gives the valid pixels of all surveyed frames.

    counts: the number of pixels of each level. total: of all levels. colored_pixels: the number of further pixels that
    a supplemental palette colours, which are visible at any level. has_one_input: whether all inputs are equal.
    """

    counts: npt.NDArray[np.int64]
    total: int
    colored_pixels: int
    has_one_input: bool


class VoiSelector:
    """Selects the VOI of each frame. Whether a VOI is degenerate is decided once, over all surveyed frames."""

    def __init__(self, instance: Instance, survey: GrayscaleSurvey, voi: VoiChoice) -> None:
        self._instance = instance
        self._survey = survey
        self._voi = voi
        self._levels: dict[VoiAttempt, _OutputLevels] = {}

    def candidates(self, frame: SurveyedFrame) -> VoiCandidates:
        """Return the VOIs of a frame in the order in which they are tried."""
        return voi_candidates(self._instance.frame_attributes(frame.frame), self._voi)

    def select(self, frame: SurveyedFrame, candidates: VoiCandidates) -> VoiSelection:
        """Return the first attempt for a frame that is usable and not degenerate. candidates: those of the frame."""
        attempts = [VoiAttempt(position) for position in candidates.positions]
        if attempts and not frame.modality.is_identity:
            attempts.append(VoiAttempt(attempts[0].position, stored_space=True))
        rejections, findings = list[str](), list[Finding]()
        for attempt in attempts:
            attempted = self._attempted(attempt, frame, candidates)
            levels = None if attempted.voi is None else self._output_levels_of(attempted, frame)
            reason = "cannot be used: Window Width must be above 0" if levels is None else _degeneracy(levels)
            if levels is not None and reason is None:
                return VoiSelection(attempted, tuple(rejections), (*findings, *_findings(attempt, levels)))
            rejections.append(f"{attempt} {reason}")
            findings += self._short_table(attempt, candidates)
        return VoiSelection(None, tuple(rejections), tuple(findings))

    @staticmethod
    def _short_table(attempt: VoiAttempt, candidates: VoiCandidates) -> list[Finding]:
        """A finding if the table of an attempt lacks entries, which may be why the attempt is rejected."""
        item = candidates.item_at(attempt.position)
        found = () if item is None else voi_from_item(item, input_signed=False)[1]
        return [finding for finding in found if finding.code is FindingCode.LUT_DATA_SHORT]

    def _output_levels_of(self, attempted: AttemptedVoi, frame: SurveyedFrame) -> _OutputLevels:
        """The output levels of an attempt that is usable for a frame."""
        if len(self._survey.frames) == 1:
            return self._count_output_levels(attempted, frame)
        levels = self._levels.get(attempted.attempt)
        if levels is None:
            levels = self._levels[attempted.attempt] = self._count_output_levels(attempted, frame)
        return levels

    def _count_output_levels(self, attempted: AttemptedVoi, frame: SurveyedFrame) -> _OutputLevels:
        """Count the levels, each frame with its own VOI at the position of the attempt, if it has one.

        attempted: the VOI of `frame`.
        """
        counts, input_extremes, colored_pixels = np.zeros(256, np.int64), set[float](), 0
        for other in self._survey.frames:
            colored_pixels += other.colored
            own = attempted if other is frame else self._attempted(attempted.attempt, other, self.candidates(other))
            if own.voi is None:
                continue
            x = own.modality.apply(other.valid.values)
            input_extremes |= {float(np.minimum.reduce(x)), float(np.maximum.reduce(x))} if x.size else set()
            levels = round_to_levels(own.voi.apply(x, 255.0), 255)
            counts += np.bincount(levels, weights=other.valid.counts, minlength=256).astype(np.int64)
        total = int(np.add.reduce(counts))
        return _OutputLevels(counts, total, colored_pixels, has_one_input=len(input_extremes) <= 1)

    def _attempted(self, attempt: VoiAttempt, frame: SurveyedFrame, candidates: VoiCandidates) -> AttemptedVoi:
        modality = ModalityTransform() if attempt.stored_space else frame.modality
        item = candidates.item_at(attempt.position)
        if item is None:
            return AttemptedVoi(attempt, modality, None)
        voi, findings = voi_from_item(item, modality.output_is_signed(self._survey.rules))
        return AttemptedVoi(attempt, modality, voi, findings)


def _findings(attempt: VoiAttempt, levels: _OutputLevels) -> tuple[Finding, ...]:
    """A finding if the window of an attempt shows next to nothing."""
    reason = _oddness(levels) if attempt.position.kind is VoiKind.WINDOW else None
    return () if reason is None else (Finding(FindingCode.WINDOW_UNUSUAL, f"{attempt} {reason}; it is applied"),)


def _degeneracy(levels: _OutputLevels) -> str | None:
    """Why an attempt with these levels is degenerate; None where it is not.

    An image of one input level is never degenerate.
    """
    if levels.has_one_input:
        return None
    counts, colored_pixels = levels.counts, levels.colored_pixels
    total = levels.total + colored_pixels
    for level, name in ((0, "0"), (255, "the maximum")):
        if int(counts[level]) * 1000 >= DEGENERATE_PER_MILLE * total:
            return f"puts {counts[level] / total:.1%} of the pixels at {name}"
    return "puts all pixels on one level" if np.count_nonzero(counts) == 1 and not colored_pixels else None


def _oddness(levels: _OutputLevels) -> str | None:
    """Why a window with these levels shows next to nothing; None where it does not, or where pixels are coloured."""
    total = levels.total
    if levels.has_one_input or levels.colored_pixels or total == 0:
        return None
    shares = levels.counts.cumsum() / total
    if shares[0] >= _UNUSUAL_SHARE_AT_ZERO:
        return f"puts {shares[0]:.1%} of the pixels at 0"
    if levels.counts[255] >= _UNUSUAL_SHARE_AT_MAXIMUM * total:
        return f"puts {levels.counts[255] / total:.1%} of the pixels at the maximum"
    low, high = (int(level) for level in shares.searchsorted(_SPAN_PERCENTILES))
    return f"shows 98% of the pixels in {high - low + 1} of 256 levels" if high - low <= _UNUSUAL_SPAN else None


def narrow_range_findings(survey: GrayscaleSurvey) -> tuple[Finding, ...]:
    """Return a finding if the valid pixels of an image that is shown as it is end below three quarters of its range."""
    rules = survey.rules
    largest = max((int(frame.valid.values[-1]) for frame in survey.frames if frame.valid.values.size), default=None)
    if largest is None or largest - rules.lowest >= _MIN_RANGE * (rules.highest - rules.lowest):
        return ()
    note = f"the largest of the values from {rules.lowest} to {rules.highest} is {largest}; they are shown as they are"
    return (Finding(FindingCode.NARROW_RANGE, note),)


def default_voi(survey: GrayscaleSurvey, frame: SurveyedFrame) -> tuple[Line | ConstantLevel, str, str]:
    """The VOI of a frame without a usable VOI of the file, with its label in the tables and the reason in words.

    Integer images of up to 8 bits stored without a Modality LUT or rescale hold display values: their label is
    `identity`. All others get the label `fallback`: the line from the 0.1 to the 99.9 percentile of the valid pixels
    of all surveyed frames, without the pixels at the smallest and at the largest value.
    """
    rules = survey.rules
    if rules.is_integer and rules.bits_stored <= 8 and frame.modality.is_identity:
        reason = f"{rules.bits_stored} bits stored and no Modality LUT: the stored values are display values"
        return Line(float(rules.lowest), float(rules.highest)), "identity", reason
    outputs = [other.valid.mapped(other.modality.apply(other.valid.values)) for other in survey.frames]
    histogram = pooled(tuple(outputs))
    if histogram.values.size <= 1:
        return ConstantLevel(), "fallback", "the image has a single level: the middle of the range"
    return _fallback_line(histogram)


def _fallback_line(histogram: Histogram) -> tuple[Line, str, str]:
    """The fallback line for modality output of at least two levels."""
    smallest, largest = float(histogram.values[0]), float(histogram.values[-1])
    inner = histogram.keep(np.arange(histogram.values.size) % (histogram.values.size - 1) != 0)
    if inner.values.size >= 2:
        low, high = (float(inner.percentile(percent)) for percent in FALLBACK_PERCENTILES)
        if low < high:
            reason = "the 0.1 and 99.9 percentile of the valid pixels without the smallest and largest value"
            return Line(low, high), "fallback", reason
    return Line(smallest, largest), "fallback", "the smallest to the largest value: too few levels lie between them"
