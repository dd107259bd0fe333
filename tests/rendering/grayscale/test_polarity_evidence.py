# SPDX-License-Identifier: MIT
"""The polarity of a radiograph is suspect if its header or its picture shows dark bones. The picture stays the same."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tests.support.dicom_files import encode_file, image_dataset

import plainfilm

Picture = npt.NDArray[np.uint8]
ROWS, COLUMNS = 200, 160


def smooth(mask: Picture) -> Picture:
    """Blur a drawing, as the thickness of tissue changes at skin."""
    blurred: Picture = cv2.GaussianBlur(mask, (0, 0), 5)
    return blurred


def limb(*, margin: int = 0) -> Picture:
    """A tapered limb with a bone in black air; `margin`: the width of a white margin, as of a collimator."""
    drawing = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.fillPoly(drawing, [np.array([(30, 0), (120, 0), (100, ROWS), (60, ROWS)])], 130)
    cv2.line(drawing, (78, 0), (80, ROWS), 230, 16)
    picture = smooth(drawing)
    if margin:
        cv2.rectangle(picture, (0, 0), (COLUMNS - 1, ROWS - 1), 255, 2 * margin)
    return picture


def chest() -> Picture:
    """A bright chest with a brighter spine and abdomen, and two dark lungs."""
    drawing = np.full((ROWS, COLUMNS), 190, np.uint8)
    for center in (48, 112):
        cv2.ellipse(drawing, (center, 85), (26, 60), 0, 0, 360, 50, -1)
    drawing[:, 70:90] = 235
    return smooth(drawing)


def pelvis_in_a_margin() -> Picture:
    """Tissue that fills a field, in a white margin: there is no air."""
    drawing = np.full((ROWS, COLUMNS), 130, np.uint8)
    cv2.circle(drawing, (80, 110), 30, 60, -1)
    picture = smooth(drawing)
    cv2.rectangle(picture, (0, 0), (COLUMNS - 1, ROWS - 1), 255, 40)
    return picture


def film(picture: Picture, **changes: Any) -> bytes:
    """An image of 12 bits that shows the picture."""
    values = picture.astype(np.uint16) * 16
    if changes.get("PhotometricInterpretation") == "MONOCHROME1":
        values = 4080 - values
    base = {"Rows": ROWS, "Columns": COLUMNS, "WindowCenter": "2040.5", "WindowWidth": "4081"}
    return encode_file(image_dataset(**(base | {"PixelData": values.tobytes()} | changes)))


def doubts(content: bytes, **options: Any) -> list[str]:
    findings: Any = plainfilm.explain(content, **options).to_dict()["findings"]
    return [finding["detail"] for finding in findings if finding["code"] == "polarity_doubtful"]


AIR, SPINE = "the air around the anatomy is white", "the spine and the abdomen are darker than both lungs"
KNEE: dict[str, Any] = {"BodyPartExamined": "KNEE"}
FRONTAL: dict[str, Any] = {"BodyPartExamined": "CHEST", "ViewPosition": "PA"}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("picture", "attributes", "reason"),
    [(limb(), KNEE, AIR), (limb(margin=12), KNEE, AIR), (limb(), {}, AIR), (chest(), FRONTAL, SPINE)],
)
def test_a_negative_is_suspect_and_the_right_picture_is_not(
    picture: Picture, attributes: dict[str, Any], reason: str, photometric: str
) -> None:
    right = film(picture, PhotometricInterpretation=photometric, **attributes)
    negative = film(255 - picture, PhotometricInterpretation=photometric, **attributes)
    other = "monochrome2" if photometric == "MONOCHROME1" else "monochrome1"
    assert doubts(right) == []
    assert doubts(negative) == doubts(right, polarity=other) == [reason]
    assert doubts(negative, polarity=other) == []
    assert doubts(negative, bits=16) == doubts(negative, look="minmax") == [reason]
    np.testing.assert_array_equal(plainfilm.render(negative, pixels="stored"), 255 - picture)


@pytest.mark.parametrize("picture", [pelvis_in_a_margin(), np.full((ROWS, COLUMNS), 9, np.uint8), limb()[:12, :12]])
@pytest.mark.parametrize("is_negative", [False, True])
def test_a_picture_without_air_is_no_evidence(picture: Picture, is_negative: bool) -> None:
    rows, columns = picture.shape
    shown = 255 - picture if is_negative else picture
    assert doubts(film(shown, Rows=rows, Columns=columns, **KNEE)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Modality": "XA"},
        {"Modality": "CT"},
        {"Modality": "RF"},
        {"PixelPaddingValue": 4080, "PixelPaddingRangeLimit": 3800},
    ],
)
def test_other_modalities_and_padding_are_not_judged(changes: dict[str, Any]) -> None:
    assert doubts(film(255 - limb(), **KNEE, **changes)) == []


@pytest.mark.parametrize("changes", [{"ViewPosition": "LL"}, {"BodyPartExamined": "ABDOMEN"}])
def test_lungs_are_looked_for_in_frontal_chests_only(changes: dict[str, Any]) -> None:
    assert doubts(film(255 - chest(), **(FRONTAL | changes))) == []


def test_the_area_outside_a_shutter_and_redacted_boxes_are_no_air() -> None:
    shutter: dict[str, Any] = {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": "60",
        "ShutterRightVerticalEdge": "100",
        "ShutterUpperHorizontalEdge": "1",
        "ShutterLowerHorizontalEdge": str(ROWS),
    }
    assert doubts(film(255 - limb(), **KNEE)) == [AIR]
    assert doubts(film(255 - limb(), **KNEE, **shutter)) == []
    assert doubts(film(255 - limb(), **KNEE), redact=[(0, 0, 55, ROWS), (102, 0, 60, ROWS)]) == []


@pytest.mark.parametrize(
    ("sign", "photometric", "slope", "suspect"),
    [
        (-1, "MONOCHROME2", "1", False),
        (1, "MONOCHROME2", "1", True),
        (-1, "MONOCHROME1", "1", True),
        (1, "MONOCHROME1", "1", False),
        (0, "MONOCHROME2", "1", False),
        (1, "MONOCHROME2", "-1", False),
        (-1, "MONOCHROME2", "-1", True),
    ],
)
def test_the_sign_is_compared_with_the_whole_transform(sign: int, photometric: str, slope: str, suspect: bool) -> None:
    dataset = image_dataset(PhotometricInterpretation=photometric, PixelIntensityRelationshipSign=sign)
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, "4080"
    reasons = doubts(encode_file(dataset))
    assert bool(reasons) is suspect
    assert all("Pixel Intensity Relationship Sign" in reason for reason in reasons)


@pytest.mark.parametrize("look", ["stretch", "minmax", "equalize", "clahe"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_counts_in_every_look_with_a_polarity(look: Any, sign: int) -> None:
    content = encode_file(image_dataset(PixelIntensityRelationshipSign=sign))
    assert bool(doubts(content, look=look)) is (sign == 1)


def test_an_image_of_one_value_and_the_look_stored_have_no_direction() -> None:
    flat = image_dataset(PixelIntensityRelationshipSign=1, PixelData=b"\7\0" * 24)
    assert doubts(encode_file(flat)) == []
    assert doubts(encode_file(image_dataset(PixelIntensityRelationshipSign=1)), look="stored") == []
