# SPDX-License-Identifier: MIT
"""YBR samples become the RGB from which the equations of PS3.3 C.7.6.3.1.2 give these samples."""

from __future__ import annotations

import numpy as np
import pytest

from plainfilm.rendering.color.ybr import rgb_from_ybr_full, rgb_from_ybr_partial

# PS3.3 C.7.6.3.1.2: the equations from RGB to YBR_FULL and to YBR_PARTIAL_422.
FULL = np.array([[0.2990, 0.5870, 0.1140], [-0.1687, -0.3313, 0.5000], [0.5000, -0.4187, -0.0813]])
PARTIAL = np.array([[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]])


def forward(rgb: np.ndarray, matrix: np.ndarray, black: int, bits: int) -> np.ndarray:
    """Convert RGB by the standard's equation, rounded to nearest."""
    away = np.array([black, 128, 128]) * 2 ** (bits - 8)
    coded = np.floor(rgb.astype(float) @ matrix.T + away + 0.5)
    return np.clip(coded, 0, 2**bits - 1).astype("u1" if bits == 8 else "u2")


@pytest.mark.parametrize(("bits", "within"), [(8, 1), (10, 1), (12, 2), (16, 8)])
def test_the_full_range_inverts_the_standards_equation(bits: int, within: int) -> None:
    rgb = np.random.default_rng(1).integers(0, 2**bits, (50, 60, 3))
    # at many bits, the four decimals of the standard amount to some levels
    assert np.abs(rgb_from_ybr_full(forward(rgb, FULL, 0, bits), bits).astype(int) - rgb).max() <= within


@pytest.mark.parametrize("bits", [8, 10])
def test_the_partial_range_inverts_the_standards_equation(bits: int) -> None:
    rgb = np.random.default_rng(2).integers(0, 2**bits, (50, 60, 3))
    assert np.abs(rgb_from_ybr_partial(forward(rgb, PARTIAL, 16, bits), bits).astype(int) - rgb).max() <= 2


@pytest.mark.parametrize("bits", [8, 12, 16, 32])
def test_grey_stays_grey_and_keeps_its_level(bits: int) -> None:
    levels = np.linspace(0, 2**bits - 1, 200).astype("u8")
    samples = np.stack([levels, np.full(200, 2 ** (bits - 1)), np.full(200, 2 ** (bits - 1))], -1)
    rgb = rgb_from_ybr_full(samples.astype(f"u{1 if bits == 8 else 2 if bits <= 16 else 4}")[None], bits)
    assert np.array_equal(rgb[0], np.repeat(levels[:, None], 3, 1))


def test_the_ends_of_the_partial_range_are_black_and_white() -> None:
    samples = np.array([[[16, 128, 128], [235, 128, 128], [0, 128, 128], [255, 128, 128]]], np.uint8)
    assert rgb_from_ybr_partial(samples, 8)[0].tolist() == [[0] * 3, [255] * 3, [0] * 3, [255] * 3]


def test_every_pair_of_chrominances_gives_the_nearest_level() -> None:
    blue, red = np.meshgrid(np.arange(256), np.arange(256))
    for luma in (0, 77, 128, 255):
        samples = np.stack([np.full_like(blue, luma), blue, red], -1).astype(np.uint8)
        exact = np.stack(
            [
                luma + 1.402 * (red - 128.0),
                luma - (0.114 * 1.772 * (blue - 128.0) + 0.299 * 1.402 * (red - 128.0)) / 0.587,
                luma + 1.772 * (blue - 128.0),
            ],
            -1,
        )
        # values halfway between two levels are not compared, because floating point may round them either way
        clear = np.abs(exact % 1 - 0.5) > 1e-9
        wanted = np.clip(np.floor(exact + 0.5), 0, 255)
        assert np.array_equal(rgb_from_ybr_full(samples, 8)[clear], wanted[clear])
        assert clear.mean() > 0.99


def test_a_value_halfway_between_two_levels_is_rounded_up() -> None:
    # B = 0 + 1.772 * 125 = 221.5 exactly
    assert rgb_from_ybr_full(np.array([[[0, 253, 128]]], np.uint8), 8)[0, 0, 2] == 222
