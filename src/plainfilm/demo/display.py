# SPDX-License-Identifier: MIT
"""Set the attributes that describe pixels and their display: rescale, window, VOI LUT, padding and shutter."""

from __future__ import annotations

from typing import Any

import numpy as np

from plainfilm.demo.radiograph import SyntheticRadiograph, shutter_of
from plainfilm.demo.vendor import Curve, DisplayTransform, Photometric, VendorProfile, Voi

UNUSED_WINDOW = (2048, 4096)
OTHER_DISPLAYS = (("BONE", 0.6, 0.17), ("SOFT TISSUE", 1.0, 0.4))


def describe_pixels(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the Image Pixel module (C.7.6.3), padding (C.7.5.1.1.2), rescale (C.11.1) and shutter (C.7.6.11)."""
    vendor, storage = radiograph.vendor, radiograph.vendor.storage
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = vendor.photometric.value
    dataset.Rows, dataset.Columns = radiograph.acquisition.rows, radiograph.acquisition.columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, storage.bits_stored, storage.bits_stored - 1
    dataset.PixelRepresentation = int(storage.signed)
    if vendor.padding is not None:
        dataset.add_new("PixelPaddingValue", "SS" if storage.signed else "US", vendor.padding)
    if vendor.rescale is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = (f"{number:g}" for number in vendor.rescale)
        dataset.RescaleType = "US"
    edges = shutter_of(radiograph)
    if edges is not None:
        dataset.ShutterShape = "RECTANGULAR"
        dataset.ShutterLeftVerticalEdge, dataset.ShutterRightVerticalEdge = edges[:2]
        dataset.ShutterUpperHorizontalEdge, dataset.ShutterLowerHorizontalEdge = edges[2:]
        dataset.ShutterPresentationValue = 0


def describe_display(dataset: Any, radiograph: SyntheticRadiograph) -> None:
    """Set the VOI LUT module (C.11.2)."""
    vendor, display = radiograph.vendor, radiograph.vendor.display
    if vendor.voi is Voi.BELOW_THE_PIXELS:
        dataset.WindowCenter, dataset.WindowWidth = (str(number) for number in UNUSED_WINDOW)
    if display is None:
        return
    if vendor.voi is Voi.LUT:
        dataset.VOILUTSequence = [_voi_lut_of(vendor, display)]
    elif vendor.voi in (Voi.WINDOW, Voi.SEVERAL):
        others = OTHER_DISPLAYS if vendor.voi is Voi.SEVERAL else ()
        displays = [display, *(DisplayTransform(black, white, display.curve) for _, black, white in others)]
        windows = [_window_of(vendor, other) for other in displays]
        dataset.WindowCenter = [str(center) for center, _ in windows]
        dataset.WindowWidth = [str(width) for _, width in windows]
        if others:
            dataset.WindowCenterWidthExplanation = ["NORMAL", *(name for name, _, _ in others)]
        dataset.VOILUTFunction = display.curve.value


def _window_of(vendor: VendorProfile, display: DisplayTransform) -> tuple[int, int]:
    """Return window center and width, in units of the modality output, that give the intended display.

    Both are whole numbers, as vendors write them.
    """
    slope, intercept = vendor.rescale if vendor.rescale is not None else (1.0, 0.0)
    ends = vendor.response.value_of([max(display.black, vendor.response.least), display.white]).tolist()
    low, high = sorted(end * slope + intercept for end in ends)
    if display.curve is not Curve.LINEAR:
        return round((low + high) / 2), round(high - low)
    # LINEAR runs from c - 0.5 - (w - 1)/2 to c - 0.5 + (w - 1)/2
    return round((low + high + 1) / 2), round(high - low + 1)


def _voi_lut_of(vendor: VendorProfile, display: DisplayTransform) -> Any:
    """Return a VOI LUT item over all stored values; its entries may need fewer bits than its descriptor declares."""
    from pydicom.dataset import Dataset

    storage = vendor.storage
    first, last = storage.value_range
    levels = display.level_of(np.arange(first, last + 1), vendor.response)
    levels = levels if vendor.photometric is Photometric.MONOCHROME2 else 1 - levels
    entries = np.floor(((1 << storage.lut_bits) - 1) * levels + 0.5).astype("<u2")
    item = Dataset()
    descriptor = [(last - first + 1) % 65536, first, storage.lut_declared]
    item.add_new("LUTDescriptor", "SS" if storage.signed else "US", descriptor)
    item.LUTExplanation = "SYNTHETIC"
    item.add_new("LUTData", "OW", entries.tobytes())
    return item
