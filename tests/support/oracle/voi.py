# SPDX-License-Identifier: MIT
"""Section 4: list the VOIs of a frame, and apply the formula of each (C.11.2)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.modality import Lut, levels, parse_lut
from tests.support.oracle.notes import Array, Notes
from tests.support.oracle.stored import attribute

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the file or of the user."""

    place: str
    center: float
    width: float
    function: str

    @property
    def narrow(self) -> bool:
        """0 < w < 1 under LINEAR: meant as LINEAR_EXACT."""
        return self.function == "LINEAR" and 0 < self.width < 1

    @property
    def usable(self) -> bool:
        """w <= 0 is not, nor what is no number."""
        return math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0

    @property
    def meant(self) -> str:
        """The function to use."""
        return "LINEAR_EXACT" if self.narrow else self.function

    def line(self) -> tuple[float, float] | None:
        """What becomes 0 and the maximum; None for a sigmoid."""
        c, w = self.center, self.width
        if self.meant == "LINEAR":
            return c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
        return (c - w / 2, c + w / 2) if self.meant == "LINEAR_EXACT" else None

    def display(self, x: Array, ymax: float) -> Array:
        """The display value of each modality output, 0 to ymax, float64."""
        formula = {"LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}[self.meant]
        return formula(x, self.center, self.width, ymax)


@dataclass(frozen=True, slots=True)
class VoiLut:
    """A VOI LUT of the file: its table for unsigned and for signed input."""

    place: str
    unsigned: Lut
    signed: Lut

    usable = True
    narrow = False

    @property
    def declares_more(self) -> bool:
        """More than 8 bits declared and the top bit never set."""
        return self.unsigned.bits > 8 and int(self.unsigned.entries.max()) < 2 ** (self.unsigned.bits - 1)

    def scale_bits(self) -> int:
        """The n of the output's 2^n - 1."""
        used = int(self.unsigned.entries.max()).bit_length()
        if used > self.unsigned.bits:
            return used
        return max(8, used) if self.declares_more else self.unsigned.bits

    def line(self) -> None:
        """No line maps these."""

    def display(self, x: Array, ymax: float, *, input_signed: bool) -> Array:
        """The display value of each modality output, 0 to ymax, float64."""
        table = self.signed if input_signed else self.unsigned
        return np.asarray(table.look_up(x) / (2 ** self.scale_bits() - 1) * ymax)


Voi = Window | VoiLut


def linear(x: Array, c: float, w: float, ymax: float) -> Array:
    """LINEAR, w >= 1; w = 1 is a threshold, no division."""
    y = np.zeros(x.shape)
    y[x > c - 0.5 + (w - 1) / 2] = ymax
    between = ~(x <= c - 0.5 - (w - 1) / 2) & ~(x > c - 0.5 + (w - 1) / 2)
    if between.any():
        y[between] = ((x[between] - (c - 0.5)) / (w - 1) + 0.5) * ymax
    return y


def linear_exact(x: Array, c: float, w: float, ymax: float) -> Array:
    """LINEAR_EXACT, w > 0."""
    y = np.zeros(x.shape)
    y[x > c + w / 2] = ymax
    between = ~(x <= c - w / 2) & ~(x > c + w / 2)
    y[between] = ((x[between] - c) / w + 0.5) * ymax
    return y


def sigmoid(x: Array, c: float, w: float, ymax: float) -> Array:
    """SIGMOID, w > 0; not renormalised at the ends."""
    with np.errstate(over="ignore"):
        return ymax / (1 + np.exp(-4 * (x - c) / w))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which VOI of the file exists for this run."""

    kind: str = "auto"
    index: int | None = None
    text: str = ""


def parse_choice(text: str) -> Choice:
    """auto, none, lut[:N], window[:N], else an Explanation."""
    if text in ("auto", "none"):
        return Choice(text)
    match = re.fullmatch(r"(lut|window)(?::(\d+))?", text)
    if match is None:
        return Choice("explanation", text=text)
    return Choice(match[1], None if match[2] is None else int(match[2]))


def vois(dataset: Dataset, frame: int, choice: Choice, notes: Notes) -> list[Voi]:
    """The VOIs that exist for this run at the nearest level that has any: LUTs, then windows."""
    for place, level in enumerate(levels(dataset, frame, "FrameVOILUTSequence")):
        found = _choose(dataset, level, choice, notes)
        if found:
            if choice.kind != "auto" and place and _at_nearer(dataset, frame, place, notes):
                notes.read("voi_override_level")
            return found
    if choice.kind == "explanation":
        notes.read("voi_text_missing")
    return []


def has_several_levels(dataset: Dataset, frame: int, choice: Choice) -> bool:
    """Whether more than one level holds a VOI."""
    found = [_choose(dataset, level, choice, Notes()) for level in levels(dataset, frame, "FrameVOILUTSequence")]
    return sum(bool(one) for one in found) > 1


def _at_nearer(dataset: Dataset, frame: int, place: int, notes: Notes) -> bool:
    nearer = levels(dataset, frame, "FrameVOILUTSequence")[:place]
    return any(_luts(dataset, level, notes) or _windows(level) for level in nearer)


def _choose(dataset: Dataset, level: Dataset, choice: Choice, notes: Notes) -> list[Voi]:
    luts, windows = _luts(dataset, level, notes), _windows(level)
    if choice.kind == "none":
        return []
    if choice.kind == "auto":
        return [*luts, *windows]
    if choice.kind == "explanation":
        named = _named(level)
        every: list[Voi] = [*luts, *windows]
        return [voi for voi in every if named.get(voi.place) == choice.text]
    kind: list[Voi] = list(luts if choice.kind == "lut" else windows)
    if choice.index is None or not kind:
        return kind
    notes.read("voi_only_index")
    wanted = [voi for voi in kind if voi.place == f"{choice.kind}:{choice.index}"]
    return wanted or kind[:1]


def _luts(dataset: Dataset, level: Dataset, notes: Notes) -> list[VoiLut]:
    found = []
    for index, item in enumerate(level.get("VOILUTSequence") or []):
        unsigned, signed = parse_lut(dataset, item, False, notes), parse_lut(dataset, item, True, notes)
        if unsigned is None or signed is None:
            notes.read("lut_too_short")
        else:
            found.append(VoiLut(f"lut:{index}", unsigned, signed))
    return found


def _windows(level: Dataset) -> list[Window]:
    """Center i with width i; unequal counts use the common prefix. An unknown or empty function is LINEAR."""
    function = level.get("VOILUTFunction")
    function = function if function in FUNCTIONS else "LINEAR"
    pairs = zip(_numbers(level, "WindowCenter"), _numbers(level, "WindowWidth"), strict=False)
    return [Window(f"window:{i}", center, width, function) for i, (center, width) in enumerate(pairs)]


def _named(level: Dataset) -> dict[str, str]:
    """Place to Explanation."""
    texts = attribute(level, "WindowCenterWidthExplanation")
    texts = [texts] if isinstance(texts, str) else list(texts or [])
    named = {f"window:{i}": str(text) for i, text in enumerate(texts)}
    for index, item in enumerate(level.get("VOILUTSequence") or []):
        named[f"lut:{index}"] = str(item.get("LUTExplanation") or "")
    return named


def _numbers(level: Dataset, keyword: str) -> list[float]:
    value = attribute(level, keyword)
    if value is None:
        return []
    several = [value] if isinstance(value, (int, float, str)) or not hasattr(value, "__iter__") else list(value)
    return [math.nan if one is None or one == "" else float(one) for one in several]
