# SPDX-License-Identifier: MIT
"""Test which pixels count in the statistics of an instance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.grayscale import finding_codes, frame_attributes, grayscale_instance, survey_cells

from plainfilm.dicom.instance import Padding, PixelKind, Shutter
from plainfilm.rendering.grayscale.padding import PaddingRange
from plainfilm.rendering.grayscale.survey import frames_to_survey


def column(*cells: int) -> Any:
    return np.array(cells, np.uint16).reshape(-1, 1)


def test_padding_is_left_out_of_the_valid_levels() -> None:
    instance = grayscale_instance(rest={"padding": Padding(10, 20)})
    frame = survey_cells(instance, column(5, 10, 15, 20, 21)).frames[0]
    assert frame.valid.values.tolist() == [5, 21]
    assert frame.available.values.tolist() == [5, 10, 15, 20, 21]
    assert frame.padding == PaddingRange(10, 20)
    assert frame.padding_fraction == 0.6


def test_padding_is_compared_with_stored_values() -> None:
    """Signed 12 bits whose sign was not extended: the cell 0x830 is -2000."""
    instance = grayscale_instance(signed=True, rest={"padding": Padding(-2000)})
    frame = survey_cells(instance, column(0x830, 5)).frames[0]
    assert frame.valid.values.tolist() == [5]


def test_exactly_95_percent_padding_is_padding() -> None:
    frame = survey_cells(grayscale_instance(rest={"padding": Padding(0)}), column(*[0] * 95, *range(1, 6))).frames[0]
    assert frame.valid.total == 5
    assert frame.padding_fraction == 0.95
    assert frame.findings == ()


def test_more_than_95_percent_padding_is_ignored() -> None:
    frame = survey_cells(grayscale_instance(rest={"padding": Padding(0)}), column(*[0] * 96, *range(1, 5))).frames[0]
    assert frame.valid.total == 100
    assert (frame.padding, frame.padding_fraction) == (None, 0.0)
    assert finding_codes(frame.findings) == ["padding_implausible"]


def test_the_share_of_padding_is_of_all_pixels_and_not_of_those_inside_the_shutter() -> None:
    """Inside the shutter all is padding, but half of the frame is not."""
    instance = grayscale_instance(rest={"padding": Padding(0), "shutter": Shutter(rectangle=(1, 1, 1, 10))})
    frame = survey_cells(instance, column(*[0] * 10, *range(1, 11))).frames[0]
    assert frame.padding == PaddingRange(0, 0)
    assert frame.valid.total == 0
    assert frame.padding_fraction == 0.5


def test_pixels_outside_the_shutter_are_not_valid_levels() -> None:
    instance = grayscale_instance(rest={"shutter": Shutter(rectangle=(1, 1, 2, 3))})
    frame = survey_cells(instance, column(100, 200, 300, 400)).frames[0]
    assert frame.valid.values.tolist() == [200, 300]
    assert frame.available.total == 4
    assert frame.padding_fraction == 0.0


def test_padding_and_shutter_are_both_left_out() -> None:
    instance = grayscale_instance(rest={"padding": Padding(200), "shutter": Shutter(rectangle=(1, 1, 2, 3))})
    assert survey_cells(instance, column(100, 200, 300, 400)).frames[0].valid.values.tolist() == [300]


def test_values_that_are_not_finite_count_as_padding() -> None:
    instance = grayscale_instance(kind=PixelKind.FLOAT, bits_allocated=32, bits_stored=32)
    frame = survey_cells(instance, np.array([[np.nan, np.inf, 1.5, -2.0]], np.float32)).frames[0]
    assert frame.valid.values.tolist() == [-2.0, 1.5]
    assert frame.padding_fraction == 0.5


@pytest.mark.parametrize(("padded", "plausible"), [(90, True), (91, False)])
def test_values_that_are_not_finite_count_towards_95_percent(padded: int, plausible: bool) -> None:
    instance = grayscale_instance(
        kind=PixelKind.FLOAT, bits_allocated=32, bits_stored=32, rest={"padding": Padding(0.0)}
    )
    image = np.concatenate([np.full(5, np.nan), np.zeros(padded), np.arange(1, 96 - padded)]).astype(np.float32)
    frame = survey_cells(instance, image[:, None]).frames[0]
    assert (frame.padding is not None) is plausible
    assert frame.padding_fraction == (0.95 if plausible else 0.05)


def test_each_frame_has_its_own_modality_lut_and_findings() -> None:
    frames = (frame_attributes(slope=2.0), frame_attributes(slope=0.0))
    first, second = survey_cells(grayscale_instance(*frames), column(1, 2), column(3, 4)).frames
    assert (first.modality.slope, second.modality.slope) == (2.0, 1.0)
    assert (finding_codes(first.findings), finding_codes(second.findings)) == ([], ["rescale_slope_zero"])


def test_bits_above_bits_stored_are_in_no_statistic() -> None:
    frame = survey_cells(grayscale_instance(), column(0xF001, 0x0001, 2)).frames[0]
    assert (frame.available.values.tolist(), frame.available.counts.tolist()) == ([1, 2], [2, 1])


@pytest.mark.parametrize("frames", [1, 2, 31, 32])
def test_up_to_32_frames_are_all_surveyed(frames: int) -> None:
    assert frames_to_survey(frames) == tuple(range(frames))


@pytest.mark.parametrize("frames", [33, 64, 100, 1000])
def test_more_than_32_frames_are_sampled_evenly(frames: int) -> None:
    assert frames_to_survey(frames) == tuple(i * frames // 32 for i in range(32))


def test_the_last_of_33_frames_is_not_surveyed() -> None:
    assert frames_to_survey(33)[-1] == 31
