# SPDX-License-Identifier: MIT
"""The VOI formulas (PS3.3 C.11.2) give the values of the standard's own examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from plainfilm.options.render import VoiFunction
from plainfilm.rendering.grayscale.lut import LookupTable
from plainfilm.rendering.grayscale.voi import (
    ConstantLevel,
    Line,
    VoiLut,
    Window,
    linear,
    linear_bounds,
    linear_exact,
    sigmoid,
    straight_line,
)

YMAX = [255.0, 65535.0]


def at(*x: float) -> npt.NDArray[Any]:
    return np.array(x, np.float64)


@pytest.mark.parametrize("ymax", YMAX)
def test_linear_of_2048_4096(ymax: float) -> None:
    """C.11.2.1.2.1: x <= 0 -> 0; x > 4095 -> ymax; else ((x - 2047.5)/4095 + 0.5) * ymax."""
    y = linear(at(-1, 0, 1, 2047.5, 4095, 4095.1, 5000), 2048, 4096, ymax)
    expected = [0, 0, ((1 - 2047.5) / 4095 + 0.5) * ymax, 0.5 * ymax, ymax, ymax, ymax]
    assert y.tolist() == expected


def test_linear_of_2048_1_is_a_threshold() -> None:
    """C.11.2.1.2.1: x <= 2047.5 -> 0, x > 2047.5 -> ymax, without a division by width - 1 = 0."""
    assert linear(at(2047, 2047.5, 2047.6, 2048), 2048, 1, 255).tolist() == [0, 0, 255, 255]


def test_linear_of_0_100() -> None:
    """C.11.2.1.2.1: x <= -50 -> 0; x > 49 -> ymax; else ((x + 0.5)/99 + 0.5) * ymax."""
    y = linear(at(-51, -50, -49, 0, 49, 49.5, 50), 0, 100, 255)
    assert y[[0, 1]].tolist() == [0, 0]
    np.testing.assert_allclose(y[2:5], [(-48.5 / 99 + 0.5) * 255, (0.5 / 99 + 0.5) * 255, 255], rtol=1e-15)
    assert y[[5, 6]].tolist() == [255, 255]


def test_linear_of_0_1() -> None:
    """C.11.2.1.2.1: x <= -0.5 -> 0, x > -0.5 -> ymax."""
    assert linear(at(-1, -0.5, 0, 1), 0, 1, 255).tolist() == [0, 0, 255, 255]


def test_linear_exact_of_2048_4096() -> None:
    """C.11.2.1.3.2: x <= 0 -> 0; x > 4096 -> ymax; else ((x - 2048)/4096 + 0.5) * ymax."""
    y = linear_exact(at(-1, 0, 1, 2048, 4095, 4096, 4097), 2048, 4096, 255)
    assert y.tolist() == [0, 0, 255 / 4096, 127.5, (2047 / 4096 + 0.5) * 255, 255, 255]


def test_linear_exact_of_2048_1() -> None:
    """C.11.2.1.3.2: x <= 2047.5 -> 0; x > 2048.5 -> ymax; between them (x - 2048 + 0.5) * ymax."""
    assert linear_exact(at(2047.5, 2048, 2048.25, 2048.5, 2049), 2048, 1, 256).tolist() == [0, 128, 192, 256, 256]


def test_linear_exact_supports_a_width_below_1() -> None:
    assert linear_exact(at(0.1, 0.1875, 0.25, 0.3125, 0.4), 0.25, 0.125, 200).tolist() == [0, 0, 100, 200, 200]


def test_sigmoid_of_2048_4096() -> None:
    """C.11.2.1.3.1: ymax / (1 + exp(-4 (x - 2048)/4096))."""
    y = sigmoid(at(0, 2048, 3072, 4096), 2048, 4096, 255)
    expected = [255 / (1 + math.exp(2)), 127.5, 255 / (1 + math.exp(-1)), 255 / (1 + math.exp(-2))]
    np.testing.assert_allclose(y, expected, rtol=1e-15)


def test_sigmoid_is_not_renormalised_at_the_ends() -> None:
    """At the ends of the window the output is 12 % and 88 % of the range, not 0 % and 100 %."""
    y = sigmoid(at(-50, 50), 0, 100, 1.0)
    np.testing.assert_allclose(y, [0.11920292202211755, 0.8807970779778823], rtol=1e-14)


@pytest.mark.filterwarnings("error")
def test_sigmoid_far_below_its_center_is_0_without_a_warning() -> None:
    assert sigmoid(at(-1e6, 1e6), 0, 0.5, 255).tolist() == [0, 255]


@pytest.mark.parametrize(
    ("function", "line"), [(VoiFunction.LINEAR, (0.0, 4095.0)), (VoiFunction.LINEAR_EXACT, (0.0, 4096.0))]
)
def test_a_linear_window_has_a_line(function: VoiFunction, line: tuple[float, float]) -> None:
    assert linear_bounds(function, 2048, 4096) == line
    assert Window(2048, 4096, function).line == line


def test_a_sigmoid_window_has_no_line() -> None:
    assert Window(2048, 4096, VoiFunction.SIGMOID).line is None


@pytest.mark.parametrize(
    ("function", "formula"),
    [(VoiFunction.LINEAR, linear), (VoiFunction.LINEAR_EXACT, linear_exact), (VoiFunction.SIGMOID, sigmoid)],
)
def test_a_window_uses_the_formula_of_its_function(function: VoiFunction, formula: Any) -> None:
    x = np.linspace(-100, 200, 61).reshape(-1, 1)
    y = Window(40, 80, function).apply(x, 255)
    np.testing.assert_array_equal(y, formula(x, 40, 80, 255))
    assert y.shape == x.shape


@pytest.mark.parametrize("ymax", YMAX)
def test_the_output_range_of_a_table_is_that_of_its_bits(ymax: float) -> None:
    """C.11.2.1.1: 0..2^n - 1 is the full range, whatever the smallest and largest entry are."""
    table = LookupTable(np.array([0, 1000, 2048, 4095], np.uint16), 0, 12)
    y = VoiLut(table, 12).apply(np.array([0, 1, 2, 3], np.uint16), ymax)
    assert y.tolist() == [0, 1000 * ymax / 4095, 2048 * ymax / 4095, ymax]
    assert VoiLut(table, 12).line is None


def test_a_table_rounds_modality_output_to_the_nearest_integer() -> None:
    table = LookupTable(np.array([0, 100, 200], np.uint16), 0, 8)
    assert VoiLut(table, 8).apply(at(0.49, 0.5, 1.5), 255.0).tolist() == [0, 100, 200]


def test_values_beyond_a_straight_line_are_clipped() -> None:
    assert straight_line(at(-5, 10, 15, 20, 99), 10, 20, 255).tolist() == [0, 0, 127.5, 255, 255]
    assert Line(10, 20).line == (10, 20)


def test_a_constant_level_is_the_middle_of_the_range() -> None:
    y = ConstantLevel().apply(np.zeros((2, 3)), 65535.0)
    assert y.tolist() == [[32767.5] * 3] * 2
    assert ConstantLevel().line is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", list(VoiFunction))
def test_values_that_are_not_finite_give_no_warning(function: VoiFunction) -> None:
    y = Window(0, 100, function).apply(at(-np.inf, np.inf, np.nan), 255)
    assert y[:2].tolist() == [0, 255]
    assert np.isnan(y[2])
