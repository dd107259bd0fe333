# SPDX-License-Identifier: MIT
"""An instance, a frame's survey and the options -> the published recipe with this image's own numbers."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.dicom.instance import Instance, WindowItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Look, RenderOptions, VoiFunction
from plainfilm.rendering.grayscale.equalization import EqualizeRecipe, equalize_recipe
from plainfilm.rendering.grayscale.modality import rescale_of
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, RecipeVoi, StretchRecipe, minmax_recipe, stretch_recipe
from plainfilm.rendering.grayscale.survey import Survey, SurveyedFrame
from plainfilm.rendering.grayscale.voi import Window
from plainfilm.rendering.grayscale.voi_candidates import voi_candidates, voi_from_item


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe's tone, the label of the VOI that it begins with, and what was odd."""

    tone: StretchRecipe | MinMaxRecipe | EqualizeRecipe
    voi: str
    findings: tuple[Finding, ...]


def recipe_of(instance: Instance, survey: Survey, frame: SurveyedFrame, given: tuple[RenderOptions, bool]) -> Recipe:
    """The recipe that the options name, for one frame; given: the options, and whether the image is MONOCHROME1."""
    options, inverted = given
    if options.effective_look is Look.EQUALIZE:
        return Recipe(equalize_recipe(frame.every.finite(), inverted), "none", _ignored(instance, frame))
    voi, label, findings = _recipe_voi(instance, survey, frame, options)
    findings = (*findings, *_ignored(instance, frame))
    every = frame.every.finite()
    if options.effective_look is Look.MINMAX:
        return Recipe(minmax_recipe(voi, every, inverted), label, findings)
    return Recipe(stretch_recipe(voi, every, options.percentiles, inverted), label, findings)


def _recipe_voi(
    instance: Instance, survey: Survey, frame: SurveyedFrame, options: RenderOptions
) -> tuple[RecipeVoi, str, tuple[Finding, ...]]:
    """VOI LUT item 0, or window 0, on stored values; stored values alone where there is none that can be used."""
    candidates = voi_candidates(instance.frame_attributes(frame.frame), options.voi)
    if not candidates.items or not survey.rules.is_integer:
        return RecipeVoi(), "none", candidates.findings
    position, item = candidates.items[0].position, candidates.items[0].item
    voi, findings = voi_from_item(item, survey.rules.signed)
    if voi is None or (isinstance(item, WindowItem) and isinstance(voi, Window) and _is_below_one(item, voi)):
        return RecipeVoi(), "none", candidates.findings
    return RecipeVoi(voi, _recipe_output(instance, frame)), str(position), (*candidates.findings, *findings)


def _is_below_one(item: WindowItem, voi: Window) -> bool:
    """Whether a width below 1 stands under LINEAR, which the recipe does not take for LINEAR_EXACT."""
    return item.width < 1 and voi.function is VoiFunction.LINEAR_EXACT and item.function != "LINEAR_EXACT"


def _recipe_output(instance: Instance, frame: SurveyedFrame) -> tuple[float, float]:
    """The range that the header's Bits Stored span, through slope and intercept where both exist."""
    pixel, level = instance.pixel, instance.frame_attributes(frame.frame).modality
    low = float(-(1 << pixel.bits_stored - 1) if pixel.signed else 0)
    high = float((1 << pixel.bits_stored - int(pixel.signed)) - 1)
    if level.slope is None or level.intercept is None:
        return low, high
    ends = sorted((low * level.slope + level.intercept, high * level.slope + level.intercept))
    return ends[0], ends[1]


def _ignored(instance: Instance, frame: SurveyedFrame) -> tuple[Finding, ...]:
    level = instance.frame_attributes(frame.frame).modality
    there = {
        "Modality LUT": level.lut is not None,
        "rescale": rescale_of(level)[:2] != (1.0, 0.0),
        "pixel padding": instance.padding is not None,
        "display shutter": instance.shutter_of(frame.frame) is not None,
    }
    names = ", ".join(name for name, exists in there.items() if exists)
    return (Finding(FindingCode.RECIPE_IGNORES, f"the recipe ignores: {names}"),) if names else ()
