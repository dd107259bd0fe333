# SPDX-License-Identifier: MIT
"""Open a DICOM object: read its header, locate its frames, and load single frames."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from plainfilm.decode import decode_frame, decode_reduced
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.frames import FrameTable, locate_frames
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.presentation_state import PresentationState
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.softcopy import apply_presentation_state
from plainfilm.errors import Reason, TruncatedError
from plainfilm.options.options import Options
from plainfilm.options.privacy import NO_REDACTION_BOXES, RedactionBoxes
from plainfilm.pickling import dataclass
from plainfilm.rendering.frame import LoadedFrame
from plainfilm.rendering.masks import frame_masks
from plainfilm.rendering.setup import FrameSetup, frame_setup

MOST_MISSING_FRAMES = 1_000


class DecodedFrames:
    """Frames that are decoded once for several uses, also with different options: as many as fit into `budget` bytes.

    The frame that was decoded last is kept beside them. None is dropped for another one, because frames are mostly used
    in their order.
    """

    def __init__(self, budget: int) -> None:
        self._free = budget
        self._frames: dict[Hashable, DecodedFrame] = {}
        self._last: tuple[Hashable, DecodedFrame] | None = None

    def get(self, key: Hashable, decode: Callable[[], DecodedFrame]) -> DecodedFrame:
        """Return a frame by its number and whatever else decides its samples; decode it where it is not kept."""
        decoded = self._frames.get(key)
        if decoded is None and self._last is not None and self._last[0] == key:
            decoded = self._last[1]
        if decoded is None:
            decoded = decode()
            self._last = key, decoded
            if decoded.samples.nbytes <= self._free:
                self._free -= decoded.samples.nbytes
                self._frames[key] = decoded
        return decoded


@dataclass(frozen=True, slots=True)
class OpenedInstance:
    """An instance whose header is read and checked, and whose frames are located but not decoded.

    boxes: all redaction boxes of the instance, those of the options included.
    decoded_frames: where decoded frames are kept; None if each frame is used once.
    """

    instance: Instance
    frame_table: FrameTable
    options: Options
    boxes: RedactionBoxes = NO_REDACTION_BOXES
    decoded_frames: DecodedFrames | None = None

    def load(self, frame: int) -> LoadedFrame:
        """Set up and decode a frame, counted from 0. Raises DecodeError, TruncatedError and UnsupportedError."""
        setup = frame_setup(self.instance, frame, self.options, self.boxes)
        if self.decoded_frames is None:
            decoded = self._decode(setup)
        else:
            key = (setup.frame, setup.needed_size, self.options.decoding)
            decoded = self.decoded_frames.get(key, lambda: self._decode(setup))
        return LoadedFrame(setup, decoded, frame_masks(decoded, setup.redaction, setup.shutter))

    def _decode(self, setup: FrameSetup) -> DecodedFrame:
        """Decode a frame at a lower resolution where that is enough, otherwise at full resolution."""
        pixel, data, table, frame = self.instance.pixel, self.instance.data, self.frame_table, setup.frame
        if setup.needed_size is not None:
            reduced = decode_reduced(pixel, data, table, frame, setup.needed_size)
            if reduced is not None:
                return reduced
        return decode_frame(pixel, data, table, frame, self.options.decoding.verify)


def open_instance(content: ByteSource, options: Options, boxes: RedactionBoxes = NO_REDACTION_BOXES) -> OpenedInstance:
    """Read and check an instance; its frames are read from the content when they are decoded.

    boxes: the redaction boxes of this instance alone, beside those of the options.
    Raises the errors of `read_instance` and `opened_instance`.
    """
    instance = read_instance(content, options.limits.max_pixels, options.privacy.columns)
    return opened_instance(instance, options, boxes)


def opened_instance(instance: Instance, options: Options, boxes: RedactionBoxes = NO_REDACTION_BOXES) -> OpenedInstance:
    """Locate the frames of an instance. Raises TruncatedError where its Pixel Data cannot hold them.

    Some encapsulated frames may be missing: each then fails alone, unless more than MOST_MISSING_FRAMES are missing.
    """
    table = locate_frames(instance.pixel, instance.data, options.decoding.allow_truncated)
    if table.declared_frames - table.present_frames > MOST_MISSING_FRAMES:
        message = f"Number of Frames is {table.declared_frames} and Pixel Data holds {table.present_frames}"
        raise TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)
    return OpenedInstance(instance, table, options, options.privacy.redact + boxes)


def with_presentation(opened: OpenedInstance, state: PresentationState | None) -> OpenedInstance:
    """The instance as a presentation state presents it; unchanged where there is none."""
    return opened if state is None else replace(opened, instance=apply_presentation_state(opened.instance, state))
