# SPDX-License-Identifier: MIT
"""Apply a presentation state to an instance, frame by frame (PS3.4 N.2)."""

from __future__ import annotations

from dataclasses import replace

from plainfilm.dicom.instance import (
    FrameAttributes,
    ImagePixel,
    Instance,
    Overlay,
    Shutter,
    SoftcopyPresentation,
    VoiLevel,
)
from plainfilm.dicom.presentation_state import PresentationState, ReferencedImages, has_reference
from plainfilm.dicom.shutter import fault_of_shutter
from plainfilm.findings import Finding, FindingCode


def apply_presentation_state(instance: Instance, state: PresentationState) -> Instance:
    """Return the instance with Modality LUT, VOI, Presentation LUT, shutter, turn and area of the state.

    Frames that the state does not refer to, and colour images, do not change and get a finding.
    """
    if instance.pixel.is_color:
        note = "a grayscale presentation state does not apply to colour images"
        finding = Finding(FindingCode.PRESENTATION_NOT_APPLIED, note)
        return replace(instance, findings=(*instance.findings, finding))
    state = _without_invalid_shutter(state, instance.pixel)
    frames = tuple(_apply_to_frame(instance, state, frame) for frame in range(_count_distinct_frames(instance, state)))
    last = instance.pixel.number_of_frames - 1
    return replace(instance, frames=(*frames, _apply_to_frame(instance, state, last)))


def _count_distinct_frames(instance: Instance, state: PresentationState) -> int:
    """Return how many frames may differ: those with own attributes, and those up to the last referenced frame."""
    scopes = (state.references, *(voi.references for voi in state.voi), *(area.references for area in state.areas))
    last_referenced = max((frame for scope in scopes for image in scope for frame in image.frames), default=0)
    return min(instance.pixel.number_of_frames, max(len(instance.frames) - 1, last_referenced))


def _apply_to_frame(instance: Instance, state: PresentationState, frame: int) -> FrameAttributes:
    """Return the attributes of a frame, counted from 0, as the state displays it."""
    attributes, uid = instance.frame_attributes(frame), instance.identity.sop_instance_uid
    if not has_reference(state.references, uid, frame):
        finding = Finding(FindingCode.PRESENTATION_NOT_APPLIED, "the presentation state does not refer to this image")
        return replace(attributes, findings=(*attributes.findings, finding))

    def is_for_frame(references: ReferencedImages) -> bool:
        return not references or has_reference(references, uid, frame)

    voi = next((item.voi for item in state.voi if is_for_frame(item.references)), VoiLevel())
    area = next((item for item in state.areas if is_for_frame(item.references)), None)
    return replace(
        attributes,
        modality=state.modality,
        voi_levels=(voi,),
        shutter=_combine_shutters(state.shutter, instance.shutter_of(frame)),
        findings=state.findings,
        presentation=SoftcopyPresentation(
            lut=state.lut,
            inverted=state.inverted,
            turn=state.turn,
            area=None if area is None else area.area,
            pixel_aspect_ratio=None if area is None else area.pixel_aspect_ratio,
            overlays=_active_overlays(instance, state),
        ),
    )


def _without_invalid_shutter(state: PresentationState, pixel: ImagePixel) -> PresentationState:
    """Return the state without a shutter that cannot be meant for images of this size."""
    fault = "" if state.shutter is None else fault_of_shutter(state.shutter, pixel.rows, pixel.columns)
    if not fault:
        return state
    return replace(state, shutter=None, findings=(*state.findings, Finding(FindingCode.SHUTTER_INVALID, fault)))


def _combine_shutters(state_shutter: Shutter | None, image_shutter: Shutter | None) -> Shutter | None:
    return image_shutter if state_shutter is None else replace(state_shutter, image_shutter=image_shutter)


def _active_overlays(instance: Instance, state: PresentationState) -> tuple[Overlay, ...]:
    """Return the planes of the state, and those of the image in other groups, that a layer activates (PS3.3 C.11.7)."""
    state_groups = {overlay.group for overlay in state.overlays}
    image_overlays = (overlay for overlay in instance.overlays if overlay.group not in state_groups)
    return tuple(overlay for overlay in (*state.overlays, *image_overlays) if overlay.group in state.active_groups)
