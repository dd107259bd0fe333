# SPDX-License-Identifier: MIT
"""Test that `--decode reduced` gives the same image as a full decode."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

import plainfilm
from plainfilm.options.options import Options
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame

Array = NDArray[Any]
ROWS, COLUMNS = 800, 643
# column, row and radius of round marks, which tell where in a picture they are
MARKS = ((101.0, 130.5, 24.0), (520.25, 90.0, 30.0), (330.0, 410.75, 36.0), (90.5, 690.0, 28.0), (560.0, 700.5, 22.0))


def marked(rows: int = ROWS, columns: int = COLUMNS) -> Array:
    """Soft bright marks on a dark film of 12 bits."""
    y, x = np.mgrid[:rows, :columns]
    image = np.full((rows, columns), 200.0)
    for column, row, radius in MARKS:
        image += 3000 / (1 + np.exp((np.hypot(x - column, y - row) - radius) / 2))
    return np.rint(image).astype(np.uint16)


def jpeg2000_image(image: Array, frames: int = 1, **attributes: Any) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *image.shape, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    if frames > 1:
        dataset.NumberOfFrames = frames
    codestream = encode_array(image, bits_stored=12, photometric_interpretation=2, codec_format=0)
    dataset.PixelData = encapsulate([codestream] * frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, content in attributes.items():
        setattr(dataset, keyword, content)
    return dataset


@pytest.fixture(scope="module")
def whole() -> Dataset:
    return jpeg2000_image(marked())


def is_reduced(dataset: Dataset, **options: Any) -> bool:
    explanation = plainfilm.explain(dataset, decode="reduced", **options)
    codes = [finding.code for finding in explanation.findings]
    return "reduced_decode" in codes


def centre(image: Array, place: tuple[float, float], reach: tuple[float, float]) -> Array:
    """The middle of the light within a rectangle about a place: column and row."""
    left, top = (round(at - far) for at, far in zip(place, reach, strict=True))
    right, bottom = (round(at + far) + 1 for at, far in zip(place, reach, strict=True))
    part = image[top:bottom, left:right].astype(float)
    part -= part.min()
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    return np.array([(part * x).sum() / part.sum() + left, (part * y).sum() / part.sum() + top])


PLACINGS: list[dict[str, Any]] = [
    {"size": 390},
    {"size": 200},
    {"size": 97},
    {"size": "300x300", "fit": "pad"},
    {"size": "100x100", "fit": "crop"},
    {"size": 180, "crop": "20,31,600,740"},
    {"size": "120x200"},
]


@pytest.mark.parametrize("given", PLACINGS)
@pytest.mark.parametrize("spacing", [None, ["0.2", "0.1"]])
def test_landmarks_have_the_same_position_as_after_a_full_decode(
    whole: Dataset, given: dict[str, Any], spacing: list[str] | None
) -> None:
    dataset = jpeg2000_image(marked(), PixelSpacing=spacing) if spacing else whole
    if spacing and "crop" in given:
        given = {**given, "crop": "20,62,600,1480"}
    assert is_reduced(dataset, **given)
    full = plainfilm.render(dataset, bits=16, **given)
    reduced = plainfilm.render(dataset, bits=16, decode="reduced", **given)
    told = plainfilm.explain(dataset, decode="reduced", **given).to_dict()
    a, b, c, d, e, f = told["affine"]  # type: ignore[misc]
    assert told["affine"] == plainfilm.explain(dataset, **given).to_dict()["affine"]
    assert reduced.shape == full.shape
    seen = 0
    for column, row, radius in MARKS:
        x, y = a * column + b * row + c, d * column + e * row + f
        reach = 1.7 * radius * a, 1.7 * radius * e
        if min(x - reach[0], y - reach[1]) > 0 and x + reach[0] < full.shape[1] and y + reach[1] < full.shape[0]:
            seen += 1
            found = centre(reduced, (x, y), reach)
            assert np.abs(found - centre(full, (x, y), reach)).max() < 0.1
            assert np.abs(found - (x, y)).max() < 0.1
    assert seen


def test_a_rotated_image_is_rotated_alike() -> None:
    dataset = jpeg2000_image(marked(), PatientOrientation=["F", "L"])
    given: dict[str, Any] = {"size": 300, "orient": "viewer"}
    assert is_reduced(dataset, **given)
    full = plainfilm.render(dataset, **given)
    assert np.abs(plainfilm.render(dataset, decode="reduced", **given).astype(int) - full).mean() < 1
    assert full.shape == (241, 300)


@pytest.mark.parametrize(
    ("given", "reduced"),
    [
        ({}, False),
        ({"size": 401}, False),
        ({"size": 400}, True),
        ({"size": "321x800"}, True),
        ({"size": "321x800", "fit": "crop"}, False),
        ({"size": 400, "crop": "0,0,643,400"}, False),
        ({"size": 200, "crop": "0,0,643,400"}, True),
        ({"size": 5000, "enlarge": True}, False),
        ({"size": 200, "crop": "border"}, False),
        ({"size": 200, "look": "stored"}, False),
        ({"size": 200, "verify": True}, False),
        ({"size": 200, "redact": "1,1,9,9"}, False),
        ({"size": 200, "overlays": "burn"}, False),
        ({"size": 200, "allow_truncated": True}, True),
        ({"size": 200, "look": "stretch"}, True),
    ],
)
def test_an_image_is_reduced_if_no_option_needs_its_full_resolution(
    whole: Dataset, given: dict[str, Any], reduced: bool
) -> None:
    assert is_reduced(whole, **given) is reduced


@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelPaddingValue": 0},
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [400, 300], "RadiusOfCircularShutter": 200},
        {"OverlayRows": ROWS, "OverlayColumns": COLUMNS},
        {"HighBit": 15},
        {"PixelRepresentation": 1},
    ],
)
def test_an_image_that_needs_every_pixel_is_decoded_in_full(attributes: dict[str, Any]) -> None:
    if "OverlayRows" in attributes:
        dataset = jpeg2000_image(marked())
        for element, vr, value in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x100, "US", 16), (0x102, "US", 12)):
            dataset.add_new((0x6000, element), vr, value)
        dataset.add_new((0x6000, 0x40), "CS", "G")
        dataset.add_new((0x6000, 0x50), "SS", [1, 1])
    else:
        dataset = jpeg2000_image(marked(), **attributes)
    assert not is_reduced(dataset, size=200)
    full, reduced = (plainfilm.render(dataset, size=200, decode=word) for word in ("full", "reduced"))
    assert np.array_equal(full, reduced)


def test_an_image_that_is_not_reduced_keeps_every_pixel(whole: Dataset) -> None:
    assert np.array_equal(plainfilm.render(whole, decode="reduced"), plainfilm.render(whole))


def test_a_crop_outside_the_image_fails_like_after_a_full_decode(whole: Dataset) -> None:
    words = []
    for decode in ("full", "reduced"):
        with pytest.raises(plainfilm.PlainfilmError) as caught:
            plainfilm.render(whole, decode=decode, size=100, crop="5000,1,9,9")
        words.append((caught.value.reason, caught.value.message))
    assert words[0] == words[1]


def test_every_frame_is_reduced_and_statistics_describe_the_reduced_frame() -> None:
    content = io.BytesIO()
    jpeg2000_image(marked(), frames=3).save_as(content, enforce_file_format=True)
    options = Options.of({"size": 200, "decode": "reduced"})
    survey = survey_instance(open_instance(content.getvalue(), options), range(3))
    for frame in range(3):
        rendered = render_frame(plan_frame(survey, frame))
        assert rendered.stored_hash == ""
        assert rendered.image.shape == (200, 161)
        assert rendered.padding_fraction == 0
        assert "reduced_decode" in [finding.code for finding in rendered.findings]


@pytest.mark.slow
def test_real_images_look_the_same_as_after_a_full_decode(film_folder: Path) -> None:
    """The worst of them are small screenshots full of lettering."""
    least = {"NM_Kakadu44": 43, "RG1_J2KI": 54, "RG3_J2KR": 56, "MR2_J2KI": 40, "Fake_MONOHR1": 55}
    for name, decibels in least.items():
        (path,) = film_folder.rglob(f"{name}*.dcm")
        full, reduced = (plainfilm.render(path, size=512, decode=word) for word in ("full", "reduced"))
        assert "reduced_decode" in str(plainfilm.explain(path, size=512, decode="reduced"))
        assert cv2.PSNR(full, reduced) > decibels, name
