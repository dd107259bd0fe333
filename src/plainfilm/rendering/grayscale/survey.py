# SPDX-License-Identifier: MIT
"""The frames looked at -> their stored values as histograms, padding and shutter left out: what a plan is chosen by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plainfilm.dicom.instance import Instance
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.grayscale.histogram import Histogram
from plainfilm.rendering.grayscale.modality import ModalityTransform, modality_of
from plainfilm.rendering.grayscale.padding import MAX_PADDING_FRACTION, PaddingRange, padding_range
from plainfilm.rendering.grayscale.stored import Cells, StoredRules, stored_rules, stored_values

MOST_SURVEYED = 32


@dataclass(frozen=True, slots=True)
class FrameCells:
    """One decoded frame as histograms of its cells: of all of them, and of those inside the display shutter.

    filled: how many pixels a frame that is cut short does not hold; they are in neither.
    """

    frame: int
    cells: Cells
    inside: Histogram
    filled: int = 0


@dataclass(frozen=True, slots=True)
class SurveyedFrame:
    """One frame's cells; its stored values, all and the valid ones; the padding taken out; its Modality LUT step.

    colored: how many pixels inside the shutter have a colour of a supplemental palette; the valid values lack them.
    """

    frame: int
    cells: Histogram
    every: Histogram
    valid: Histogram
    padding: PaddingRange | None
    padding_fraction: float
    modality: ModalityTransform
    findings: tuple[Finding, ...]
    colored: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of an instance before its plan is made."""

    rules: StoredRules
    frames: tuple[SurveyedFrame, ...]


def surveyed_frames(number_of_frames: int) -> tuple[int, ...]:
    """The frames by which an instance is judged, from 0: all, or 32 spread evenly where there are more."""
    if number_of_frames <= MOST_SURVEYED:
        return tuple(range(number_of_frames))
    return tuple(index * number_of_frames // MOST_SURVEYED for index in range(MOST_SURVEYED))


def survey(instance: Instance, frames: tuple[FrameCells, ...]) -> Survey:
    """The survey of an instance from the frames looked at, of which there is at least one."""
    rules = stored_rules(instance.pixel, tuple(frame.cells for frame in frames))
    return Survey(rules, tuple(survey_frame(instance, rules, frame) for frame in frames))


def survey_frame(instance: Instance, rules: StoredRules, frame: FrameCells) -> SurveyedFrame:
    """One frame by the rules of its instance: also for a frame that was not among those looked at first."""
    cells = frame.cells.histogram
    every = _stored(rules, cells)
    inside = every if frame.inside is cells else _stored(rules, frame.inside)
    within = inside.total
    if instance.supplement is not None:
        inside = inside.keep(inside.values < instance.supplement.first(rules.signed))
    modality, findings = modality_of(instance, instance.frame_attributes(frame.frame).modality, rules)
    surveyed = SurveyedFrame(
        frame.frame, cells, every, inside.finite(), None, 0.0, modality, findings, within - inside.total
    )
    return _without_padding(instance, rules, surveyed, (inside, frame.filled))


def _stored(rules: StoredRules, levels: Histogram) -> Histogram:
    return levels.mapped(stored_values(rules, levels.values))


def _without_padding(
    instance: Instance, rules: StoredRules, surveyed: SurveyedFrame, known: tuple[Histogram, int]
) -> SurveyedFrame:
    """Take padding out of the valid levels, unless more than 95 % of all pixels of the frame would be padding.

    known: the levels inside the shutter, and how many pixels are filled, which are part of the padding fraction.
    """
    every, (inside, filled) = surveyed.every, known
    missing, total = every.total - every.finite().total, max(every.total, 1)
    pixels = max(every.total + filled, 1)
    if instance.padding is None:
        return replace(surveyed, padding_fraction=(missing + filled) / pixels)
    padding = padding_range(instance.padding, rules, instance.pixel.bits_allocated)
    count = missing + int(every.counts[padding.holds(every.values)].sum())
    if count > MAX_PADDING_FRACTION * total:
        note = f"{count / total:.1%} of the pixels would be padding, which is left as it is"
        finding = Finding(FindingCode.PADDING_IMPLAUSIBLE, note)
        findings = (*surveyed.findings, finding)
        return replace(surveyed, padding_fraction=(missing + filled) / pixels, findings=findings)
    valid = inside.finite()
    valid = valid.keep(~padding.holds(valid.values))
    return replace(surveyed, valid=valid, padding=padding, padding_fraction=(count + filled) / pixels)
