# SPDX-License-Identifier: MIT
"""The bytes of one DICOM object -> a Film: its header, where its frames lie, and how each is decoded and hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plainfilm.decode import decode_frame, decode_reduced
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.frames import FrameTable, locate_frames
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.presentation_state import PresentationState
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.softcopy import apply_presentation_state
from plainfilm.errors import Reason, TruncatedError
from plainfilm.options.decoding import Resolution
from plainfilm.options.options import Options
from plainfilm.options.privacy import NO_REDACTION_BOXES, RedactionBoxes
from plainfilm.rendering.geometry.reduced_size import least_size
from plainfilm.rendering.redaction import RedactionMask, redaction_mask

MOST_MISSING_FRAMES = 1_000


@dataclass(frozen=True, slots=True)
class FrameReader:
    """An opened instance: what its header says, where its frames lie, and the boxes that nobody shall see.

    verify: whether its frames are decoded twice. reduced: the options that a lower resolution has to be enough for,
    where that is asked for.
    """

    instance: Instance
    frames: FrameTable
    boxes: RedactionBoxes = NO_REDACTION_BOXES
    verify: bool = False
    reduced: Options | None = None

    def decode(self, frame: int) -> DecodedFrame:
        """The cells of a frame, counted from 0. Raises DecodeError, TruncatedError and UnsupportedError."""
        pixel, data = self.instance.pixel, self.instance.data
        reduced = self._decode_reduced(frame)
        return decode_frame(pixel, data, self.frames, frame, self.verify) if reduced is None else reduced

    def _decode_reduced(self, frame: int) -> DecodedFrame | None:
        """The cells at a resolution that is enough; None where it has to be the whole."""
        if self.reduced is None or self.verify or self.boxes:
            return None
        least = least_size(self.instance, frame, self.reduced)
        if least is None:
            return None
        return decode_reduced(self.instance.pixel, self.instance.data, self.frames, frame, least)

    def blackout(self, frame: int) -> RedactionMask:
        """What of a frame, counted from 0, is hidden."""
        pixel = self.instance.pixel
        beyond = self.boxes.beyond(pixel.number_of_frames)
        return redaction_mask(self.boxes.of(frame), (pixel.rows, pixel.columns), beyond)


def open_reader(content: ByteSource, options: Options, boxes: RedactionBoxes = NO_REDACTION_BOXES) -> FrameReader:
    """Read and check an instance without decoding it; its frames are read from the content when they are decoded.

    boxes: its own, beside those that the options have for all. Raises ConversionError as `read_instance` does.
    """
    return reader_of(read_instance(content, options.limits.max_pixels, options.privacy.columns), options, boxes)


def with_presentation(film: FrameReader, state: PresentationState | None) -> FrameReader:
    """The film as a presentation state presents it; as it is where there is none."""
    return film if state is None else replace(film, instance=apply_presentation_state(film.instance, state))


def reader_of(instance: Instance, options: Options, boxes: RedactionBoxes = NO_REDACTION_BOXES) -> FrameReader:
    """Find the frames of an instance. Raises TruncatedError where its Pixel Data cannot hold them.

    Of encapsulated frames some may be missing: each then fails alone, unless the claim is beyond all reason.
    """
    frames = locate_frames(instance.pixel, instance.data, options.decoding.allow_truncated)
    if frames.declared_frames - frames.present_frames > MOST_MISSING_FRAMES:
        message = f"Number of Frames is {frames.declared_frames} and Pixel Data holds {frames.present_frames}"
        raise TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)
    reduced = options if options.decoding.decode is Resolution.REDUCED else None
    return FrameReader(instance, frames, options.privacy.redact + boxes, options.decoding.verify, reduced)
