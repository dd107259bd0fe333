# SPDX-License-Identifier: MIT
"""Compute the output levels of one frame from a pydicom Dataset and its pixel cells: an independent implementation.

Slow, plain and literal: one function a paragraph, float64, no fast path, nothing shared with the product. What the
contract leaves open is in `READINGS`; a `Result` names the readings that mattered to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.masks import shutter_level
from tests.support.oracle.notes import FINDING_READINGS, IMAGE_READINGS, READINGS, TABLE_READINGS, Array, Notes, nearest
from tests.support.oracle.plan import Decision, FrameView, Instance, decide
from tests.support.oracle.recipes import minmax, note_ignored, stretch, voi_values
from tests.support.oracle.stored import Codestream, Stored, attribute, stored_values
from tests.support.oracle.voi import Choice, Window, parse_choice

__all__ = [
    "FINDING_READINGS",
    "IMAGE_READINGS",
    "READINGS",
    "TABLE_READINGS",
    "OracleError",
    "Result",
    "render",
]


class OracleError(Exception):
    """What the contract makes a failure; `reason` as in the failures table."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Result:
    """One frame before geometry, and what the tables say of it. `low` and `high` are None where no line maps."""

    image: Array
    status: str
    voi: str
    low: float | None
    high: float | None
    inverted: bool
    bits_stored: int
    padding_fraction: float
    findings: frozenset[str]
    readings: frozenset[str]
    window: tuple[float, float, str] | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of one rendering."""

    look: str
    window: tuple[Any, ...] | None
    stretch: tuple[float, float, bool]
    voi: Choice
    polarity: str
    bits: int
    strict: bool

    @property
    def ymax(self) -> int:
        """The largest output level."""
        return 65535 if self.bits == 16 else 255


def render(
    dataset: Dataset,
    stored_raw: Array,
    *,
    look: str = "viewer",
    window: tuple[Any, ...] | None = None,
    stretch: tuple[float, float, bool] = (0.1, 99.9, False),
    voi: str = "auto",
    polarity: str = "auto",
    bits: int = 8,
    frame: int = 1,
    codestream: Codestream | None = None,
    strict: bool = False,
) -> Result:
    """One frame (from 1) of (frames, rows, columns) raw cells. `codestream`: (precision, signed)."""
    if look not in ("viewer", "window", "stretch", "minmax", "stored"):
        raise OracleError("unsupported_value", f"the oracle does not know the look {look}")
    if not 1 <= frame <= len(stored_raw):
        raise OracleError("unsupported_value", f"frame {frame} of {len(stored_raw)}")
    notes = Notes()
    stored = stored_values(dataset, stored_raw, codestream, notes)
    photometric = attribute(dataset, "PhotometricInterpretation") or "MONOCHROME2"
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or (attribute(dataset, "SamplesPerPixel") or 1) != 1:
        raise OracleError("unsupported_value", "the oracle does not know colour")
    look = "window" if window is not None else look
    wish = Wish(look, window, stretch, parse_choice(voi), polarity, bits, strict)
    instance = Instance(dataset, stored, wish.voi, notes)
    if look == "stored":
        return _stored_look(instance, frame - 1)
    if look in ("stretch", "minmax"):
        return _recipe(instance, frame - 1, wish)
    return _viewer(instance, frame - 1, wish)


def inversion(dataset: Dataset, polarity: str, notes: Notes) -> bool:
    """Section 5: whether the display value is inverted. Photometric Interpretation wins over Presentation LUT Shape."""
    named = attribute(dataset, "PhotometricInterpretation")
    photometric = named or "MONOCHROME2"
    shape = attribute(dataset, "PresentationLUTShape")
    expected = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    if shape in ("IDENTITY", "INVERSE") and shape != expected:
        notes.find("polarity_conflict")
        if named is None:
            notes.read("polarity_assumed")
        if polarity != "auto":
            notes.read("polarity_option")
    return (photometric if polarity == "auto" else polarity.upper()) == "MONOCHROME1"


def _viewer(instance: Instance, frame: int, wish: Wish) -> Result:
    """Sections 3 to 6; also the look `window`."""
    view = instance.view(frame, instance.notes)
    decision = _user_window(wish) if wish.look == "window" else decide(instance, frame)
    if decision.repaired and wish.strict:
        raise OracleError("repair_refused", f"the VOI used would be {decision.label}")
    inverted = inversion(instance.dataset, wish.polarity, instance.notes)
    with np.errstate(invalid="ignore", over="ignore"):
        y = decision.display(view, wish.ymax)
        y = wish.ymax - y if inverted else y
    image = _paint(instance, view, nearest(y), wish.ymax).astype(f"uint{wish.bits}")
    low, high = decision.line if decision.line is not None else (None, None)
    status = "repaired" if decision.repaired else "ok"
    return _result(instance, view, image, (status, decision.label, low, high, inverted), decision.window)


def _user_window(wish: Wish) -> Decision:
    """The user's window, never repaired."""
    assert wish.window is not None
    center, width = float(wish.window[0]), float(wish.window[1])
    name = str(wish.window[2]) if len(wish.window) > 2 else "linear"
    window = Window("user", center, width, name.upper().replace("-", "_"))
    if width <= 0 or (window.function == "LINEAR" and width < 1):
        raise OracleError("options", "a linear window is at least 1 wide, others more than 0")
    return Decision(
        "user",
        lambda view, ymax: window.display(np.where(np.isfinite(view.output), view.output, 0), ymax),
        line=window.line(),
        window=(center, width, window.function),
    )


