# SPDX-License-Identifier: MIT
"""A plan's parts -> its steps in words: what each does, the attribute it came from, and why."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.dicom.instance import Instance, PixelKind, Shutter
from plainfilm.options.render import Clahe
from plainfilm.rendering.grayscale.equalization import EqualizeRecipe
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, StoredLook, StretchRecipe
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.survey import SurveyedFrame
from plainfilm.rendering.grayscale.transform import GrayscaleTransform, ViewerTransform
from plainfilm.rendering.grayscale.voi import Line, PresentationLut, Voi, VoiLut, Window


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan: its name, what it does, the attribute it came from, and why it was chosen."""

    name: str
    does: str
    attribute: str = ""
    reason: str = ""


def steps_of(
    instance: Instance, frame: SurveyedFrame, chosen: tuple[GrayscaleTransform, str, str], rules: StoredRules
) -> tuple[Step, ...]:
    """The steps in the order in which they are done: stored values, padding, shutter, Modality LUT, VOI, polarity."""
    tone, label, reason = chosen
    steps = [_stored_step(instance, rules)]
    if isinstance(tone, ViewerTransform):
        steps += _mask_steps(instance, frame)
        steps += [_modality_step(tone.modality), _voi_step(tone.voi, label, reason)]
    else:
        steps += _recipe_steps(tone, label, reason)
    if not isinstance(tone, StoredLook):
        steps.append(_polarity_step(instance, frame.frame, tone.inverted))
    if isinstance(tone, EqualizeRecipe):
        steps.append(Step("equalization", "histogram equalisation of the 256 levels, over the whole image"))
    return tuple(steps)


def enhancement_steps(enhancement: Clahe | None) -> tuple[Step, ...]:
    """The step after polarity of a look that goes by the neighbourhood of each pixel."""
    if enhancement is None:
        return ()
    does = (
        f"contrast-limited adaptive histogram equalisation, contrast limit {enhancement.clip:g}, "
        f"{enhancement.tiles} x {enhancement.tiles} tiles; what is left out of statistics is left out of it"
    )
    return (Step("enhancement", does, "--clahe", "the look clahe"),)


def _stored_step(instance: Instance, rules: StoredRules) -> Step:
    pixel = instance.pixel
    if pixel.kind is not PixelKind.INTEGER:
        return Step("stored values", f"{pixel.bits_allocated}-bit floating point", pixel.kind.value)
    sign = "signed" if rules.signed else "unsigned"
    does = f"{rules.bits_stored} bits stored of {pixel.bits_allocated} allocated, {sign}"
    shifted = f", shifted right by {rules.shift}" if rules.shift else ""
    reason = "; ".join(finding.detail for finding in rules.findings) or "as the header says"
    return Step("stored values", does + shifted, "Bits Stored, High Bit, Pixel Representation", reason)


def _mask_steps(instance: Instance, frame: SurveyedFrame) -> list[Step]:
    steps = []
    if frame.padding is not None:
        low, high = frame.padding.low, frame.padding.high
        what = f"value {low:g}" if low == high else f"values {low:g} to {high:g}"
        does = f"{what} ({frame.padding_fraction:.1%} of the pixels) left out of every statistic and painted black"
        steps.append(Step("padding", does, "Pixel Padding Value"))
    shutter = instance.shutter_of(frame.frame)
    if shutter is not None:
        steps.append(shutter_step(shutter))
    return steps


def shutter_step(shutter: Shutter) -> Step:
    """Of a shutter within another the shapes of both."""
    shapes: list[str] = []
    one: Shutter | None = shutter
    while one is not None:
        there = {"rectangle": one.rectangle, "circle": one.circle, "polygon": one.polygon, "bitmap": one.bitmap}
        shapes += [name for name, shape in there.items() if shape is not None]
        one = one.image_shutter
    painted = "black" if shutter.presentation_value is None else f"P-Value {shutter.presentation_value} of 65535"
    does = f"{', '.join(shapes)}: what is outside is left out of every statistic and painted {painted} at the end"
    return Step("shutter", does, "Display Shutter")


def _modality_step(modality: ModalityTransform) -> Step:
    if modality.lut is not None:
        does = f"table of {modality.lut.entries.size} entries from input {modality.lut.first}"
        return Step("modality", does, "Modality LUT Sequence")
    if modality.is_identity:
        return Step("modality", "nothing", reason="neither a Modality LUT nor a rescale other than 1 and 0 applies")
    return Step("modality", f"{modality.slope:g} * x + {modality.intercept:g}", "Rescale Slope, Rescale Intercept")


def _voi_step(voi: Voi, label: str, reason: str) -> Step:
    if isinstance(voi, PresentationLut):
        return _voi_step(voi.voi, label, reason)
    if isinstance(voi, Window):
        does = f"window {label}: center {voi.center:g}, width {voi.width:g}, {voi.function}"
        return Step("voi", does, "Window Center, Window Width" if label != "user" else "--window", reason)
    if isinstance(voi, VoiLut):
        does = (
            f"table {label}: {voi.table.entries.size} entries from input {voi.table.first}, scaled by {voi.bits} bits"
        )
        return Step("voi", does, "VOI LUT Sequence", reason)
    if isinstance(voi, Line):
        return Step("voi", f"{label}: line from {voi.low:g} to {voi.high:g}", "", reason)
    return Step("voi", f"{label}: the middle of the range", "", reason)


def _recipe_steps(
    tone: StretchRecipe | MinMaxRecipe | EqualizeRecipe | StoredLook, label: str, reason: str
) -> list[Step]:
    if isinstance(tone, StoredLook):
        return [Step("values", f"stored value plus {tone.offset}", "", reason)]
    first = Step("voi", f"{label} on stored values" if label != "none" else "none: stored values", "", reason)
    return [first, Step("stretch", f"line from {float(tone.low):g} to {float(tone.high):g}, truncated", "", reason)]


def _polarity_step(instance: Instance, frame: int, inverted: bool) -> Step:
    photometric = instance.pixel.photometric_interpretation
    does = "inverted: small values are white" if inverted else "as it is: small values are black"
    presented = instance.frame_attributes(frame).presentation
    if presented is not None and presented.inverted == inverted:
        return Step("polarity", does, "Presentation LUT Shape", "the presentation state says so")
    if inverted != (photometric == "MONOCHROME1"):
        return Step("polarity", does, "--polarity", f"asked for, over {photometric}")
    return Step("polarity", does, "Photometric Interpretation", photometric)
