# SPDX-License-Identifier: MIT
"""Test that all frames of an instance become one image: the largest or the mean output level of each pixel."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.cases.build import build_case, to_bytes
from tests.support.memory import call_within, least_peak

import plainfilm
from plainfilm.errors import ConversionError, Reason
from plainfilm.options.options import Options
from plainfilm.options.output import Projection
from plainfilm.rendering.frame import RenderedFrame
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.projection import render_projection

CINE: dict[str, Any] = {"frames": 5, "centers": (2000,), "widths": (3000,)}


def projected(content: bytes, kind: str, **options: Any) -> RenderedFrame:
    return render_projection(open_instance(content, Options.of(options)), Projection(kind))


def frames_of(content: bytes, number: int, **options: Any) -> NDArray[Any]:
    return np.stack([plainfilm.render(content, frame=frame, **options) for frame in range(1, number + 1)])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_mip_has_the_largest_level_of_each_pixel(photometric: str, bits: int) -> None:
    content = to_bytes(build_case(**CINE, photometric=photometric)[0])
    image = projected(content, "mip", bits=bits).image
    np.testing.assert_array_equal(image, frames_of(content, 5, bits=bits).max(axis=0))
    assert image.dtype.itemsize * 8 == bits


@pytest.mark.parametrize("bits", [8, 16])
def test_a_mean_has_the_nearest_level(bits: int) -> None:
    content = to_bytes(build_case(**CINE)[0])
    expected = np.floor(frames_of(content, 5, bits=bits).astype(np.float64).mean(axis=0) + 0.5)
    np.testing.assert_array_equal(projected(content, "mean", bits=bits).image, expected)


@pytest.mark.parametrize("kind", ["mip", "mean"])
def test_the_python_function_renders_a_projection(kind: Literal["mip", "mean"]) -> None:
    content = to_bytes(build_case(**CINE)[0])
    np.testing.assert_array_equal(plainfilm.render(content, frame=kind), projected(content, kind).image)
    single = to_bytes(build_case()[0])
    np.testing.assert_array_equal(plainfilm.render(single, frame=kind), plainfilm.render(single))
    with pytest.raises(plainfilm.PlainfilmError, match="frame"):
        plainfilm.render(content, frame="max")  # type: ignore[call-overload]


def test_geometry_comes_after_the_projection() -> None:
    content = to_bytes(build_case(**CINE)[0])
    rendered = projected(content, "mip", size="20")
    assert max(rendered.image.shape) == 20
    assert rendered.geometry.width == rendered.image.shape[1]


def test_redacted_pixels_are_black_and_do_not_count() -> None:
    content = to_bytes(build_case(**CINE)[0])
    rendered = projected(content, "mip", redact="0,0,10,10")
    assert not rendered.image[:10, :10].any()
    assert "redacted" in [finding.code for finding in rendered.findings]


def test_statistics_are_those_of_the_projection() -> None:
    content = to_bytes(build_case(**CINE)[0])
    rendered = projected(content, "mip")
    assert rendered.statistics.mean == pytest.approx(rendered.image.mean() / 255)


def test_colours_are_refused() -> None:
    dataset, _ = build_case(rows=4, columns=6, frames=2)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = bytes(144)
    content = to_bytes(dataset)
    with pytest.raises(ConversionError, match="needs grayscale frames") as raised:
        projected(content, "mean")
    assert raised.value.reason is Reason.UNSUPPORTED_VALUE


def test_each_frame_is_announced_before_work_on_it() -> None:
    frames: list[int] = []
    opened = open_instance(to_bytes(build_case(**CINE)[0]), Options())
    render_projection(opened, Projection.MIP, frames.append)
    assert frames == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


def test_memory_does_not_grow_with_the_number_of_frames() -> None:
    # at most 32 frames are surveyed
    few, many = (
        to_bytes(build_case(frames=frames, rows=128, columns=128, content="gradient")[0]) for frames in (32, 128)
    )
    # 1 MiB of frames is kept
    settings = {"memory": "16MiB"}
    size = least_peak(lambda: projected(few, "mean", **settings))
    call_within(size + 40 * 128 * 128, projected, many, "mean", **settings)
