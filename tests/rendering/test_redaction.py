# SPDX-License-Identifier: MIT
"""Test that redacted pixels affect no pixel, statistic or finding.

Films that differ in the box alone must give the same bytes and the same row, whatever is done with them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.support.cases.build import ShutterSpec, build_case, to_bytes

import plainfilm
from plainfilm.conversion.job import ConvertJob, EncodedImage, RunContext
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.task import convert_source
from plainfilm.options.options import Options
from plainfilm.options.privacy import RedactionBox, RedactionBoxes
from plainfilm.options.render import Look
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import Job, TaskResult

BOX = (3, 4, 9, 6)
INSIDE = (slice(4, 10), slice(3, 12))
GREY: dict[str, dict[str, Any]] = {
    "no VOI": {},
    "window": {"centers": (2000,), "widths": (1500,)},
    "signed, inverted": {"pixel_representation": 1, "photometric": "MONOCHROME1", "slope": 2, "intercept": -7},
    "padding": {"padding": 0, "padding_limit": 40, "photometric": "MONOCHROME1"},
    "shutter": {"shutter": ShutterSpec(("RECTANGULAR",), edges=(6, 40, 6, 28), level=65535)},
    "largest value": {"bits_stored": 12, "largest": 65535},
    "overlay bits": {"bits_stored": 12, "overlay_positions": (15,)},
    "8 bits": {"bits_allocated": 8, "bits_stored": 8},
    "32 bits": {"bits_allocated": 32, "bits_stored": 32},
    "floating": {"bits_allocated": 32, "floating": 32, "not_finite": 3},
    "frames": {"frames": 3},
}
LOOKS = [look for look in Look if look is not Look.WINDOW]


def image_with_box(kind: str, inside: int) -> Dataset:
    """A film of which every byte in the box is `inside`."""
    dataset, raw = build_case(**GREY[kind])
    raw.view(np.uint8).reshape(*raw.shape, -1)[:, *INSIDE] = inside
    name = "FloatPixelData" if raw.dtype.kind == "f" else "PixelData"
    setattr(dataset, name, raw.tobytes())
    return dataset


def color(space: str, inside: int) -> Dataset:
    dataset, _ = build_case(bits_allocated=8, bits_stored=8)
    dataset.PhotometricInterpretation, dataset.PixelSpacing = space, ["0.2", "0.1"]
    shape = (32, 48) if space == "PALETTE COLOR" else (32, 48, 3)
    samples = np.random.default_rng(0).integers(0, 250, shape, np.uint8)
    samples[INSIDE] = inside
    if space == "PALETTE COLOR":
        for name in ("Red", "Green", "Blue"):
            setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
            setattr(dataset, f"{name}PaletteColorLookupTableData", bytes(range(255, -1, -1)))
    else:
        dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PixelData = samples.tobytes()
    return dataset


def pictures(dataset: Dataset, tmp_path: Path, *boxes: Any, **given: Any) -> list[Any]:
    """What a worker makes of a film, as a run has it; boxes: those of the source alone."""
    path = tmp_path / "film.dcm"
    path.write_bytes(to_bytes(dataset))
    reports: list[Any] = []
    orders = RunContext(Options.of(given), Key(b"k" * 32), None)
    work = ConvertJob(Reference(path, "film.dcm", "film"), orders.to_bytes(), RedactionBoxes(*boxes))
    convert_source(Job(work), reports.append)
    return [report.value for report in reports if isinstance(report, TaskResult)]


def without_private(picture: Any) -> Any:
    return replace(picture.record, stored_hash="") if isinstance(picture, EncodedImage) else picture


def decoded(picture: EncodedImage) -> Any:
    image = cv2.imdecode(np.frombuffer(picture.encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


@pytest.mark.slow
@pytest.mark.parametrize("kind", GREY)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("pixels", ["square", "stored"])
def test_redacted_pixels_of_a_grayscale_image_affect_nothing(
    kind: str, look: Look, pixels: str, tmp_path: Path
) -> None:
    made = []
    for inside in (0, 0xFF, 0x13):
        dataset = image_with_box(kind, inside)
        dataset.PixelSpacing = ["0.2", "0.1"]
        made.append(pictures(dataset, tmp_path, look=look, pixels=pixels, redact=BOX))
    for others in made[1:]:
        assert [without_private(each) for each in made[0]] == [without_private(each) for each in others]
        assert [getattr(each, "encoded", b"") for each in made[0]] == [getattr(each, "encoded", b"") for each in others]
    for each in made[0]:
        if isinstance(each, EncodedImage):
            image = decoded(each)
            assert "redacted" in each.record.findings.split(";")
            doubled = image.shape[0] == 64
            assert not image[9 if doubled else 4 : 19 if doubled else 10, 3:12].any()
            assert image.any()


@pytest.mark.parametrize("space", ["RGB", "YBR_FULL", "PALETTE COLOR"])
@pytest.mark.parametrize("look", LOOKS)
def test_redacted_pixels_of_a_color_image_affect_nothing(space: str, look: Look, tmp_path: Path) -> None:
    made = [pictures(color(space, inside), tmp_path, look=look, redact=BOX)[0] for inside in (0, 255, 99)]
    assert len({each.encoded for each in made}) == 1
    assert without_private(made[0]) == without_private(made[1]) == without_private(made[2])
    image = decoded(made[0])
    assert not image[4:10, 3:12].any() if look is Look.STORED else not image[9:19, 3:12].any()
    assert image.any()


def test_pixels_outside_a_box_are_unchanged() -> None:
    dataset = image_with_box("window", 0)
    plain, redacted = plainfilm.render(dataset), plainfilm.render(dataset, redact=BOX)
    np.testing.assert_array_equal(plain[10:], redacted[10:])
    assert not redacted[INSIDE].any()
    assert plainfilm.render(dataset, redact=[(0, 0, 1, 1), (40, 30, 99, 99)])[30:, 40:].max() == 0


def test_the_hash_for_duplicates_covers_all_pixels_and_is_not_published(tmp_path: Path) -> None:
    (plain,), (redacted,) = (pictures(image_with_box("no VOI", 9), tmp_path, redact=redact) for redact in ("", BOX))
    assert plain.record.stored_hash == redacted.record.stored_hash
    assert plain.record.sha256 != redacted.record.sha256


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", ["no VOI", "padding", "floating", "frames", "shutter"])
def test_a_box_over_the_whole_image_leaves_black_and_no_statistics(kind: str, look: Look, tmp_path: Path) -> None:
    for each in pictures(image_with_box(kind, 9), tmp_path, look=look, redact="-1,-1,1000,1000"):
        if isinstance(each, EncodedImage):
            assert not decoded(each).any()
            assert (each.record.black_fraction, each.record.mean, each.record.padding_fraction) == (None, None, 0.0)
        else:
            assert (kind, look, each.reason) == ("floating", Look.STORED, "encode_unsupported")


def test_boxes_of_a_frame_and_boxes_of_all_frames_are_combined(tmp_path: Path) -> None:
    boxes = (RedactionBox(0, 0, 2, 2),), ((2, RedactionBox(*BOX)), (3, RedactionBox(100, 0, 5, 5)))
    made = pictures(image_with_box("frames", 7), tmp_path, *boxes)
    assert [bool(decoded(each)[INSIDE].any()) for each in made] == [True, False, True]
    assert [bool(decoded(each)[:2, :2].any()) for each in made] == [False, False, False]
    assert [each.record.findings for each in made] == ["redacted", "redacted", "redacted;redaction_missed"]


@pytest.mark.parametrize(
    "boxes", [((RedactionBox(48, 0, 5, 5),),), ((RedactionBox(0, -9, 5, 9),),), ((), ((4, RedactionBox(0, 0, 5, 5)),))]
)
def test_a_box_outside_the_image_is_reported(boxes: tuple[Any, ...], tmp_path: Path) -> None:
    for each in pictures(image_with_box("frames", 7), tmp_path, *boxes):
        assert each.record.findings == "redaction_missed"


def test_boxes_are_explained() -> None:
    said = str(plainfilm.explain(image_with_box("window", 0), redact=[BOX, (99, 0, 1, 1)]))
    assert "redacted: 1 box is blacked out" in said
    assert "redaction_missed: 1 box lies outside the image of 48 x 32" in said
