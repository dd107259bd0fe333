# SPDX-License-Identifier: MIT
"""The VOIs of a frame are listed in order, limited to the user's choice, and corrected where needed (PS3.3 C.11.2)."""

from __future__ import annotations

import pytest
from tests.support.grayscale import finding_codes, lut_item

from plainfilm.dicom.instance import FrameAttributes, LutItem, VoiLevel, WindowItem
from plainfilm.options.render import VoiChoice, VoiFunction, VoiKind, parse_voi
from plainfilm.rendering.grayscale.voi import VoiLut, Window
from plainfilm.rendering.grayscale.voi_candidates import VoiCandidates, voi_candidates, voi_from_item

BONE = WindowItem(100, 50, explanation="BONE  HARD")
SOFT = WindowItem(200, 80, explanation="Soft")
LUT = LutItem((2, 0, 12), b"\x01\x00\x02\x00", "Soft")
PLAIN = LutItem((2, 0, 12), b"\x03\x00\x04\x00")
BOTH = FrameAttributes(voi_levels=(VoiLevel((LUT, PLAIN), (BONE, SOFT)),))


def positions(attributes: FrameAttributes, choice: str) -> list[str]:
    return [str(position) for position in voi_candidates(attributes, parse_voi(choice)).positions]


def codes(candidates: VoiCandidates) -> list[str]:
    return [finding.code.value for finding in candidates.findings]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ["lut:0", "lut:1", "window:0", "window:1"]),
        ("none", []),
        ("lut", ["lut:0", "lut:1"]),
        ("window", ["window:0", "window:1"]),
        ("lut:1", ["lut:1"]),
        ("window:1", ["window:1"]),
        ("window:0", ["window:0"]),
        ("soft", ["lut:0", "window:1"]),
        ("Bone hard", ["window:0"]),
        ("  bone   HARD ", ["window:0"]),
    ],
)
def test_luts_come_first_and_only_the_chosen_vois_are_listed(choice: str, expected: list[str]) -> None:
    candidates = voi_candidates(BOTH, parse_voi(choice))
    assert [str(position) for position in candidates.positions] == expected
    assert candidates.findings == ()


def test_an_index_that_the_file_does_not_have_is_replaced_by_0() -> None:
    candidates = voi_candidates(BOTH, VoiChoice(VoiKind.WINDOW, 7))
    assert [str(position) for position in candidates.positions] == ["window:0"]
    assert codes(candidates) == ["voi_index_missing"]
    assert "window:7" in candidates.findings[0].detail


@pytest.mark.parametrize("choice", ["lut", "lut:0", "no such text"])
def test_a_kind_or_text_that_the_file_does_not_have_gives_the_choice_of_the_file(choice: str) -> None:
    candidates = voi_candidates(FrameAttributes(voi_levels=(VoiLevel(windows=(BONE,)),)), parse_voi(choice))
    assert [str(position) for position in candidates.positions] == ["window:0"]
    assert codes(candidates) == ["voi_not_found"]


def test_a_finding_does_not_repeat_the_explanation() -> None:
    candidates = voi_candidates(FrameAttributes(), parse_voi("a name of a person"))
    assert "person" not in candidates.findings[0].detail


@pytest.mark.parametrize("explanation", [None, "", "  "])
def test_an_empty_explanation_matches_no_voi(explanation: str | None) -> None:
    attributes = FrameAttributes(voi_levels=(VoiLevel(windows=(WindowItem(1, 2, explanation=explanation),)),))
    assert codes(voi_candidates(attributes, VoiChoice(VoiKind.EXPLANATION, text=""))) == ["voi_not_found"]


def test_a_frame_without_a_voi_gives_no_finding() -> None:
    assert voi_candidates(FrameAttributes(), VoiChoice()) == VoiCandidates(())


def test_the_nearest_level_that_has_a_voi_is_used() -> None:
    levels = FrameAttributes(voi_levels=(VoiLevel(), VoiLevel(windows=(SOFT,)), VoiLevel((LUT,), (BONE,))))
    candidates = voi_candidates(levels, VoiChoice())
    assert [candidate.item for candidate in candidates.items] == [SOFT]


