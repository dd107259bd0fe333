# SPDX-License-Identifier: MIT
"""An instance and a presentation state -> the instance as the state presents it, frame by frame (PS3.4 N.2)."""

from __future__ import annotations

from dataclasses import replace

from plainfilm.dicom.instance import FrameAttributes, Instance, Overlay, Presented, Shutter, VoiLevel
from plainfilm.dicom.presentation_state import PresentationState, ReferencedImages, refers_to
from plainfilm.findings import Finding, FindingCode


def presented(instance: Instance, state: PresentationState) -> Instance:
    """The instance with the state's Modality LUT, VOI, Presentation LUT, shutter, turn and area in place of its own.

    Frames that the state does not refer to, and colour images, stay as they are, with a finding.
    """
    if instance.pixel.is_color:
        note = "a grayscale presentation state is not for images in colour"
        finding = Finding(FindingCode.PRESENTATION_NOT_APPLIED, note)
        return replace(instance, findings=(*instance.findings, finding))
    frames = tuple(_frame(instance, state, frame) for frame in range(_frames_apart(instance, state)))
    last = instance.pixel.number_of_frames - 1
    return replace(instance, frames=(*frames, _frame(instance, state, last)))


def _frames_apart(instance: Instance, state: PresentationState) -> int:
    """How many frames may differ: those with attributes of their own, and those that the state names."""
    scopes = (state.references, *(one.references for one in state.voi), *(one.references for one in state.areas))
    named = max((frame for scope in scopes for one in scope for frame in one.frames), default=0)
    return min(instance.pixel.number_of_frames, max(len(instance.frames) - 1, named))


def _frame(instance: Instance, state: PresentationState, frame: int) -> FrameAttributes:
    attributes, uid = instance.frame_attributes(frame), instance.identity.sop_instance_uid
    if not refers_to(state.references, uid, frame):
        finding = Finding(FindingCode.PRESENTATION_NOT_APPLIED, "the presentation state does not refer to this image")
        return replace(attributes, findings=(*attributes.findings, finding))

    def is_meant(references: ReferencedImages) -> bool:
        return not references or refers_to(references, uid, frame)

    voi = next((one.voi for one in state.voi if is_meant(one.references)), VoiLevel())
    area = next((one for one in state.areas if is_meant(one.references)), None)
    return replace(
        attributes,
        modality=state.modality,
        voi_levels=(voi,),
        shutter=_both(state.shutter, instance.shutter_of(frame)),
        findings=state.findings,
        presented=Presented(
            lut=state.lut,
            inverted=state.inverted,
            turn=state.turn,
            area=None if area is None else area.area,
            pixel_aspect_ratio=None if area is None else area.pixel_aspect_ratio,
            overlays=_overlays(instance, state),
        ),
    )


def _both(own: Shutter | None, other: Shutter | None) -> Shutter | None:
    return other if own is None else replace(own, within=other)


def _overlays(instance: Instance, state: PresentationState) -> tuple[Overlay, ...]:
    """The state's own planes, and the image's of other groups, each where a layer activates it (C.11.7)."""
    groups = {overlay.group for overlay in state.overlays}
    both = (*state.overlays, *(overlay for overlay in instance.overlays if overlay.group not in groups))
    return tuple(overlay for overlay in both if overlay.group in state.active_groups)
