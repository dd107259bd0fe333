# SPDX-License-Identifier: MIT
"""The survey of an instance -> which VOI its frames are shown with: the file's own where it can be used, else a repair.

The order: the first VOI, the next ones of the file, the first one in stored space, and then as if there were no VOI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Instance
from plainfilm.options.choices import VoiChoice
from plainfilm.rendering.grayscale.histogram import Histogram, pooled
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.polarity import nearest
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.survey import Survey, SurveyedFrame
from plainfilm.rendering.grayscale.voi import ConstantLevel, Line, VoiLut, Window
from plainfilm.rendering.grayscale.voi_candidates import VoiCandidates, VoiPosition, voi_candidates, voi_from_item

Array = npt.NDArray[Any]

# The share of the pixels at one end of the 8-bit range from which a VOI shows nothing, in thousandths.
DEGENERATE_PER_MILLE = 995
FALLBACK_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A VOI of the file, on the modality output or on stored values."""

    place: VoiPosition
    stored_space: bool = False

    def __str__(self) -> str:
        return f"{self.place}{':stored' if self.stored_space else ''}"


@dataclass(frozen=True, slots=True)
class VoiSelection:
    """What a frame is shown with: an attempt that can be used, or None for no VOI; and why others were refused."""

    attempt: Attempt | None
    refused: tuple[str, ...] = ()


class VoiSelector:
    """Chooses the VOI of each frame; whether a place shows nothing is judged over all the frames surveyed."""

    def __init__(self, instance: Instance, survey: Survey, voi: VoiChoice) -> None:
        self._instance = instance
        self._survey = survey
        self._voi = voi
        self._faults: dict[Attempt, str | None] = {}

    def choose(self, frame: SurveyedFrame) -> VoiSelection:
        """The first attempt of the frame's own that shows the instance."""
        candidates = self._candidates(frame)
        attempts = [Attempt(place) for place in candidates.places]
        if attempts and not frame.modality.is_identity:
            attempts.append(Attempt(attempts[0].place, stored_space=True))
        refused: list[str] = []
        for attempt in attempts:
            fault = self._fault(attempt, frame, candidates)
            if fault is None:
                return VoiSelection(attempt, tuple(refused))
            refused.append(f"{attempt} {fault}")
        return VoiSelection(None, tuple(refused))

    def _candidates(self, frame: SurveyedFrame) -> VoiCandidates:
        return voi_candidates(self._instance.frame_attributes(frame.frame), self._voi)

    def _fault(self, attempt: Attempt, frame: SurveyedFrame, candidates: VoiCandidates) -> str | None:
        """Why an attempt shows nothing, or None where it does."""
        if self._voi_at(attempt, frame, candidates) is None:
            return "cannot be used: Window Width must be above 0"
        if attempt not in self._faults:
            self._faults[attempt] = self._judge(attempt)
        return self._faults[attempt]

    def _judge(self, attempt: Attempt) -> str | None:
        """From the 8-bit levels of the valid pixels of all frames, each through its own VOI of that place.

        An image of one input level is never degenerate.
        """
        counts, inputs, colored = np.zeros(256, np.int64), set[float](), 0
        for frame in self._survey.frames:
            colored += frame.colored
            voi = self._voi_at(attempt, frame, self._candidates(frame))
            if voi is None:
                continue
            x = voi_input(attempt, frame, self._survey.rules)[0].apply(frame.valid.values)
            inputs |= {float(end) for end in (x.min(), x.max())} if x.size else set()
            levels = nearest(voi.apply(x, 255.0), 255)
            counts += np.bincount(levels, weights=frame.valid.counts, minlength=256).astype(np.int64)
        return None if len(inputs) <= 1 else _fault_of_levels(counts, colored)

    def _voi_at(self, attempt: Attempt, frame: SurveyedFrame, candidates: VoiCandidates) -> Window | VoiLut | None:
        item = candidates.at(attempt.place)
        return None if item is None else voi_from_item(item, voi_input(attempt, frame, self._survey.rules)[1])[0]


def voi_input(attempt: Attempt, frame: SurveyedFrame, rules: StoredRules) -> tuple[ModalityTransform, bool]:
    """The Modality LUT step before the VOI of an attempt, and whether its output is signed."""
    if attempt.stored_space:
        return ModalityTransform(), rules.signed
    return frame.modality, frame.modality.output_is_signed(rules)


def _fault_of_levels(counts: npt.NDArray[np.int64], colored: int) -> str | None:
    """Whether output levels are degenerate. Pixels in colours (their number) are seen whatever the levels are."""
    total = int(counts.sum()) + colored
    for level, name in ((0, "0"), (255, "the maximum")):
        if int(counts[level]) * 1000 >= DEGENERATE_PER_MILLE * total:
            return f"puts {counts[level] / total:.1%} of the pixels at {name}"
    return "puts all pixels on one level" if np.count_nonzero(counts) == 1 and not colored else None


def default_voi(survey: Survey, frame: SurveyedFrame) -> tuple[Line | ConstantLevel, str, str]:
    """How a frame is shown as if it had no VOI: the line, the name of the rule, and the reason.

    Images of 8 bits stored or fewer without Modality LUT or rescale are display values already. All others run from the
    0.1 to the 99.9 percentile of the valid pixels of all frames, without the smallest and largest value.
    """
    rules = survey.rules
    if rules.is_integer and rules.bits_stored <= 8 and frame.modality.is_identity:
        reason = f"{rules.bits_stored} bits stored and no Modality LUT: display values already"
        return Line(float(rules.lowest), float(rules.highest)), "identity", reason
    levels = pooled(tuple(one.valid.mapped(one.modality.apply(one.valid.values)) for one in survey.frames))
    if levels.values.size <= 1:
        return ConstantLevel(), "fallback", "one level in all: the middle of the range"
    return _fallback_line(levels)


def _fallback_line(levels: Histogram) -> tuple[Line, str, str]:
    smallest, largest = float(levels.values[0]), float(levels.values[-1])
    between = levels.keep(np.arange(levels.values.size) % (levels.values.size - 1) != 0)
    if between.values.size >= 2:
        low, high = (float(between.percentile(percent)) for percent in FALLBACK_PERCENTILES)
        if low < high:
            reason = "the 0.1 and 99.9 percentile of the valid pixels without the smallest and largest value"
            return Line(low, high), "fallback", reason
    return Line(smallest, largest), "fallback", "smallest to largest value: too few levels lie between them"
