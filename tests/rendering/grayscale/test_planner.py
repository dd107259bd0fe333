# SPDX-License-Identifier: MIT
"""Test that instance and options give the right plan and findings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.grayscale import frame_attributes, grayscale_instance, lut_item, show

from plainfilm.dicom.instance import FrameAttributes, Padding, PixelKind, Shutter, WindowItem
from plainfilm.errors import EncodeError, Reason, RepairRefusedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Look, Polarity, Stretch, UserWindow, VoiFunction, parse_voi
from plainfilm.rendering.grayscale.padding import PaddingRange
from plainfilm.rendering.grayscale.polarity import round_to_levels
from plainfilm.rendering.grayscale.voi import linear

RAMP = np.arange(0, 4000, 5, dtype=np.uint16).reshape(20, 40)
WINDOW = WindowItem(1500, 2001)
BLACK = WindowItem(90000, 100)


def test_the_viewer_look_uses_the_first_window() -> None:
    shown = show(grayscale_instance(frame_attributes(WINDOW, WindowItem(1, 2))), RAMP)
    np.testing.assert_array_equal(shown.image, round_to_levels(linear(RAMP.astype(float), 1500, 2001, 255.0), 255))
    assert (shown.plan.look, shown.plan.voi, shown.plan.status) == (Look.VIEWER, "window:0", "ok")
    assert (shown.plan.line, shown.plan.voi_available) == ((499.5, 2499.5), "window:0 window:1")
    assert shown.codes == set()


def test_nothing_is_stretched_after_a_window() -> None:
    """A window that shows the film between 25 % and 75 % grey is what the file asks for."""
    image = show(grayscale_instance(frame_attributes(WindowItem(2000, 8000))), RAMP).image
    assert (image.min(), image.max()) == (64, 191)


def test_a_lut_is_preferred_to_a_window_and_all_are_listed() -> None:
    lut = lut_item(range(4095, -1, -1))
    shown = show(grayscale_instance(frame_attributes(WINDOW, lut)), RAMP)
    assert (shown.plan.voi, shown.plan.voi_available, shown.plan.window) == ("lut:0", "lut:0 window:0", None)
    np.testing.assert_array_equal(shown.image, np.floor((4095 - RAMP) / 4095 * 255 + 0.5))


def test_excluded_vois_are_still_listed() -> None:
    instance = grayscale_instance(frame_attributes(WINDOW, lut_item(range(4096))))
    shown = show(instance, RAMP, voi=parse_voi("window"))
    assert (shown.plan.voi, shown.plan.voi_available) == ("window:0", "lut:0 window:0")
    none = show(instance, RAMP, voi=parse_voi("none"))
    assert (none.plan.voi, none.plan.status, none.codes) == ("fallback", "ok", set())


def test_a_missing_voi_is_a_finding() -> None:
    assert show(grayscale_instance(frame_attributes(WINDOW)), RAMP, voi=parse_voi("lut")).codes == {"voi_not_found"}
    assert show(grayscale_instance(frame_attributes(WINDOW)), RAMP, voi=parse_voi("window:3")).codes == {
        "voi_index_missing"
    }


@pytest.mark.parametrize(
    ("photometric", "polarity", "inverted"),
    [
        ("MONOCHROME1", Polarity.AUTO, True),
        ("MONOCHROME2", Polarity.AUTO, False),
        ("MONOCHROME2", Polarity.MONOCHROME1, True),
        ("MONOCHROME1", Polarity.MONOCHROME2, False),
    ],
)
@pytest.mark.parametrize("look", [Look.VIEWER, Look.STRETCH, Look.MINMAX])
def test_polarity_is_applied_once(look: Look, photometric: str, polarity: Polarity, inverted: bool) -> None:
    instance = grayscale_instance(frame_attributes(WINDOW), photometric_interpretation=photometric)
    shown = show(instance, RAMP, look=look, polarity=polarity)
    assert shown.plan.inverted is inverted
    assert (int(shown.image[0, 0]), int(shown.image[-1, -1])) == ((255, 0) if inverted else (0, 255))


def test_a_negative_slope_survives_to_the_display() -> None:
    frame = frame_attributes(WindowItem(2048, 4096), slope=-1.0, intercept=4095.0)
    image = show(grayscale_instance(frame), RAMP).image
    assert image[0, 0] == 255
    assert image[-1, -1] < 10


def test_a_polarity_conflict_is_a_finding() -> None:
    instance = grayscale_instance(frame_attributes(WINDOW), rest={"presentation_lut_shape": "INVERSE"})
    shown = show(instance, RAMP)
    assert (shown.plan.inverted, shown.codes) == (False, {"polarity_conflict"})


def test_a_narrow_linear_window_is_a_repair() -> None:
    frame = frame_attributes(WindowItem(2.0, 0.5), slope=0.001)
    shown = show(grayscale_instance(frame), RAMP)
    assert (shown.plan.voi, shown.plan.status, shown.codes) == ("window:0", "repaired", {"window_linear_exact"})
    assert shown.plan.line == (1.75, 2.25)
    with pytest.raises(RepairRefusedError, match="below 1"):
        show(grayscale_instance(frame), RAMP, strict=True)


def test_strict_refuses_a_repair_and_says_why() -> None:
    with pytest.raises(RepairRefusedError, match=r"window:0 puts 100\.0% of the pixels at 0") as caught:
        show(grayscale_instance(frame_attributes(BLACK)), RAMP, strict=True)
    assert caught.value.reason is Reason.REPAIR_REFUSED


@pytest.mark.parametrize("voi", [(), (WINDOW,)])
def test_strict_accepts_an_image_without_repairs(voi: tuple[Any, ...]) -> None:
    assert show(grayscale_instance(frame_attributes(*voi)), RAMP, strict=True).plan.status == "ok"


@pytest.mark.parametrize("strict", [True, False])
def test_the_users_window_is_never_repaired(strict: bool) -> None:
    shown = show(grayscale_instance(frame_attributes(WINDOW)), RAMP, window=UserWindow(90000, 100), strict=strict)
    assert (shown.plan.look, shown.plan.voi, shown.plan.status) == (Look.WINDOW, "user", "ok")
    assert shown.image.max() == 0


def test_the_users_window_is_on_the_modality_output() -> None:
    frame = frame_attributes(BLACK, slope=2.0, intercept=-1000.0)
    user = UserWindow(500.0, 2000.0, VoiFunction.LINEAR_EXACT)
    shown = show(grayscale_instance(frame), RAMP, window=user, bits=16)
    expected = np.clip((2.0 * RAMP - 1000 - 500) / 2000 + 0.5, 0, 1) * 65535
    np.testing.assert_array_equal(shown.image, np.floor(expected + 0.5))
    assert shown.plan.line == (-500, 1500)


def test_padding_and_shutter_are_part_of_the_viewers_plan() -> None:
    rest = {"padding": Padding(0), "shutter": Shutter(rectangle=(1, 39, 1, 20), presentation_value=65535)}
    shown = show(
        grayscale_instance(frame_attributes(WINDOW), photometric_interpretation="MONOCHROME1", rest=rest), RAMP
    )
    assert shown.plan.padding == PaddingRange(0, 0)
    assert (shown.image[0, 0], shown.image[0, 1], shown.image[0, 39]) == (0, 255, 255)
    recipe = show(grayscale_instance(frame_attributes(WINDOW), rest=rest), RAMP, look=Look.MINMAX)
    assert (recipe.plan.padding, recipe.plan.shutter) == (None, None)


def test_implausible_padding_is_a_finding_of_the_viewer_look_only() -> None:
    instance = grayscale_instance(frame_attributes(WINDOW), rest={"padding": Padding(0, 3999)})
    assert show(instance, RAMP).codes == {"padding_implausible"}
    assert show(instance, RAMP, look=Look.STRETCH).codes == {"recipe_ignores"}


def test_the_percentiles_asked_for_reach_the_recipe() -> None:
    shown = show(grayscale_instance(), RAMP, stretch=Stretch(5, 95, True))
    assert shown.plan.look is Look.STRETCH
    assert shown.plan.line == tuple(np.percentile(RAMP, (5, 95)))


@pytest.mark.parametrize(("signed", "low"), [(False, 0), (True, -2048)])
def test_stored_gives_the_stored_values_at_16_bits(signed: bool, low: int) -> None:
    """No polarity, rescale, window, padding or shutter; signed data plus 2^(n-1), which `low` tells."""
    frame = frame_attributes(WINDOW, slope=2.0)
    rest = {"padding": Padding(5), "shutter": Shutter(rectangle=(1, 1, 1, 1)), "presentation_lut_shape": "IDENTITY"}
    instance = grayscale_instance(frame, signed=signed, photometric_interpretation="MONOCHROME1", rest=rest)
    cells = (RAMP.astype(np.int16) - 2000).view(np.uint16) if signed else RAMP
    shown = show(instance, cells, look=Look.STORED, bits=8)
    assert (shown.plan.bits, shown.image.dtype) == (16, np.uint16)
    np.testing.assert_array_equal(shown.image, RAMP + (48 if signed else 0))
    assert (shown.plan.line, shown.plan.voi, shown.plan.inverted) == ((low, low + 65535), "none", False)
    assert shown.codes == set()


@pytest.mark.parametrize(
    ("pixel", "image"),
    [
        ({"bits_allocated": 32, "bits_stored": 17}, RAMP.astype(np.uint32)),
        ({"kind": PixelKind.FLOAT, "bits_allocated": 32, "bits_stored": 32}, RAMP.astype(np.float32)),
    ],
)
def test_stored_refuses_values_that_need_more_than_16_bits(pixel: dict[str, Any], image: Any) -> None:
    with pytest.raises(EncodeError) as caught:
        show(grayscale_instance(**pixel), image, look=Look.STORED)
    assert caught.value.reason is Reason.ENCODE_UNSUPPORTED


def test_stored_holds_16_bits_of_32_allocated() -> None:
    image = RAMP.astype(np.uint32)
    shown = show(grayscale_instance(bits_allocated=32, bits_stored=16), image, look=Look.STORED)
    np.testing.assert_array_equal(shown.image, RAMP)


def test_findings_of_instance_pixels_and_frame_are_combined() -> None:
    odd = FrameAttributes(findings=(Finding(FindingCode.WINDOW_COUNT_MISMATCH),))
    instance = grayscale_instance(odd, rest={"findings": (Finding(FindingCode.ASSUMED_HIGH_BIT),)})
    shown = show(instance, np.array([[1, 0x8002, 3]], np.uint16))
    assert shown.codes == {"window_count_mismatch", "assumed_high_bit", "bits_above_stored"}


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_floating_point_pixels_are_rendered_by_the_formulas(kind: str) -> None:
    bits = 8 * np.dtype(kind).itemsize
    pixel_kind = PixelKind.FLOAT if bits == 32 else PixelKind.DOUBLE
    instance = grayscale_instance(
        frame_attributes(WindowItem(0.5, 1.0, "LINEAR_EXACT")), kind=pixel_kind, bits_allocated=bits
    )
    shown = show(instance, np.array([[0.0, 0.25, np.nan, 0.75, 1.0]], kind))
    assert shown.image.tolist() == [[0, 64, 0, 191, 255]]
    assert (shown.plan.voi, shown.plan.status) == ("window:0", "ok")
