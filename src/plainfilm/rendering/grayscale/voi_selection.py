# SPDX-License-Identifier: MIT
"""Select the VOI that a frame is displayed with: the file's own where it is usable, otherwise a replacement.

The order is: the first VOI of the file, the other VOIs of the file, the first VOI applied to stored values, and
finally the VOI of an image that has none (`default_voi`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Instance
from plainfilm.options.render import VoiChoice
from plainfilm.rendering.grayscale.histogram import Histogram, pooled
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.polarity import round_to_levels
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.survey import GrayscaleSurvey, SurveyedFrame
from plainfilm.rendering.grayscale.voi import ConstantLevel, Line, VoiLut, Window
from plainfilm.rendering.grayscale.voi_candidates import VoiCandidates, VoiPosition, voi_candidates, voi_from_item

Array = npt.NDArray[Any]

# A VOI is degenerate where at least this share of the pixels, in thousandths, is at one end of the 8-bit range.
DEGENERATE_PER_MILLE = 995
FALLBACK_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True, slots=True)
class VoiAttempt:
    """A VOI of the file that is tried on the modality output, or on stored values where `stored_space` is true."""

    position: VoiPosition
    stored_space: bool = False

    def __str__(self) -> str:
        return f"{self.position}{':stored' if self.stored_space else ''}"


@dataclass(frozen=True, slots=True)
class VoiSelection:
    """The VOI that a frame is displayed with; `attempt` is None where no VOI of the file is usable.

    `rejections` states, for each attempt that was rejected before, its name and the reason.
    """

    attempt: VoiAttempt | None
    rejections: tuple[str, ...] = ()


class VoiSelector:
    """Selects the VOI of each frame. Whether a VOI is degenerate is decided once, over all surveyed frames."""

    def __init__(self, instance: Instance, survey: GrayscaleSurvey, voi: VoiChoice) -> None:
        self._instance = instance
        self._survey = survey
        self._voi = voi
        self._degeneracies: dict[VoiAttempt, str | None] = {}

    def select(self, frame: SurveyedFrame) -> VoiSelection:
        """Return the first attempt for a frame that is usable and not degenerate."""
        candidates = self._candidates(frame)
        attempts = [VoiAttempt(position) for position in candidates.positions]
        if attempts and not frame.modality.is_identity:
            attempts.append(VoiAttempt(attempts[0].position, stored_space=True))
        rejections: list[str] = []
        for attempt in attempts:
            reason = self._rejection_reason(attempt, frame, candidates)
            if reason is None:
                return VoiSelection(attempt, tuple(rejections))
            rejections.append(f"{attempt} {reason}")
        return VoiSelection(None, tuple(rejections))

    def _candidates(self, frame: SurveyedFrame) -> VoiCandidates:
        return voi_candidates(self._instance.frame_attributes(frame.frame), self._voi)

    def _rejection_reason(self, attempt: VoiAttempt, frame: SurveyedFrame, candidates: VoiCandidates) -> str | None:
        """Why an attempt is rejected for a frame; None where it is accepted."""
        if self._voi_of_attempt(attempt, frame, candidates) is None:
            return "cannot be used: Window Width must be above 0"
        if attempt not in self._degeneracies:
            self._degeneracies[attempt] = self._degeneracy(attempt)
        return self._degeneracies[attempt]

    def _degeneracy(self, attempt: VoiAttempt) -> str | None:
        """Why an attempt is degenerate; None where it is not.

        The 8-bit output levels of the valid pixels of all surveyed frames decide, each frame with its own VOI at the
        position of the attempt. Frames without one do not count. An image of one input level is never degenerate.
        """
        counts, input_extremes, colored_pixels = np.zeros(256, np.int64), set[float](), 0
        for frame in self._survey.frames:
            colored_pixels += frame.colored
            voi = self._voi_of_attempt(attempt, frame, self._candidates(frame))
            if voi is None:
                continue
            modality, _ = voi_input(attempt, frame, self._survey.rules)
            x = modality.apply(frame.valid.values)
            input_extremes |= {float(value) for value in (x.min(), x.max())} if x.size else set()
            levels = round_to_levels(voi.apply(x, 255.0), 255)
            counts += np.bincount(levels, weights=frame.valid.counts, minlength=256).astype(np.int64)
        return None if len(input_extremes) <= 1 else _degeneracy_of_levels(counts, colored_pixels)

    def _voi_of_attempt(
        self, attempt: VoiAttempt, frame: SurveyedFrame, candidates: VoiCandidates
    ) -> Window | VoiLut | None:
        item = candidates.item_at(attempt.position)
        if item is None:
            return None
        _, is_signed = voi_input(attempt, frame, self._survey.rules)
        voi, _ = voi_from_item(item, is_signed)
        return voi


def voi_input(attempt: VoiAttempt, frame: SurveyedFrame, rules: StoredRules) -> tuple[ModalityTransform, bool]:
    """The Modality LUT step whose output enters the VOI of an attempt, and whether that output is signed."""
    if attempt.stored_space:
        return ModalityTransform(), rules.signed
    return frame.modality, frame.modality.output_is_signed(rules)


def _degeneracy_of_levels(counts: npt.NDArray[np.int64], colored_pixels: int) -> str | None:
    """Why 8-bit output levels with these counts are degenerate; None where they are not.

    colored_pixels: the number of further pixels that a supplemental palette colours, which are visible at any level.
    """
    total = int(counts.sum()) + colored_pixels
    for level, name in ((0, "0"), (255, "the maximum")):
        if int(counts[level]) * 1000 >= DEGENERATE_PER_MILLE * total:
            return f"puts {counts[level] / total:.1%} of the pixels at {name}"
    return "puts all pixels on one level" if np.count_nonzero(counts) == 1 and not colored_pixels else None


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
