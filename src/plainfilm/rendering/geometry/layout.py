# SPDX-License-Identifier: MIT
"""Work out the geometry of a frame: its layout from the header, then crop and size from the options (PS3.3 10.7)."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.orientation import Turn
from plainfilm.errors import ConversionError, LimitError, Reason, Stage
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.geometry import Box, CropMode, Fit, GeometryOptions, Mask, OutputSize, Pixels
from plainfilm.options.presentation import Orient
from plainfilm.pickling import dataclass, replaced
from plainfilm.rendering.geometry.border_result import BorderOutcome, BorderResult
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.geometry.hanging import hanging_turn
from plainfilm.rendering.geometry.outline import Outline, outline_mask

# From this ratio of row spacing to column spacing on, pixels count as not square.
_NOT_SQUARE = Fraction(101, 100)


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """The geometry that the header gives a frame, before crop and size.

    rows, columns: the size as stored. width, height: the size after square pixels.
    displayed: the part of the image with square pixels that a presentation state displays; without one the whole.
    turn: the turn of the presentation state; without one that by which a viewer hangs the frame, or none.
    spacing: the stored pixel spacing in mm, between rows and between columns; None where it is unknown.
    """

    rows: int
    columns: int
    samples_per_pixel: int
    width: int
    height: int
    displayed_area: Box
    turn: Turn = Turn()
    spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()


def layout_of(
    instance: Instance, frame: int, pixels: Pixels, max_pixels: int, orient: Orient = Orient.STORED
) -> FrameLayout:
    """The layout of a frame, counted from 0. The coarser axis is scaled up where the spacings differ by 1 % or more.

    max_pixels: rows x columns x samples that square pixels may have; beyond them pixels stay as stored.
    """
    layout = _square_pixel_layout(instance, frame, pixels, max_pixels)
    turn, turn_findings = _turn(instance, frame, orient)
    displayed_area, area_findings = _displayed_area(instance, frame, layout)
    findings = (*layout.findings, *turn_findings, *area_findings)
    return replaced(layout, displayed_area=displayed_area, turn=turn, findings=findings)


def geometry_of(
    layout: FrameLayout, options: GeometryOptions, max_pixels: int, border: BorderResult | None = None
) -> Geometry:
    """The geometry of a frame: square pixels, then crop, turn and size.

    border: the result of the search that `--crop border` or `--mask border` asks for; without it such a crop keeps the
    whole image.
    Raises LimitError where the output has more than `max_pixels` rows x columns x samples, and ConversionError:
    unsupported_value where the crop lies outside the image, missing_attribute where --spacing needs a pixel spacing.
    """
    outline, mask_findings = _outline(options.mask, border, layout)
    crop, crop_findings = _crop(layout, options.crop, border)
    width, height = layout.turn.size(crop.width, crop.height)
    geometry = Geometry(
        rows=layout.rows,
        columns=layout.columns,
        height=height,
        width=width,
        spacing=layout.spacing,
        findings=(*layout.findings, *mask_findings, *crop_findings),
        outline=outline,
        turn=layout.turn,
    )
    is_whole = (crop.x, crop.y, crop.width, crop.height) == (0, 0, layout.width, layout.height)
    if is_whole and options.size == OutputSize() and options.spacing is None:
        return geometry
    if options.spacing is None:
        placement, (width, height) = _placement((width, height), options)
    else:
        width, height = _size_by_spacing((width, height), layout, options.spacing)
        placement = Box(0, 0, width, height)
    pixels = max(width * height, placement.width * placement.height)
    if pixels * layout.samples_per_pixel > max_pixels:
        raise LimitError(f"an output of {width} x {height} pixels is above {max_pixels}")
    resized = layout.width, layout.height
    return replace(
        geometry,
        height=height,
        width=width,
        resized=resized,
        crop=crop,
        placement=placement,
        wanted_spacing=options.spacing,
    )


def _square_pixel_layout(instance: Instance, frame: int, pixels: Pixels, max_pixels: int) -> FrameLayout:
    """The layout with square pixels, without turn and displayed area; with Pixels.STORED the pixels stay as stored."""
    rows, columns, samples = instance.pixel.rows, instance.pixel.columns, instance.pixel.samples_per_pixel
    attributes = instance.frame_attributes(frame)
    spacing = attributes.pixel_spacing or instance.pixel_spacing
    presentation = None if attributes.presentation is None else attributes.presentation.pixel_aspect_ratio
    shape = None if pixels is Pixels.STORED else presentation or spacing or instance.pixel_aspect_ratio
    width, height = _square_pixel_size(rows, columns, shape)
    findings: tuple[Finding, ...] = ()
    if (width, height) != (columns, rows) and height * width * samples > max_pixels:
        note = f"square pixels would make the image {width} x {height}; pixels stay as stored"
        findings = (Finding(FindingCode.PIXEL_SPACING_IMPLAUSIBLE, note),)
        width, height = columns, rows
    return FrameLayout(
        rows, columns, samples, width, height, Box(0, 0, width, height), spacing=spacing, findings=findings
    )


def _square_pixel_size(rows: int, columns: int, shape: tuple[float, float] | None) -> tuple[int, int]:
    """Width and height after square pixels; shape: the height and width of a pixel, or None."""
    if shape is None:
        return columns, rows
    # Exact fractions of the decimal text: 0.0707 to 0.07 is 1.01, and not a little less.
    ratio = Fraction(repr(float(shape[0]))) / Fraction(repr(float(shape[1])))
    if max(ratio, 1 / ratio) < _NOT_SQUARE:
        return columns, rows
    return (columns, _rounded(rows * ratio)) if ratio > 1 else (_rounded(columns / ratio), rows)


def _turn(instance: Instance, frame: int, orient: Orient) -> tuple[Turn, tuple[Finding, ...]]:
    """The turn of the presentation state, else that by which a viewer hangs the frame."""
    presentation = instance.frame_attributes(frame).presentation
    if presentation is not None:
        return presentation.turn, ()
    return hanging_turn(instance, frame) if orient is Orient.VIEWER else (Turn(), ())


def _displayed_area(instance: Instance, frame: int, layout: FrameLayout) -> tuple[Box, tuple[Finding, ...]]:
    """The part of the image with square pixels that a presentation state displays; the whole without a usable part."""
    whole = Box(0, 0, layout.width, layout.height)
    presentation = instance.frame_attributes(frame).presentation
    if presentation is None or presentation.area is None:
        return whole, ()
    part = _square_pixel_part(presentation.area, layout)
    if part is not None:
        return part, ()
    note = "the displayed area lies outside the image; the whole image is shown"
    return whole, (Finding(FindingCode.DISPLAYED_AREA_INVALID, note),)


def _square_pixel_part(area: tuple[int, int, int, int], layout: FrameLayout) -> Box | None:
    """Convert an area of stored pixels (column, row, column, row of two corners, from 1) to square pixels."""
    x, y = (
        (max(min(first, last) - 1, 0), min(max(first, last), length))
        for first, last, length in ((area[0], area[2], layout.columns), (area[1], area[3], layout.rows))
    )
    if x[0] >= x[1] or y[0] >= y[1]:
        return None
    left, right = (_rounded(Fraction(edge * layout.width, layout.columns)) for edge in x)
    top, bottom = (_rounded(Fraction(edge * layout.height, layout.rows)) for edge in y)
    return Box(left, top, right - left, bottom - top)


def _crop(
    layout: FrameLayout, crop: Box | CropMode | None, border: BorderResult | None
) -> tuple[Box, tuple[Finding, ...]]:
    """The part of the displayed area that the crop keeps, with the findings of the border search."""
    displayed_area = layout.displayed_area
    if crop is CropMode.BORDER and border is not None:
        return _without_border(border, layout)
    if not isinstance(crop, Box):
        return displayed_area, ()
    part = _intersection(crop, displayed_area)
    if part is None:
        place = f" at {displayed_area.x},{displayed_area.y}" if displayed_area.x or displayed_area.y else ""
        message = (
            f"--crop {crop} lies outside the image of {displayed_area.width} x {displayed_area.height} pixels{place}"
        )
        raise ConversionError(message, reason=Reason.UNSUPPORTED_VALUE, stage=Stage.RENDER)
    return part, ()


def _outline(mask: Mask, border: BorderResult | None, layout: FrameLayout) -> tuple[Outline, tuple[Finding, ...]]:
    """The outline outside of which the image is painted black, with the findings of the search."""
    if mask is Mask.NONE or border is None:
        return (), ()
    if not border.outline:
        return (), (Finding(FindingCode.BORDER_NOT_FOUND, "no margin is certain; nothing is painted"),)
    share = outline_mask(border.outline, layout.rows, layout.columns).mean()
    note = f"{share:.1%} of the image is margin outside a field of {len(border.outline)} corners, and is painted black"
    return border.outline, (Finding(FindingCode.BORDER_MASKED, note),)


def _without_border(border: BorderResult, layout: FrameLayout) -> tuple[Box, tuple[Finding, ...]]:
    displayed_area, content = layout.displayed_area, border.content
    if border.outcome is not BorderOutcome.FOUND:
        return displayed_area, (Finding(FindingCode.BORDER_NOT_FOUND, border.note),)
    area = (content.x + 1, content.y + 1, content.x + content.width, content.y + content.height)
    part = _square_pixel_part(area, layout)
    crop = None if part is None else _intersection(part, displayed_area)
    if crop is None:
        note = "the displayed area is nothing but margin; nothing is cut"
        return displayed_area, (Finding(FindingCode.BORDER_NOT_FOUND, note),)
    return crop, (Finding(FindingCode.BORDER_CROPPED, border.note),)


def _intersection(box: Box, other: Box) -> Box | None:
    """The part that two boxes have in common; None where they do not overlap."""
    left, top = max(box.x, other.x), max(box.y, other.y)
    right, bottom = min(box.x + box.width, other.x + other.width), min(box.y + box.height, other.y + other.height)
    return Box(left, top, right - left, bottom - top) if left < right and top < bottom else None


def _size_by_spacing(part_size: tuple[int, int], layout: FrameLayout, spacing: float) -> tuple[int, int]:
    """Width and height of the kept part, which is turned, with this many mm per pixel. Raises ConversionError."""
    if layout.spacing is None:
        message = (
            "--spacing needs the size of a pixel in mm, and the image has neither Pixel Spacing nor another spacing"
        )
        raise ConversionError(message, reason=Reason.MISSING_ATTRIBUTE, stage=Stage.RENDER)
    # the spacing of the image with square pixels, along x and y of the part
    row_mm, column_mm = (Fraction(repr(float(value))) for value in layout.spacing)
    x, y = column_mm * layout.columns / layout.width, row_mm * layout.rows / layout.height
    if layout.turn.quarters % 2:
        x, y = y, x
    wanted = Fraction(repr(float(spacing)))
    return max(1, _rounded(part_size[0] * x / wanted)), max(1, _rounded(part_size[1] * y / wanted))


def _placement(part_size: tuple[int, int], options: GeometryOptions) -> tuple[Box, tuple[int, int]]:
    """The box of the kept part (width, height) in the output, and the width and height of the output."""
    size, fit = options.size, options.fit
    box = size.box or ((size.longest, size.longest) if size.longest is not None else part_size)
    factors = Fraction(box[0], part_size[0]), Fraction(box[1], part_size[1])
    factor = max(factors) if fit is Fit.CROP else min(factors)
    factor = factor if options.enlarge else min(factor, Fraction(1))
    width, height = max(1, _rounded(part_size[0] * factor)), max(1, _rounded(part_size[1] * factor))
    if fit is Fit.KEEP:
        return Box(0, 0, width, height), (width, height)
    output = box if fit is Fit.PAD else (min(width, box[0]), min(height, box[1]))
    return Box((output[0] - width) // 2, (output[1] - height) // 2, width, height), output


def _rounded(size: Fraction) -> int:
    return math.floor(size + Fraction(1, 2))
