# SPDX-License-Identifier: MIT
"""The parsers of option values accept what the interface allows and raise OptionsError for everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plainfilm.errors import OptionsError
from plainfilm.options.limits import parse_seconds, parse_size
from plainfilm.options.output import FrameChoice
from plainfilm.options.render import (
    Clahe,
    Look,
    Stretch,
    UserWindow,
    VoiChoice,
    VoiFunction,
    VoiKind,
    parse_bits,
    parse_clahe,
    parse_stretch,
    parse_voi,
    parse_window,
)
from plainfilm.options.value_types import members, parse_count, parse_flag


def refuses(parse: Callable[[object], Any], value: object, *words: str) -> None:
    """The parser refuses a value, and its message contains these words."""
    with pytest.raises(OptionsError) as caught:
        parse(value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ("40,80", UserWindow(40, 80)),
        (" -40.5 , 1e3 ", UserWindow(-40.5, 1000)),
        ("40,80,linear", UserWindow(40, 80)),
        ("40,0.5,linear-exact", UserWindow(40, 0.5, VoiFunction.LINEAR_EXACT)),
        ("40,80,LINEAR_EXACT", UserWindow(40, 80, VoiFunction.LINEAR_EXACT)),
        ("40,80,Sigmoid", UserWindow(40, 80, VoiFunction.SIGMOID)),
        ((40, 80), UserWindow(40, 80)),
        ([40, 80.0, "sigmoid"], UserWindow(40, 80, VoiFunction.SIGMOID)),
        (UserWindow(1, 2), UserWindow(1, 2)),
        ("5,1", UserWindow(5, 1)),
    ],
)
def test_a_window_is_parsed(given: object, window: UserWindow) -> None:
    assert parse_window(given) == window
    assert parse_window(str(window)) == window


@pytest.mark.parametrize(
    "given",
    [
        "",
        "40",
        "40,",
        "40,80,linear,5",
        "a,80",
        "40,80,cubic",
        "40,80,",
        "nan,80",
        "40,inf",
        "40,0",
        "40,0.99",
        "40,-5,linear-exact",
        "40,0,sigmoid",
        (40,),
    ],
)
def test_an_invalid_window_is_refused(given: object) -> None:
    refuses(parse_window, given)


@pytest.mark.parametrize(
    ("given", "stretch"),
    [
        ("0.1,99.9", Stretch()),
        ("1,99", Stretch(1, 99)),
        ("0,100", Stretch(0, 100)),
        (" 0.5 , 99.5 , ALL ", Stretch(0.5, 99.5, True)),
        ((2, 98), Stretch(2, 98)),
        ((2, 98, "all"), Stretch(2, 98, True)),
        (Stretch(3, 4), Stretch(3, 4)),
    ],
)
def test_a_stretch_is_parsed(given: object, stretch: Stretch) -> None:
    assert parse_stretch(given) == stretch
    assert parse_stretch(str(stretch)) == stretch


@pytest.mark.parametrize("given", ["", "5", "5,95,any", "5,95,all,1", "95,5", "5,5", "-1,99", "1,101", "nan,99", "a,b"])
def test_an_invalid_stretch_is_refused(given: str) -> None:
    refuses(parse_stretch, given)


@pytest.mark.parametrize(
    ("given", "clahe"),
    [("2,8", Clahe()), (" 0.5 , 1 ", Clahe(0.5, 1)), ((100, 32), Clahe(100, 32)), (Clahe(3, 4), Clahe(3, 4))],
)
def test_clahe_parameters_are_parsed(given: object, clahe: Clahe) -> None:
    assert parse_clahe(given) == clahe
    assert parse_clahe(str(clahe)) == clahe


@pytest.mark.parametrize(
    "given", ["", "2", "2,8,8", "0,8", "-1,8", "101,8", "nan,8", "inf,8", "2,0", "2,33", "2,1.5", "a,b"]
)
def test_invalid_clahe_parameters_are_refused(given: str) -> None:
    refuses(parse_clahe, given)


@pytest.mark.parametrize(
    ("given", "choice", "written"),
    [
        ("auto", VoiChoice(), "auto"),
        (" NONE ", VoiChoice(VoiKind.NONE), "none"),
        ("lut", VoiChoice(VoiKind.LUT), "lut"),
        ("LUT:0", VoiChoice(VoiKind.LUT, 0), "lut:0"),
        ("window", VoiChoice(VoiKind.WINDOW), "window"),
        ("window:12", VoiChoice(VoiKind.WINDOW, 12), "window:12"),
        ("Bone, hard", VoiChoice(VoiKind.EXPLANATION, text="Bone, hard"), "Bone, hard"),
        ("window:", VoiChoice(VoiKind.EXPLANATION, text="window:"), "window:"),
        ("lut:-1", VoiChoice(VoiKind.EXPLANATION, text="lut:-1"), "lut:-1"),
        (VoiChoice(VoiKind.LUT, 3), VoiChoice(VoiKind.LUT, 3), "lut:3"),
    ],
)
def test_a_voi_choice_is_parsed(given: object, choice: VoiChoice, written: str) -> None:
    assert parse_voi(given) == choice
    assert str(choice) == written
    assert parse_voi(written) == choice


@pytest.mark.parametrize("given", ["", "  "])
def test_an_empty_voi_is_refused(given: str) -> None:
    refuses(parse_voi, given)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("1", 1),
        (4096, 4096),
        ("2K", 2048),
        ("2kb", 2048),
        ("1.5 MiB", 3 << 19),
        ("4GiB", 4 << 30),
        ("4g", 4 << 30),
        ("1T", 1 << 40),
    ],
)
def test_sizes_are_powers_of_1024(given: object, size: int) -> None:
    assert parse_size(given) == size


@pytest.mark.parametrize("given", ["", "GiB", "-1", "4 apples", "1e9", "4GG", "nan", "0", "0.5", "9" * 400])
def test_an_invalid_size_is_refused(given: str) -> None:
    refuses(parse_size, given)


@pytest.mark.parametrize(("given", "seconds"), [("120", 120.0), ("0.5s", 0.5), (" 3 s", 3.0), (7, 7.0), ("1e2", 100.0)])
def test_a_number_of_seconds_is_parsed(given: object, seconds: float) -> None:
    assert parse_seconds(given) == seconds


@pytest.mark.parametrize("given", ["", "s", "0", "-1", "inf", "nan", "5m", "1e999"])
def test_an_invalid_number_of_seconds_is_refused(given: str) -> None:
    refuses(parse_seconds, given)


@pytest.mark.parametrize(("given", "count"), [("1", 1), (8, 8), ("5e8", 500_000_000), ("2.0", 2)])
def test_a_count_is_parsed(given: object, count: int) -> None:
    found = parse_count(given)
    assert (found, type(found)) == (count, int)


@pytest.mark.parametrize("given", ["", "0", "-3", "1.5", "many", "inf", "nan", "1e999"])
def test_an_invalid_count_is_refused(given: str) -> None:
    refuses(parse_count, given, repr(given))


@pytest.mark.parametrize(("given", "bits"), [("8", 8), (8, 8), ("16", 16), (16, 16)])
def test_an_output_depth_is_parsed(given: object, bits: int) -> None:
    assert parse_bits(given) == bits


@pytest.mark.parametrize("given", ["", "12", "8.0", "-8", "eight", True, None])
def test_an_invalid_output_depth_is_refused(given: object) -> None:
    refuses(parse_bits, given)


@pytest.mark.parametrize("given", [True, "1", "true", "YES", "On"])
def test_a_switch_is_on(given: object) -> None:
    assert parse_flag(given) is True


@pytest.mark.parametrize("given", [False, "0", "False", "no", "OFF", ""])
def test_a_switch_is_off(given: object) -> None:
    assert parse_flag(given) is False


@pytest.mark.parametrize("given", ["2", "maybe", None])
def test_an_invalid_switch_is_refused(given: object) -> None:
    refuses(parse_flag, given, "true or false")


def test_enum_values_are_accepted_in_any_case() -> None:
    parse = members(Look).parse
    assert [parse(word) for word in ("viewer", " Stretch ", "MINMAX", Look.STORED)] == [
        Look.VIEWER,
        Look.STRETCH,
        Look.MINMAX,
        Look.STORED,
    ]


@pytest.mark.parametrize("given", ["", "view", "viewers", None])
def test_an_unknown_enum_value_is_refused_with_the_list_of_values(given: object) -> None:
    refuses(members(Look).parse, given, "viewer, stretch, window, minmax")


def test_functions_have_the_name_that_dicom_gives_them() -> None:
    assert [function.dicom for function in VoiFunction] == ["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@pytest.mark.parametrize(
    ("which", "frames", "chosen"),
    [
        ("all", 1, [0]),
        ("all", 4, [0, 1, 2, 3]),
        ("first", 4, [0]),
        ("middle", 1, [0]),
        ("middle", 4, [2]),
        ("middle", 5, [2]),
        ("1", 4, [0]),
        ("4", 4, [3]),
        ("5", 4, []),
        ("2", 1, []),
        ("0012", 20, [11]),
        ("2..3", 5, [1, 2]),
        ("4..9", 5, [3, 4]),
        ("6..9", 5, []),
        ("every:2", 5, [0, 2, 4]),
        ("every:9", 5, [0]),
        ("mip", 3, [0, 1, 2]),
        ("mean", 3, [0, 1, 2]),
    ],
)
def test_frames_count_from_1(which: str, frames: int, chosen: list[int]) -> None:
    assert list(FrameChoice(which).select(frames)) == chosen
    assert str(FrameChoice(which)) == which


@pytest.mark.parametrize("which", ["", "0", "-1", "1.5", "last", "1,2", "3..2", "1..", "..4", "every:0", "every:"])
def test_an_invalid_choice_of_frames_is_refused(which: str) -> None:
    refuses(FrameChoice, which)
