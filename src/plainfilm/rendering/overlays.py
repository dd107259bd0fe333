# SPDX-License-Identifier: MIT
"""Draw the overlay planes of a frame into its image, or make mask images of them (PS3.3 C.9)."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.decode.overlay_bits import Mask, cell_mask, is_on_frame, overlay_mask
from plainfilm.dicom.instance import Instance, Overlay
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.presentation import Overlays
from plainfilm.options.render import Look
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.redaction import NO_REDACTION_MASK, RedactionMask

Array = npt.NDArray[Any]

# Where more than half of the pixels under a plane are at least this bright, the plane is drawn in black.
_BRIGHT = 7 / 8


@dataclass(frozen=True, slots=True)
class FrameOverlays:
    """The overlays that the header gives a frame, and their use.

    overlays: all overlays of the image, or those that a presentation state displays; the number of an
        overlay is its index.
    on_frame: the numbers of the overlays that apply to this frame and have data.
    """

    frame: int
    overlays: tuple[Overlay, ...] = ()
    on_frame: tuple[int, ...] = ()
    mode: Overlays = Overlays.OFF


@dataclass(frozen=True, slots=True)
class Plane:
    """An overlay plane on a frame: its number (see `FrameOverlays`), and the pixels that it covers (rows, columns)."""

    number: int
    overlay: Overlay
    mask: Mask


@dataclass(frozen=True, slots=True)
class OverlayMask:
    """An overlay plane as an image of the size of the output: uint8, 255 where the plane covers it, otherwise 0."""

    number: int
    image: Array


@dataclass(frozen=True, slots=True)
class OverlayPlan:
    """The planes of a frame. mode: whether they are drawn into the image, written as mask images, or not used."""

    planes: tuple[Plane, ...] = ()
    mode: Overlays = Overlays.OFF
    findings: tuple[Finding, ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Whether a plane is drawn into the image."""
        return self.mode is Overlays.BURN and bool(self.planes)

    def draw_into(self, image: Array, ymax: int, redaction: RedactionMask = NO_REDACTION_MASK) -> Array:
        """Draw the planes into the image, before geometry, with `--overlays burn`. Redacted pixels are not drawn on.

        A plane is drawn at the display maximum, or in black where it would not be visible. Of a region of interest
        only the edge is drawn, so that its content stays visible. Without planes the image itself is returned.
        """
        if not self.is_drawn:
            return image
        output = image.copy()
        for plane in self.planes:
            mask = redaction.black_out(_edge(plane.mask) if plane.overlay.is_region else plane.mask)
            background = image[mask]
            is_bright = np.count_nonzero(background >= _BRIGHT * ymax) * 2 > background.size
            output[mask] = 0 if is_bright else ymax
        return output

    def masks(self, geometry: Geometry, redaction: RedactionMask = NO_REDACTION_MASK) -> tuple[OverlayMask, ...]:
        """The mask images of the planes with `--overlays mask`, otherwise (); 0 where the image is redacted."""
        if self.mode is not Overlays.MASK:
            return ()
        return tuple(_mask_image(plane, geometry, redaction) for plane in self.planes)


def frame_overlays(instance: Instance, frame: int, mode: Overlays, look: Look) -> FrameOverlays:
    """The overlays of a frame, counted from 0. Nothing is drawn into the image of the look `stored`."""
    presentation = instance.frame_attributes(frame).presentation
    overlays = instance.overlays if presentation is None else presentation.overlays
    if mode is Overlays.OFF or (mode is Overlays.BURN and look is Look.STORED):
        return FrameOverlays(frame, overlays)
    on_frame = tuple(number for number, overlay in enumerate(overlays) if _is_drawable(overlay, frame))
    return FrameOverlays(frame, overlays, on_frame, mode)


def overlay_plan(overlays: FrameOverlays, samples: Array) -> OverlayPlan:
    """The planes of a frame, and the findings about its overlays. samples: the frame as decoded."""
    if overlays.mode is Overlays.OFF:
        return OverlayPlan()
    planes, findings = [], []
    for number, overlay in enumerate(overlays.overlays):
        if overlay.fault:
            note = f"the overlay {overlay.group:04X} {overlay.fault}"
            findings.append(Finding(FindingCode.OVERLAY_INVALID, note))
        if number not in overlays.on_frame:
            continue
        mask, is_partly_outside = _plane_mask(overlay, overlays.frame, samples)
        planes.append(Plane(number, overlay, mask))
        if is_partly_outside:
            note = f"the overlay {overlay.group:04X} lies in part outside the image; the part inside is drawn"
            findings.append(Finding(FindingCode.OVERLAY_OUTSIDE, note))
    return OverlayPlan(tuple(planes), overlays.mode, tuple(findings))


def _is_drawable(overlay: Overlay, frame: int) -> bool:
    return is_on_frame(overlay, frame) and (bool(overlay.data) or overlay.bit_position is not None)


def _plane_mask(overlay: Overlay, frame: int, samples: Array) -> tuple[Mask, bool]:
    """The pixels that an overlay covers, and whether some of it lies outside the image."""
    if overlay.bit_position is not None:
        return cell_mask(overlay.bit_position, samples), False
    return overlay_mask(overlay, (samples.shape[0], samples.shape[1]), frame)


def _edge(mask: Mask) -> Mask:
    """The covered pixels that have a neighbour, up, down, left or right, which is not covered."""
    whole = mask.astype(np.uint8)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    inner = cv2.erode(whole, cross, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(whole & ~inner & 1, np.bool_)


def _mask_image(plane: Plane, geometry: Geometry, redaction: RedactionMask) -> OverlayMask:
    """The plane in the output: each pixel of the output has the value of the nearest pixel of the plane.

    Where the output is smaller than the frame, lines are made thicker first, so that none is lost.
    """
    image = redaction.black_out(plane.mask).astype(np.uint8) * np.uint8(255)
    a, b, _, d, e, _ = geometry.affine
    thickness = [math.ceil(1 / max(math.hypot(*scale), 1e-6) - 1e-9) for scale in ((a, d), (b, e))]
    if max(thickness) > 1:
        kernel = np.ones((thickness[1], thickness[0]), np.uint8)
        image = redaction.black_out(np.asarray(cv2.dilate(image, kernel)))
    if geometry.affine != (1, 0, 0, 0, 1, 0) or image.shape != (geometry.height, geometry.width):
        matrix, size = np.array(geometry.affine).reshape(2, 3), (geometry.width, geometry.height)
        image = np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_NEAREST))
    return OverlayMask(plane.number, image)