def _paint(instance: Instance, view: FrameView, levels: Array, ymax: int) -> Array:
    """Padding black, then what the shutter hides with its own level: it wins."""
    painted = levels.copy()
    painted[view.padding] = 0
    painted[view.outside] = shutter_level(instance.dataset, ymax)
    return painted


def _recipe(instance: Instance, frame: int, wish: Wish) -> Result:
    """`stretch` and `minmax`."""
    notes = instance.notes
    view = Instance(instance.dataset, instance.stored, instance.choice, Notes()).view(frame, Notes())
    if len(instance.stored.values) > 1:
        notes.read("recipe_frames")
    inverted = inversion(instance.dataset, wish.polarity, notes)
    v, label = voi_values(instance.dataset, instance.stored, frame, instance.choice, notes)
    with np.errstate(invalid="ignore", over="ignore"):
        if wish.look == "minmax":
            levels, low, high = minmax(v, inverted, wish.ymax)
        else:
            levels, low, high = stretch(v, wish.stretch, wish.ymax, notes)
            levels = wish.ymax - levels if inverted else levels
    note_ignored(instance.dataset, frame, notes)
    image = levels.astype(f"uint{wish.bits}")
    return _result(instance, view, image, ("ok", label, low, high, inverted))


def _stored_look(instance: Instance, frame: int) -> Result:
    """Section 1 and nothing else, 16 bit: signed data plus 2^(n-1)."""
    stored: Stored = instance.stored
    if stored.floating or stored.bits > 16:
        raise OracleError("encode_unsupported", "more than 16 bits, or floating: only as npy")
    view = Instance(instance.dataset, stored, instance.choice, Notes()).view(frame, Notes())
    low = -(2 ** (stored.bits - 1)) if stored.signed else 0
    instance.notes.read("stored_high")
    image = (stored.values[frame] - low).astype(np.uint16)
    return _result(instance, view, image, ("ok", "none", low, low + 65535, False))


def _result(
    instance: Instance,
    view: FrameView,
    image: Array,
    told: tuple[str, str, float | None, float | None, bool],
    window: tuple[float, float, str] | None = None,
) -> Result:
    status, label, low, high, inverted = told
    return Result(
        image=image,
        status=status,
        voi=label,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        inverted=inverted,
        bits_stored=instance.stored.bits,
        padding_fraction=float(view.padding.mean()),
        findings=frozenset(instance.notes.findings),
        readings=frozenset(instance.notes.readings),
        window=window,
    )
