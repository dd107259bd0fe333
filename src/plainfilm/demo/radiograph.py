# SPDX-License-Identifier: MIT
"""A synthetic radiograph: an acquisition and a vendor profile give stored values, a reference image and ground truth.

The reference image is what a viewer should show. It is computed from the exposures that the profile shows black and
white, without window, VOI LUT, rescale or polarity; display.py derives the window or VOI LUT of the header from these
exposures. Without a display, the reference image is stretched between percentiles.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.demo.detector import Collimation, Opening, field_depth
from plainfilm.demo.exposure import AIR, MOST, Acquisition, Exposure, expose
from plainfilm.demo.noise import RandomStream
from plainfilm.demo.vendor import Array, BurnedIn, Intensity, Response, VendorProfile
from plainfilm.pickling import dataclass

Mask = npt.NDArray[np.bool_]
Stored = npt.NDArray[Any]
UNEXPOSED_BELOW = 0.02
# padding and display shutter begin a little inside the edge of the collimated field
FIELD_INSET_MM = 1.0
# glyphs of the burnt-in annotation: five columns of seven rows each, the lowest bit on top
FONT = {"D": "7f41221c00", "E": "7f49494141", "M": "7f020c027f", "O": "3e4141413e"}
ANNOTATION, LETTER_SCALE = "DEMO", 3


@dataclass(frozen=True, slots=True)
class SyntheticRadiograph:
    """One synthetic radiograph.

    name: also the stem of its file. number: the number of the invented patient. reason: why the naive image is wrong.
    """

    number: int
    name: str
    reason: str
    acquisition: Acquisition
    vendor: VendorProfile


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The known content of a radiograph. Columns and rows count stored pixels from 0 and are measured between centres.

    landmarks: finger tips, joints and the marker, by name. field: the outline of the collimated field. shutter:
    left, right, top and bottom edge as columns and rows from 1, as the standard counts (PS3.3 C.7.6.11).
    """

    image: npt.NDArray[np.uint8]
    landmarks: dict[str, tuple[float, float]]
    field: tuple[tuple[float, float], ...]
    laterality: str
    shutter: tuple[int, int, int, int] | None


@lru_cache(maxsize=4)
def exposure_of(acquisition: Acquisition) -> Exposure:
    """Return the exposure of an acquisition; it is cached, because several profiles can use it."""
    return expose(acquisition)


def frames_of(radiograph: SyntheticRadiograph) -> tuple[Acquisition, ...]:
    """Return the acquisitions of the frames, which differ only in their noise."""
    seeds = range(radiograph.acquisition.seed, radiograph.acquisition.seed + radiograph.vendor.frames)
    return tuple(replace(radiograph.acquisition, seed=seed) for seed in seeds)


def stored_values(radiograph: SyntheticRadiograph, frame: int = 0) -> Stored:
    """Return the stored values of a frame, (rows, columns): int16 where the profile is signed, else uint16."""
    vendor = radiograph.vendor
    values = _values(radiograph, frame)
    if vendor.padding is not None:
        values[_padded(radiograph)] = vendor.padding
    return values.astype(np.int16 if vendor.storage.signed else np.uint16)


def ground_truth(radiograph: SyntheticRadiograph, frame: int = 0) -> GroundTruth:
    """Return the ground truth of a frame."""
    exposure = exposure_of(frames_of(radiograph)[frame])
    image = reference_image(radiograph, frame)
    return GroundTruth(
        image, exposure.landmarks, exposure.outline, radiograph.acquisition.laterality, shutter_of(radiograph)
    )


def ground_truth_json(radiograph: SyntheticRadiograph) -> dict[str, Any]:
    """Return the ground truth without its image as JSON values; positions are rounded to 1/100 of a pixel."""
    acquisition, exposure = radiograph.acquisition, exposure_of(radiograph.acquisition)
    return {
        "name": radiograph.name,
        "reason": radiograph.reason,
        "rows": acquisition.rows,
        "columns": acquisition.columns,
        "laterality": acquisition.laterality,
        "landmarks": {name: _rounded(position) for name, position in exposure.landmarks.items()},
        "field": [_rounded(position) for position in exposure.outline],
        "shutter": shutter_of(radiograph),
    }


def _rounded(position: tuple[float, float]) -> list[float]:
    return [round(coordinate, 2) for coordinate in position]


def reference_image(radiograph: SyntheticRadiograph, frame: int = 0) -> npt.NDArray[np.uint8]:
    """Return what a viewer should show of a frame, uint8 (rows, columns).

    Bones are light; padding and pixels outside the display shutter are 0.
    """
    vendor = radiograph.vendor
    values = _values(radiograph, frame)
    if vendor.display is not None:
        low, high = vendor.storage.value_range
        level = vendor.display.level_of(np.arange(low, high + 1), vendor.response)[values - low]
    else:
        level = _stretch(values, ~_padded(radiograph))
        level = level if vendor.response.gain < 0 else 1 - level
    level[_padded(radiograph) | _outside_shutter(radiograph)] = 0
    return np.floor(255 * level + 0.5).astype(np.uint8)


