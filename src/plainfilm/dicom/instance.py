# SPDX-License-Identifier: MIT
"""The contents of a DICOM image object as frozen values, without pydicom.

Names are those of the standard (PS3.3). A value is None if the attribute is absent, empty or unreadable.
"""

from __future__ import annotations

from enum import StrEnum

from plainfilm.dicom.byte_source import ValueField
from plainfilm.dicom.orientation import Turn
from plainfilm.findings import Finding
from plainfilm.pickling import dataclass


class PixelKind(StrEnum):
    """The keyword of the element that holds the pixels (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25)."""

    INTEGER = "PixelData"
    FLOAT = "FloatPixelData"
    DOUBLE = "DoubleFloatPixelData"


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """The Image Pixel module (PS3.3 C.7.6.3), with defaults for attributes that the file does not have.

    overlay_bit_positions: the bits of the pixel cells that hold overlays (PS3.5 8.1.2, retired).
    """

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
        """Whether the image has colours: every Photometric Interpretation but MONOCHROME1 and MONOCHROME2."""
        return not self.photometric_interpretation.startswith("MONOCHROME")


@dataclass(frozen=True, slots=True)
class ExtendedOffsetTable:
    """Extended Offset Table and Extended Offset Table Lengths, 64-bit little-endian integers (PS3.3 C.7.6.3.1.8)."""

    offsets: bytes
    lengths: bytes


@dataclass(frozen=True, slots=True)
class PixelData:
    """The value of Pixel Data, Float Pixel Data or Double Float Pixel Data, not decoded (PS3.5 8, A.4).

    value: for a file, a view into its bytes, so that no byte is copied.
    vr: Value Representation as written, '' if it is implicit. In big endian, OW swaps cells smaller than a word.
    has_items: whether encapsulated data are in items; otherwise the value is one codestream.
    """

    value: ValueField
    transfer_syntax: str
    encapsulated: bool
    big_endian: bool = False
    extended_offsets: ExtendedOffsetTable | None = None
    vr: str = ""
    has_items: bool = True


@dataclass(frozen=True, slots=True)
class LutItem:
    """One lookup table as it is in the file (PS3.3 C.11.1.1, C.11.2.1.1).

    descriptor: the three values of LUT Descriptor as unsigned 16-bit words. data: LUT Data in little-endian byte order.
    """

    descriptor: tuple[int, int, int]
    data: bytes
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class WindowItem:
    """One pair of Window Center and Window Width (PS3.3 C.11.2.1.2).

    function: the VOI LUT Function of the level as written, '' if it is empty.
    """

    center: float
    width: float
    function: str | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class ModalityLevel:
    """The Modality LUT and rescale attributes of one level: per-frame, shared or top (PS3.3 C.11.1, C.7.6.16.2.9)."""

    lut: LutItem | None = None
    slope: float | None = None
    intercept: float | None = None


