# SPDX-License-Identifier: MIT
"""Set up a frame before it is decoded: compute everything that its header and the options decide."""

from __future__ import annotations

from plainfilm.dicom.instance import Instance, Shutter
from plainfilm.errors import ConversionError
from plainfilm.options.geometry import CropMode, GeometryOptions, Mask, Pixels
from plainfilm.options.options import Options
from plainfilm.options.presentation import Orient
from plainfilm.options.privacy import RedactionBoxes
from plainfilm.options.render import Look
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.border_result import BorderResult
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.geometry.layout import FrameLayout, geometry_of, layout_of
from plainfilm.rendering.geometry.reduced_size import may_be_reduced, needed_size
from plainfilm.rendering.overlays import FrameOverlays, frame_overlays
from plainfilm.rendering.redaction import RedactionMask, redaction_mask


@dataclass(frozen=True, slots=True)
class FrameSetup:
    """All that header and options decide about a frame, counted from 0.

    geometry: None where it depends on the border search, or where the crop or the limits do not allow the output.
        `final_geometry` then computes it or raises the error, so that such a frame can still be decoded and surveyed.
    needed_size: the least rows and columns to decode (`--decode reduced`); None where the full resolution is needed.
    """

    frame: int
    layout: FrameLayout
    geometry: Geometry | None
    needed_size: tuple[int, int] | None
    redaction: RedactionMask
    shutter: Shutter | None
    overlays: FrameOverlays


def needs_border(options: Options) -> bool:
    """Whether the options ask for the border search (`--crop border`, `--mask border`)."""
    geometry = _geometry_options(options)
    return geometry.crop is CropMode.BORDER or geometry.mask is Mask.BORDER


def needs_outline(options: Options) -> bool:
    """Whether the options ask for the outline of the exposed field (`--mask border`)."""
    return _geometry_options(options).mask is Mask.BORDER


def frame_setup(instance: Instance, frame: int, options: Options, boxes: RedactionBoxes) -> FrameSetup:
    """The setup of a frame, counted from 0; boxes: all redaction boxes of the instance."""
    pixel, look, max_pixels = instance.pixel, options.render.effective_look, options.limits.max_pixels
    orient = Orient.STORED if look is Look.STORED else options.presentation.orient
    layout = layout_of(instance, frame, _geometry_options(options).pixels, max_pixels, orient)
    geometry = None if needs_border(options) else _geometry_or_none(layout, options)
    is_reduced = geometry is not None and not boxes and may_be_reduced(instance, frame, options)
    boxes_without_frame = boxes.beyond(pixel.number_of_frames)
    return FrameSetup(
        frame=frame,
        layout=layout,
        geometry=geometry,
        needed_size=needed_size(geometry) if geometry is not None and is_reduced else None,
        redaction=redaction_mask(boxes.of(frame), (pixel.rows, pixel.columns), boxes_without_frame),
        shutter=instance.shutter_of(frame),
        overlays=frame_overlays(instance, frame, options.presentation.overlays, look),
    )


def final_geometry(setup: FrameSetup, options: Options, border: BorderResult | None) -> Geometry:
    """The geometry of a frame after the border search; border: the result of that search; None without one.

    Raises LimitError and ConversionError as `geometry_of` does.
    """
    if setup.geometry is not None:
        return setup.geometry
    return geometry_of(setup.layout, _geometry_options(options), options.limits.max_pixels, border)


def _geometry_options(options: Options) -> GeometryOptions:
    """The geometry options; the look `stored` ignores them and keeps the stored pixels."""
    is_stored = options.render.effective_look is Look.STORED
    return GeometryOptions(pixels=Pixels.STORED) if is_stored else options.geometry


def _geometry_or_none(layout: FrameLayout, options: Options) -> Geometry | None:
    try:
        return geometry_of(layout, _geometry_options(options), options.limits.max_pixels)
    except ConversionError:
        return None
