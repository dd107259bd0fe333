# SPDX-License-Identifier: MIT
"""A landmark that is drawn on a film is found where the affine of the image says, whatever the geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from tests.support.cases.build import build_case

import plainfilm

ROWS, COLUMNS = 120, 90
RADIUS = 7.0
ORIENTATIONS = ["", "L\\F", "R\\F", "L\\H", "F\\L", "H\\R", "A\\F", "P\\H", "F\\A"]
SIZES: list[dict[str, Any]] = [
    {},
    {"size": 64},
    {"size": 200, "enlarge": True},
    {"size": "100x60"},
    {"size": "80x110", "fit": "pad"},
    {"size": "64x64", "fit": "crop"},
    {"size": "300x200", "fit": "pad", "enlarge": True},
    {"spacing": 0.11},
    {"spacing": 0.37},
]


def film(column: float, row: float, spacing: tuple[float, float], orientation: str) -> Dataset:
    """A black film of 8 bits with a white spot, whose edge fades, at a place between the pixels."""
    dataset, _ = build_case(rows=ROWS, columns=COLUMNS)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    distance = np.hypot(rows - row, columns - column)
    spot = np.clip((RADIUS - distance) / 3, 0, 1) * 255
    for keyword in ("WindowCenter", "WindowWidth", "PixelPaddingValue", "RescaleSlope", "RescaleIntercept"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = np.floor(spot + 0.5).astype(np.uint8).tobytes()
    dataset.PixelSpacing = list(map(str, spacing))
    dataset.Modality, dataset.PatientOrientation = "DX", orientation.split("\\") if orientation else None
    return dataset


def center_of(image: NDArray[Any]) -> tuple[float, float]:
    """The centre of mass of an image, x and y."""
    weights = image.astype(np.float64)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return float((weights * x).sum() / weights.sum()), float((weights * y).sum() / weights.sum())


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    column=st.floats(20, COLUMNS - 21),
    row=st.floats(20, ROWS - 21),
    spacing=st.sampled_from([(0.2, 0.2), (0.2, 0.3), (0.31, 0.2)]),
    pixels=st.sampled_from(["square", "stored"]),
    crop=st.sampled_from([None, (5, 8, 80, 100), (12, 0, 70, 118)]),
    orientation=st.sampled_from(ORIENTATIONS),
    orient=st.sampled_from(["stored", "viewer"]),
    size=st.sampled_from(SIZES),
)
def test_a_landmark_is_where_the_affine_says(
    column: float,
    row: float,
    spacing: tuple[float, float],
    pixels: str,
    crop: tuple[int, int, int, int] | None,
    orientation: str,
    orient: str,
    size: dict[str, Any],
) -> None:
    # the crop, in pixels after square pixels, must not cut the spot, which the padding of the output would hide
    x_scale, y_scale = (max(1.0, spacing[1] / spacing[0]), max(1.0, spacing[0] / spacing[1]))
    x_scale, y_scale = (x_scale, y_scale) if pixels == "square" else (1.0, 1.0)
    if crop is not None:
        assume(crop[0] <= (column - RADIUS) * x_scale - 1 and (column + RADIUS) * x_scale + 1 <= crop[0] + crop[2])
        assume(crop[1] <= (row - RADIUS) * y_scale - 1 and (row + RADIUS) * y_scale + 1 <= crop[1] + crop[3])
    dataset = film(column, row, spacing, orientation)
    options: dict[str, Any] = {"pixels": pixels, "crop": crop, "orient": orient, **size}
    explanation = plainfilm.explain(dataset, **options).to_dict()
    a, b, c, d, e, f = explanation["affine"]  # type: ignore[misc]
    x, y = a * column + b * row + c, d * column + e * row + f
    width, height = explanation["width"], explanation["height"]
    reach = RADIUS * max(abs(a) + abs(b), abs(d) + abs(e)) + 1
    assume(reach <= x <= width - 1 - reach and reach <= y <= height - 1 - reach)  # type: ignore[operator]
    image = plainfilm.render(dataset, **options)
    assert image.shape == (height, width)
    assert image.any(), "the spot is in the image"
    found = center_of(image)
    assert abs(found[0] - x) < 0.5
    assert abs(found[1] - y) < 0.5


@settings(max_examples=25)
@given(
    spacing=st.sampled_from([(0.2, 0.2), (0.2, 0.3), (0.31, 0.2)]),
    wanted=st.sampled_from([0.1, 0.17, 0.2, 0.4]),
    pixels=st.sampled_from(["square", "stored"]),
    orientation=st.sampled_from(ORIENTATIONS),
)
def test_an_image_has_the_spacing_that_is_asked_for(
    spacing: tuple[float, float], wanted: float, pixels: str, orientation: str
) -> None:
    dataset = film(45, 60, spacing, orientation)
    image = plainfilm.render(dataset, pixels=pixels, spacing=wanted, orient="viewer")
    sides = sorted((ROWS * spacing[0] / wanted, COLUMNS * spacing[1] / wanted))
    assert all(abs(side - exact) <= 1 for side, exact in zip(sorted(image.shape), sides, strict=True))
