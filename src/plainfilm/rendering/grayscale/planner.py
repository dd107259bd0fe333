# SPDX-License-Identifier: MIT
"""An instance, its survey and the options -> the plan of each frame."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.dicom.instance import Instance
from plainfilm.errors import EncodeError, RepairRefusedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Clahe, Look, Polarity, RenderOptions
from plainfilm.records import Status
from plainfilm.rendering.grayscale.plan import Plan
from plainfilm.rendering.grayscale.polarity import decide_inversion
from plainfilm.rendering.grayscale.recipe_planning import recipe_of
from plainfilm.rendering.grayscale.recipes import StoredLook
from plainfilm.rendering.grayscale.softcopy import presentation_state_voi
from plainfilm.rendering.grayscale.steps import enhancement_steps, steps_of
from plainfilm.rendering.grayscale.survey import Survey, SurveyedFrame
from plainfilm.rendering.grayscale.transform import GrayscaleTransform, ViewerTransform
from plainfilm.rendering.grayscale.voi import Window
from plainfilm.rendering.grayscale.voi_candidates import VoiCandidates, voi_candidates, voi_from_item
from plainfilm.rendering.grayscale.voi_selection import VoiSelector, default_voi, voi_input


@dataclass(frozen=True, slots=True)
class _Draft:
    """A tone with what is told of it."""

    tone: GrayscaleTransform
    voi: str
    reason: str
    findings: tuple[Finding, ...] = ()
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the frames of one instance: the VOI is chosen once, so that frames match."""

    instance: Instance
    survey: Survey
    options: RenderOptions
    judge: VoiSelector

    def plan(self, frame: SurveyedFrame) -> Plan:
        """The plan of a frame.

        Raises RepairRefusedError where `strict` forbids the repair that it needs, EncodeError where its stored values
        do not fit the look `stored`.
        """
        look, options = self.options.effective_look, self.options
        inverted, polarity = decide_inversion(
            self.instance.pixel.photometric_interpretation, self.instance.presentation_lut_shape, options.polarity
        )
        presented = self.instance.frame_attributes(frame.frame).presentation
        if look is Look.STORED:
            inverted, polarity = False, ()
        elif presented is not None:
            polarity = ()
            inverted = presented.inverted if options.polarity is Polarity.AUTO else inverted
        draft = self._draft(frame, inverted)
        if draft.repaired and options.strict:
            raise RepairRefusedError(f"{draft.reason}; --strict forbids to repair it")
        enhancement = (options.clahe or Clahe()) if look is Look.CLAHE else None
        viewer = isinstance(draft.tone, ViewerTransform)
        attributes = self.instance.frame_attributes(frame.frame)
        return Plan(
            look=look,
            bits=16 if look is Look.STORED else options.bits,
            rules=self.survey.rules,
            tone=draft.tone,
            voi=draft.voi,
            inverted=inverted,
            status=Status.REPAIRED if draft.repaired else Status.OK,
            enhancement=enhancement,
            padding=frame.padding if viewer else None,
            shutter=self.instance.shutter_of(frame.frame) if viewer else None,
            available=" ".join(str(position) for position in self._all_voi(frame).positions),
            findings=(
                *self.instance.findings,
                *self.survey.rules.findings,
                *attributes.findings,
                *(frame.findings if viewer else ()),
                *draft.findings,
                *polarity,
            ),
            steps=(
                *steps_of(self.instance, frame, (draft.tone, draft.voi, draft.reason), self.survey.rules),
                *enhancement_steps(enhancement),
            ),
        )

    def _all_voi(self, frame: SurveyedFrame) -> VoiCandidates:
        return voi_candidates(self.instance.frame_attributes(frame.frame), RenderOptions().voi)

    def _draft(self, frame: SurveyedFrame, inverted: bool) -> _Draft:
        look = self.options.effective_look
        if look is Look.WINDOW and self.options.window is not None:
            user = self.options.window
            tone = ViewerTransform(frame.modality, Window(user.center, user.width, user.function), inverted)
            return _Draft(tone, "user", "the window asked for")
        if look is Look.STORED:
            return self._stored()
        attributes = self.instance.frame_attributes(frame.frame)
        if attributes.presentation is not None:
            voi, reason, findings = presentation_state_voi(
                attributes, attributes.presentation, frame.modality, self.survey.rules
            )
            return _Draft(ViewerTransform(frame.modality, voi, inverted), "presentation", reason, findings)
        if look in (Look.VIEWER, Look.CLAHE):
            return self._viewer(frame, inverted)
        recipe = recipe_of(self.instance, self.survey, frame, (self.options, inverted))
        return _Draft(recipe.tone, recipe.voi, f"the recipe {look}", recipe.findings)

    def _viewer(self, frame: SurveyedFrame, inverted: bool) -> _Draft:
        """The chosen VOI, or none; a refused one before it makes it a repair."""
        candidates = voi_candidates(self.instance.frame_attributes(frame.frame), self.options.voi)
        choice = self.judge.select(frame)
        attempt, refused = choice.attempt, choice.rejections
        notes = tuple(Finding(FindingCode.VOI_DEGENERATE, why) for why in refused)
        item = None if attempt is None else candidates.item_at(attempt.position)
        if attempt is None or item is None:
            line, label, reason = default_voi(self.survey, frame)
            why = "; ".join((*refused, f"as if there were no VOI: {reason}" if refused else f"no VOI: {reason}"))
            tone = ViewerTransform(frame.modality, line, inverted)
            return _Draft(tone, label, why, (*candidates.findings, *notes), repaired=bool(refused))
        modality, signed = voi_input(attempt, frame, self.survey.rules)
        voi, findings = voi_from_item(item, signed)
        assert voi is not None  # an attempt that cannot be used is refused
        exact = tuple(one.detail for one in findings if one.code is FindingCode.WINDOW_LINEAR_EXACT)
        why = "; ".join(
            (*refused, f"{attempt} is {'taken instead' if refused else 'the first VOI of the nearest level'}", *exact)
        )
        findings = (*candidates.findings, *findings, *notes)
        return _Draft(ViewerTransform(modality, voi, inverted), str(attempt), why, findings, bool(refused or exact))

    def _stored(self) -> _Draft:
        rules = self.survey.rules
        if not rules.is_integer or rules.bits_stored > 16:
            held = "floating point" if not rules.is_integer else f"{rules.bits_stored} bits"
            raise EncodeError(f"the look stored holds integers of up to 16 bits; these stored values are {held}")
        return _Draft(StoredLook(-rules.lowest), "none", "stored values as they are")


def planner(instance: Instance, survey: Survey, options: RenderOptions) -> Planner:
    """The planner of an instance; its VOIs are judged over all the frames surveyed."""
    return Planner(instance, survey, options, VoiSelector(instance, survey, options.voi))
