# SPDX-License-Identifier: MIT
"""A frame's VOI attributes and the user's choice -> the VOIs that exist for this run, in order (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.dicom.instance import FrameAttributes, LutItem, VoiLevel, WindowItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.choices import VoiChoice, VoiFunction, VoiKind
from plainfilm.rendering.grayscale.lut import lookup_table
from plainfilm.rendering.grayscale.voi import VoiLut, Window

_FUNCTIONS = {
    "LINEAR": VoiFunction.LINEAR,
    "LINEAR_EXACT": VoiFunction.LINEAR_EXACT,
    "SIGMOID": VoiFunction.SIGMOID,
}


@dataclass(frozen=True, slots=True)
class VoiPosition:
    """Where a VOI stands in the file: its kind and its index from 0."""

    kind: VoiKind
    index: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}"


Item = tuple[VoiPosition, LutItem | WindowItem]


@dataclass(frozen=True, slots=True)
class VoiCandidates:
    """The VOIs of one frame, LUTs first, each with its place; `findings` says what of the choice was not there."""

    items: tuple[Item, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def places(self) -> tuple[VoiPosition, ...]:
        """The places in the order they are tried."""
        return tuple(place for place, _ in self.items)

    def at(self, place: VoiPosition) -> LutItem | WindowItem | None:
        """The item at a place, or None."""
        return next((item for there, item in self.items if there == place), None)


def voi_candidates(attributes: FrameAttributes, choice: VoiChoice) -> VoiCandidates:
    """The VOIs of the nearest level that has any that the choice leaves in being; what it leaves out does not exist."""
    if choice.kind is VoiKind.NONE:
        return VoiCandidates(())
    levels = [_chosen(level, choice) for level in attributes.voi_levels]
    items = next((found for found in levels if found), ())
    if not items and choice.kind is not VoiKind.AUTO:
        what = "that Explanation" if choice.kind is VoiKind.EXPLANATION else str(choice)
        return VoiCandidates(
            (), (Finding(FindingCode.VOI_NOT_FOUND, f"the file has no VOI of the kind asked for: {what}"),)
        )
    if choice.index is None:
        return VoiCandidates(items)
    wanted = [(place, item) for place, item in items if place.index == choice.index]
    if wanted:
        return VoiCandidates(tuple(wanted))
    note = f"{choice} is not there; index 0 is taken"
    return VoiCandidates(items[:1], (Finding(FindingCode.VOI_INDEX_MISSING, note),))


def _chosen(level: VoiLevel, choice: VoiChoice) -> tuple[Item, ...]:
    luts: list[Item] = [(VoiPosition(VoiKind.LUT, index), item) for index, item in enumerate(level.luts)]
    windows: list[Item] = [(VoiPosition(VoiKind.WINDOW, index), item) for index, item in enumerate(level.windows)]
    if choice.kind is VoiKind.LUT:
        return tuple(luts)
    if choice.kind is VoiKind.WINDOW:
        return tuple(windows)
    both = (*luts, *windows)
    if choice.kind is VoiKind.EXPLANATION:
        return tuple(pair for pair in both if _same_text(pair[1].explanation, choice.text))
    return both


def _same_text(explanation: str | None, text: str) -> bool:
    return explanation is not None and explanation.split() != [] and _folded(explanation) == _folded(text)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def voi_from_item(item: LutItem | WindowItem, input_signed: bool) -> tuple[Window | VoiLut | None, tuple[Finding, ...]]:
    """The VOI of an item, or None where it cannot be used; and what was odd about it."""
    if isinstance(item, LutItem):
        return _voi_lut_of(item, input_signed)
    return _window_of(item)


def _window_of(item: WindowItem) -> tuple[Window | None, tuple[Finding, ...]]:
    """A window whose width its function can use. Under LINEAR a width between 0 and 1 is meant as LINEAR_EXACT."""
    function, findings = _function_of(item.function)
    if item.width <= 0:
        return None, findings
    if function is VoiFunction.LINEAR and item.width < 1:
        note = f"Window Width {item.width:g} is below 1 under LINEAR; taken for LINEAR_EXACT"
        findings = (*findings, Finding(FindingCode.WINDOW_LINEAR_EXACT, note))
        function = VoiFunction.LINEAR_EXACT
    return Window(item.center, item.width, function), findings


def _function_of(written: str | None) -> tuple[VoiFunction, tuple[Finding, ...]]:
    if written is None:
        return VoiFunction.LINEAR, ()
    if written in _FUNCTIONS:
        return _FUNCTIONS[written], ()
    note = f"VOI LUT Function is {'unknown' if written else 'empty'}; taken for LINEAR"
    return VoiFunction.LINEAR, (Finding(FindingCode.VOI_FUNCTION_UNKNOWN, note),)


def _voi_lut_of(item: LutItem, input_signed: bool) -> tuple[VoiLut | None, tuple[Finding, ...]]:
    """A VOI LUT scaled by the bits that it declares, or by those it uses where the two cannot both be meant."""
    table, findings = lookup_table(item, input_signed)
    if table.entries.size == 0:
        return None, findings
    used, declared = int(table.entries.max()).bit_length(), table.bits
    bits = used if used > declared else max(8, used) if declared > 8 and used < declared else max(declared, 1)
    if bits == declared:
        return VoiLut(table, bits), findings
    note = f"the VOI LUT declares {declared} bits an entry and uses {used}; scaled by {bits}"
    return VoiLut(table, bits), (*findings, Finding(FindingCode.VOI_LUT_BITS, note))
