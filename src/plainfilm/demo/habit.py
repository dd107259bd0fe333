# SPDX-License-Identifier: MIT
"""A vendor's habit, as parameters: how an exposure is stored, and which of it is to be black and which white.

This layer knows nothing of hands, and the exposure nothing of it: any habit goes with any radiograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class SopClass(StrEnum):
    """Which kind of image object."""

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
    """How the pixels are encoded; all without loss."""

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
    """Pixel Intensity Relationship (PS3.3 C.8.11.3.1.2): what the values are proportional to."""

    LINEAR = "LIN"
    LOGARITHMIC = "LOG"

    def of(self, exposure: npt.ArrayLike) -> Array:
        """The exposure itself, or its logarithm to base 10; to nine places, the same everywhere."""
        values = np.asarray(exposure, np.float64)
        if self is Intensity.LINEAR:
            return values
        logarithms = [round(math.log10(value), 9) for value in values.ravel().tolist()]
        return np.array(logarithms, np.float64).reshape(values.shape)


class Curve(StrEnum):
    """The shape between black and white, as VOI LUT Function names it (PS3.3 C.11.2.1.3)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


class Voi(Enum):
    """What the header says of the window. SEVERAL: the right one first, then one for bone and one for flesh."""

    NONE = auto()
    WINDOW = auto()
    SEVERAL = auto()
    LUT = auto()
    BELOW_THE_PIXELS = auto()


class Burned(Enum):
    """What is in the pixels, or above them, that is no picture."""

    NOTHING = auto()
    ANNOTATION = auto()
    HIGH_BITS = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """stored value = offset + gain * intensity(exposure); exposures below `least` are stored as `least`."""

    offset: float
    gain: float
    intensity: Intensity = Intensity.LOGARITHMIC
    least: float = 0.16

    def value_of(self, exposure: npt.ArrayLike) -> Array:
        """The value, not yet rounded, of an exposure, where 1 is air."""
        return self.offset + self.gain * self.intensity.of(np.maximum(exposure, self.least))


@dataclass(frozen=True, slots=True)
class GrayscaleTransform:
    """Which exposure is to be shown black and which white, and the curve between them."""

    black: float = 0.93
    white: float = 0.19
    curve: Curve = Curve.LINEAR

    def level_of(self, value: npt.ArrayLike, response: Response) -> Array:
        """The grey from 0 to 1 of a value on its way from the value of black to that of white."""
        black, white = response.value_of([self.black, self.white]).tolist()
        share = (black - np.asarray(value, np.float64)) / (black - white)
        if self.curve is not Curve.SIGMOID:
            return np.asarray(np.clip(share, 0, 1), np.float64)
        bent = [round(1 / (1 + math.exp(-4 * (at - 0.5))), 9) for at in share.ravel().tolist()]
        return np.array(bent, np.float64).reshape(share.shape)


@dataclass(frozen=True, slots=True)
class Storage:
    """How stored values are kept. lut_bits: what the entries of a VOI LUT need; its descriptor says lut_declared."""

    bits_stored: int = 12
    signed: bool = False
    transfer_syntax: TransferSyntax = TransferSyntax.EXPLICIT_LITTLE_ENDIAN
    burned: Burned = Burned.NOTHING
    lut_bits: int = 12
    lut_declared: int = 16

    @property
    def value_range(self) -> tuple[int, int]:
        """The smallest and the largest stored value."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


@dataclass(frozen=True, slots=True)
class Habit:
    """How a vendor stores an exposure and what its header says.

    tone: None where the header says nothing usable, so that a viewer stretches what it finds.
    rescale: slope and intercept. padding: the stored value outside the collimated field.
    unexposed: the stored value where no X-ray arrived. shutter: whether a display shutter hides what is outside.
    hot_pixels: how many pixels hold the largest value that Bits Stored allows. frames: above 1 a sequence of exposures.
    Raises ValueError where gain, rescale and Photometric Interpretation together would show bones dark, and where the
    tone is missing or beyond the response.
    """

    response: Response
    photometric: Photometric = Photometric.MONOCHROME2
    sop_class: SopClass = SopClass.CR
    storage: Storage = Storage()
    tone: GrayscaleTransform | None = GrayscaleTransform()
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
        if self.tone is None and self.voi in (Voi.WINDOW, Voi.SEVERAL, Voi.LUT):
            raise ValueError("a window or VOI LUT is derived from a tone")
        if self.tone is not None and not self.response.least <= self.tone.white < self.tone.black:
            raise ValueError("white must be an exposure below black that the response does not cut off")
