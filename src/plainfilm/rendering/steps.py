# SPDX-License-Identifier: MIT
"""Describe the steps of a frame in words for `explain`: what each step does, its attribute, and its reason.

All texts of steps are in this module. A plan holds its steps; `explanation.py` puts the steps of a frame in order.
"""

from __future__ import annotations

from plainfilm.dicom.instance import Instance, Palette, PixelKind, Shutter, SoftcopyPresentation
from plainfilm.dicom.orientation import Turn
from plainfilm.findings import FindingCode
from plainfilm.options.geometry import Box
from plainfilm.options.presentation import Overlays
from plainfilm.options.render import Clahe, Icc
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.grayscale.equalization import EqualizeRecipe
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.padding import PaddingRange
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, StretchRecipe
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.survey import SurveyedFrame
from plainfilm.rendering.grayscale.transform import StoredLook, TransformChoice, ViewerTransform
from plainfilm.rendering.grayscale.voi import Line, PresentationLut, Voi, VoiLut, Window
from plainfilm.rendering.overlays import FrameOverlays

_OVERLAY_USES = {
    Overlays.OFF: "not drawn",
    Overlays.BURN: "drawn at the display maximum, or in black where that is not visible; only the edge of a region",
    Overlays.MASK: "each written as an image of its own",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, what it does, the attribute that it comes from, and the reason for it."""

    name: str
    does: str
    attribute: str = ""
    reason: str = ""


def decode_step(decoder: str, frame: int, transfer_syntax: str) -> Step:
    """The decoder of a frame, counted from 0."""
    return Step("decode", f"{decoder}, frame {frame + 1}", "Transfer Syntax UID", transfer_syntax)


def grayscale_steps(
    instance: Instance, frame: SurveyedFrame, choice: TransformChoice, rules: StoredRules
) -> tuple[Step, ...]:
    """The steps in their order: stored values, padding, shutter, Modality LUT, VOI, polarity, equalization."""
    transform = choice.transform
    steps = [_stored_step(instance, rules)]
    if isinstance(transform, ViewerTransform):
        if frame.padding is not None:
            steps.append(_padding_step(frame.padding, frame.padding_fraction))
        shutter = instance.shutter_of(frame.frame)
        if shutter is not None:
            steps.append(shutter_step(shutter))
        steps += [_modality_step(transform.modality), _voi_step(transform.voi, choice.voi, choice.reason)]
    elif isinstance(transform, StoredLook):
        steps.append(Step("values", f"stored value plus {transform.offset}", "", choice.reason))
    else:
        steps += _recipe_steps(transform, choice)
    if not isinstance(transform, StoredLook):
        steps.append(_polarity_step(instance, frame.frame, transform.inverted))
    if isinstance(transform, EqualizeRecipe):
        steps.append(Step("equalization", "histogram equalisation of the 256 levels, over the whole image"))
    return tuple(steps)


def enhancement_step(enhancement: Clahe) -> Step:
    """The step after polarity of the look `clahe`."""
    does = (
        f"contrast-limited adaptive histogram equalisation, contrast limit {enhancement.clip:g}, "
        f"{enhancement.tiles} x {enhancement.tiles} tiles; pixels that do not count in the statistics keep their level"
    )
    return Step("enhancement", does, "--clahe", "the look clahe")


def supplement_step(palette: Palette, signed: bool) -> Step:
    """The colours of a supplemental palette."""
    does = f"stored values from {palette.first(signed)} on are shown in the colours of the palette, those below in grey"
    return Step("supplemental palette", does, "Palette Color Lookup Table, Pixel Presentation")


def color_step(space: str, sample_bits: int, bits: int, photometric: str) -> Step:
    """The conversion of a colour image; space: the colour space of its samples as decoded."""
    does = f"{space} to RGB, {sample_bits} bits a sample, scaled to {bits}"
    return Step("color", does, "Photometric Interpretation", photometric)


def profile_step(icc: Icc) -> Step:
    """The use of the ICC Profile."""
    does = "converted to sRGB" if icc is Icc.SRGB else "embedded into the image, without its text"
    return Step("profile", does, "ICC Profile", f"--icc {icc}")


def shutter_step(shutter: Shutter) -> Step:
    """The shapes of a shutter; for that of a presentation state, also the shapes of the shutter of the image."""
    shapes: list[str] = []
    part: Shutter | None = shutter
    while part is not None:
        fields = {"rectangle": part.rectangle, "circle": part.circle, "polygon": part.polygon, "bitmap": part.bitmap}
        shapes += [name for name, shape in fields.items() if shape is not None]
        part = part.image_shutter
    level = "black" if shutter.presentation_value is None else f"P-Value {shutter.presentation_value} of 65535"
    does = f"{', '.join(shapes)}: pixels outside are left out of every statistic and painted {level} at the end"
    return Step("shutter", does, "Display Shutter")


def overlay_steps(overlays: FrameOverlays) -> tuple[Step, ...]:
    """The use of the overlay planes, if the image has any."""
    if not overlays.overlays:
        return ()
    names = ", ".join(
        f"{overlay.group:04X} ({'region of interest' if overlay.is_region else 'graphics'})"
        for overlay in overlays.overlays
    )
    return (Step("overlays", f"{names}: {_OVERLAY_USES[overlays.mode]}", "Overlay Plane", "--overlays"),)


def geometry_steps(geometry: Geometry, presentation: SoftcopyPresentation | None) -> tuple[Step, ...]:
    """Square pixels, crop, turn and size; presentation: None where no presentation state is applied."""
    steps, crop, placement = [_square_step(geometry)], geometry.crop, geometry.placement
    if geometry.outline:
        does = f"painted black outside a field of {len(geometry.outline)} corners"
        steps.append(Step("mask", does, "Pixel Data", "what lies outside is margin: --mask border"))
    if crop is not None and (crop.width, crop.height) != geometry.square_pixel_size:
        steps.append(_crop_step(geometry, crop, has_area=presentation is not None and bool(presentation.area)))
    if not geometry.turn.is_identity:
        steps.append(_turn_step(geometry.turn, is_presented=presentation is not None))
    if placement is not None and crop is not None:
        steps += _size_steps(geometry, geometry.turn.size(crop.width, crop.height), placement)
    return tuple(steps)


def output_step(bits: int, look: str, version: int, status: str) -> Step:
    """The depth, look and status of the output."""
    return Step("output", f"{bits} bits, look {look} version {version}", "", f"status {status}")


def _stored_step(instance: Instance, rules: StoredRules) -> Step:
    pixel = instance.pixel
    if pixel.kind is not PixelKind.INTEGER:
        return Step("stored values", f"{pixel.bits_allocated}-bit floating point", pixel.kind.value)
    sign = "signed" if rules.signed else "unsigned"
    does = f"{rules.bits_stored} bits stored of {pixel.bits_allocated} allocated, {sign}"
    shifted = f", shifted right by {rules.shift}" if rules.shift else ""
    reason = "; ".join(finding.detail for finding in rules.findings) or "as the header says"
    return Step("stored values", does + shifted, "Bits Stored, High Bit, Pixel Representation", reason)


def _padding_step(padding: PaddingRange, fraction: float) -> Step:
    low, high = padding.low, padding.high
    values = f"value {low:g}" if low == high else f"values {low:g} to {high:g}"
    if not padding.is_painted:
        does = f"{values} left out of every statistic, not painted ({fraction:.1%} of the pixels have the exact value)"
        return Step("padding", does, "Pixel Padding Value", "the irreversible codestream has changed the padding")
    does = f"{values} ({fraction:.1%} of the pixels) left out of every statistic and painted black"
    return Step("padding", does, "Pixel Padding Value")


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
        entries = f"{voi.table.entries.size} entries from input {voi.table.first}"
        return Step("voi", f"table {label}: {entries}, scaled by {voi.bits} bits", "VOI LUT Sequence", reason)
    if isinstance(voi, Line):
        return Step("voi", f"{label}: line from {voi.low:g} to {voi.high:g}", "", reason)
    return Step("voi", f"{label}: the middle of the range", "", reason)


def _recipe_steps(recipe: StretchRecipe | MinMaxRecipe | EqualizeRecipe, choice: TransformChoice) -> list[Step]:
    voi = f"{choice.voi} on stored values" if choice.voi != "none" else "none: stored values"
    line = f"line from {float(recipe.low):g} to {float(recipe.high):g}, truncated"
    return [Step("voi", voi, "", choice.reason), Step("stretch", line, "", choice.reason)]


def _polarity_step(instance: Instance, frame: int, inverted: bool) -> Step:
    photometric = instance.pixel.photometric_interpretation
    does = "inverted: small values are white" if inverted else "not inverted: small values are black"
    presentation = instance.frame_attributes(frame).presentation
    if presentation is not None and presentation.inverted == inverted:
        return Step("polarity", does, "Presentation LUT Shape", "set by the presentation state")
    if inverted != (photometric == "MONOCHROME1"):
        return Step("polarity", does, "--polarity", f"the option replaces {photometric}")
    return Step("polarity", does, "Photometric Interpretation", photometric)


def _square_step(geometry: Geometry) -> Step:
    width, height = geometry.square_pixel_size
    size = f"{width} x {height}"
    if (height, width) == (geometry.rows, geometry.columns):
        reason = "the pixels are square, or their shape is unknown"
        return Step("geometry", f"as stored, {size}", "", reason)
    does = f"pixels made square: {geometry.columns} x {geometry.rows} to {size}"
    return Step("geometry", does, "Pixel Spacing or Pixel Aspect Ratio")


def _crop_step(geometry: Geometry, crop: Box, *, has_area: bool) -> Step:
    does = f"{crop.width} x {crop.height} from column {crop.x}, row {crop.y}"
    if any(finding.code is FindingCode.BORDER_CROPPED for finding in geometry.findings):
        return Step("crop", does, "Pixel Data", "the rest is margin: --crop border")
    if has_area:
        return Step("crop", does, "Displayed Area Selection Sequence", "set by the presentation state")
    return Step("crop", does, "", "--crop")


def _turn_step(turn: Turn, *, is_presented: bool) -> Step:
    does = f"{90 * (turn.quarters % 4)} degrees clockwise{', then left and right are flipped' if turn.flipped else ''}"
    if is_presented:
        return Step("turn", does, "Image Rotation, Image Horizontal Flip", "set by the presentation state")
    attribute = "Patient Orientation or Image Orientation (Patient)"
    return Step("turn", does, attribute, "the orientation in which viewers show such an image: --orient viewer")


def _size_steps(geometry: Geometry, crop: tuple[int, int], placement: Box) -> list[Step]:
    steps = []
    if (placement.width, placement.height) != crop:
        does = f"{crop[0]} x {crop[1]} to {placement.width} x {placement.height}"
        if geometry.wanted_spacing is None:
            steps.append(Step("size", does, "", "--size"))
        else:
            steps.append(Step("size", does, "Pixel Spacing", f"--spacing {geometry.wanted_spacing:g}"))
    if (placement.width, placement.height) != (geometry.width, geometry.height):
        steps.append(Step("fit", f"filled up with black, or cut, to {geometry.width} x {geometry.height}", "", "--fit"))
    return steps