def test_the_choice_is_applied_before_the_nearest_level_is_determined() -> None:
    levels = FrameAttributes(voi_levels=(VoiLevel(windows=(SOFT,)), VoiLevel((LUT,), (BONE,))))
    assert positions(levels, "lut") == ["lut:0"]
    assert positions(levels, "bone hard") == ["window:0"]


def test_an_item_is_returned_by_its_position() -> None:
    candidates = voi_candidates(BOTH, VoiChoice())
    assert [candidates.item_at(position) for position in candidates.positions] == [LUT, PLAIN, BONE, SOFT]
    assert voi_candidates(BOTH, parse_voi("window")).item_at(candidates.positions[0]) is None


@pytest.mark.parametrize(
    ("written", "function"),
    [
        (None, VoiFunction.LINEAR),
        ("LINEAR", VoiFunction.LINEAR),
        ("LINEAR_EXACT", VoiFunction.LINEAR_EXACT),
        ("SIGMOID", VoiFunction.SIGMOID),
    ],
)
def test_every_voi_lut_function_of_the_standard_is_known(written: str | None, function: VoiFunction) -> None:
    assert voi_from_item(WindowItem(10, 20, written), False) == (Window(10, 20, function), ())


@pytest.mark.parametrize("written", ["", "LOGARITHMIC"])
def test_an_unknown_or_empty_function_is_linear(written: str) -> None:
    voi, findings = voi_from_item(WindowItem(10, 20, written), False)
    assert voi == Window(10, 20, VoiFunction.LINEAR)
    assert finding_codes(findings) == ["voi_function_unknown"]
    assert "LOGARITHMIC" not in findings[0].detail


@pytest.mark.parametrize("width", [0.25, 0.999])
def test_a_width_below_1_under_linear_is_read_as_linear_exact(width: float) -> None:
    voi, findings = voi_from_item(WindowItem(0.5, width), False)
    assert voi == Window(0.5, width, VoiFunction.LINEAR_EXACT)
    assert finding_codes(findings) == ["window_linear_exact"]


@pytest.mark.parametrize("function", ["LINEAR_EXACT", "SIGMOID"])
def test_a_width_below_1_gives_no_finding_under_other_functions(function: str) -> None:
    voi, findings = voi_from_item(WindowItem(0.5, 0.25, function), False)
    assert isinstance(voi, Window)
    assert (voi.function.dicom, voi.width, findings) == (function, 0.25, ())


def test_a_window_of_width_1_stays_linear() -> None:
    assert voi_from_item(WindowItem(5, 1), False) == (Window(5, 1, VoiFunction.LINEAR), ())


@pytest.mark.parametrize("function", [None, "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("width", [0.0, -100.0])
def test_a_width_of_0_or_less_is_unusable(width: float, function: str | None) -> None:
    assert voi_from_item(WindowItem(5, width, function), False) == (None, ())


def test_a_lut_without_entries_is_unusable() -> None:
    voi, findings = voi_from_item(LutItem((4, 0, 12), b""), False)
    assert voi is None
    assert finding_codes(findings) == ["lut_data_short"]


@pytest.mark.parametrize(
    ("declared", "largest", "bits", "is_reported"),
    [
        (12, 4095, 12, False),
        (12, 2048, 12, False),
        (12, 2047, 11, True),
        (16, 4095, 12, True),
        (16, 255, 8, True),
        (16, 3, 8, True),
        (12, 0, 8, True),
        (8, 255, 8, False),
        (8, 100, 8, False),
        (8, 3, 8, False),
        (12, 4096, 13, True),
        (8, 1000, 10, True),
        (0, 0, 1, True),
    ],
)
def test_a_lut_is_scaled_by_its_bits(declared: int, largest: int, bits: int, is_reported: bool) -> None:
    """The declared bits, or the bits used where entries need more, or where more than 8 are declared and fewer used."""
    voi, findings = voi_from_item(lut_item([0, largest], bits=declared), False)
    assert isinstance(voi, VoiLut)
    assert voi.bits == bits
    assert finding_codes(findings) == (["voi_lut_bits"] if is_reported else [])


@pytest.mark.parametrize(("signed", "first"), [(True, -5), (False, 65531)])
def test_the_first_input_mapped_is_signed_where_the_input_is_signed(signed: bool, first: int) -> None:
    voi, _ = voi_from_item(lut_item([0, 4095], first=-5), signed)
    assert isinstance(voi, VoiLut)
    assert voi.table.first == first
