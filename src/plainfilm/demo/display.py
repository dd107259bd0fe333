# SPDX-License-Identifier: MIT
"""A film's habit -> what its header says of pixels and their display: rescale, window, VOI LUT, padding, shutter."""

from __future__ import annotations

from typing import Any

import numpy as np

from plainfilm.demo.film import Film, shutter_of
from plainfilm.demo.habit import Curve, GrayscaleTransform, Habit, Photometric, Voi

UNUSED_WINDOW = (2048, 4096)
OTHER_TONES = (("BONE", 0.6, 0.17), ("SOFT TISSUE", 1.0, 0.4))


def describe_pixels(dataset: Any, film: Film) -> None:
    """Image Pixel module (C.7.6.3), padding (C.7.5.1.1.2), rescale (C.11.1) and shutter (C.7.6.11)."""
    habit, storage = film.habit, film.habit.storage
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = habit.photometric.value
    dataset.Rows, dataset.Columns = film.radiograph.rows, film.radiograph.columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, storage.bits_stored, storage.bits_stored - 1
    dataset.PixelRepresentation = int(storage.signed)
    if habit.padding is not None:
        dataset.add_new("PixelPaddingValue", "SS" if storage.signed else "US", habit.padding)
    if habit.rescale is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = (f"{number:g}" for number in habit.rescale)
        dataset.RescaleType = "US"
    edges = shutter_of(film)
    if edges is not None:
        dataset.ShutterShape = "RECTANGULAR"
        dataset.ShutterLeftVerticalEdge, dataset.ShutterRightVerticalEdge = edges[:2]
        dataset.ShutterUpperHorizontalEdge, dataset.ShutterLowerHorizontalEdge = edges[2:]
        dataset.ShutterPresentationValue = 0


def describe_display(dataset: Any, film: Film) -> None:
    """VOI LUT module (C.11.2)."""
    habit, tone = film.habit, film.habit.tone
    if habit.voi is Voi.BELOW_THE_PIXELS:
        dataset.WindowCenter, dataset.WindowWidth = (str(number) for number in UNUSED_WINDOW)
    if tone is None:
        return
    if habit.voi is Voi.LUT:
        dataset.VOILUTSequence = [_voi_lut_of(habit, tone)]
    elif habit.voi in (Voi.WINDOW, Voi.SEVERAL):
        others = OTHER_TONES if habit.voi is Voi.SEVERAL else ()
        tones = [tone, *(GrayscaleTransform(black, white, tone.curve) for _, black, white in others)]
        windows = [_window_of(habit, each) for each in tones]
        dataset.WindowCenter = [str(center) for center, _ in windows]
        dataset.WindowWidth = [str(width) for _, width in windows]
        if others:
            dataset.WindowCenterWidthExplanation = ["NORMAL", *(name for name, _, _ in others)]
        dataset.VOILUTFunction = tone.curve.value


def _window_of(habit: Habit, tone: GrayscaleTransform) -> tuple[int, int]:
    """Center and width on the modality output, in whole numbers as vendors write them, that show what the tone says."""
    slope, intercept = habit.rescale if habit.rescale is not None else (1.0, 0.0)
    ends = habit.response.value_of([max(tone.black, habit.response.least), tone.white]).tolist()
    low, high = sorted(end * slope + intercept for end in ends)
    if tone.curve is not Curve.LINEAR:
        return round((low + high) / 2), round(high - low)
    # LINEAR runs from c - 0.5 - (w - 1)/2 to c - 0.5 + (w - 1)/2
    return round((low + high + 1) / 2), round(high - low + 1)


def _voi_lut_of(habit: Habit, tone: GrayscaleTransform) -> Any:
    """A table over all stored values; its entries may need fewer bits than its descriptor says."""
    from pydicom.dataset import Dataset

    storage = habit.storage
    first, last = storage.value_range
    levels = tone.level_of(np.arange(first, last + 1), habit.response)
    levels = levels if habit.photometric is Photometric.MONOCHROME2 else 1 - levels
    entries = np.floor(((1 << storage.lut_bits) - 1) * levels + 0.5).astype("<u2")
    item = Dataset()
    descriptor = [(last - first + 1) % 65536, first, storage.lut_declared]
    item.add_new("LUTDescriptor", "SS" if storage.signed else "US", descriptor)
    item.LUTExplanation = "SYNTHETIC"
    item.add_new("LUTData", "OW", entries.tobytes())
    return item
