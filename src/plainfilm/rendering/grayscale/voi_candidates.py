# SPDX-License-Identifier: MIT
"""List the VOIs that a frame can be displayed with, in order, and turn their items into VOIs (PS3.3 C.11.2)."""

from __future__ import annotations

from plainfilm.dicom.instance import FrameAttributes, LutItem, VoiLevel, WindowItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import VoiChoice, VoiFunction, VoiKind
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.lut import lookup_table
from plainfilm.rendering.grayscale.voi import VoiLut, Window

_FUNCTIONS = {
    "LINEAR": VoiFunction.LINEAR,
    "LINEAR_EXACT": VoiFunction.LINEAR_EXACT,
    "SIGMOID": VoiFunction.SIGMOID,
}


@dataclass(frozen=True, slots=True)
class VoiPosition:
    """The position of a VOI in its level of the file: the kind, and the index in that kind, from 0."""

    kind: VoiKind
    index: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}"


@dataclass(frozen=True, slots=True)
class VoiCandidate:
    """A VOI of the file as it is written there, with its position."""

    position: VoiPosition
    item: LutItem | WindowItem


@dataclass(frozen=True, slots=True)
class VoiCandidates:
    """The VOIs of one frame in the order in which they are tried: VOI LUTs first, then windows.

    `findings` reports a VOI that `--voi` names and the file does not have.
    """

    items: tuple[VoiCandidate, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def positions(self) -> tuple[VoiPosition, ...]:
        """The positions of the VOIs, in order."""
        return tuple([candidate.position for candidate in self.items])

    def item_at(self, position: VoiPosition) -> LutItem | WindowItem | None:
        """The item at a position, or None."""
        for candidate in self.items:
            if candidate.position is position or candidate.position == position:
                return candidate.item
        return None


def voi_candidates(attributes: FrameAttributes, choice: VoiChoice) -> VoiCandidates:
    """List the VOIs of the nearest level that has any, after the VOIs that `choice` excludes are removed.

    An index that the file does not have is replaced by index 0 of its kind, with the finding `voi_index_missing`. For a
    kind or an Explanation that the file does not have, the VOIs are those without a choice, with the finding
    `voi_not_found`.
    """
    if choice.kind is VoiKind.NONE:
        return VoiCandidates(())
    candidates: tuple[VoiCandidate, ...] = ()
    for level in attributes.voi_levels:
        if candidates := _candidates_of_level(level, choice):
            break
    if not candidates and choice.kind is not VoiKind.AUTO:
        # An Explanation is text of the user and may name a person, so that no finding repeats it.
        request = "no VOI with that Explanation" if choice.kind is VoiKind.EXPLANATION else f"no {choice}"
        note = f"the file has {request}; its own choice is used instead"
        own = voi_candidates(attributes, VoiChoice())
        return VoiCandidates(own.items, (Finding(FindingCode.VOI_NOT_FOUND, note),))
    if choice.index is None:
        return VoiCandidates(candidates)
    matches = tuple(candidate for candidate in candidates if candidate.position.index == choice.index)
    if matches:
        return VoiCandidates(matches)
    note = f"the file has no {choice}; index 0 is used instead"
    return VoiCandidates(candidates[:1], (Finding(FindingCode.VOI_INDEX_MISSING, note),))


def voi_from_item(item: LutItem | WindowItem, input_signed: bool) -> tuple[Window | VoiLut | None, tuple[Finding, ...]]:
    """Turn an item into a VOI, with findings on what was corrected. The VOI is None where the item is unusable.

    input_signed: whether the values that enter the VOI are signed; a VOI LUT's first input mapped is read by it.
    """
    if isinstance(item, LutItem):
        return _voi_lut_from_item(item, input_signed)
    return _window_from_item(item)


def _candidates_of_level(level: VoiLevel, choice: VoiChoice) -> tuple[VoiCandidate, ...]:
    luts = tuple([VoiCandidate(VoiPosition(VoiKind.LUT, index), item) for index, item in enumerate(level.luts)])
    windows = tuple([VoiCandidate(VoiPosition(VoiKind.WINDOW, at), item) for at, item in enumerate(level.windows)])
    if choice.kind is VoiKind.LUT:
        return luts
    if choice.kind is VoiKind.WINDOW:
        return windows
    candidates = (*luts, *windows)
    if choice.kind is VoiKind.EXPLANATION:
        return tuple(candidate for candidate in candidates if _is_same_text(candidate.item.explanation, choice.text))
    return candidates


def _is_same_text(explanation: str | None, text: str) -> bool:
    return explanation is not None and explanation.split() != [] and _normalized(explanation) == _normalized(text)


def _normalized(text: str) -> str:
    return " ".join(text.split()).casefold()


def _window_from_item(item: WindowItem) -> tuple[Window | None, tuple[Finding, ...]]:
    """A window whose width is valid for its function. A width between 0 and 1 under LINEAR is read as LINEAR_EXACT."""
    function, findings = _function_from_name(item.function)
    if item.width <= 0:
        return None, findings
    if function is VoiFunction.LINEAR and item.width < 1:
        note = f"Window Width {item.width:g} is below 1 under LINEAR; LINEAR_EXACT is used instead"
        findings = (*findings, Finding(FindingCode.WINDOW_LINEAR_EXACT, note))
        function = VoiFunction.LINEAR_EXACT
    return Window(item.center, item.width, function), findings


def _function_from_name(name: str | None) -> tuple[VoiFunction, tuple[Finding, ...]]:
    if name is None:
        return VoiFunction.LINEAR, ()
    if name in _FUNCTIONS:
        return _FUNCTIONS[name], ()
    note = f"VOI LUT Function is {'unknown' if name else 'empty'}; LINEAR is used"
    return VoiFunction.LINEAR, (Finding(FindingCode.VOI_FUNCTION_UNKNOWN, note),)


def _voi_lut_from_item(item: LutItem, input_signed: bool) -> tuple[VoiLut | None, tuple[Finding, ...]]:
    """A VOI LUT scaled by the bits that it declares, or by the bits that it uses where the declaration is not credible.

    A table with larger entries than declared is scaled by the bits of its largest entry. A table that declares more
    than 8 bits and never sets the top bit is scaled by the bits of its largest entry, but by at least 8.
    """
    table, findings = lookup_table(item, input_signed)
    if table.entries.size == 0:
        return None, findings
    used, declared = int(table.entries.max()).bit_length(), table.bits
    bits = used if used > declared else max(8, used) if declared > 8 and used < declared else max(declared, 1)
    if bits == declared:
        return VoiLut(table, bits), findings
    note = f"the VOI LUT declares {declared} bits an entry and uses {used}; scaled by {bits}"
    return VoiLut(table, bits), (*findings, Finding(FindingCode.VOI_LUT_BITS, note))
