# SPDX-License-Identifier: MIT
"""Degenerate VOIs and the fallback. Fear: a black film called ok, or a good VOI thrown away."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from plainfilm.dicom.instance import Padding, PixelKind, Shutter, WindowItem
from plainfilm.options.choices import parse_voi

Array = npt.NDArray[Any]

WHITE, BLACK, USELESS = WindowItem(-9000, 100), WindowItem(90000, 100), WindowItem(100, 0)
GOOD = WindowItem(500, 1000)
THRESHOLD = WindowItem(100, 1)
RAMP = np.arange(0, 1000, dtype=np.uint16).reshape(20, 50)


def film(*counts: tuple[int, int]) -> Array:
    """One column of pixels from pairs of value and number."""
    return np.repeat([value for value, _ in counts], [number for _, number in counts]).astype(np.uint16)[:, None]


@pytest.mark.parametrize("bits", [8, 16])
def test_995_of_1000_pixels_at_an_end_are_degenerate_and_994_are_not(grey: Any, bits: int) -> None:
    instance = grey.instance(grey.frame(THRESHOLD))
    for dark, light, voi in ((995, 5, "fallback"), (994, 6, "window:0"), (5, 995, "fallback"), (6, 994, "window:0")):
        image = film((50, dark), (150, light // 2), (151, light - light // 2))
        assert grey.show(instance, image, bits=bits).plan.voi == voi, (dark, light)


def test_the_share_is_of_the_valid_pixels(grey: Any) -> None:
    """With the padding 99.6 % are black, without it 98 %."""
    image = film((0, 800), (50, 196), (150, 2), (151, 2))
    assert grey.show(grey.instance(grey.frame(THRESHOLD)), image).plan.voi == "fallback"
    padded = grey.instance(grey.frame(THRESHOLD), rest={"padding": Padding(0)})
    assert grey.show(padded, image).plan.voi == "window:0"
    shuttered = grey.instance(grey.frame(THRESHOLD), rest={"shutter": Shutter(rectangle=(1, 1, 801, 1000))})
    assert grey.show(shuttered, image).plan.voi == "window:0"


def test_the_pixels_at_both_ends_are_not_added_up(grey: Any) -> None:
    assert grey.show(grey.instance(grey.frame(THRESHOLD)), film((50, 500), (150, 500))).plan.voi == "window:0"


@pytest.mark.parametrize("bits", [8, 16])
def test_one_level_out_of_many_is_degenerate_on_8_bit_levels_whatever_the_output(grey: Any, bits: int) -> None:
    """At 16 bits this window has many levels; at 8 there is one, and that is what is judged."""
    flat = WindowItem(1500, 1_000_000)
    shown = grey.show(grey.instance(grey.frame(flat)), RAMP, bits=bits)
    assert shown.plan.voi == "fallback"
    assert shown.plan.status == "repaired"
    assert "one level" in shown.plan.findings[0].detail


@pytest.mark.parametrize("window", [WHITE, BLACK])
def test_an_image_of_one_input_level_is_never_degenerate(grey: Any, window: WindowItem) -> None:
    shown = grey.show(grey.instance(grey.frame(window)), np.full((4, 4), 700, np.uint16))
    assert (shown.plan.voi, shown.plan.status) == ("window:0", "ok")
    assert set(shown.image.flat) == {255 if window is WHITE else 0}


def test_an_image_without_valid_pixels_is_not_degenerate(grey: Any) -> None:
    instance = grey.instance(grey.frame(GOOD), rest={"shutter": Shutter(rectangle=(9, 2, 1, 1))})
    assert grey.show(instance, RAMP).plan.status == "ok"


@pytest.mark.parametrize("refused", range(6))
def test_the_next_voi_is_taken_in_the_order_luts_windows_stored_space_none(grey: Any, refused: int) -> None:
    """Two LUTs and two windows on 10 * x + 20000, the first ones of which show nothing."""
    places = ["lut:0", "lut:1", "window:0", "window:1", "lut:0:stored", "fallback"]
    good_lut, good_window = grey.lut(range(1000), first=20000), WindowItem(25000, 10000)
    bad_lut, bad_window = grey.lut([0] * 1000, first=20000), BLACK
    if refused == 4:  # this one shows something, but of stored values
        bad_lut = grey.lut(range(1000), first=0)
    luts = [bad_lut if number < refused else good_lut for number in (0, 1)]
    windows = [bad_window if number < refused else good_window for number in (2, 3)]
    shown = grey.show(grey.instance(grey.frame(*luts, *windows, slope=10.0, intercept=20000.0)), RAMP)
    assert shown.plan.voi == places[refused]
    assert shown.plan.status == ("repaired" if refused else "ok")
    told = [finding.detail.split()[0] for finding in shown.plan.findings if finding.code == "voi_degenerate"]
    assert told == places[:refused]


@pytest.mark.parametrize(
    ("voi", "expected"),
    [
        ((WHITE, GOOD), "window:1"),
        ((BLACK, USELESS, GOOD), "window:2"),
        ((USELESS,), "fallback"),
        ((BLACK, WHITE), "fallback"),
    ],
)
def test_a_window_that_shows_nothing_gives_way_to_the_next(grey: Any, voi: tuple[Any, ...], expected: str) -> None:
    assert grey.show(grey.instance(grey.frame(*voi)), RAMP).plan.voi == expected


def test_stored_space_is_tried_only_where_the_modality_output_is_another_value(grey: Any) -> None:
    """A window meant for stored values under a rescale to 1/1000."""
    scaled = grey.show(grey.instance(grey.frame(GOOD, slope=0.001)), RAMP)
    assert (scaled.plan.voi, scaled.plan.status) == ("window:0:stored", "repaired")
    assert np.array_equal(scaled.image, grey.show(grey.instance(grey.frame(GOOD)), RAMP).image)
    assert scaled.plan.line == (0.0, 999.0)
    plain = grey.show(grey.instance(grey.frame(BLACK)), RAMP)
    assert [finding.detail.split()[0] for finding in plain.plan.findings] == ["window:0"]


def test_only_the_first_voi_is_tried_in_stored_space(grey: Any) -> None:
    shown = grey.show(grey.instance(grey.frame(BLACK, GOOD, slope=0.001)), RAMP)
    assert shown.plan.voi == "fallback"


def test_a_voi_lut_in_stored_space_has_a_first_input_signed_as_the_stored_values(grey: Any) -> None:
    """After the rescale the input would be unsigned, and -100 be 65436."""
    lut = grey.lut(np.arange(0, 4000, 20), first=-100)
    frame = grey.frame(lut, slope=1.0, intercept=30000.0)
    cells = np.arange(-100, 100, dtype=np.int16).view(np.uint16)[:, None]
    shown = grey.show(grey.instance(frame, signed=True), cells)
    assert shown.plan.voi == "lut:0:stored"
    assert shown.image[[0, -1], 0].tolist() == [0, round(3980 / 4095 * 255)]


def test_what_the_user_leaves_out_is_no_repair_either(grey: Any) -> None:
    shown = grey.show(grey.instance(grey.frame(BLACK, GOOD)), RAMP, voi=parse_voi("window:0"))
    assert shown.plan.voi == "fallback"


def test_frames_are_judged_together(grey: Any) -> None:
    """The dark frame alone would be degenerate; with the other it is not, and both have the file's own window."""
    dark = film((0, 999), (600, 1))
    instance = grey.instance(grey.frame(GOOD), number_of_frames=2)
    assert grey.show(grey.instance(grey.frame(GOOD)), dark).plan.voi == "fallback"
    assert [grey.show(instance, dark, RAMP, frame=n).plan.voi for n in (0, 1)] == ["window:0", "window:0"]


