# SPDX-License-Identifier: MIT
"""Make the plan of each grayscale frame from its instance, the survey, and the options."""

from __future__ import annotations

from plainfilm.dicom.instance import Instance, Palette
from plainfilm.errors import EncodeError, RepairRefusedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Clahe, Look, Polarity, RenderOptions, VoiChoice
from plainfilm.pickling import dataclass
from plainfilm.records import Status
from plainfilm.rendering.grayscale.plan import GrayscalePlan
from plainfilm.rendering.grayscale.polarity import decide_inversion
from plainfilm.rendering.grayscale.recipe_planning import recipe_choice
from plainfilm.rendering.grayscale.softcopy import presentation_state_voi
from plainfilm.rendering.grayscale.survey import GrayscaleSurvey, SurveyedFrame
from plainfilm.rendering.grayscale.transform import StoredLook, TransformChoice, ViewerTransform
from plainfilm.rendering.grayscale.voi import Window
from plainfilm.rendering.grayscale.voi_candidates import voi_candidates
from plainfilm.rendering.grayscale.voi_selection import (
    VoiSelection,
    VoiSelector,
    default_voi,
    narrow_range_findings,
)
from plainfilm.rendering.steps import Step, enhancement_step, grayscale_steps, supplement_step

_ALL_VOIS = VoiChoice()


