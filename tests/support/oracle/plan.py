# SPDX-License-Identifier: MIT
"""Section 4: choose the VOI of a frame and compute its display values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.masks import padding_mask, shutter_mask
from tests.support.oracle.modality import Modality, modality, output_signed
from tests.support.oracle.notes import Array, Notes, nearest
from tests.support.oracle.stored import Stored
from tests.support.oracle.voi import Choice, Voi, VoiLut, Window, has_several_levels, vois


@dataclass(frozen=True, slots=True)
class FrameView:
    """One frame up to its modality output, its masks and its own VOIs."""

    stored: Array
    output: Array
    modality: Modality
    padding: Array
    outside: Array
    vois: list[Voi]

    @property
    def valid(self) -> Array:
        """What counts in statistics."""
        return ~self.padding & ~self.outside


@dataclass(frozen=True, slots=True)
class Decision:
    """The VOI used, and how it maps a frame view to display values 0 to ymax."""

    label: str
    display: Callable[[FrameView, float], Array]
    repaired: bool = False
    line: tuple[float, float] | None = None
    window: tuple[float, float, str] | None = None


@dataclass(slots=True)
class Instance:
    """All frames of an instance, and the run's choice of VOI."""

    dataset: Dataset
    stored: Stored
    choice: Choice
    notes: Notes
    views: dict[int, FrameView] = field(default_factory=dict)

    def view(self, frame: int, notes: Notes) -> FrameView:
        """One frame's view."""
        own = modality(self.dataset, frame, self.stored, notes)
        values = self.stored.values[frame]
        with np.errstate(over="ignore", invalid="ignore"):
            output = own.apply(values)
        padding = padding_mask(self.dataset, self.stored, frame, output, notes)
        outside = shutter_mask(self.dataset, values.shape, notes)
        found = vois(self.dataset, frame, self.choice, notes)
        return FrameView(values.astype(np.float64), output, own, padding, outside, found)

    def sample(self) -> list[FrameView]:
        """The frames over which fallback and degeneracy are judged."""
        chosen = sampled_frames(len(self.stored.values))
        for frame in chosen:
            if frame not in self.views:
                self.views[frame] = self.view(frame, Notes())
        return [self.views[frame] for frame in chosen]


def sampled_frames(frames: int) -> list[int]:
    """All frames; or 32, frame floor(i n / 32), when there are more."""
    return list(range(frames)) if frames <= 32 else [i * frames // 32 for i in range(32)]


def decide(instance: Instance, frame: int) -> Decision:
    """The first VOI that is usable and not degenerate; then the first in stored space; then as if there were none."""
    notes = instance.notes
    own = instance.view(frame, notes)
    attempts = [(voi, False) for voi in own.vois]
    if own.vois and not own.modality.none:
        attempts.append((own.vois[0], True))
    for number, (voi, in_stored) in enumerate(attempts):
        _note_lut(voi, notes)
        if voi.usable and not _degenerate(instance, voi.place, in_stored):
            return _use(instance, voi, in_stored, repaired=number > 0 or voi.narrow)
        if number == 0 and has_several_levels(instance.dataset, frame, instance.choice):
            notes.read("voi_other_level")
    return without_voi(instance, own, repaired=bool(attempts))


def without_voi(instance: Instance, own: FrameView, *, repaired: bool) -> Decision:
    """Identity for integers of 8 bits stored or fewer without Modality LUT or rescale; the fallback for others."""
    stored = instance.stored
    if stored.bits <= 8 and not stored.floating and own.modality.none:
        lowest = -(2 ** (stored.bits - 1)) if stored.signed else 0
        span = 2**stored.bits - 1
        return Decision(
            "identity", lambda view, ymax: (view.output - lowest) / span * ymax, repaired, (lowest, lowest + span)
        )
    ends = fallback_ends(np.concatenate([view.output[view.valid] for view in instance.sample()]), instance.notes)
    return Decision("fallback", lambda view, ymax: fallback(view.output, ends, ymax), repaired, ends)


def fallback_ends(values: Array, notes: Notes) -> tuple[float, float] | None:
    """lo and hi of the fallback; equal for one level, None for none."""
    if values.size == 0:
        notes.read("nothing_valid")
        return None
    smallest, largest = float(values.min()), float(values.max())
    if smallest == largest:
        notes.read("fallback_one_level")
        return smallest, largest
    between = values[(values != smallest) & (values != largest)]
    if len(np.unique(between)) < 2:
        return smallest, largest
    lo, hi = (float(end) for end in np.percentile(between, (0.1, 99.9), method="linear"))
    if lo == hi:
        notes.read("fallback_percentiles_meet")
        return smallest, largest
    return lo, hi


def fallback(x: Array, ends: tuple[float, float] | None, ymax: float) -> Array:
    """(x - lo)/(hi - lo) * ymax, clipped; one level in all: ymax/2."""
    if ends is None or ends[0] == ends[1]:
        return np.full(x.shape, ymax / 2)
    lo, hi = ends
    return np.clip((x - lo) / (hi - lo) * ymax, 0, ymax)


def show(instance: Instance, voi: Voi, view: FrameView, in_stored: bool, ymax: float) -> Array:
    """Display values of one frame through one VOI, on the modality output or on the stored values."""
    x = view.stored if in_stored else view.output
    x = np.where(np.isfinite(x), x, 0)
    if isinstance(voi, Window):
        return voi.display(x, ymax)
    if instance.stored.floating:
        instance.notes.read("float_lut")
    signed = output_signed(Modality() if in_stored else view.modality, instance.stored)
    return voi.display(x, ymax, input_signed=signed)


def _use(instance: Instance, voi: Voi, in_stored: bool, *, repaired: bool) -> Decision:
    label = f"{voi.place}:stored" if in_stored else voi.place
    if in_stored:
        instance.notes.read("stored_space_low_high")
    window = (voi.center, voi.width, voi.meant) if isinstance(voi, Window) else None
    return Decision(label, lambda view, ymax: show(instance, voi, view, in_stored, ymax), repaired, voi.line(), window)


def _note_lut(voi: Voi, notes: Notes) -> None:
    if isinstance(voi, VoiLut) and voi.declares_more:
        notes.find("voi_lut_bits")


def _degenerate(instance: Instance, place: str, in_stored: bool) -> bool:
    """On 8-bit levels of the valid pixels of the frames judged, each through its own VOI of that place."""
    inputs, levels, outputs = [], [], []
    for view in instance.sample():
        own = next((voi for voi in view.vois if voi.place == place), None)
        if own is None or not own.usable:
            instance.notes.read("voi_place_missing" if own is None else "voi_place_unusable")
            continue
        inputs.append((view.stored if in_stored else view.output)[view.valid])
        outputs.append(view.stored[view.valid])
        levels.append(nearest(show(instance, own, view, in_stored, 255))[view.valid])
    if sum(part.size for part in inputs) == 0:
        instance.notes.read("nothing_valid")
        return False
    if len(np.unique(np.concatenate(outputs))) > 1 == len(np.unique(np.concatenate(inputs))):
        instance.notes.read("one_input_level")
    return is_degenerate(np.concatenate(inputs), np.concatenate(levels))


def is_degenerate(inputs: Array, levels: Array) -> bool:
    """At least 99.5 % at one end, or one distinct level out of many."""
    if len(np.unique(inputs)) == 1:
        return False
    at_an_end = max(int((levels == 0).sum()), int((levels == 255).sum()))
    return 1000 * at_an_end >= 995 * levels.size or len(np.unique(levels)) == 1