def test_frames_are_judged_each_through_its_own_voi_of_that_place(grey: Any) -> None:
    frames = (grey.frame(BLACK, GOOD), grey.frame(GOOD, GOOD))
    shown = [grey.show(grey.instance(*frames), RAMP, RAMP, frame=n).plan.voi for n in (0, 1)]
    assert shown == ["window:0", "window:0"]  # half of the pixels of the instance are shown
    frames = (grey.frame(BLACK, GOOD), grey.frame(WindowItem(80000, 10), GOOD))
    shown = [grey.show(grey.instance(*frames), RAMP, RAMP, frame=n).plan.voi for n in (0, 1)]
    assert shown == ["window:1", "window:1"]


def test_a_frame_whose_own_voi_cannot_be_used_takes_its_next(grey: Any) -> None:
    frames = (grey.frame(USELESS, GOOD), grey.frame(GOOD))
    shown = [grey.show(grey.instance(*frames), RAMP, RAMP, frame=n) for n in (0, 1)]
    assert [one.plan.voi for one in shown] == ["window:1", "window:0"]
    assert [str(one.plan.status) for one in shown] == ["repaired", "ok"]


def test_the_fallback_is_of_all_frames(grey: Any) -> None:
    low, high = RAMP, (RAMP + 2000).astype(np.uint16)
    instance = grey.instance(number_of_frames=2)
    lines = [grey.show(instance, low, high, frame=n).plan.line for n in (0, 1)]
    both = np.concatenate([low.reshape(-1), high.reshape(-1)])
    inner = both[(both != both.min()) & (both != both.max())]
    assert lines == [tuple(np.percentile(inner, (0.1, 99.9)))] * 2


def test_the_fallback_leaves_out_margins_and_labels(grey: Any) -> None:
    """Hot pixels at the largest value and a black margin do not flatten the film; nor do single wild ones."""
    image = film((0, 3000), (1, 2), *[(value, 10) for value in range(500, 1500)], (4000, 2), (4095, 500))
    shown = grey.show(grey.instance(), image)
    inner = image[(image != 0) & (image != 4095)]
    assert shown.plan.line == tuple(np.percentile(inner, (0.1, 99.9)))
    assert 500 <= shown.plan.line[0] < shown.plan.line[1] < 1500
    assert (shown.plan.voi, shown.plan.status, shown.image.min(), shown.image.max()) == ("fallback", "ok", 0, 255)


