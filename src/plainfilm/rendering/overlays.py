# SPDX-License-Identifier: MIT
"""The overlay planes of a frame -> painted into the picture, or mask images beside it (PS3.3 C.9)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.decode.overlay_bits import Mask, cell_mask, is_on_frame, overlay_mask
from plainfilm.dicom.instance import Instance, Overlay
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.presentation import Overlays
from plainfilm.options.render import Look
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.redaction import NO_REDACTION_MASK, RedactionMask

Array = npt.NDArray[Any]

# Where more than half of what a plane covers is at least this bright, it is painted black to be seen.
_BRIGHT = 7 / 8


@dataclass(frozen=True, slots=True)
class Plane:
    """An overlay plane on a frame: its number among the image's, and the pixels that it covers (rows, columns)."""

    number: int
    overlay: Overlay
    mask: Mask


@dataclass(frozen=True, slots=True)
class OverlayMask:
    """An overlay plane as an image of the size of the picture: uint8, 255 where it covers and 0 elsewhere."""

    number: int
    image: Array


@dataclass(frozen=True, slots=True)
class OverlayPlan:
    """What becomes of the planes of a frame: nothing, painted into the picture, or images of their own."""

    planes: tuple[Plane, ...] = ()
    mode: Overlays = Overlays.OFF
    findings: tuple[Finding, ...] = ()

    def burned(self, image: Array, ymax: int, blackout: RedactionMask = NO_REDACTION_MASK) -> Array:
        """The picture before geometry, painted where that is asked for, but not into what is blacked out."""
        return burned(image, self.planes, ymax, blackout) if self.mode is Overlays.BURN else image

    def masks(self, geometry: Geometry, blackout: RedactionMask = NO_REDACTION_MASK) -> tuple[OverlayMask, ...]:
        """The images of the planes, where they are asked for; empty where the picture is blacked out."""
        if self.mode is not Overlays.MASK:
            return ()
        return tuple(mask_of(plane, geometry, blackout) for plane in self.planes)


def overlay_plan(instance: Instance, cells: tuple[int, Array], mode: Overlays, look: Look) -> OverlayPlan:
    """The plan of a frame; cells: its number from 0 and its cells as decoded. The look `stored` is not painted on."""
    if mode is Overlays.OFF or (mode is Overlays.BURN and look is Look.STORED):
        return OverlayPlan()
    planes, findings = planes_of(instance, *cells)
    return OverlayPlan(planes, mode, findings)


def planes_of(instance: Instance, frame: int, cells: Array) -> tuple[tuple[Plane, ...], tuple[Finding, ...]]:
    """The planes that are on a frame, counted from 0, with its cells as decoded; and what is wrong with them."""
    presented = instance.frame_attributes(frame).presentation
    overlays = instance.overlays if presented is None else presented.overlays
    planes, findings, size = [], [], (cells.shape[0], cells.shape[1])
    for number, overlay in enumerate(overlays):
        if overlay.fault:
            findings.append(Finding(FindingCode.OVERLAY_INVALID, f"the overlay {overlay.group:04X} {overlay.fault}"))
        if not is_on_frame(overlay, frame) or not (overlay.data or overlay.bit_position is not None):
            continue
        if overlay.bit_position is not None:
            planes.append(Plane(number, overlay, cell_mask(overlay.bit_position, cells)))
            continue
        mask, outside = overlay_mask(overlay, size, frame)
        planes.append(Plane(number, overlay, mask))
        if outside:
            note = f"the overlay {overlay.group:04X} lies in part outside the image; the part inside is drawn"
            findings.append(Finding(FindingCode.OVERLAY_OUTSIDE, note))
    return tuple(planes), tuple(findings)


def burned(image: Array, planes: Sequence[Plane], ymax: int, blackout: RedactionMask = NO_REDACTION_MASK) -> Array:
    """The picture with the planes painted into it at the display maximum, or black where that would not be seen.

    Of a region of interest only the edge is painted, so that what is in it stays in sight.
    """
    painted = image.copy() if planes else image
    for plane in planes:
        mask = blackout.paint(_edge(plane.mask) if plane.overlay.is_region else plane.mask)
        under = image[mask]
        bright = np.count_nonzero(under >= _BRIGHT * ymax) * 2 > under.size
        painted[mask] = 0 if bright else ymax
    return painted


def _edge(mask: Mask) -> Mask:
    """The covered pixels that have a neighbour, up, down, left or right, which is not covered."""
    whole = mask.astype(np.uint8)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    inner = cv2.erode(whole, cross, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(whole & ~inner & 1, np.bool_)


def mask_of(plane: Plane, geometry: Geometry, blackout: RedactionMask = NO_REDACTION_MASK) -> OverlayMask:
    """The plane where the picture shows it: each pixel of the picture is that of the plane nearest to it.

    Where the picture is smaller than the image lines are made thicker first, so that none is lost.
    """
    image = blackout.paint(plane.mask).astype(np.uint8) * np.uint8(255)
    a, b, _, d, e, _ = geometry.affine
    thick = [math.ceil(1 / max(math.hypot(*scale), 1e-6) - 1e-9) for scale in ((a, d), (b, e))]
    if max(thick) > 1:
        image = blackout.paint(np.asarray(cv2.dilate(image, np.ones((thick[1], thick[0]), np.uint8))))
    if geometry.affine != (1, 0, 0, 0, 1, 0) or image.shape != (geometry.height, geometry.width):
        matrix, size = np.array(geometry.affine).reshape(2, 3), (geometry.width, geometry.height)
        image = np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_NEAREST))
    return OverlayMask(plane.number, image)
