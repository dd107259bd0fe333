# SPDX-License-Identifier: MIT
"""Test the oracle with examples worked by hand: windows of the standard, LUTs, the choice of a VOI."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import XRAY_ANGIOGRAPHY, GroupSpec, LutSpec, build_case
from tests.support.oracle.oracle import OracleError, render
from tests.support.oracle.plan import sampled_frames
from tests.support.oracle.values import levels_of_row, render_values
from tests.support.oracle.voi import linear, linear_exact, sigmoid


@pytest.mark.parametrize(
    ("center", "width", "below", "above", "inside", "expected"),
    [
        (2048, 4096, 0, 4096, 1024, ((1024 - 2047.5) / 4095 + 0.5) * 255),
        (0, 100, -50, 50, 10, ((10 + 0.5) / 99 + 0.5) * 255),
        (2048, 1, 2047, 2048, None, None),
        (0, 1, -1, 0, None, None),
    ],
)
def test_linear_window_is_the_standards_example(
    center: float, width: float, below: float, above: float, inside: float | None, expected: float | None
) -> None:
    """PS3.3 C.11.2.1.2.1."""
    assert linear(np.array([below, above]), center, width, 255).tolist() == [0, 255]
    if inside is not None:
        assert linear(np.array([inside]), center, width, 255).tolist() == [expected]


@pytest.mark.parametrize(
    ("center", "width", "zero", "just_above", "top", "beyond"),
    [(2048, 4096, 0, 1, 4096, 4097), (2048, 1, 2047.5, 2047.75, 2048.5, 2049), (0, 100, -50, -49, 50, 51)],
)
def test_linear_exact_window_is_the_standards_example(
    center: float, width: float, zero: float, just_above: float, top: float, beyond: float
) -> None:
    """PS3.3 C.11.2.1.3.2: the same ends for every width, and no half pixel."""
    y = linear_exact(np.array([zero, just_above, center, top, beyond]), center, width, 1000)
    assert y[0] == 0
    assert y[1] == ((just_above - center) / width + 0.5) * 1000 > 0
    assert y[2:].tolist() == [500, 1000, 1000]


def test_sigmoid_is_half_at_the_center_and_never_full() -> None:
    y = sigmoid(np.array([0.0, 100.0, 200.0]), 100, 50, 255)
    assert y[1] == 127.5
    assert y[0] == pytest.approx(255 / (1 + np.exp(8)))
    assert 0 < y[0] < y[2] < 255


def test_negative_slope_survives_to_the_display() -> None:
    assert levels_of_row([0, 4095], slope=-1, intercept=4095, centers=(2048,), widths=(4096,)) == [255, 0]


def test_slope_of_0_and_empty_are_1() -> None:
    window = {"centers": (2048,), "widths": (4096,)}
    plain = levels_of_row([0, 100, 4095], **window)
    assert levels_of_row([0, 100, 4095], slope=0, intercept="", **window) == plain


def test_rescale_of_angiography_is_not_applied() -> None:
    window = {"centers": (2048,), "widths": (4096,), "slope": -1, "intercept": 4095}
    assert levels_of_row([0, 4095], sop_class=XRAY_ANGIOGRAPHY, **window) == [0, 255]


def test_nearest_level_wins() -> None:
    groups = {"frames": 2, "per_frame": (GroupSpec(slope=2), GroupSpec()), "shared": GroupSpec(slope=3), "slope": 4}
    dataset, _ = build_case(rows=1, columns=2, centers=(2048,), widths=(4096,), **groups)
    raw = np.array([[[100, 1000]], [[100, 1000]]], dtype=np.uint16)
    expected = [[12, 125], [19, 187]]  # 2 x 1000 and 3 x 1000 of 4095, to the nearest of 255
    assert [render(dataset, raw, frame=frame).image[0].tolist() for frame in (1, 2)] == expected


@pytest.mark.parametrize(
    ("lut", "parameters", "expected"),
    [
        (LutSpec((0, 1, 2, 3), bits=2), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 1, 2, 3), bits=2, first=1), {}, [0, 0, 85, 170, 255]),
        (LutSpec((0, 85, 170, 255), bits=8, layout="packed"), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 85, 170, 255), bits=8, layout="packed_us"), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 85, 0xFFAA, 0xFFFF), bits=8), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 341, 682, 1023), bits=10, declared=9), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 85, 170, 255), bits=8, declared=9), {}, [0, 0, 85, 0, 170]),  # too short for words: packed
        (LutSpec((0, 85, 170, 255, 255, 255), bits=8, declared=3), {}, [0, 85, 170, 170, 170]),
        (LutSpec((0, 85, 170, 255), bits=16), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 341, 682, 1023), bits=12), {}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 85, 170, 4095), bits=8), {}, [0, 5, 11, 255, 255]),
        (LutSpec((0, 0, 0, 63), bits=8), {}, [0, 0, 0, 63, 63]),
        (LutSpec((0, 85, 170, 255), bits=8, first=-2), {"pixel_representation": 1}, [170, 255, 255, 255, 255]),
        (LutSpec((0, 85, 170, 255), bits=8, first=-2), {"slope": 1, "intercept": -2}, [0, 85, 170, 255, 255]),
        (LutSpec((0, 85, 170, 255), bits=8), {"slope": 0.5, "intercept": 0}, [0, 85, 85, 170, 170]),
    ],
)
def test_a_voi_lut_is_applied(lut: LutSpec, parameters: dict[str, Any], expected: list[int]) -> None:
    assert levels_of_row([0, 1, 2, 3, 4], voi_luts=(lut,), **parameters) == expected


def test_first_mapped_of_unsigned_input_is_unsigned() -> None:
    lut = LutSpec((0, 255), bits=8, first=65534, descriptor_vr="SS")
    assert levels_of_row([65533, 65534, 65535], bits_stored=16, voi_luts=(lut,)) == [0, 0, 255]


def test_a_lut_that_declares_more_bits_than_it_uses_has_a_finding() -> None:
    deep = tuple(range(0, 1024, 4))
    assert "voi_lut_bits" in render_values([range(256)], voi_luts=(LutSpec(deep, bits=16),)).findings
    assert "voi_lut_bits" not in render_values([range(256)], voi_luts=(LutSpec(deep, bits=10),)).findings


def test_modality_lut_wins_over_rescale() -> None:
    lut = LutSpec((4095, 0), bits=12)
    assert levels_of_row([0, 1], modality_lut=lut, slope=1000, intercept=0, centers=(2048,), widths=(4096,)) == [255, 0]


@pytest.mark.parametrize(
    ("parameters", "voi"),
    [
        ({"centers": (2048,), "widths": (4096,)}, "window:0"),
        ({"centers": (2048, 100, 1e6), "widths": (0, 200)}, "window:1"),
        ({"centers": (1e6,), "widths": (10,), "slope": 1000, "intercept": 5e8}, "fallback"),
        ({"centers": (2000,), "widths": (3000,), "slope": 1, "intercept": 1e6}, "window:0:stored"),
        ({"centers": (2000,), "widths": (3000,), "voi_luts": (LutSpec((0, 0), bits=12),)}, "window:0"),
        ({"centers": (2000,), "widths": (-1,), "voi_function": "SIGMOID"}, "fallback"),
        ({}, "fallback"),
    ],
)
def test_a_degenerate_voi_is_replaced(parameters: dict[str, Any], voi: str) -> None:
    result = render_values(np.arange(3000).reshape(30, 100), **parameters)
    assert result.voi == voi
    first = (voi == "window:0" and "voi_luts" not in parameters) or not parameters
    assert result.status == ("ok" if first else "repaired")


def test_one_input_level_is_never_degenerate() -> None:
    assert render_values(np.full((4, 4), 4000), centers=(100,), widths=(10,)).voi == "window:0"


def test_exactly_995_in_1000_at_one_end_is_degenerate() -> None:
    values = np.zeros((10, 100))
    values[0, :5] = 2000
    window = {"centers": (2048,), "widths": (4096,)}
    assert render_values(values, **window).voi == "fallback"
    values[0, 5] = 2000
    assert render_values(values, **window).voi == "window:0"


def test_narrow_linear_window_is_linear_exact_and_repaired() -> None:
    result = render_values([[0, 1, 2, 3, 4]], slope=0.1, intercept=0, centers=(0.25,), widths=(0.25,))
    assert (result.status, result.voi, result.low, result.high) == ("repaired", "window:0", 0.125, 0.375)
    assert result.window == (0.25, 0.25, "LINEAR_EXACT")
    assert result.image[0].tolist() == [0, 0, 77, 179, 255]  # ((0.2 - 0.25) / 0.25 + 0.5) * 255 = 76.5


def test_repairs_are_refused_when_strict() -> None:
    with pytest.raises(OracleError) as refused:
        render_values([[0, 1, 2]], centers=(5,), widths=(0,), strict=True)
    assert refused.value.reason == "repair_refused"


def test_images_of_8_bits_are_display_values() -> None:
    assert levels_of_row([0, 1, 255], bits_allocated=8, bits_stored=8) == [0, 1, 255]
    assert levels_of_row([0, 1, 63], bits_allocated=8, bits_stored=6, bits=16) == [0, 1040, 65535]
    assert levels_of_row([-128, 0, 127], bits_allocated=8, bits_stored=8, pixel_representation=1) == [0, 128, 255]
    assert render_values([[0, 1, 9]], bits_allocated=8, bits_stored=8, slope=1, intercept=0).voi == "identity"
    assert render_values([[0, 1, 9]], bits_allocated=8, bits_stored=8, slope=2, intercept=0).voi == "fallback"


def test_fallback_leaves_out_the_smallest_and_the_largest() -> None:
    result = render_values([[0, 0, 100, 200, 301, 4095]])
    lo, hi = 100 + 200 * 0.001, 301 - 202 * 0.001
    assert (result.low, result.high) == pytest.approx((lo, hi))
    assert result.image[0].tolist() == [0, 0, 0, 127, 255, 255]  # (200 - 100.2) / 200.598 * 255 = 126.87


def test_the_fallback_of_few_levels_uses_the_extremes() -> None:
    assert levels_of_row([0, 0, 50, 100]) == [0, 0, 128, 255]
    assert levels_of_row([70, 70]) == [128, 128]
    assert levels_of_row([70, 70], photometric="MONOCHROME1") == [128, 128]
    assert levels_of_row([70, 70], bits=16) == [32768, 32768]


def test_fallback_is_judged_over_the_instance() -> None:
    values = [[[0, 100, 200]], [[300, 400, 4095]]]
    first, second = render_values(values, frame=1), render_values(values, frame=2)
    assert (first.low, first.high) == (second.low, second.high)
    assert first.image.tolist() == [[0, 0, 85]]  # lo 100.3, hi 399.7: (200 - 100.3) / 299.4 * 255 = 84.9
    assert second.image.tolist() == [[170, 255, 255]]


def test_degeneracy_is_judged_over_the_instance() -> None:
    values = [np.full((4, 4), 10), np.arange(16).reshape(4, 4) * 250]
    assert render_values(values, frame=1, centers=(2048,), widths=(3000,)).voi == "window:0"


def test_more_than_32_frames_are_judged_by_32() -> None:
    assert sampled_frames(32) == list(range(32))
    assert sampled_frames(33) == list(range(32))
    assert sampled_frames(100)[:4] == [0, 3, 6, 9]
    assert sampled_frames(100)[-1] == 96