@dataclass(frozen=True, slots=True)
class _Polarity:
    """Whether small values are white, and the findings about it."""

    inverted: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class GrayscalePlanner:
    """Plans the frames of one instance; `selector` chooses the VOI once for all frames, so that frames match."""

    instance: Instance
    survey: GrayscaleSurvey
    options: RenderOptions
    selector: VoiSelector

    def plan(self, frame: SurveyedFrame) -> GrayscalePlan:
        """The plan of a frame.

        Raises RepairRefusedError where the frame needs a repair that `strict` forbids, EncodeError where its stored
        values do not fit the look `stored`.
        """
        look, options, instance = self.options.effective_look, self.options, self.instance
        polarity = self._polarity(frame)
        choice = self._choose_transform(frame, polarity.inverted)
        if choice.is_repair and options.strict:
            raise RepairRefusedError(f"{choice.reason}; --strict forbids this repair")
        enhancement = (options.clahe or Clahe()) if look is Look.CLAHE else None
        has_masks = isinstance(choice.transform, ViewerTransform)
        supplement = instance.supplement if has_masks else None
        return GrayscalePlan(
            look=look,
            bits=16 if look is Look.STORED else options.bits,
            rules=self.survey.rules,
            transform=choice.transform,
            voi=choice.voi,
            inverted=polarity.inverted,
            status=Status.REPAIRED if choice.is_repair else Status.OK,
            enhancement=enhancement,
            padding=frame.padding if has_masks else None,
            shutter=instance.shutter_of(frame.frame) if has_masks else None,
            supplement=supplement,
            voi_available=self._voi_available(frame),
            findings=(
                *instance.findings,
                *self.survey.rules.findings,
                *instance.frame_attributes(frame.frame).findings,
                *(frame.findings if has_masks else ()),
                *choice.findings,
                *polarity.findings,
            ),
            steps=self._steps(frame, choice, enhancement, supplement),
        )

    def _polarity(self, frame: SurveyedFrame) -> _Polarity:
        if self.options.effective_look is Look.STORED:
            return _Polarity(inverted=False)
        instance, polarity = self.instance, self.options.polarity
        photometric, shape = instance.pixel.photometric_interpretation, instance.presentation_lut_shape
        inverted, findings = decide_inversion(photometric, shape, polarity)
        presentation = instance.frame_attributes(frame.frame).presentation
        if presentation is None:
            return _Polarity(inverted, findings)
        return _Polarity(presentation.inverted if polarity is Polarity.AUTO else inverted)

    def _voi_available(self, frame: SurveyedFrame) -> str:
        """The labels of all VOIs of the frame."""
        candidates = voi_candidates(self.instance.frame_attributes(frame.frame), _ALL_VOIS)
        return " ".join([str(position) for position in candidates.positions])

    def _steps(
        self, frame: SurveyedFrame, choice: TransformChoice, enhancement: Clahe | None, supplement: Palette | None
    ) -> tuple[Step, ...]:
        steps = grayscale_steps(self.instance, frame, choice, self.survey.rules)
        if enhancement is not None:
            steps = (*steps, enhancement_step(enhancement))
        if supplement is not None:
            steps = (*steps, supplement_step(supplement, self.survey.rules.signed))
        return steps

    def _choose_transform(self, frame: SurveyedFrame, inverted: bool) -> TransformChoice:
        look, options = self.options.effective_look, self.options
        if look is Look.WINDOW and options.window is not None:
            window = Window(options.window.center, options.window.width, options.window.function)
            return TransformChoice(ViewerTransform(frame.modality, window, inverted), "user", "the window of --window")
        if look is Look.STORED:
            return self._choose_stored()
        attributes = self.instance.frame_attributes(frame.frame)
        if attributes.presentation is not None:
            voi, reason, findings = presentation_state_voi(
                attributes, attributes.presentation, frame.modality, self.survey.rules
            )
            transform = ViewerTransform(frame.modality, voi, inverted)
            return TransformChoice(transform, "presentation", reason, findings)
        if look in (Look.VIEWER, Look.CLAHE):
            return self._choose_viewer(frame, inverted)
        return recipe_choice(self.instance, self.survey, frame, options, inverted)

    def _choose_viewer(self, frame: SurveyedFrame, inverted: bool) -> TransformChoice:
        """The selected VOI, or the VOI of an image without one. It is a repair where a VOI of the file was rejected."""
        candidates = self.selector.candidates(frame)
        selection = self.selector.select(frame, candidates)
        attempted, rejections = selection.attempted, selection.rejections
        notes = tuple([Finding(FindingCode.VOI_DEGENERATE, reason) for reason in rejections])
        if attempted is None:
            return self._choose_no_voi(frame, inverted, selection, (*candidates.findings, *notes))
        attempt, voi, findings = attempted.attempt, attempted.voi, attempted.findings
        assert voi is not None  # the selector rejects an attempt that cannot be used
        width_notes = tuple([finding.detail for finding in findings if finding.code is FindingCode.WINDOW_LINEAR_EXACT])
        rank = "used instead" if rejections else "the first VOI of the nearest level"
        return TransformChoice(
            ViewerTransform(attempted.modality, voi, inverted),
            str(attempt),
            "; ".join((*rejections, f"{attempt} is {rank}", *width_notes)),
            (*candidates.findings, *findings, *notes, *selection.findings),
            is_repair=bool(rejections or width_notes),
        )

    def _choose_no_voi(
        self, frame: SurveyedFrame, inverted: bool, selection: VoiSelection, findings: tuple[Finding, ...]
    ) -> TransformChoice:
        line, label, reason = default_voi(self.survey, frame)
        rejections = selection.rejections
        findings = (*findings, *selection.findings)
        findings = (*findings, *narrow_range_findings(self.survey)) if label == "identity" else findings
        reason = "; ".join((*rejections, f"no VOI is usable: {reason}" if rejections else f"no VOI: {reason}"))
        transform = ViewerTransform(frame.modality, line, inverted)
        return TransformChoice(transform, label, reason, findings, is_repair=bool(rejections))

    def _choose_stored(self) -> TransformChoice:
        rules = self.survey.rules
        if not rules.is_integer or rules.bits_stored > 16:
            kind = "floating point" if not rules.is_integer else f"{rules.bits_stored} bits"
            raise EncodeError(f"the look stored holds integers of up to 16 bits; these stored values are {kind}")
        return TransformChoice(StoredLook(-rules.lowest), "none", "stored values as they are")


def grayscale_planner(instance: Instance, survey: GrayscaleSurvey, options: RenderOptions) -> GrayscalePlanner:
    """The planner of an instance. Its VOIs are judged over all surveyed frames."""
    return GrayscalePlanner(instance, survey, options, VoiSelector(instance, survey, options.voi))
