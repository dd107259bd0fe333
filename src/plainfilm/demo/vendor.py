# SPDX-License-Identifier: MIT
"""Vendor profiles: how a vendor stores an exposure, and which exposures it intends as black and as white.

A profile does not depend on the subject, and an exposure does not depend on a profile: every profile can be combined
with every acquisition.
"""

from __future__ import annotations

import math
from enum import Enum, StrEnum, auto

import numpy as np
import numpy.typing as npt

from plainfilm.pickling import dataclass

Array = npt.NDArray[np.float64]


class SopClass(StrEnum):
    """SOP Class UID of the image."""

    CR = "1.2.840.10008.5.1.4.1.1.1"
    DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
    MG_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
    RF = "1.2.840.10008.5.1.4.1.1.12.2"

    @property
    def modality(self) -> str:
        """Modality (PS3.3 C.7.3.1.1.1)."""
        return self.name[:2]

    @property
    def digital(self) -> bool:
        """Whether the object follows the DX modules."""
        return self in (SopClass.DX_FOR_PRESENTATION, SopClass.MG_FOR_PRESENTATION)


class TransferSyntax(StrEnum):
    """Transfer Syntax UID of the file; all encodings are lossless."""

    EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
    JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
    JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
    JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
    RLE_LOSSLESS = "1.2.840.10008.1.2.5"


class Photometric(StrEnum):
    """Photometric Interpretation (PS3.3 C.7.6.3.1.2)."""

    MONOCHROME1 = "MONOCHROME1"
    MONOCHROME2 = "MONOCHROME2"


class Intensity(StrEnum):
    """Pixel Intensity Relationship (PS3.3 C.8.11.3.1.2): the quantity that the values are proportional to."""

    LINEAR = "LIN"
    LOGARITHMIC = "LOG"

    def of(self, exposure: npt.ArrayLike) -> Array:
        """Return the exposure, or its logarithm to base 10, rounded to nine places for the same result everywhere."""
        values = np.asarray(exposure, np.float64)
        if self is Intensity.LINEAR:
            return values
        logarithms = [round(math.log10(value), 9) for value in values.ravel().tolist()]
        return np.array(logarithms, np.float64).reshape(values.shape)


class Curve(StrEnum):
    """The curve between black and white, as a value of VOI LUT Function (PS3.3 C.11.2.1.3)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


class Voi(Enum):
    """The VOI that the header has. SEVERAL: the intended window, then windows for bone and for soft tissue."""

    NONE = auto()
    WINDOW = auto()
    SEVERAL = auto()
    LUT = auto()
    BELOW_THE_PIXELS = auto()


class BurnedIn(Enum):
    """Marks that are not part of the X-ray image. HIGH_BITS: an overlay in the bits above Bits Stored."""

    NOTHING = auto()
    ANNOTATION = auto()
    HIGH_BITS = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """Detector response: stored value = offset + gain * intensity(exposure).

    Exposures below `least` are stored as `least`; an exposure of 1 is air.
    """

    offset: float
    gain: float
    intensity: Intensity = Intensity.LOGARITHMIC
    least: float = 0.16

    def value_of(self, exposure: npt.ArrayLike) -> Array:
        """Return the value of an exposure before rounding."""
        return self.offset + self.gain * self.intensity.of(np.maximum(exposure, self.least))


@dataclass(frozen=True, slots=True)
class DisplayTransform:
    """The exposures that are shown black and white, and the curve between them."""

    black: float = 0.93
    white: float = 0.19
    curve: Curve = Curve.LINEAR

    def level_of(self, value: npt.ArrayLike, response: Response) -> Array:
        """Return the grey level, 0 (black) to 1 (white), of a stored value."""
        black, white = response.value_of([self.black, self.white]).tolist()
        share = (black - np.asarray(value, np.float64)) / (black - white)
        if self.curve is not Curve.SIGMOID:
            return np.asarray(np.clip(share, 0, 1), np.float64)
        levels = [round(1 / (1 + math.exp(-4 * (value - 0.5))), 9) for value in share.ravel().tolist()]
        return np.array(levels, np.float64).reshape(share.shape)


@dataclass(frozen=True, slots=True)
class Storage:
    """How stored values are encoded.

    lut_bits: bits that the entries of a VOI LUT need. lut_declared: bits that its descriptor declares.
    """

    bits_stored: int = 12
    signed: bool = False
    transfer_syntax: TransferSyntax = TransferSyntax.EXPLICIT_LITTLE_ENDIAN
    burned_in: BurnedIn = BurnedIn.NOTHING
    lut_bits: int = 12
    lut_declared: int = 16

    @property
    def value_range(self) -> tuple[int, int]:
        """Return the smallest and the largest stored value."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


@dataclass(frozen=True, slots=True)
class VendorProfile:
    """How a vendor stores an exposure and describes it in the header.

    display: the intended display; None where the header describes none, so that viewers stretch the values.
    rescale: slope and intercept. padding: stored value outside the collimated field. unexposed: stored value where no
    X-ray arrives. shutter: whether a display shutter hides the area outside the field. hot_pixels: number of pixels
    with the largest value of Bits Stored. frames: number of exposures in a sequence.

    Raises ValueError where gain, rescale and Photometric Interpretation together would show bones dark, and where the
    display is missing or not within the response.
    """

    response: Response
    photometric: Photometric = Photometric.MONOCHROME2
    sop_class: SopClass = SopClass.CR
    storage: Storage = Storage()
    display: DisplayTransform | None = DisplayTransform()
    voi: Voi = Voi.WINDOW
    rescale: tuple[float, float] | None = None
    padding: int | None = None
    unexposed: int | None = None
    shutter: bool = False
    hot_pixels: int = 0
    frames: int = 1

    def __post_init__(self) -> None:
        slope = self.rescale[0] if self.rescale is not None else 1.0
        sense = self.response.gain * slope * (1 if self.photometric is Photometric.MONOCHROME1 else -1)
        if not sense > 0:
            raise ValueError("gain, rescale and photometric interpretation would show bones dark")
        if self.display is None and self.voi in (Voi.WINDOW, Voi.SEVERAL, Voi.LUT):
            raise ValueError("a window or VOI LUT needs a display from which it is derived")
        if self.display is not None and not self.response.least <= self.display.white < self.display.black:
            raise ValueError("white must be an exposure below black that the response does not cut off")
