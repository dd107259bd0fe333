# SPDX-License-Identifier: MIT
"""Test the search for the border of a radiograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plainfilm.options.geometry import Box
from plainfilm.rendering.geometry.border_result import BorderOutcome, BorderResult
from plainfilm.rendering.geometry.border_search import PixelBlock, find_border

Array = NDArray[Any]

ROWS, COLUMNS = 900, 700
AIR, BONE, OPEN, SHUT = 300, 2400, 250, 3900
FIELD = Box(90, 120, 520, 660)
WHOLE = Box(0, 0, COLUMNS, ROWS)


@dataclass(frozen=True, slots=True)
class Values:
    """A frame that is in memory."""

    values: Array
    masked: Array | None = None
    unavailable: Array | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def block(self, rows: slice, columns: slice) -> PixelBlock:
        masks = [None if mask is None else mask[rows, columns] for mask in (self.masked, self.unavailable)]
        return PixelBlock(self.values[rows, columns].astype(np.float32), *masks)


def found(values: Array, masked: Array | None = None, unavailable: Array | None = None) -> BorderResult:
    return find_border(Values(values, masked, unavailable))


def within(box: Box) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)


def hand(values: Array, center: tuple[int, int] = (350, 450), size: tuple[int, int] = (150, 230)) -> Array:
    """The values with something round and thick on them: an ellipse whose rim fades as skin does."""
    row, column = np.mgrid[: values.shape[0], : values.shape[1]]
    inside = 1 - ((column - center[0]) / size[0]) ** 2 - ((row - center[1]) / size[1]) ** 2
    thick = np.sqrt(np.maximum(inside, 0)) * (BONE - AIR)
    return np.asarray(values + thick.astype(values.dtype))


def collimated(shut: int = SHUT, noise: float = 0.0, box: Box = FIELD) -> Array:
    """A hand in air in a field, and a margin of one level around the field."""
    values = np.full((ROWS, COLUMNS), shut, np.int32)
    values[within(box)] = hand(np.full((ROWS, COLUMNS), AIR, np.int32))[within(box)]
    grain = np.random.default_rng(7).normal(0, 1, values.shape)
    values = values + np.rint(noise * grain).astype(np.int32)
    # the air has the noise of its quanta, always
    values[within(box)] += np.rint(12 * grain[within(box)]).astype(np.int32)
    return values


def slack(content: Box, box: Box = FIELD) -> tuple[int, int, int, int]:
    """How many pixels more than the box are kept: left, top, right, below."""
    right, bottom = content.x + content.width - box.x - box.width, content.y + content.height - box.y - box.height
    return box.x - content.x, box.y - content.y, right, bottom


@pytest.mark.parametrize("noise", [0, 5, 40])
@pytest.mark.parametrize("shut", [SHUT, 0, -2000, 1300])
def test_the_margin_of_a_field_is_cut_to_the_pixel(shut: int, noise: float) -> None:
    result = found(collimated(shut, noise))
    assert result.outcome is BorderOutcome.FOUND
    assert all(0 <= more <= (3 if noise < 20 else 8) for more in slack(result.content)), result.content


def test_an_inverted_image_has_the_same_border() -> None:
    values = collimated(noise=5)
    assert found(values).content == found(4095 - values).content


def test_an_image_of_more_bits_has_the_same_border() -> None:
    values = collimated(noise=5)
    assert found(values).content == found(16 * values).content


@pytest.mark.parametrize("turn", range(4))
def test_each_side_is_searched_alike(turn: int) -> None:
    values = np.rot90(collimated(), turn)
    field = np.zeros((ROWS, COLUMNS), np.bool_)
    field[within(FIELD)] = True
    rows, columns = (np.flatnonzero(np.rot90(field, turn).any(axis)) for axis in (1, 0))
    box = Box(int(columns[0]), int(rows[0]), columns.size, rows.size)
    assert all(0 <= more <= 3 for more in slack(found(values).content, box))


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_a_margin_on_one_side_is_cut_there_alone(side: str) -> None:
    left, top = (FIELD.x if side == "left" else 0), (FIELD.y if side == "top" else 0)
    right = FIELD.x + FIELD.width if side == "right" else COLUMNS
    bottom = FIELD.y + FIELD.height if side == "bottom" else ROWS
    box = Box(left, top, right - left, bottom - top)
    content = found(collimated(box=box)).content
    assert all(0 <= more <= 3 for more in slack(content, box)), content


def test_air_within_a_field_is_kept() -> None:
    # without any noise: nothing but the field's edge says that this air was exposed
    values = np.full((ROWS, COLUMNS), SHUT, np.int32)
    values[within(FIELD)] = hand(np.full((ROWS, COLUMNS), AIR, np.int32), size=(60, 60))[within(FIELD)]
    assert all(0 <= more <= 3 for more in slack(found(values).content))


def marked(values: Array, text: str, place: tuple[int, int], level: int) -> Array:
    """The values with letters of one level from a place (column, row) on, to the right and up."""
    letters = np.zeros(values.shape, np.uint8)
    cv2.putText(letters, text, place, cv2.FONT_HERSHEY_SIMPLEX, 2.0 if len(text) == 1 else 0.7, (1,), 4)
    return np.where(letters > 0, level, values)


def test_a_marker_and_a_label_in_the_margin_do_not_stop_it() -> None:
    values = marked(marked(collimated(), "R", (620, 90), AIR), "12:30  AP", (20, 60), AIR)
    assert all(0 <= more <= 3 for more in slack(found(values).content))


def test_dust_and_hot_pixels_do_not_stop_it() -> None:
    values = collimated()
    places = np.random.default_rng(1).integers(0, (ROWS, COLUMNS), (60, 2))
    values[places[:, 0], places[:, 1]] = 16383
    assert all(0 <= more <= 3 for more in slack(found(values).content))


def test_the_rim_of_a_scanner_does_not_stop_it() -> None:
    values = collimated()
    values[:, :2], values[-2:] = 16383, 0
    assert all(0 <= more <= 3 for more in slack(found(values).content))


def test_scatter_that_fades_over_the_margin_goes_with_it() -> None:
    values = collimated(shut=0)
    values[within(FIELD)] += 1500
    glow = cv2.GaussianBlur((values > 0).astype(np.float32), (0, 0), 25)
    outside = np.ones(values.shape, np.bool_)
    outside[within(FIELD)] = False
    values[outside] = (1400 * glow)[outside].astype(np.int32)
    assert all(0 <= more <= 12 for more in slack(found(values).content))


def test_anatomy_that_reaches_a_side_keeps_it() -> None:
    # a wrist, 6 % of the width, goes through the empty air below to the edge
    values = hand(np.zeros((ROWS, COLUMNS), np.int32), center=(350, 500))
    values[600:, 330:372] = BONE
    content = found(values).content
    assert content.y + content.height == ROWS
    assert content.x > 150
    assert content.y > 200


@pytest.mark.parametrize("level", [0, 100])
def test_all_of_what_fades_into_empty_air_is_kept(level: int) -> None:
    values = hand(np.full((ROWS, COLUMNS), level, np.int32))
    rows, columns = (np.flatnonzero((values > level).any(axis)) for axis in (1, 0))
    content = found(values).content
    box = Box(int(columns[0]), int(rows[0]), columns.size, rows.size)
    assert content != WHOLE
    assert min(slack(content, box)) >= 0
    assert max(slack(content, box)) <= 20


def test_skin_that_is_parallel_to_a_side_is_kept() -> None:
    # a forearm lies across the film: its edges are straight, and fade
    thick = np.sqrt(np.maximum(1 - ((np.arange(ROWS) - 450) / 200) ** 2, 0))
    values = np.repeat((BONE * thick).astype(np.int32)[:, None], COLUMNS, 1)
    content = found(values).content
    assert 0 < content.y <= 250
    assert ROWS > content.y + content.height >= 651


def test_a_marker_in_the_beam_is_kept() -> None:
    # no edge of a field lies between the marker and the hand: it was exposed, as the air around it
    values = marked(hand(np.zeros((ROWS, COLUMNS), np.int32)), "R", (560, 160), 4000)
    rows, columns = (np.flatnonzero((values > 0).any(axis)) for axis in (1, 0))
    content = found(values).content
    assert content.y <= rows[0]
    assert content.x + content.width > columns[-1]
    assert content.x > 100


def test_air_with_noise_is_not_taken_for_empty() -> None:
    grain = np.rint(np.random.default_rng(3).normal(0, 40, (ROWS, COLUMNS))).astype(np.int32)
    assert found(hand(np.full((ROWS, COLUMNS), AIR, np.int32)) + grain).outcome is BorderOutcome.NO_MARGIN


@pytest.mark.parametrize("degrees", [0.3, 1, 4, 12])
def test_a_tilted_field_is_not_cut(degrees: float) -> None:
    inside = np.zeros((ROWS, COLUMNS), np.float32)
    inside[within(FIELD)] = 1
    tilt = cv2.getRotationMatrix2D((COLUMNS / 2, ROWS / 2), degrees, 0.9)
    inside = cv2.warpAffine(inside, tilt, (COLUMNS, ROWS))
    values = np.where(inside > 0.5, collimated(SHUT, box=WHOLE), SHUT).astype(np.int32)
    rows, columns = (np.flatnonzero((inside > 0.5).any(axis)) for axis in (1, 0))
    content = found(values).content
    box = Box(int(columns[0]), int(rows[0]), columns.size, rows.size)
    assert content != WHOLE
    assert min(slack(content, box)) >= 0
    assert max(slack(content, box)) <= 20


@pytest.mark.parametrize("padded", [True, False])
def test_padding_is_margin_whatever_its_value(padded: bool) -> None:
    values = collimated()
    masked = np.ones(values.shape, np.bool_)
    masked[within(FIELD)] = False
    # a value between air and bone, with noise: only that it is padding says that it is no picture
    values[masked] = np.random.default_rng(5).integers(AIR, BONE, int(masked.sum()))
    result = found(values, masked if padded else None)
    assert result.outcome is (BorderOutcome.FOUND if padded else BorderOutcome.NO_MARGIN)
    assert not padded or all(0 <= more <= 3 for more in slack(result.content))


@pytest.mark.parametrize("inside", [0, AIR, 60_000])
def test_unavailable_pixels_do_not_affect_the_search(inside: int) -> None:
    values = collimated()
    unavailable = np.zeros(values.shape, np.bool_)
    unavailable[20:110, 30:400] = True
    values[unavailable] = inside
    assert all(0 <= more <= 3 for more in slack(found(values, unavailable=unavailable).content))


def test_a_side_without_available_pixels_is_not_cut() -> None:
    unavailable = np.zeros((ROWS, COLUMNS), np.bool_)
    unavailable[:60] = True
    left, top, right, below = slack(found(collimated(), unavailable=unavailable).content)
    assert top == FIELD.y
    assert max(left, right, below) <= 3


def test_an_image_that_fills_its_detector_is_not_cut() -> None:
    grain = np.random.default_rng(2).normal(0, 1, (ROWS, COLUMNS)).astype(np.float32)
    chest = cv2.GaussianBlur(grain, (0, 0), 60) * 40_000
    assert found(chest.astype(np.int32)).outcome is BorderOutcome.NO_MARGIN


def test_a_cropped_image_is_not_cut_again() -> None:
    first = found(collimated()).content
    assert found(collimated()[within(first)]).content == Box(0, 0, first.width, first.height)


@pytest.mark.parametrize("speck", [0, 4000])
def test_a_blank_frame_has_no_border(speck: int) -> None:
    values = np.full((ROWS, COLUMNS), 7, np.int32)
    values[300, 300] = speck
    assert found(values) == BorderResult(WHOLE, BorderOutcome.EMPTY)


def test_an_image_of_noise_is_not_cut() -> None:
    values = np.random.default_rng(2).integers(0, 4096, (ROWS, COLUMNS))
    assert found(values).outcome in (BorderOutcome.NO_MARGIN, BorderOutcome.EMPTY)
    assert found(values).content == WHOLE


def test_a_field_of_less_than_a_quarter_of_a_side_is_rejected() -> None:
    assert found(collimated(box=Box(260, 100, 130, 700))) == BorderResult(WHOLE, BorderOutcome.IMPLAUSIBLE)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (16, 16), (23, 900)])
def test_an_image_of_few_pixels_is_not_cut(size: tuple[int, int]) -> None:
    values = np.zeros(size, np.int32)
    values[size[0] // 3 :, size[1] // 3 :] = 1000
    assert found(values) == BorderResult(Box(0, 0, size[1], size[0]), BorderOutcome.NO_MARGIN)


@pytest.mark.parametrize("size", [(64, 48), (257, 255), (513, 700), (1100, 777), (2100, 3001)])
def test_images_of_every_size_are_cut_at_the_field(size: tuple[int, int]) -> None:
    rows, columns = size
    box = Box(columns // 6, rows // 5, columns * 2 // 3, rows // 2)
    values = np.full(size, SHUT, np.int32)
    values[within(box)] = AIR + np.random.default_rng(4).integers(0, 900, (box.height, box.width))
    assert all(0 <= more <= 3 for more in slack(found(values).content, box))
