# SPDX-License-Identifier: MIT
"""Plan the published recipes: choose the VOI of a frame, and work out the numbers that the recipe takes from it."""

from __future__ import annotations

from plainfilm.dicom.instance import Instance, WindowItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Look, RenderOptions, VoiFunction
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.equalization import equalize_recipe
from plainfilm.rendering.grayscale.modality import rescale_of
from plainfilm.rendering.grayscale.recipes import RecipeVoi, minmax_recipe, stretch_recipe
from plainfilm.rendering.grayscale.survey import GrayscaleSurvey, SurveyedFrame
from plainfilm.rendering.grayscale.transform import TransformChoice
from plainfilm.rendering.grayscale.voi import Window
from plainfilm.rendering.grayscale.voi_candidates import voi_candidates, voi_from_item


@dataclass(frozen=True, slots=True)
class _VoiChoice:
    """The VOI that a recipe begins with, its label, and its findings."""

    voi: RecipeVoi
    label: str
    findings: tuple[Finding, ...]


def recipe_choice(
    instance: Instance, survey: GrayscaleSurvey, frame: SurveyedFrame, options: RenderOptions, inverted: bool
) -> TransformChoice:
    """The recipe that the options name, for one frame; inverted: small values are white (MONOCHROME1)."""
    look, values = options.effective_look, frame.available.finite()
    ignored_findings = _ignored_findings(instance, frame)
    reason = f"the recipe {look}"
    if look is Look.EQUALIZE:
        return TransformChoice(equalize_recipe(values, inverted), "none", reason, ignored_findings)
    choice = _choose_voi(instance, survey, frame, options)
    findings = (*choice.findings, *ignored_findings)
    if look is Look.MINMAX:
        return TransformChoice(minmax_recipe(choice.voi, values, inverted), choice.label, reason, findings)
    recipe = stretch_recipe(choice.voi, values, options.percentiles, inverted)
    return TransformChoice(recipe, choice.label, reason, findings)


def _choose_voi(
    instance: Instance, survey: GrayscaleSurvey, frame: SurveyedFrame, options: RenderOptions
) -> _VoiChoice:
    """VOI LUT item 0, or window 0, on stored values; stored values alone where neither is usable."""
    candidates = voi_candidates(instance.frame_attributes(frame.frame), options.voi)
    without_voi = _VoiChoice(RecipeVoi(), "none", candidates.findings)
    if not candidates.items or not survey.rules.is_integer:
        return without_voi
    position, item = candidates.items[0].position, candidates.items[0].item
    voi, findings = voi_from_item(item, survey.rules.signed)
    if voi is None or (isinstance(item, WindowItem) and isinstance(voi, Window) and _is_below_one(item, voi)):
        return without_voi
    return _VoiChoice(RecipeVoi(voi, _window_output(instance, frame)), str(position), (*candidates.findings, *findings))


def _is_below_one(item: WindowItem, voi: Window) -> bool:
    """Whether a window has a width below 1 under LINEAR. The recipes do not read such a window as LINEAR_EXACT."""
    return item.width < 1 and voi.function is VoiFunction.LINEAR_EXACT and item.function != "LINEAR_EXACT"


def _window_output(instance: Instance, frame: SurveyedFrame) -> tuple[float, float]:
    """The range of the header's Bits Stored, through slope and intercept where both exist."""
    pixel, level = instance.pixel, instance.frame_attributes(frame.frame).modality
    low = float(-(1 << pixel.bits_stored - 1) if pixel.signed else 0)
    high = float((1 << pixel.bits_stored - int(pixel.signed)) - 1)
    if level.slope is None or level.intercept is None:
        return low, high
    ends = sorted((low * level.slope + level.intercept, high * level.slope + level.intercept))
    return ends[0], ends[1]


def _ignored_findings(instance: Instance, frame: SurveyedFrame) -> tuple[Finding, ...]:
    level = instance.frame_attributes(frame.frame).modality
    attributes = {
        "Modality LUT": level.lut is not None,
        "rescale": rescale_of(level)[:2] != (1.0, 0.0),
        "pixel padding": instance.padding is not None,
        "display shutter": instance.shutter_of(frame.frame) is not None,
    }
    names = ", ".join(name for name, is_present in attributes.items() if is_present)
    return (Finding(FindingCode.RECIPE_IGNORES, f"the recipe ignores: {names}"),) if names else ()
