# SPDX-License-Identifier: MIT
"""A film is a radiograph and a habit -> its stored values, what a viewer should show, and where things are.

The intended picture knows which exposure is to be black and which white: it has no use for window, VOI LUT, rescale or
polarity. The header's window or VOI LUT is derived from the same two exposures, in display.py. Where there is none, the
intended picture runs between percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.demo.exposure import AIR, MOST, Exposed, Radiograph, expose
from plainfilm.demo.habit import Array, Burned, Habit, Intensity, Response
from plainfilm.demo.lead import Collimation, Opening, field_depth
from plainfilm.demo.noise import Dice

Mask = npt.NDArray[np.bool_]
Stored = npt.NDArray[Any]
UNEXPOSED_BELOW = 0.02
# a vendor that pads, or a technician who sets a shutter, cuts a little within the edge of the field
CUT_MM = 1.0
# the letters of a burnt-in annotation, five columns of seven rows each, the lowest bit on top
FONT = {"D": "7f41221c00", "E": "7f49494141", "M": "7f020c027f", "O": "3e4141413e"}
ANNOTATION, LETTER_SCALE = "DEMO", 3


@dataclass(frozen=True, slots=True)
class Film:
    """One synthetic film.

    name: also the stem of its file. number: of the invented patient. reason: in one line, why the naive picture fails.
    """

    number: int
    name: str
    reason: str
    radiograph: Radiograph
    habit: Habit


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What is known of a film beforehand; columns and rows are those of the stored pixels, from 0, between centres.

    landmarks: finger tips, joints and the marker, by name. field: the outline of the collimated field. shutter:
    left, right, top and bottom edge as columns and rows from 1, as the standard counts (PS3.3 C.7.6.11).
    """

    picture: npt.NDArray[np.uint8]
    landmarks: dict[str, tuple[float, float]]
    field: tuple[tuple[float, float], ...]
    laterality: str
    shutter: tuple[int, int, int, int] | None


@lru_cache(maxsize=4)
def exposure_of(radiograph: Radiograph) -> Exposed:
    """The exposure, kept: many habits can go with one."""
    return expose(radiograph)


def frames_of(film: Film) -> tuple[Radiograph, ...]:
    """The exposures of a film: one, or a sequence in which only the noise differs."""
    seeds = range(film.radiograph.seed, film.radiograph.seed + film.habit.frames)
    return tuple(replace(film.radiograph, seed=seed) for seed in seeds)


def store(film: Film, frame: int = 0) -> Stored:
    """The stored values of a frame: uint16, or int16 where the habit is signed; (rows, columns)."""
    habit = film.habit
    values = _values(film, frame)
    if habit.padding is not None:
        values[_outside(film)] = habit.padding
    return values.astype(np.int16 if habit.storage.signed else np.uint16)


def ground_truth(film: Film, frame: int = 0) -> GroundTruth:
    """What a viewer should show of a frame, and where things are."""
    exposed = exposure_of(frames_of(film)[frame])
    picture = intended_picture(film, frame)
    return GroundTruth(picture, exposed.landmarks, exposed.outline, film.radiograph.laterality, shutter_of(film))


def truth_as_json(film: Film) -> dict[str, Any]:
    """Ground truth without its picture, as plain values, with places to 1/100 of a pixel."""
    radiograph, exposed = film.radiograph, exposure_of(film.radiograph)
    return {
        "name": film.name,
        "reason": film.reason,
        "rows": radiograph.rows,
        "columns": radiograph.columns,
        "laterality": radiograph.laterality,
        "landmarks": {name: [round(at, 2) for at in point] for name, point in exposed.landmarks.items()},
        "field": [[round(at, 2) for at in point] for point in exposed.outline],
        "shutter": shutter_of(film),
    }


def intended_picture(film: Film, frame: int = 0) -> npt.NDArray[np.uint8]:
    """What a viewer should show of a frame: uint8 (rows, columns), bones light, padding and what is shut out 0."""
    habit = film.habit
    values = _values(film, frame)
    if habit.tone is not None:
        low, high = habit.storage.value_range
        level = habit.tone.level_of(np.arange(low, high + 1), habit.response)[values - low]
    else:
        level = _stretch(values, ~_outside(film))
        level = level if habit.response.gain < 0 else 1 - level
    level[_outside(film) | _shut(film)] = 0
    return np.floor(255 * level + 0.5).astype(np.uint8)