def shutter_of(radiograph: SyntheticRadiograph) -> tuple[int, int, int, int] | None:
    """Return the left, right, top and bottom edge of the rectangular shutter, as columns and rows from 1.

    The edges are the outermost columns and rows of the visible area. Return None where the profile has no shutter.
    """
    if not radiograph.vendor.shutter:
        return None
    inside = field_depth(radiograph.acquisition.detector, radiograph.acquisition.beam.collimation) > FIELD_INSET_MM
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return int(columns[0]) + 1, int(columns[-1]) + 1, int(rows[0]) + 1, int(rows[-1]) + 1


@cache
def _intensities(intensity: Intensity) -> Array:
    """Return the intensity of every exposure from 1 to MOST."""
    return intensity.of(np.arange(1, MOST + 1) / AIR)


@cache
def _table(response: Response, signed: bool) -> npt.NDArray[np.int64]:
    """Return the rounded stored value of every exposure from 1 to MOST."""
    least = response.intensity.of([response.least]) if response.least > 0 else 0.0
    values = response.offset + response.gain * np.maximum(_intensities(response.intensity), least)
    table = np.floor(np.round(values, 6) + 0.5).astype(np.int64)
    return table if signed else np.maximum(table, 0)


def _values(radiograph: SyntheticRadiograph, frame: int) -> npt.NDArray[np.int64]:
    """Return the stored values of a frame, clipped to their range, before padding."""
    vendor, exposure = radiograph.vendor, exposure_of(frames_of(radiograph)[frame]).values
    values = np.clip(_table(vendor.response, vendor.storage.signed), *vendor.storage.value_range)[exposure - 1]
    if vendor.unexposed is not None:
        values[exposure < UNEXPOSED_BELOW * AIR] = vendor.unexposed
    if vendor.storage.burned_in is BurnedIn.ANNOTATION:
        brightest = vendor.storage.value_range[1 if vendor.response.gain < 0 else 0]
        values[_annotation(values.shape[0], values.shape[1])] = brightest
    values.ravel()[_hot_pixels(radiograph)] = vendor.storage.value_range[1]
    return values


def _stretch(values: npt.NDArray[np.int64], valid: Mask) -> Array:
    """Map the 0.1 to 99.9 percentile of the valid values to 0 to 1; ignore the smallest and the largest value."""
    valid_values = values[valid]
    inner = valid_values[(valid_values > valid_values.min()) & (valid_values < valid_values.max())]
    low, high = np.percentile(inner, (0.1, 99.9))
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float64)


def _padded(radiograph: SyntheticRadiograph) -> Mask:
    """Return the mask of the padding: the pixels outside the collimated field, if the profile has a padding value."""
    acquisition = radiograph.acquisition
    if radiograph.vendor.padding is None:
        return np.zeros((acquisition.rows, acquisition.columns), bool)
    return np.asarray(field_depth(acquisition.detector, acquisition.beam.collimation) < FIELD_INSET_MM, bool)


def _outside_shutter(radiograph: SyntheticRadiograph) -> Mask:
    """Return the mask of the pixels outside the display shutter."""
    outside_shutter = np.zeros((radiograph.acquisition.rows, radiograph.acquisition.columns), bool)
    edges = shutter_of(radiograph)
    if edges is not None:
        left, right, top, bottom = edges
        outside_shutter[:] = True
        outside_shutter[top - 1 : bottom, left - 1 : right] = False
    return outside_shutter


def _hot_pixels(radiograph: SyntheticRadiograph) -> list[int]:
    """Return the flat indices of the pixels with the largest value, at random positions."""
    random = RandomStream(radiograph.acquisition.seed, 5, radiograph.number)
    indices: list[int] = []
    while len(indices) < radiograph.vendor.hot_pixels:
        index = random.integer_below(radiograph.acquisition.rows * radiograph.acquisition.columns)
        indices += [index] if index not in indices else []
    return indices


def _annotation(rows: int, columns: int) -> Mask:
    """Return the mask of the letters of the annotation, in the lower left corner."""
    glyph_columns = [int(byte, 16) for letter in ANNOTATION for byte in (*_bytes(FONT[letter]), "00")]
    bitmap = np.array([[column >> row & 1 for column in glyph_columns] for row in range(7)], bool)
    large = bitmap.repeat(LETTER_SCALE, 0).repeat(LETTER_SCALE, 1)
    mask = np.zeros((rows, columns), bool)
    height, width = min(large.shape[0], rows - 12), min(large.shape[1], columns - 12)
    mask[rows - 12 - height : rows - 12, 12 : 12 + width] = large[:height, :width]
    return mask


def _bytes(glyph: str) -> list[str]:
    return [glyph[start : start + 2] for start in range(0, 10, 2)]


def with_high_bits(values: Stored, radiograph: SyntheticRadiograph) -> Stored:
    """Return pixel cells: stored values, with an overlay in the bits above Bits Stored if the profile has one."""
    if radiograph.vendor.storage.burned_in is not BurnedIn.HIGH_BITS:
        return values
    overlay = _annotation(*values.shape)
    acquisition = radiograph.acquisition
    overlay |= field_depth(acquisition.detector, Collimation(margin=30.0, opening=Opening.ROUND)) > 0
    return np.asarray(values | (overlay.astype(np.uint16) << radiograph.vendor.storage.bits_stored), values.dtype)
