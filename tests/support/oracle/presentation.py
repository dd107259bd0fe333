# SPDX-License-Identifier: MIT
"""Compute the output levels of a presentation state (PS3.4 N.2), without code of plainfilm."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.notes import Array


def presented_levels(state: Dataset, stored: Array, bits_stored: int, ymax: int) -> Array:
    """The levels of unsigned stored values of one frame, by the first VOI of the state; before its turn and area."""
    x, low, high = _modality(state, stored.astype(np.float64), bits_stored)
    share = _voi(state, x, low, high)
    if "PresentationLUTSequence" in state:
        entries, first, bits = _table(state.PresentationLUTSequence[0])
        share = _mapped(np.floor(share * (len(entries) - 1) + 0.5) + first, entries, first) / (2**bits - 1)
    elif state.get("PresentationLUTShape") == "INVERSE":
        share = 1 - share
    return np.floor(share * ymax + 0.5)


def _modality(state: Dataset, x: Array, bits_stored: int) -> tuple[Array, float, float]:
    """The modality output and the range that it may have."""
    if "ModalityLUTSequence" in state:
        entries, first, bits = _table(state.ModalityLUTSequence[0])
        return _mapped(x, entries, first), 0.0, float(2**bits - 1)
    slope, intercept = float(state.get("RescaleSlope", 1)), float(state.get("RescaleIntercept", 0))
    ends = intercept, (2**bits_stored - 1) * slope + intercept
    return x * slope + intercept, min(ends), max(ends)


def _voi(state: Dataset, x: Array, low: float, high: float) -> Array:
    """The share of the full display range."""
    items = state.get("SoftcopyVOILUTSequence")
    if not items:
        return (x - low) / (high - low)
    if "VOILUTSequence" in items[0]:
        entries, first, bits = _table(items[0].VOILUTSequence[0])
        return np.asarray(_mapped(np.floor(x + 0.5), entries, first) / (2**bits - 1))
    center, width = float(items[0].WindowCenter), float(items[0].WindowWidth)
    return np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


def _table(item: Dataset) -> tuple[Array, int, int]:
    count, first, bits = item.LUTDescriptor
    return np.frombuffer(item.LUTData, "<u2")[: count or 65536].astype(np.float64), int(first), int(bits)


def _mapped(x: Array, entries: Array, first: int) -> Array:
    mapped: Array = entries[np.clip(x - first, 0, len(entries) - 1).astype(int)]
    return mapped
