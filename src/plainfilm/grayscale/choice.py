# SPDX-License-Identifier: MIT
"""The survey of an instance -> which VOI its frames are shown with: the file's own where it can be used, else a repair.

The order: the first VOI, the next ones of the file, the first one in stored space, and then as if there were no VOI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.choices import VoiChoice
from plainfilm.dicom.instance import Instance
from plainfilm.grayscale.candidates import Candidates, Place, candidates_of, voi_of
from plainfilm.grayscale.levels import Levels, pooled
from plainfilm.grayscale.modality import Modality
from plainfilm.grayscale.presentation import nearest
from plainfilm.grayscale.stored import StoredRules
from plainfilm.grayscale.survey import Survey, SurveyedFrame
from plainfilm.grayscale.voi import Flat, Line

Array = npt.NDArray[Any]

# The share of the pixels at one end of the 8-bit range from which a VOI shows nothing, in thousandths.
DEGENERATE_PER_MILLE = 995
FALLBACK_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A VOI of the file, on the modality output or on stored values."""

    place: Place
    stored_space: bool = False

    def __str__(self) -> str:
        return f"{self.place}{':stored' if self.stored_space else ''}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an instance is shown with: an attempt that can be used, or None for no VOI; and why others were refused."""

    attempt: Attempt | None
    refused: tuple[str, ...] = ()


def choose(instance: Instance, survey: Survey, voi: VoiChoice) -> Choice:
    """The first attempt that shows the image, judged over all the frames surveyed."""
    candidates = {frame.frame: candidates_of(instance.frame_attributes(frame.frame), voi) for frame in survey.frames}
    places = list(dict.fromkeys(place for found in candidates.values() for place in found.places))
    places.sort(key=lambda place: place.kind != places[0].kind)
    attempts = [Attempt(place) for place in places]
    if attempts and not all(frame.modality.is_identity for frame in survey.frames):
        attempts.append(Attempt(places[0], stored_space=True))
    refused: list[str] = []
    for attempt in attempts:
        fault = _fault_of(attempt, survey, candidates)
        if fault is None:
            return Choice(attempt, tuple(refused))
        refused.append(f"{attempt} {fault}")
    return Choice(None, tuple(refused))


def input_of(attempt: Attempt, frame: SurveyedFrame, rules: StoredRules) -> tuple[Modality, bool]:
    """The Modality LUT step before the VOI of an attempt, and whether its output is signed."""
    if attempt.stored_space:
        return Modality(), rules.signed
    return frame.modality, frame.modality.output_is_signed(rules)


def _fault_of(attempt: Attempt, survey: Survey, candidates: dict[int, Candidates]) -> str | None:
    """Why an attempt shows nothing, or None where it does: from the 8-bit levels of the valid pixels of all frames."""
    counts = np.zeros(256, np.int64)
    for frame in survey.frames:
        item = candidates[frame.frame].at(attempt.place)
        if item is None:
            continue
        modality, signed = input_of(attempt, frame, survey.rules)
        voi, _ = voi_of(item, signed)
        if voi is None:
            return "cannot be used: Window Width must be above 0"
        levels = nearest(voi.apply(modality.apply(frame.valid.values), 255.0), 255)
        counts += np.bincount(levels, weights=frame.valid.counts, minlength=256).astype(np.int64)
    return _fault_of_levels(counts, one_input=pooled(tuple(frame.valid for frame in survey.frames)).values.size <= 1)


def _fault_of_levels(counts: npt.NDArray[np.int64], one_input: bool) -> str | None:
    """Whether output levels are degenerate; an image of one input level never is."""
    total = int(counts.sum())
    if one_input or total == 0:
        return None
    for level, name in ((0, "0"), (255, "the maximum")):
        if int(counts[level]) * 1000 >= DEGENERATE_PER_MILLE * total:
            return f"puts {counts[level] / total:.1%} of the pixels at {name}"
    return "puts all pixels on one level" if np.count_nonzero(counts) == 1 else None


def without_voi(survey: Survey, frame: SurveyedFrame) -> tuple[Line | Flat, str, str]:
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
        return Flat(), "fallback", "one level in all: the middle of the range"
    return _fallback_line(levels)


def _fallback_line(levels: Levels) -> tuple[Line, str, str]:
    smallest, largest = float(levels.values[0]), float(levels.values[-1])
    between = levels.keep(np.arange(levels.values.size) % (levels.values.size - 1) != 0)
    if between.values.size >= 2:
        low, high = (float(between.percentile(percent)) for percent in FALLBACK_PERCENTILES)
        if low < high:
            reason = "the 0.1 and 99.9 percentile of the valid pixels without the smallest and largest value"
            return Line(low, high), "fallback", reason
    return Line(smallest, largest), "fallback", "smallest to largest value: too few levels lie between them"
