# SPDX-License-Identifier: MIT
"""Degenerate VOIs are replaced, usable ones are kept, and images without a VOI get the identity or the fallback."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.grayscale import frame_attributes, grayscale_instance, lut_item, show

from plainfilm.dicom.instance import Padding, PixelKind, Shutter, WindowItem
from plainfilm.options.render import UserWindow, VoiFunction, parse_voi

Array = npt.NDArray[Any]

WHITE, BLACK, UNUSABLE = WindowItem(-9000, 100), WindowItem(90000, 100), WindowItem(100, 0)
GOOD = WindowItem(500, 1000)
THRESHOLD = WindowItem(100, 1)
RAMP = np.arange(0, 1000, dtype=np.uint16).reshape(20, 50)


def column(*counts: tuple[int, int]) -> Array:
    """One column of pixels, from pairs of a value and a number of pixels."""
    return np.repeat([value for value, _ in counts], [number for _, number in counts]).astype(np.uint16)[:, None]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_voi_is_degenerate_with_995_of_1000_pixels_at_an_end_and_not_with_994(bits: int) -> None:
    instance = grayscale_instance(frame_attributes(THRESHOLD))
    for dark, light, voi in ((995, 5, "fallback"), (994, 6, "window:0"), (5, 995, "fallback"), (6, 994, "window:0")):
        image = column((50, dark), (150, light // 2), (151, light - light // 2))
        assert show(instance, image, bits=bits).plan.voi == voi, (dark, light)


def test_only_valid_pixels_count_for_degeneracy() -> None:
    """With the padding 99.6 % of the pixels are black, without it 98 %."""
    image = column((0, 800), (50, 196), (150, 2), (151, 2))
    assert show(grayscale_instance(frame_attributes(THRESHOLD)), image).plan.voi == "fallback"
    padded = grayscale_instance(frame_attributes(THRESHOLD), rest={"padding": Padding(0)})
    assert show(padded, image).plan.voi == "window:0"
    shuttered = grayscale_instance(frame_attributes(THRESHOLD), rest={"shutter": Shutter(rectangle=(1, 1, 801, 1000))})
    assert show(shuttered, image).plan.voi == "window:0"


def test_pixels_at_the_two_ends_are_not_added_up() -> None:
    assert show(grayscale_instance(frame_attributes(THRESHOLD)), column((50, 500), (150, 500))).plan.voi == "window:0"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_single_8_bit_level_is_degenerate_at_every_output_depth(bits: int) -> None:
    """This window gives many levels at 16 bits and one level at 8 bits, and the 8-bit levels decide."""
    flat = WindowItem(1500, 1_000_000)
    shown = show(grayscale_instance(frame_attributes(flat)), RAMP, bits=bits)
    assert shown.plan.voi == "fallback"
    assert shown.plan.status == "repaired"
    assert "one level" in shown.plan.findings[0].detail


@pytest.mark.parametrize("window", [WHITE, BLACK])
def test_an_image_of_one_input_level_is_never_degenerate(window: WindowItem) -> None:
    shown = show(grayscale_instance(frame_attributes(window)), np.full((4, 4), 700, np.uint16))
    assert (shown.plan.voi, shown.plan.status) == ("window:0", "ok")
    assert set(shown.image.flat) == {255 if window is WHITE else 0}


def test_an_image_without_valid_pixels_is_not_degenerate() -> None:
    instance = grayscale_instance(frame_attributes(GOOD), rest={"shutter": Shutter(rectangle=(9, 2, 1, 1))})
    assert show(instance, RAMP).plan.status == "ok"


@pytest.mark.parametrize("refused", range(6))
def test_the_next_voi_is_tried_in_the_order_luts_windows_stored_space_fallback(refused: int) -> None:
    """Two LUTs and two windows on 10 * x + 20000, of which the first `refused` are degenerate."""
    labels = ["lut:0", "lut:1", "window:0", "window:1", "lut:0:stored", "fallback"]
    good_lut, good_window = lut_item(range(1000), first=20000), WindowItem(25000, 10000)
    bad_lut, bad_window = lut_item([0] * 1000, first=20000), BLACK
    if refused == 4:  # not degenerate on stored values
        bad_lut = lut_item(range(1000), first=0)
    luts = [bad_lut if number < refused else good_lut for number in (0, 1)]
    windows = [bad_window if number < refused else good_window for number in (2, 3)]
    shown = show(grayscale_instance(frame_attributes(*luts, *windows, slope=10.0, intercept=20000.0)), RAMP)
    assert shown.plan.voi == labels[refused]
    assert shown.plan.status == ("repaired" if refused else "ok")
    reported = [finding.detail.split()[0] for finding in shown.plan.findings if finding.code == "voi_degenerate"]
    assert reported == labels[:refused]


@pytest.mark.parametrize(
    ("voi", "expected"),
    [
        ((WHITE, GOOD), "window:1"),
        ((BLACK, UNUSABLE, GOOD), "window:2"),
        ((UNUSABLE,), "fallback"),
        ((BLACK, WHITE), "fallback"),
    ],
)
def test_a_degenerate_window_is_replaced_by_the_next(voi: tuple[Any, ...], expected: str) -> None:
    assert show(grayscale_instance(frame_attributes(*voi)), RAMP).plan.voi == expected


def test_stored_space_is_tried_only_where_the_modality_output_differs_from_the_stored_value() -> None:
    """A window for stored values, in an image with a rescale to 1/1000."""
    scaled = show(grayscale_instance(frame_attributes(GOOD, slope=0.001)), RAMP)
    assert (scaled.plan.voi, scaled.plan.status) == ("window:0:stored", "repaired")
    assert np.array_equal(scaled.image, show(grayscale_instance(frame_attributes(GOOD)), RAMP).image)
    assert scaled.plan.line == (0.0, 999.0)
    plain = show(grayscale_instance(frame_attributes(BLACK)), RAMP)
    assert [finding.detail.split()[0] for finding in plain.plan.findings] == ["window:0"]


def test_only_the_first_voi_is_tried_in_stored_space() -> None:
    shown = show(grayscale_instance(frame_attributes(BLACK, GOOD, slope=0.001)), RAMP)
    assert shown.plan.voi == "fallback"


def test_a_voi_lut_in_stored_space_is_signed_where_stored_values_are_signed() -> None:
    """After the rescale the input is unsigned, and a first input of -100 is read as 65436."""
    lut = lut_item(np.arange(0, 4000, 20), first=-100)
    frame = frame_attributes(lut, slope=1.0, intercept=30000.0)
    cells = np.arange(-100, 100, dtype=np.int16).view(np.uint16)[:, None]
    shown = show(grayscale_instance(frame, signed=True), cells)
    assert shown.plan.voi == "lut:0:stored"
    assert shown.image[[0, -1], 0].tolist() == [0, round(3980 / 4095 * 255)]


def test_a_voi_that_the_user_excludes_is_not_used_as_a_replacement() -> None:
    shown = show(grayscale_instance(frame_attributes(BLACK, GOOD)), RAMP, voi=parse_voi("window:0"))
    assert shown.plan.voi == "fallback"


def test_degeneracy_is_decided_over_all_frames() -> None:
    """The window is degenerate for the dark frame alone and not for both, so both frames keep it."""
    dark = column((0, 999), (600, 1))
    instance = grayscale_instance(frame_attributes(GOOD), number_of_frames=2)
    assert show(grayscale_instance(frame_attributes(GOOD)), dark).plan.voi == "fallback"
    assert [show(instance, dark, RAMP, frame=n).plan.voi for n in (0, 1)] == ["window:0", "window:0"]


def test_each_frame_counts_with_its_own_voi_at_the_position() -> None:
    frames = (frame_attributes(BLACK, GOOD), frame_attributes(GOOD, GOOD))
    shown = [show(grayscale_instance(*frames), RAMP, RAMP, frame=n).plan.voi for n in (0, 1)]
    assert shown == ["window:0", "window:0"]  # only half of the pixels of the instance are at one end
    frames = (frame_attributes(BLACK, GOOD), frame_attributes(WindowItem(80000, 10), GOOD))
    shown = [show(grayscale_instance(*frames), RAMP, RAMP, frame=n).plan.voi for n in (0, 1)]
    assert shown == ["window:1", "window:1"]


def test_a_frame_whose_own_voi_is_unusable_gets_its_next_voi() -> None:
    frames = (frame_attributes(UNUSABLE, GOOD), frame_attributes(GOOD))
    shown = [show(grayscale_instance(*frames), RAMP, RAMP, frame=n) for n in (0, 1)]
    assert [one.plan.voi for one in shown] == ["window:1", "window:0"]
    assert [str(one.plan.status) for one in shown] == ["repaired", "ok"]


def test_the_fallback_is_computed_over_all_frames() -> None:
    low, high = RAMP, (RAMP + 2000).astype(np.uint16)
    instance = grayscale_instance(number_of_frames=2)
    lines = [show(instance, low, high, frame=n).plan.line for n in (0, 1)]
    both = np.concatenate([low.reshape(-1), high.reshape(-1)])
    inner = both[(both != both.min()) & (both != both.max())]
    assert lines == [tuple(np.percentile(inner, (0.1, 99.9)))] * 2


def test_the_fallback_ignores_margins_and_labels() -> None:
    """Pixels at the largest value, a black margin and a few outliers do not lower the contrast."""
    image = column((0, 3000), (1, 2), *[(value, 10) for value in range(500, 1500)], (4000, 2), (4095, 500))
    shown = show(grayscale_instance(), image)
    inner = image[(image != 0) & (image != 4095)]
    assert shown.plan.line == tuple(np.percentile(inner, (0.1, 99.9)))
    assert 500 <= shown.plan.line[0] < shown.plan.line[1] < 1500
    assert (shown.plan.voi, shown.plan.status, shown.image.min(), shown.image.max()) == ("fallback", "ok", 0, 255)


def test_the_fallback_is_computed_on_the_modality_output() -> None:
    shown = show(grayscale_instance(frame_attributes(slope=-2.0, intercept=100.0)), RAMP)
    low, high = (100 - 2 * value for value in np.percentile(RAMP[RAMP % 999 != 0], (99.9, 0.1)))
    np.testing.assert_allclose(shown.plan.line, (low, high), rtol=1e-12)
    assert shown.image[0, 0] == 255


@pytest.mark.parametrize("values", [(10, 20), (10, 20, 30)])
def test_with_fewer_than_two_inner_levels_the_line_is_from_smallest_to_largest(values: tuple[int, ...]) -> None:
    shown = show(grayscale_instance(), column(*((value, 7) for value in values)))
    assert shown.plan.line == (float(values[0]), float(values[-1]))
    assert shown.image.min() == 0
    assert shown.image.max() == 255


def test_with_two_inner_levels_the_line_is_between_their_percentiles() -> None:
    image = column((10, 7), (20, 50), (30, 50), (40, 7))
    assert show(grayscale_instance(), image).plan.line == (20.0, 30.0)


def test_equal_percentiles_give_a_line_from_the_smallest_to_the_largest_value() -> None:
    image = column((0, 3), (99, 1), (100, 5000), (101, 1), (4095, 3))
    assert show(grayscale_instance(), image).plan.line == (0.0, 4095.0)


@pytest.mark.parametrize(("bits", "level"), [(8, 128), (16, 32768)])
def test_an_image_of_a_single_level_is_the_middle_of_the_range(bits: int, level: int) -> None:
    shown = show(grayscale_instance(), np.full((3, 3), 700, np.uint16), bits=bits)
    assert (shown.plan.voi, shown.plan.line) == ("fallback", None)
    assert set(shown.image.flat) == {level}


def identity(stored: int, cells: Array, bits: int = 8, **more: Any) -> Any:
    instance = grayscale_instance(
        frame_attributes(**more), bits_allocated=8, bits_stored=stored, signed=cells.dtype.kind == "i"
    )
    return show(instance, cells.view(np.uint8), bits=bits)


@pytest.mark.parametrize(("bits", "factor"), [(8, 1), (16, 257)])
def test_8_bit_images_without_a_voi_are_display_values(bits: int, factor: int) -> None:
    cells = np.arange(40, 200, dtype=np.uint8).reshape(16, 10)
    shown = identity(8, cells, bits)
    assert (shown.plan.voi, shown.plan.status, shown.plan.line) == ("identity", "ok", (0.0, 255.0))
    np.testing.assert_array_equal(shown.image, cells.astype(int) * factor)


@pytest.mark.parametrize(("stored", "factor"), [(1, 255), (2, 85), (4, 17)])
def test_images_of_fewer_than_8_bits_are_scaled_to_the_full_range(stored: int, factor: int) -> None:
    cells = np.arange(1 << stored, dtype=np.uint8)[:, None]
    np.testing.assert_array_equal(identity(stored, cells).image, cells * factor)


def test_signed_8_bit_images_start_at_their_lowest_value() -> None:
    cells = np.array([[-128, -1, 0, 127]], np.int8)
    shown = identity(8, cells)
    assert (shown.image.tolist(), shown.plan.line) == ([[0, 127, 128, 255]], (-128.0, 127.0))


def test_8_bit_images_with_a_rescale_get_the_fallback() -> None:
    cells = np.arange(40, 200, dtype=np.uint8)[:, None]
    assert identity(8, cells, slope=2.0).plan.voi == "fallback"
    assert identity(8, cells, lut=lut_item(range(256))).plan.voi == "fallback"
    assert identity(8, cells, slope=1.0, intercept=0.0).plan.voi == "identity"


def test_9_bit_and_floating_point_images_get_the_fallback() -> None:
    assert show(grayscale_instance(bits_stored=9), RAMP // 2).plan.voi == "fallback"
    floating = grayscale_instance(kind=PixelKind.FLOAT, bits_allocated=32, bits_stored=32)
    assert show(floating, RAMP.astype(np.float32)).plan.voi == "fallback"


def test_8_bit_images_with_a_degenerate_voi_get_the_identity() -> None:
    cells = np.arange(256, dtype=np.uint8)[:, None]
    shown = show(grayscale_instance(frame_attributes(BLACK), bits_allocated=8, bits_stored=8), cells)
    assert (shown.plan.voi, shown.plan.status) == ("identity", "repaired")
    np.testing.assert_array_equal(shown.image, cells)


DEEP = np.linspace(0, 4095, 1000).astype(np.uint16).reshape(25, 40)


@pytest.mark.parametrize(
    ("window", "is_unusual"),
    [
        (WindowItem(32768, 65536), True),
        (WindowItem(128, 256), True),
        (WindowItem(8192, 16384), False),
        (WindowItem(2048, 4096), False),
        (WindowItem(300, 600), False),
        (WindowItem(3990, 160), True),
        (WindowItem(3800, 400), False),
        (WindowItem(32768, 65536, "SIGMOID"), True),
        (WindowItem(2048, 16 * 4096), True),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_for_another_depth_is_applied_and_reported(
    window: WindowItem, is_unusual: bool, photometric: str
) -> None:
    shown = show(grayscale_instance(frame_attributes(window), photometric_interpretation=photometric), DEEP)
    assert (shown.plan.voi, shown.plan.status) == ("window:0", "ok")
    assert shown.codes == ({"window_unusual"} if is_unusual else set())


def test_only_a_window_that_is_used_and_an_image_of_several_values_are_judged() -> None:
    odd = WindowItem(32768, 65536)
    assert show(grayscale_instance(frame_attributes(lut_item(range(4096)), odd)), DEEP).codes == set()
    assert show(grayscale_instance(frame_attributes(GOOD, odd)), RAMP).codes == set()
    assert show(grayscale_instance(frame_attributes(odd)), np.full((4, 4), 7, np.uint16)).codes == set()
    user = show(grayscale_instance(frame_attributes(GOOD)), DEEP, window=UserWindow(32768, 65536, VoiFunction.LINEAR))
    assert user.codes == set()


@pytest.mark.parametrize(
    ("stored", "largest", "is_narrow"),
    [(8, 191, True), (8, 192, False), (8, 255, False), (8, 63, True), (6, 47, True), (6, 48, False)],
)
def test_8_bit_values_that_end_below_three_quarters_are_shown_as_they_are_and_reported(
    stored: int, largest: int, is_narrow: bool
) -> None:
    cells = np.arange(largest + 1, dtype=np.uint8)[:, None]
    shown = identity(stored, cells)
    assert (shown.plan.voi, shown.plan.status) == ("identity", "ok")
    assert shown.codes == ({"narrow_range"} if is_narrow else set())
    np.testing.assert_array_equal(shown.image[:, 0], np.floor(cells[:, 0].astype(float) * 255 / (2**stored - 1) + 0.5))


def test_only_valid_pixels_and_images_without_a_voi_have_a_narrow_range() -> None:
    cells = np.array([[0, 40, 255]], np.uint8)
    padded = grayscale_instance(bits_allocated=8, bits_stored=8, rest={"padding": Padding(255)})
    assert show(padded, cells).codes == {"narrow_range"}
    assert show(grayscale_instance(bits_allocated=8, bits_stored=8), cells).codes == set()
    windowed = grayscale_instance(frame_attributes(WindowItem(128, 256)), bits_allocated=8, bits_stored=8)
    assert show(windowed, cells[:, :2]).codes == set()
    signed = grayscale_instance(bits_allocated=8, bits_stored=8, signed=True)
    assert show(signed, np.array([[128, 200, 60]], np.uint8)).codes == {"narrow_range"}
    assert show(signed, np.array([[128, 200, 64]], np.uint8)).codes == set()


def test_all_frames_count_for_a_narrow_range() -> None:
    instance = grayscale_instance(bits_allocated=8, bits_stored=8, number_of_frames=2)
    frames = np.array([[0, 40]], np.uint8), np.array([[0, 250]], np.uint8)
    assert show(instance, *frames).codes == set()
