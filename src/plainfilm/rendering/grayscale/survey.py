# SPDX-License-Identifier: MIT
"""Survey the values of grayscale frames: compute the histograms from which the plans of an instance are made."""

from __future__ import annotations

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Instance
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import Histogram, histogram_of
from plainfilm.rendering.grayscale.modality import ModalityTransform, modality_of
from plainfilm.rendering.grayscale.padding import (
    MAX_PADDING_FRACTION,
    Loss,
    PaddingRange,
    loss_of,
    masked_range,
    padding_range,
)
from plainfilm.rendering.grayscale.stored import Cells, StoredRules, stored_rules, stored_values
from plainfilm.rendering.masks import FrameMasks

MOST_SURVEYED = 32


@dataclass(frozen=True, slots=True)
class FrameHistograms:
    """The histograms of one decoded frame.

    cells: the cells of all available pixels. inside: those inside the display shutter.
    missing: the number of pixels that a truncated frame lacks; they are in neither histogram.
    loss: the loss of an irreversible codestream; None where the samples are those that were encoded.
    """

    frame: int
    cells: Cells
    inside: Histogram
    missing: int = 0
    loss: Loss | None = None


@dataclass(frozen=True, slots=True)
class SurveyedFrame:
    """The values of one frame as histograms, its padding, and its Modality LUT.

    cells: the cells as decoded. available: the stored values of all available pixels. valid: the stored values of the
    pixels that are neither unavailable nor masked, and that no supplemental palette colours.
    padding_fraction: the share of the pixels that is padding, missing, or not a number; padding near Pixel Padding
    Value, which an irreversible codestream has changed, does not count.
    colored: the number of pixels inside the shutter that a supplemental palette colours.
    """

    frame: int
    cells: Histogram
    available: Histogram
    valid: Histogram
    padding: PaddingRange | None
    padding_fraction: float
    modality: ModalityTransform
    findings: tuple[Finding, ...]
    colored: int = 0


@dataclass(frozen=True, slots=True)
class GrayscaleSurvey:
    """The rules of an instance for stored values, and its surveyed frames, of which there is at least one."""

    rules: StoredRules
    frames: tuple[SurveyedFrame, ...]

    def frame(self, number: int) -> SurveyedFrame | None:
        """The surveyed frame with this number, from 0; None where the survey does not have it."""
        return next((frame for frame in self.frames if frame.frame == number), None)


@dataclass(frozen=True, slots=True)
class _Padding:
    """The padding of a frame: its range, None where there is none or it is ignored, and its share of the pixels."""

    range: PaddingRange | None
    fraction: float
    findings: tuple[Finding, ...] = ()


def frames_to_survey(number_of_frames: int) -> tuple[int, ...]:
    """The frames, from 0, that are surveyed: all, or 32 spread evenly where there are more."""
    if number_of_frames <= MOST_SURVEYED:
        return tuple(range(number_of_frames))
    return tuple(index * number_of_frames // MOST_SURVEYED for index in range(MOST_SURVEYED))


def frame_histograms(frame: int, decoded: DecodedFrame, masks: FrameMasks) -> FrameHistograms:
    """The histograms of a decoded grayscale frame, counted from 0."""
    samples, unavailable, excluded = decoded.samples, masks.unavailable, masks.union
    available = inside = histogram_of(samples if unavailable is None else samples[~unavailable])
    if masks.outside_shutter is not None and excluded is not None:
        inside = histogram_of(samples[~excluded])
    missing = 0 if decoded.missing is None else int(decoded.missing.sum())
    cells = Cells(available, decoded.precision, decoded.signed)
    return FrameHistograms(frame, cells, inside, missing, loss_of(decoded))


def survey_grayscale(instance: Instance, frames: tuple[FrameHistograms, ...]) -> GrayscaleSurvey:
    """The survey of an instance from the cells of its frames, of which there is at least one."""
    rules = stored_rules(instance.pixel, tuple([frame.cells for frame in frames]))
    return GrayscaleSurvey(rules, tuple([survey_frame(instance, rules, frame) for frame in frames]))


def survey_frame(instance: Instance, rules: StoredRules, frame: FrameHistograms) -> SurveyedFrame:
    """The survey of one frame by the rules of its instance."""
    cells = frame.cells.histogram
    available = _stored(rules, cells)
    inside = available if frame.inside is cells else _stored(rules, frame.inside)
    grey = inside
    if instance.supplement is not None:
        grey = inside.keep(inside.values < instance.supplement.first(rules.signed))
    modality, findings = modality_of(instance, instance.frame_attributes(frame.frame).modality, rules)
    padding = _padding(instance, rules, available, frame)
    valid = grey.finite()
    if padding.range is not None:
        valid = valid.keep(~padding.range.mask_of(valid.values))
    return SurveyedFrame(
        frame=frame.frame,
        cells=cells,
        available=available,
        valid=valid,
        padding=padding.range,
        padding_fraction=padding.fraction,
        modality=modality,
        findings=(*findings, *padding.findings),
        colored=0 if grey is inside else inside.total - grey.total,
    )


def _stored(rules: StoredRules, levels: Histogram) -> Histogram:
    return levels.mapped(stored_values(rules, levels.values))


def _padding(instance: Instance, rules: StoredRules, available: Histogram, frame: FrameHistograms) -> _Padding:
    """The padding of a frame. It is ignored where more than 95 % of all available pixels would be left out."""
    available_pixels, finite = available.total, available.finite()
    not_finite = 0 if finite is available else available_pixels - finite.total
    total, pixels = max(available_pixels, 1), max(available_pixels + frame.missing, 1)
    if instance.padding is None:
        return _Padding(None, (not_finite + frame.missing) / pixels)
    bits = instance.pixel.bits_allocated
    masked, exact = (
        masked_range(instance.padding, rules, bits, frame.loss),
        padding_range(instance.padding, rules, bits),
    )
    count, exact_count = (int(available.counts[padding.mask_of(available.values)].sum()) for padding in (masked, exact))
    if not_finite + count > MAX_PADDING_FRACTION * total:
        note = f"{(not_finite + count) / total:.1%} of the pixels would be padding; Pixel Padding Value is ignored"
        finding = Finding(FindingCode.PADDING_IMPLAUSIBLE, note)
        return _Padding(None, (not_finite + frame.missing) / pixels, (finding,))
    return _Padding(masked, (not_finite + exact_count + frame.missing) / pixels)
