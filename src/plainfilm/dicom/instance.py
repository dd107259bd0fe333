# SPDX-License-Identifier: MIT
"""What a DICOM object says, as frozen values: everything the rest needs, and no pydicom beyond this package.

Names are those of the standard (PS3.3); a value is None where the attribute is absent, empty or unreadable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plainfilm.dicom.content import ValueField
from plainfilm.dicom.orientation import Turn
from plainfilm.findings import Finding


class PixelKind(StrEnum):
    """Which element holds the pixels (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25)."""

    INTEGER = "PixelData"
    FLOAT = "FloatPixelData"
    DOUBLE = "DoubleFloatPixelData"


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """The Image Pixel module (PS3.3 C.7.6.3) after the defaults for what real files leave out."""

    rows: int
    columns: int
    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    number_of_frames: int
    kind: PixelKind = PixelKind.INTEGER
    largest_pixel_value: int | None = None
    overlay_bit_positions: tuple[int, ...] = ()

    @property
    def is_color(self) -> bool:
        """Whether the image is shown in colour: anything but MONOCHROME1 and MONOCHROME2."""
        return not self.photometric_interpretation.startswith("MONOCHROME")


@dataclass(frozen=True, slots=True)
class PixelData:
    """The value of Pixel Data, Float Pixel Data or Double Float Pixel Data, still encoded.

    value: of a file a view into its bytes, so that none is copied.
    vr: Value Representation as written, '' where implicit; in big endian OW swaps cells smaller than a word.
    """

    value: ValueField
    transfer_syntax: str
    encapsulated: bool
    big_endian: bool = False
    extended_offsets: tuple[bytes, bytes] | None = None
    vr: str = ""


@dataclass(frozen=True, slots=True)
class LutItem:
    """One item of a LUT sequence, as it stands in the file (PS3.3 C.11.1.1, C.11.2.1.1).

    `descriptor` holds the three values as unsigned 16-bit words, `data` the LUT Data in little-endian byte order.
    """

    descriptor: tuple[int, int, int]
    data: bytes
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class WindowItem:
    """One pair of Window Center and Window Width with the VOI LUT Function of its level, as written ('' is empty)."""

    center: float
    width: float
    function: str | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class ModalityLevel:
    """The Modality LUT attributes of the nearest level that has any (PS3.3 C.11.1, C.7.6.16.2.9)."""

    lut: LutItem | None = None
    slope: float | None = None
    intercept: float | None = None


@dataclass(frozen=True, slots=True)
class VoiLevel:
    """The VOI attributes of one level: per-frame, shared, or top level (PS3.3 C.11.2, C.7.6.16.2.10)."""

    luts: tuple[LutItem, ...] = ()
    windows: tuple[WindowItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Padding:
    """Pixel Padding Value and Pixel Padding Range Limit, raw (PS3.3 C.7.5.1.1.2)."""

    value: float
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """An overlay plane (PS3.3 C.9.2, C.9.3), or the bits of the pixel cells that are one.

    group: 0x6000 to 0x60FE. origin: row and column of its first pixel in the image, from 1. is_region: it marks a
    region of interest and is no drawing. data: Overlay Data, bit 0 first; bit_position: which bit of the pixel cells
    it is instead. frames: how many it has, for the image's frames from `first_frame` on, from 1; None: one for all.
    fault: what is wrong with it; one with neither data nor bit_position cannot be drawn.
    """

    group: int
    rows: int
    columns: int
    origin: tuple[int, int] = (1, 1)
    is_region: bool = False
    data: bytes = b""
    bit_position: int | None = None
    frames: int | None = None
    first_frame: int = 1
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Shutter:
    """The Display Shutter module (PS3.3 C.7.6.11); rows and columns count from 1.

    rectangle: left, right, upper, lower edge. circle: row, column, radius in pixels. polygon: (row, column) vertices.
    bitmap: an overlay whose bits hide (C.7.6.15). within: another shutter, which hides as well.
    """

    rectangle: tuple[int, int, int, int] | None = None
    circle: tuple[int, int, int] | None = None
    polygon: tuple[tuple[int, int], ...] | None = None
    presentation_value: int | None = None
    bitmap: Overlay | None = None
    within: Shutter | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """What a presentation state says of a frame besides its Modality LUT, VOI and shutter (PS3.4 N.2, PS3.3 A.33.1).

    area: two opposite corners of what is displayed (column, row, column, row, from 1). overlays: those displayed.
    """

    lut: LutItem | None = None
    inverted: bool = False
    turn: Turn = Turn()
    area: tuple[int, int, int, int] | None = None
    pixel_aspect_ratio: tuple[float, float] | None = None
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameAttributes:
    """What may differ from frame to frame."""

    modality: ModalityLevel = ModalityLevel()
    voi_levels: tuple[VoiLevel, ...] = ()
    pixel_spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    shutter: Shutter | None = None
    laterality: str = ""
    patient_orientation: tuple[str, str] | None = None
    image_orientation: tuple[float, ...] | None = None
    presented: Presented | None = None


@dataclass(frozen=True, slots=True)
class Palette:
    """Palette Color Lookup Tables (PS3.3 C.7.6.3.1.5), and whether they are segmented."""

    red: LutItem
    green: LutItem
    blue: LutItem
    segmented: bool = False

    def first(self, signed: bool) -> int:
        """The first stored value mapped, signed when stored values are."""
        first = self.red.descriptor[1]
        return first - 65536 if signed and first >= 32768 else first


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """Who and what the instance is: private, never written as it is."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    accession_number: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What the tables carry of the instance as it is."""

    modality: str = ""
    body_part: str = ""
    view_position: str = ""
    laterality: str = ""
    patient_sex: str = ""
    patient_age: str = ""
    manufacturer: str = ""
    model: str = ""
    presentation_intent: str = ""
    burned_in_annotation: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One DICOM image object, read and checked, its pixels not yet decoded."""

    identity: InstanceIdentity
    description: Description
    pixel: ImagePixel
    data: PixelData
    frames: tuple[FrameAttributes, ...]
    padding: Padding | None = None
    shutter: Shutter | None = None
    palette: Palette | None = None
    supplement: Palette | None = None
    icc_profile: bytes | None = None
    presentation_lut_shape: str | None = None
    pixel_spacing: tuple[float, float] | None = None
    pixel_aspect_ratio: tuple[float, float] | None = None
    carried: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    overlays: tuple[Overlay, ...] = ()

    def shutter_of(self, frame: int) -> Shutter | None:
        """The display shutter of a frame, counted from 0: its own, or the instance's."""
        return self.frame_attributes(frame).shutter or self.shutter

    def frame_attributes(self, frame: int) -> FrameAttributes:
        """The attributes of a frame, counted from 0: its own, or the one set that all frames share."""
        return self.frames[frame] if frame < len(self.frames) else self.frames[-1]