def test_the_fallback_is_on_the_modality_output(grey: Any) -> None:
    shown = grey.show(grey.instance(grey.frame(slope=-2.0, intercept=100.0)), RAMP)
    low, high = (100 - 2 * value for value in np.percentile(RAMP[RAMP % 999 != 0], (99.9, 0.1)))
    np.testing.assert_allclose(shown.plan.line, (low, high), rtol=1e-12)
    assert shown.image[0, 0] == 255


@pytest.mark.parametrize("values", [(10, 20), (10, 20, 30)])
def test_with_fewer_than_two_levels_between_the_ends_they_are_the_ends(grey: Any, values: tuple[int, ...]) -> None:
    shown = grey.show(grey.instance(), film(*((value, 7) for value in values)))
    assert shown.plan.line == (float(values[0]), float(values[-1]))
    assert shown.image.min() == 0
    assert shown.image.max() == 255


def test_with_two_levels_between_the_ends_their_percentiles_are_taken(grey: Any) -> None:
    image = film((10, 7), (20, 50), (30, 50), (40, 7))
    assert grey.show(grey.instance(), image).plan.line == (20.0, 30.0)


def test_where_the_percentiles_meet_the_ends_are_taken(grey: Any) -> None:
    image = film((0, 3), (99, 1), (100, 5000), (101, 1), (4095, 3))
    assert grey.show(grey.instance(), image).plan.line == (0.0, 4095.0)


@pytest.mark.parametrize(("bits", "level"), [(8, 128), (16, 32768)])
def test_one_level_in_all_is_the_middle(grey: Any, bits: int, level: int) -> None:
    shown = grey.show(grey.instance(), np.full((3, 3), 700, np.uint16), bits=bits)
    assert (shown.plan.voi, shown.plan.line) == ("fallback", None)
    assert set(shown.image.flat) == {level}


def identity(grey: Any, stored: int, cells: Array, bits: int = 8, **more: Any) -> Any:
    instance = grey.instance(grey.frame(**more), bits_allocated=8, bits_stored=stored, signed=cells.dtype.kind == "i")
    return grey.show(instance, cells.view(np.uint8), bits=bits)


@pytest.mark.parametrize(("bits", "factor"), [(8, 1), (16, 257)])
def test_images_of_8_bits_are_display_values_already(grey: Any, bits: int, factor: int) -> None:
    cells = np.arange(40, 200, dtype=np.uint8).reshape(16, 10)
    shown = identity(grey, 8, cells, bits)
    assert (shown.plan.voi, shown.plan.status, shown.plan.line) == ("identity", "ok", (0.0, 255.0))
    np.testing.assert_array_equal(shown.image, cells.astype(int) * factor)


@pytest.mark.parametrize(("stored", "factor"), [(1, 255), (2, 85), (4, 17)])
def test_fewer_than_8_bits_span_the_full_range(grey: Any, stored: int, factor: int) -> None:
    cells = np.arange(1 << stored, dtype=np.uint8)[:, None]
    np.testing.assert_array_equal(identity(grey, stored, cells).image, cells * factor)


def test_signed_8_bits_begin_at_their_lowest_value(grey: Any) -> None:
    cells = np.array([[-128, -1, 0, 127]], np.int8)
    shown = identity(grey, 8, cells)
    assert (shown.image.tolist(), shown.plan.line) == ([[0, 127, 128, 255]], (-128.0, 127.0))


def test_8_bits_with_a_rescale_are_no_display_values(grey: Any) -> None:
    cells = np.arange(40, 200, dtype=np.uint8)[:, None]
    assert identity(grey, 8, cells, slope=2.0).plan.voi == "fallback"
    assert identity(grey, 8, cells, lut=grey.lut(range(256))).plan.voi == "fallback"
    assert identity(grey, 8, cells, slope=1.0, intercept=0.0).plan.voi == "identity"


def test_9_bits_and_floats_are_no_display_values(grey: Any) -> None:
    assert grey.show(grey.instance(bits_stored=9), RAMP // 2).plan.voi == "fallback"
    floating = grey.instance(kind=PixelKind.FLOAT, bits_allocated=32, bits_stored=32)
    assert grey.show(floating, RAMP.astype(np.float32)).plan.voi == "fallback"


def test_8_bits_with_a_degenerate_voi_are_repaired_to_the_identity(grey: Any) -> None:
    cells = np.arange(256, dtype=np.uint8)[:, None]
    shown = grey.show(grey.instance(grey.frame(BLACK), bits_allocated=8, bits_stored=8), cells)
    assert (shown.plan.voi, shown.plan.status) == ("identity", "repaired")
    np.testing.assert_array_equal(shown.image, cells)