def shutter_of(film: Film) -> tuple[int, int, int, int] | None:
    """Left, right, top and bottom edge of the rectangular shutter: the columns and rows just outside the field."""
    if not film.habit.shutter:
        return None
    inside = field_depth(film.radiograph.detector, film.radiograph.beam.collimation) > CUT_MM
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return int(columns[0]) + 1, int(columns[-1]) + 1, int(rows[0]) + 1, int(rows[-1]) + 1


@cache
def _intensities(intensity: Intensity) -> Array:
    """What every exposure counts for."""
    return intensity.of(np.arange(1, MOST + 1) / AIR)


@cache
def _table(response: Response, signed: bool) -> npt.NDArray[np.int64]:
    """The rounded value of every exposure."""
    least = response.intensity.of([response.least]) if response.least > 0 else 0.0
    values = response.offset + response.gain * np.maximum(_intensities(response.intensity), least)
    table = np.floor(np.round(values, 6) + 0.5).astype(np.int64)
    return table if signed else np.maximum(table, 0)


def _values(film: Film, frame: int) -> npt.NDArray[np.int64]:
    """The values within their range, before padding."""
    habit, exposure = film.habit, exposure_of(frames_of(film)[frame]).values
    values = np.clip(_table(habit.response, habit.storage.signed), *habit.storage.value_range)[exposure - 1]
    if habit.unexposed is not None:
        values[exposure < UNEXPOSED_BELOW * AIR] = habit.unexposed
    if habit.storage.burned is Burned.ANNOTATION:
        brightest = habit.storage.value_range[1 if habit.response.gain < 0 else 0]
        values[_annotation(values.shape[0], values.shape[1])] = brightest
    values.ravel()[_hot(film)] = habit.storage.value_range[1]
    return values


def _stretch(values: npt.NDArray[np.int64], valid: Mask) -> Array:
    """0 to 1 between the 0.1 and 99.9 percentile of the valid values, the smallest and the largest left out."""
    present = values[valid]
    inner = present[(present > present.min()) & (present < present.max())]
    low, high = np.percentile(inner, (0.1, 99.9))
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float64)


def _outside(film: Film) -> Mask:
    """Which pixels are padding: those outside the collimated field, if the habit pads."""
    radiograph = film.radiograph
    if film.habit.padding is None:
        return np.zeros((radiograph.rows, radiograph.columns), bool)
    return np.asarray(field_depth(radiograph.detector, radiograph.beam.collimation) < CUT_MM, bool)


def _shut(film: Film) -> Mask:
    """Which pixels the display shutter hides."""
    shut = np.zeros((film.radiograph.rows, film.radiograph.columns), bool)
    edges = shutter_of(film)
    if edges is not None:
        left, right, top, bottom = edges
        shut[:] = True
        shut[top - 1 : bottom, left - 1 : right] = False
    return shut


def _hot(film: Film) -> list[int]:
    """The indices of the pixels that are stuck at the largest value: scattered, the same for the same film."""
    dice = Dice(film.radiograph.seed, 5, film.number)
    places: list[int] = []
    while len(places) < film.habit.hot_pixels:
        place = dice.below(film.radiograph.rows * film.radiograph.columns)
        places += [place] if place not in places else []
    return places


def _annotation(rows: int, columns: int) -> Mask:
    """The letters of the annotation in the lower left corner."""
    columns_of = [int(byte, 16) for letter in ANNOTATION for byte in (*_bytes(FONT[letter]), "00")]
    bitmap = np.array([[column >> row & 1 for column in columns_of] for row in range(7)], bool)
    large = bitmap.repeat(LETTER_SCALE, 0).repeat(LETTER_SCALE, 1)
    mask = np.zeros((rows, columns), bool)
    height, width = min(large.shape[0], rows - 12), min(large.shape[1], columns - 12)
    mask[rows - 12 - height : rows - 12, 12 : 12 + width] = large[:height, :width]
    return mask


def _bytes(letter: str) -> list[str]:
    return [letter[at : at + 2] for at in range(0, 10, 2)]


def with_high_bits(values: Stored, film: Film) -> Stored:
    """Stored values as their cells: where the habit leaves an old overlay in the bits above Bits Stored, with it."""
    if film.habit.storage.burned is not Burned.HIGH_BITS:
        return values
    overlay = _annotation(*values.shape)
    radiograph = film.radiograph
    overlay |= field_depth(radiograph.detector, Collimation(margin=30.0, opening=Opening.ROUND)) > 0
    return np.asarray(values | (overlay.astype(np.uint16) << film.habit.storage.bits_stored), values.dtype)