@dataclass(frozen=True, slots=True)
class VoiLevel:
    """The VOI LUTs and windows of one level: per-frame, shared or top (PS3.3 C.11.2, C.7.6.16.2.10)."""

    luts: tuple[LutItem, ...] = ()
    windows: tuple[WindowItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Padding:
    """Pixel Padding Value and Pixel Padding Range Limit as they are in the file (PS3.3 C.7.5.1.1.2)."""

    value: float
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """An overlay plane (PS3.3 C.9.2, C.9.3), with data of its own or in a bit of the pixel cells (PS3.5 8.1.2).

    group: 0x6000 to 0x60FE.
    origin: row and column of the plane's first pixel in the image, counted from 1.
    is_region: whether the plane marks a region of interest; otherwise it is graphics.
    data: Overlay Data, bit 0 first. bit_position: the bit of the pixel cells that holds the plane instead.
    frames: the number of frames of the plane, for the frames of the image from `first_frame` on, counted from 1; None
    if one plane is for all frames.
    fault: what is wrong with the plane, '' if nothing. A plane without data and bit_position cannot be drawn.
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
    """The Display Shutter module (PS3.3 C.7.6.11). Rows and columns are counted from 1.

    rectangle: left, right, upper and lower edge. circle: row and column of the centre, radius in pixels.
    polygon: the vertices as (row, column). presentation_value: the P-Value of the shuttered area, 16 bits.
    bitmap: an overlay whose set bits are shuttered (C.7.6.15).
    image_shutter: the shutter of the image, which applies too, if this one is that of a presentation state.
    """

    rectangle: tuple[int, int, int, int] | None = None
    circle: tuple[int, int, int] | None = None
    polygon: tuple[tuple[int, int], ...] | None = None
    presentation_value: int | None = None
    bitmap: Overlay | None = None
    image_shutter: Shutter | None = None


@dataclass(frozen=True, slots=True)
class SoftcopyPresentation:
    """How a presentation state displays a frame, apart from Modality LUT, VOI and shutter (PS3.4 N.2, PS3.3 A.33.1).

    lut: Presentation LUT. inverted: whether Presentation LUT Shape is INVERSE (PS3.3 C.11.6). turn: PS3.3 C.10.6.
    area: two opposite corners of the displayed area (column, row, column, row), counted from 1 (PS3.3 C.10.4).
    overlays: the planes that are displayed (PS3.3 C.11.7).
    """

    lut: LutItem | None = None
    inverted: bool = False
    turn: Turn = Turn()
    area: tuple[int, int, int, int] | None = None
    pixel_aspect_ratio: tuple[float, float] | None = None
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameAttributes:
    """The attributes that may differ between frames (PS3.3 C.7.6.16).

    voi_levels: from the nearest level to the top. pixel_spacing: distance of rows and of columns in mm.
    patient_orientation: direction of the rows and of the columns as letters (C.7.6.1.1.1). image_orientation: direction
    cosines of the first row and the first column (C.7.6.2.1.1). presentation: set if a presentation state applies.
    """

    modality: ModalityLevel = ModalityLevel()
    voi_levels: tuple[VoiLevel, ...] = ()
    pixel_spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    shutter: Shutter | None = None
    laterality: str = ""
    patient_orientation: tuple[str, str] | None = None
    image_orientation: tuple[float, ...] | None = None
    presentation: SoftcopyPresentation | None = None


@dataclass(frozen=True, slots=True)
class Palette:
    """Palette Color Lookup Tables (PS3.3 C.7.6.3.1.5). segmented: whether the data are segmented (C.7.9.2)."""

    red: LutItem
    green: LutItem
    blue: LutItem
    segmented: bool = False

    def first(self, signed: bool) -> int:
        """Return the first stored value mapped. signed: whether stored values are signed."""
        first = self.red.descriptor[1]
        return first - 65536 if signed and first >= 32768 else first


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """The attributes that identify the instance and the patient. They are private and never written unchanged."""

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
    """The attributes that the tables contain unchanged."""

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
    """One DICOM image object, read and checked. Its pixels are not decoded.

    frames: the attributes of the frames that have their own, and last the set that all other frames share.
    supplement: the palette of a grey image with coloured stored values (PS3.3 C.7.6.19).
    intensity_relationship_sign: 1 if larger stored values mean more intensity of the beam, -1 if less (C.8.11.3.1.2).
    pixel_spacing: distance of rows and of columns in mm. pixel_aspect_ratio: vertical and horizontal (C.7.6.3.1.7).
    extra_columns: the texts of the attributes that the user wants in the metadata table, in the user's order.
    region_terms: the regions of Anatomic Region Sequence, as terms of Body Part Examined.
    """

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
    intensity_relationship_sign: int | None = None
    pixel_spacing: tuple[float, float] | None = None
    pixel_aspect_ratio: tuple[float, float] | None = None
    extra_columns: tuple[str, ...] = ()
    region_terms: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    overlays: tuple[Overlay, ...] = ()

    def shutter_of(self, frame: int) -> Shutter | None:
        """Return the display shutter of a frame, counted from 0: its own, or that of the instance."""
        return self.frame_attributes(frame).shutter or self.shutter

    def frame_attributes(self, frame: int) -> FrameAttributes:
        """Return the attributes of a frame, counted from 0: its own, or the set that all frames share."""
        try:
            return self.frames[frame]
        except IndexError:
            return self.frames[-1]
