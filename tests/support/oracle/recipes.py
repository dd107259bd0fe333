# SPDX-License-Identifier: MIT
"""Section 7: compute the published recipes `stretch` and `minmax` from stored values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.masks import shutter_shapes
from tests.support.oracle.modality import levels, modality_level, rescale
from tests.support.oracle.notes import Array, Notes
from tests.support.oracle.stored import Stored, attribute
from tests.support.oracle.voi import Choice, Voi, VoiLut, Window, vois


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe gives: levels before the depth's dtype, and what the tables say of it."""

    image: Array
    voi: str
    low: float
    high: float


def voi_values(dataset: Dataset, stored: Stored, frame: int, choice: Choice, notes: Notes) -> tuple[Array, str]:
    """v: VOI LUT item 0 or window 0 of the stored values; without one, or with an unusable one, the stored values."""
    values = own_dtype(stored, frame)
    if choice.kind != "auto":
        notes.read("recipe_voi_choice")
    if stored.floating:
        notes.read("recipe_float")
    found: list[Voi] = vois(dataset, frame, choice, notes)
    if not found:
        return values, "none"
    first = found[0]
    if isinstance(first, VoiLut):
        return _through_lut(first, stored, values, notes), first.place
    _note_function(dataset, frame, first, notes)
    if not first.usable or first.narrow:
        if first.narrow:
            notes.read("recipe_narrow_window")
        return values, "none"
    return _through_window(values, first, output_range(dataset, stored, frame, notes)), first.place


def own_dtype(stored: Stored, frame: int) -> Array:
    """The frame's stored values in the dtype that pydicom's pixel_array has."""
    values = stored.values[frame]
    if stored.floating:
        return np.asarray(values)
    return np.asarray(values.astype(f"{'int' if stored.signed else 'uint'}{max(8, stored.header.allocated)}"))


def output_range(dataset: Dataset, stored: Stored, frame: int, notes: Notes) -> tuple[float, float]:
    """From the header's Bits Stored and Pixel Representation, through slope and intercept where both exist."""
    bits = stored.header.bits
    if bits != stored.bits or attribute(dataset, "BitsStored") is None or stored.signed != stored.header.signed:
        notes.read("recipe_range_bits")
    y_min: float = -(2 ** (bits - 1)) if stored.header.signed else 0
    y_max: float = 2 ** (bits - 1) - 1 if stored.header.signed else 2**bits - 1
    level = modality_level(dataset, frame)
    if level is None:
        return y_min, y_max
    if level.get("ModalityLUTSequence"):
        notes.read("recipe_modality_lut_range")
    slope, intercept = attribute(level, "RescaleSlope"), attribute(level, "RescaleIntercept")
    if slope is None or intercept is None:
        return y_min, y_max
    for reading in [name for name, odd in (("slope_zero", slope == 0), ("negative_slope", slope < 0)) if odd]:
        notes.read(f"recipe_{reading}")
    ends = (y_min * float(slope) + float(intercept), y_max * float(slope) + float(intercept))
    return min(ends), max(ends)


def _through_lut(lut: VoiLut, stored: Stored, values: Array, notes: Notes) -> Array:
    """The entries themselves; the input is the stored value, signed as the data are."""
    table = lut.signed if stored.signed or stored.floating else lut.unsigned
    if table.bits not in (8, *range(10, 17)):
        notes.read("recipe_lut_bits")
    finite = np.where(np.isfinite(values), values, 0).astype(np.float64)
    return table.look_up(finite).astype(np.uint16)


def _through_window(values: Array, window: Window, ends: tuple[float, float]) -> Array:
    """pydicom's windowing, in its order of operations, float64."""
    y_min, y_max = ends
    y_range = y_max - y_min
    v = values.astype(np.float64)
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        with np.errstate(over="ignore"):
            return y_range / (1 + np.exp(-4 * (v - center) / width)) + y_min
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1
    below, above = v <= center - width / 2, v > center + width / 2
    between = ~below & ~above
    v[below] = y_min
    v[above] = y_max
    if between.any():
        v[between] = ((v[between] - center) / width + 0.5) * y_range + y_min
    return v


def stretch(v: Array, percentiles: tuple[float, float, bool], ymax: int, notes: Notes) -> tuple[Array, float, float]:
    """The published recipe for hand films, before polarity: levels, lo and hi."""
    low, high, every = percentiles
    t = v.copy()
    if not every:
        t[(v == v.min()) | (v == v.max())] = np.median(v)
    _note_wrap(t, notes)
    lo, hi = np.percentile(t, (low, high))
    if lo == hi:
        return np.full(v.shape, 128 if ymax == 255 else 32768), float(lo), float(hi)
    out = np.clip((v - lo) * (ymax / (hi - lo)), 0, ymax)
    return out.astype(np.int64), float(lo), float(hi)


def minmax(v: Array, monochrome1: bool, ymax: int) -> tuple[Array, float, float]:
    """The recipe of the chest X-ray competitions, polarity included: levels, smallest and largest v."""
    low, high = float(v.min()), float(v.max())
    if v.dtype.kind in "iu":
        v = v.astype(object)  # whole numbers of any size: they never wrap
    if monochrome1:
        v = v.max() - v
    difference = v - v.min()
    if difference.max() == 0:
        return np.zeros(v.shape, dtype=np.int64), low, high
    if difference.dtype == object:
        difference = difference.astype(np.float64)
    return (difference / difference.max() * ymax).astype(np.int64), low, high


def note_ignored(dataset: Dataset, frame: int, notes: Notes) -> None:
    """The finding of what exists and is not looked at: Modality LUT, rescale (not 1 and 0), padding, shutter."""
    level = modality_level(dataset, frame)
    has_modality = level is not None and (bool(level.get("ModalityLUTSequence")) or not rescale(level).none)
    keywords = ("PixelPaddingValue", "FloatPixelPaddingValue", "DoubleFloatPixelPaddingValue")
    has_padding = any(attribute(dataset, keyword) is not None for keyword in keywords)
    if has_modality or has_padding or shutter_shapes(dataset):
        notes.find("recipe_ignores")


def _note_function(dataset: Dataset, frame: int, window: Window, notes: Notes) -> None:
    for level in levels(dataset, frame, "FrameVOILUTSequence"):
        if "VOILUTFunction" in level and level.VOILUTFunction != window.function:
            notes.read("recipe_function")


def _note_wrap(t: Array, notes: Notes) -> None:
    if t.dtype.kind == "i" and np.diff(np.unique(t).astype(object)).max(initial=0) > np.iinfo(t.dtype).max:
        notes.read("recipe_percentile_wraps")
