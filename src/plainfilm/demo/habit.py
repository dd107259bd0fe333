# SPDX-License-Identifier: MIT
"""A vendor's habit, as parameters: exposure -> stored values, and exposure -> the grey that the vendor means to show.

`intended_picture` knows which exposure is to be black and which white, and works in floating point: it has no use for
window, VOI LUT, rescale or polarity. The header's window or VOI LUT is derived from the same two exposures, in
dataset.py. Where there is none, the intended picture runs between percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.demo.hand import HandParameters, draw_exposure, field_of

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
UNEXPOSED_BELOW = 0.02
# a vendor that pads cuts a little within the edge of the field, where the collimator's shadow ends
CUT_MM = 1.0


class SopClass(StrEnum):
    """Which kind of image object."""

    CR = "1.2.840.10008.5.1.4.1.1.1"
    DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"


class TransferSyntax(StrEnum):
    """How the pixels are encoded."""

    EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
    JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
    JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"


class Photometric(StrEnum):
    """Photometric Interpretation (PS3.3 C.7.6.3.1.2)."""

    MONOCHROME1 = "MONOCHROME1"
    MONOCHROME2 = "MONOCHROME2"


class Intensity(StrEnum):
    """Pixel Intensity Relationship (PS3.3 C.8.11.3.1.2): what the values are proportional to."""

    LINEAR = "LIN"
    LOGARITHMIC = "LOG"

    def of(self, exposure: npt.ArrayLike) -> Array:
        """The exposure itself, or its logarithm to base 10."""
        values = np.asarray(exposure, np.float64)
        return np.log10(values) if self is Intensity.LOGARITHMIC else values


class Curve(StrEnum):
    """The shape between black and white, as VOI LUT Function names it (PS3.3 C.11.2.1.3)."""

    LINEAR = "LINEAR"
    SIGMOID = "SIGMOID"


class Voi(StrEnum):
    """What the header says of the window."""

    NONE = "none"
    WINDOW = "window"
    LUT = "lut"
    BELOW_THE_PIXELS = "below the pixels"


@dataclass(frozen=True, slots=True)
class Response:
    """stored value = offset + gain * intensity(exposure); exposures below `least` are stored as `least`."""

    offset: float
    gain: float
    intensity: Intensity = Intensity.LOGARITHMIC
    least: float = 0.16

    def value_of(self, exposure: npt.ArrayLike) -> Array:
        """The value, not yet rounded, of an exposure."""
        return self.offset + self.gain * self.intensity.of(np.maximum(exposure, self.least))


@dataclass(frozen=True, slots=True)
class Tone:
    """Which exposure is to be shown black and which white, and the curve between them."""

    black: float = 0.93
    white: float = 0.2
    curve: Curve = Curve.LINEAR

    def level_of(self, value: npt.ArrayLike, response: Response) -> Array:
        """The grey from 0 to 1 of a value on its way from the value of black to that of white."""
        black, white = response.value_of(self.black), response.value_of(self.white)
        share = (black - np.asarray(value, np.float64)) / (black - white)
        if self.curve is Curve.SIGMOID:
            return np.asarray(1 / (1 + np.exp(-4 * (share - 0.5))), np.float64)
        return np.clip(share, 0, 1)


@dataclass(frozen=True, slots=True)
class Habit:
    """How a vendor stores an exposure and what its header says.

    tone: None where the header says nothing usable, so that a viewer stretches what it finds.
    rescale: slope and intercept. padding: the stored value outside the collimated field.
    unexposed: the stored value where no X-ray arrived.
    hot_pixels: how many pixels hold the largest value that Bits Stored allows.
    Raises ValueError where gain, rescale and Photometric Interpretation together would show bones dark, and where the
    tone is missing or beyond the response.
    """

    response: Response
    photometric: Photometric = Photometric.MONOCHROME2
    sop_class: SopClass = SopClass.CR
    bits_stored: int = 12
    signed: bool = False
    tone: Tone | None = Tone()
    voi: Voi = Voi.WINDOW
    rescale: tuple[float, float] | None = None
    padding: int | None = None
    unexposed: int | None = None
    hot_pixels: int = 0
    transfer_syntax: TransferSyntax = TransferSyntax.EXPLICIT_LITTLE_ENDIAN

    def __post_init__(self) -> None:
        slope = self.rescale[0] if self.rescale is not None else 1.0
        sense = self.response.gain * slope * (1 if self.photometric is Photometric.MONOCHROME1 else -1)
        if not sense > 0:
            raise ValueError("gain, rescale and photometric interpretation would show bones dark")
        if self.tone is None and self.voi in (Voi.WINDOW, Voi.LUT):
            raise ValueError("a window or VOI LUT is derived from a tone")
        if self.tone is not None and not self.response.least <= self.tone.white < self.tone.black:
            raise ValueError("white must be an exposure below black that the response does not cut off")

    @property
    def value_range(self) -> tuple[int, int]:
        """The smallest and the largest stored value."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


