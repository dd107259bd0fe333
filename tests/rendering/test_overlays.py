# SPDX-License-Identifier: MIT
"""Test overlay planes (PS3.3 C.9)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import build_case, to_bytes

from plainfilm.findings import codes_of
from plainfilm.options.options import Options
from plainfilm.rendering.frame import RenderedFrame
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame

ROWS, COLUMNS = 5, 7


def overlaid(plane: Any, group: int = 0x6000, **more: Any) -> Any:
    """A film with Overlay Data; plane: (frames, rows, columns) of 0 and 1."""
    bits = np.asarray(plane, np.uint8)
    film = {name: more.pop(name) for name in ("frames", "photometric", "content") if name in more}
    dataset, _ = build_case(rows=ROWS, columns=COLUMNS, centers=(2000,), widths=(3000,), **film)
    data = np.packbits(bits.ravel(), bitorder="little").tobytes()
    elements = {0x10: ("US", bits.shape[-2]), 0x11: ("US", bits.shape[-1]), 0x40: ("CS", more.get("kind", "G"))}
    elements |= {0x50: ("SS", list(more.get("origin", (1, 1)))), 0x100: ("US", 1), 0x102: ("US", 0)}
    if bits.ndim == 3:
        elements |= {0x15: ("IS", len(bits)), 0x51: ("US", more.get("first", 1))}
    for element, (vr, value) in elements.items():
        dataset.add_new(group << 16 | element, vr, value)
    dataset.add_new(group << 16 | 0x3000, "OW", data + b"\0" * (len(data) % 2))
    return dataset


def shown(dataset: Any, overlays: str = "mask", **options: Any) -> list[RenderedFrame]:
    chosen = Options.of({"overlays": overlays, "pixels": "stored", **options})
    opened = open_instance(to_bytes(dataset), chosen)
    frames = range(opened.instance.pixel.number_of_frames)
    survey = survey_instance(opened, frames)
    return [render_frame(plan_frame(survey, frame)) for frame in frames]


def spot(*places: tuple[int, int], size: tuple[int, int] = (ROWS, COLUMNS)) -> np.ndarray[Any, Any]:
    plane = np.zeros(size, np.uint8)
    for place in places:
        plane[place] = 1
    return plane


@pytest.mark.parametrize(
    ("origin", "place", "seen", "findings"),
    [
        ((1, 1), (2, 3), (2, 3), ""),
        ((2, 3), (1, 1), (2, 3), ""),
        ((-1, -1), (4, 5), (2, 3), ""),
        ((3, 5), (4, 6), None, "overlay_outside"),
        ((-9, -9), (0, 0), None, "overlay_outside"),
    ],
)
def test_a_plane_begins_at_its_origin(origin: Any, place: Any, seen: Any, findings: str) -> None:
    (frame,) = shown(overlaid(spot(place), origin=origin))
    expected = spot() if seen is None else spot(seen)
    assert (frame.overlay_masks[0].image == expected * 255).all()
    assert codes_of(frame.findings) == findings


def test_plane_frames_start_at_the_image_frame_origin() -> None:
    """35 bits a frame: the second one does not begin at a byte."""
    dataset = overlaid(np.stack([spot((0, 0)), spot((4, 6))]), frames=4, first=2)
    masks = [frame.overlay_masks for frame in shown(dataset)]
    assert [len(each) for each in masks] == [0, 1, 1, 0]
    assert (masks[1][0].image == spot((0, 0)) * 255).all()
    assert (masks[2][0].image == spot((4, 6)) * 255).all()


def test_a_plane_without_frames_is_on_every_frame() -> None:
    assert [len(frame.overlay_masks) for frame in shown(overlaid(spot((1, 1)), frames=3))] == [1, 1, 1]


def test_a_plane_may_be_a_bit_of_the_cells() -> None:
    dataset, _ = build_case(rows=ROWS, columns=COLUMNS, centers=(2000,), widths=(3000,))
    cells = np.frombuffer(dataset.PixelData, "<u2").copy()
    cells[[0, 9]] |= 1 << 15
    dataset.PixelData = cells.tobytes()
    for element, vr, value in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x100, "US", 16), (0x102, "US", 15)):
        dataset.add_new(0x60000000 | element, vr, value)
    (frame,) = shown(dataset)
    assert (frame.overlay_masks[0].image == spot((0, 0), (1, 2)) * 255).all()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 16])
def test_graphics_are_painted_at_the_display_maximum_whatever_the_polarity(photometric: str, bits: int) -> None:
    dataset = overlaid(spot((1, 2), (3, 3)), photometric=photometric, content="film")
    (without,), (burnt,) = shown(dataset, "off", bits=bits), shown(dataset, "burn", bits=bits)
    dark = (without.image[[1, 3], [2, 3]] >= 7 / 8 * (2**bits - 1)).sum() < 2
    assert (burnt.image[[1, 3], [2, 3]] == (2**bits - 1 if dark else 0)).all()
    assert np.count_nonzero(burnt.image != without.image) <= 2
    assert burnt.overlay_masks == ()


def test_a_plane_on_white_is_painted_black() -> None:
    (frame,) = shown(overlaid(spot((1, 2))), "burn", window="-5000,10")
    assert frame.image[1, 2] == 0
    assert np.count_nonzero(frame.image == 255) == ROWS * COLUMNS - 1


def test_the_edge_of_a_region_is_painted_and_its_mask_is_filled() -> None:
    region = np.zeros((ROWS, COLUMNS), np.uint8)
    region[1:4, 1:6] = 1
    dataset = overlaid(region, kind="R")
    (frame,), (masked,) = shown(dataset, "burn", window="9000,10"), shown(dataset)
    edge = region.copy()
    edge[2, 2:5] = 0
    assert (frame.image == edge * 255).all()
    assert (masked.overlay_masks[0].image == region * 255).all()


def test_a_plane_with_too_little_data_is_drawn_partly() -> None:
    dataset = overlaid(spot((0, 1)))
    dataset[0x60000010].value = dataset[0x60000011].value = 65535
    (frame,) = shown(dataset)
    assert codes_of(frame.findings) == "overlay_invalid"
    assert frame.overlay_masks[0].image[0, 1] == 255
    assert codes_of(shown(dataset, "off")[0].findings) == ""


def test_masks_have_the_geometry_of_the_image() -> None:
    dataset = overlaid(spot((0, 6)))
    dataset.PixelSpacing = [0.2, 0.1]
    dataset.PatientOrientation = ["R", "F"]
    (frame,) = shown(dataset, pixels="square", orient="viewer")
    assert frame.overlay_masks[0].image.shape == frame.image.shape == (10, 7)
    assert (frame.overlay_masks[0].image > 0).nonzero()[0].tolist() == [0, 1]
    assert set((frame.overlay_masks[0].image > 0).nonzero()[1]) == {0}


@pytest.mark.parametrize("kind", ["G", "R"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_redacted_area_shows_no_overlay(kind: str, bits: int) -> None:
    dataset = overlaid(np.ones((ROWS, COLUMNS), np.uint8), kind=kind)
    (burnt,), (masked,) = (shown(dataset, mode, redact="0,0,3,2", bits=bits) for mode in ("burn", "mask"))
    for image in (burnt.image, masked.image, masked.overlay_masks[0].image):
        assert not image[:2, :3].any()
    assert burnt.image[0, 5] == 2**bits - 1
    assert masked.overlay_masks[0].image[2:].all()
    assert masked.overlay_masks[0].image[:, 3:].all()


def test_a_box_stays_black_in_a_mask_whose_lines_are_made_thicker() -> None:
    dataset = overlaid(spot((0, 3), (4, 3)))
    (frame,) = shown(dataset, redact="0,0,3,5", size="4")
    assert frame.overlay_masks[0].image.shape == (3, 4)
    assert not frame.overlay_masks[0].image[:, 0].any()
    assert frame.overlay_masks[0].image.any()


def test_redacted_pixels_do_not_affect_the_painting_of_an_overlay() -> None:
    """The same picture, whatever the pixels in the box are."""
    dataset, other = (overlaid(np.ones((ROWS, COLUMNS), np.uint8)) for _ in range(2))
    cells = np.frombuffer(dataset.PixelData, np.uint16).reshape(ROWS, COLUMNS).copy()
    cells[:4] = 4095
    dataset.PixelData = cells.tobytes()
    cells[:4] = 0
    other.PixelData = cells.tobytes()
    (one,), (two,) = (shown(each, "burn", redact="0,0,7,4", window="2000,3000") for each in (dataset, other))
    assert (one.image == two.image).all()