@dataclass(frozen=True, slots=True)
class Film:
    """One synthetic film: a hand and a vendor's habit.

    name: also the stem of its file. number: of the invented patient. reason: in one line, why the naive picture fails.
    """

    number: int
    name: str
    reason: str
    hand: HandParameters
    habit: Habit


def store(film: Film) -> npt.NDArray[Any]:
    """The stored values of a film: uint16, or int16 where the habit is signed; (rows, columns)."""
    habit = film.habit
    values = np.floor(_values_of(film, draw_exposure(film.hand)) + 0.5)
    if habit.padding is not None:
        values[_outside(film)] = habit.padding
    return values.astype(np.int16 if habit.signed else np.uint16)


def intended_picture(film: Film) -> npt.NDArray[np.uint8]:
    """What a viewer should show, from the exposure in floating point: uint8 (rows, columns), bones light, padding 0."""
    habit, outside = film.habit, _outside(film)
    values = _values_of(film, draw_exposure(film.hand))
    if habit.tone is not None:
        level = habit.tone.level_of(values, habit.response)
    else:
        level = _stretch(values, ~outside)
        level = level if habit.response.gain < 0 else 1 - level
    level[outside] = 0
    return np.floor(255 * level + 0.5).astype(np.uint8)


def _values_of(film: Film, exposure: npt.NDArray[np.float32]) -> Array:
    """The values within their range, before they are rounded and padded."""
    habit = film.habit
    values = np.clip(habit.response.value_of(exposure), *habit.value_range)
    if habit.unexposed is not None:
        values[_unexposed(film, exposure)] = habit.unexposed
    values[_hot(film)] = habit.value_range[1]
    return values


def _stretch(values: Array, valid: Mask) -> Array:
    """0 to 1 between the 0.1 and 99.9 percentile of the valid values, the smallest and the largest left out."""
    present = values[valid]
    inner = present[(present > present.min()) & (present < present.max())]
    low, high = np.percentile(inner, (0.1, 99.9))
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float64)


def _unexposed(film: Film, exposure: npt.NDArray[np.float32]) -> Mask:
    """Which pixels hold the habit's value for want of X-rays: those under lead."""
    if film.habit.unexposed is None:
        return np.zeros(exposure.shape, bool)
    return np.asarray(exposure < UNEXPOSED_BELOW, bool)


def _outside(film: Film) -> Mask:
    """Which pixels are padding: those outside the collimated field, if the habit pads."""
    if film.habit.padding is None:
        return np.zeros((film.hand.rows, film.hand.columns), bool)
    return np.asarray(field_of(film.hand) < CUT_MM, bool)


def _hot(film: Film) -> Mask:
    """Which pixels are stuck at the largest value: scattered, the same for the same hand."""
    mask = np.zeros(film.hand.rows * film.hand.columns, bool)
    places = np.random.default_rng((film.hand.seed, film.number)).choice(
        mask.size, film.habit.hot_pixels, replace=False
    )
    mask[places] = True
    return mask.reshape(film.hand.rows, film.hand.columns)
