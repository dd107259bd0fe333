# SPDX-License-Identifier: MIT
"""Test presentation states end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import build_case
from tests.support.presentation_states import area, item, lut, reference, referenced_series, state_of, to_file

import plainfilm
from plainfilm import OptionsError
from plainfilm.conversion.presentation_index import PresentationIndex, index_presentations
from plainfilm.options.options import Options

VOI = {"SoftcopyVOILUTSequence": [item(WindowCenter=2048, WindowWidth=4096)]}


def small_image(**given: Any) -> Any:
    return build_case(**{"rows": 6, "columns": 8, **given})[0]


def shown(image: Any, state: Any, folder: Path, frame: int = 1, **options: Any) -> tuple[Any, dict[str, Any]]:
    """The picture by the state, and what `explain` says of it."""
    named = folder / "state.dcm"
    named.write_bytes(to_file(state))
    # a file of its own for each state: a process reads each once
    named = named.rename(folder / f"state{len(list(folder.iterdir()))}.dcm")
    content = to_file(image)
    told = plainfilm.explain(content, frame=frame, presentation=str(named), **options).to_dict()
    return plainfilm.render(content, frame=frame, presentation=str(named), **options), told


def codes(told: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in told["findings"]]


def test_a_presentation_state_replaces_the_voi_of_the_image(tmp_path: Path) -> None:
    image = small_image(centers=(1,), widths=(1,), photometric="MONOCHROME1", slope=3, intercept=5)
    mine, told = shown(image, state_of(image, **VOI), tmp_path)
    assert (mine == plainfilm.render(to_file(small_image()), window=(2048, 4096))).all()
    assert (told["voi"], told["voi_center"], told["voi_width"], told["inverted"]) == ("presentation", 2048, 4096, False)
    assert codes(told) == []


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["N", "Y"])
def test_the_image_is_rotated_clockwise_and_then_flipped(degrees: int, flip: str, tmp_path: Path) -> None:
    image = small_image()
    plain, _ = shown(image, state_of(image, **VOI), tmp_path)
    mine, told = shown(image, state_of(image, ImageRotation=degrees, ImageHorizontalFlip=flip, **VOI), tmp_path)
    expected = np.rot90(plain, -degrees // 90)
    np.testing.assert_array_equal(mine, expected[:, ::-1] if flip == "Y" else expected)
    a, b, c, d, e, f = told["affine"]
    assert mine[int(2 * d + 1 * e + f), int(2 * a + 1 * b + c)] == plain[1, 2]


@pytest.mark.parametrize(
    ("corners", "part", "found"),
    [
        ((3, 2, 6, 5), np.s_[1:5, 2:6], []),
        ((6, 5, 3, 2), np.s_[1:5, 2:6], []),
        ((-4, -9, 6, 99), np.s_[:, :6], []),
        ((9, 1, 12, 3), np.s_[:, :], ["displayed_area_invalid"]),
    ],
)
def test_the_displayed_area_is_a_crop(corners: Any, part: Any, found: list[str], tmp_path: Path) -> None:
    image = small_image()
    plain, _ = shown(image, state_of(image, **VOI), tmp_path)
    state = state_of(image, DisplayedAreaSelectionSequence=[area(*corners)], **VOI)
    mine, told = shown(image, state, tmp_path)
    np.testing.assert_array_equal(mine, plain[part])
    assert codes(told) == found


def test_each_voi_and_area_applies_to_its_referenced_frames(tmp_path: Path) -> None:
    image = small_image(frames=3)
    voi = [
        item(WindowCenter=center, WindowWidth=4096, ReferencedImageSequence=[reference(image, *frames)])
        for center, frames in ((2048, (1, 3)), (3000, (2,)))
    ]
    state = state_of(image, SoftcopyVOILUTSequence=voi)
    centers = [shown(image, state, tmp_path, frame)[1]["voi_center"] for frame in (1, 2, 3)]
    assert centers == [2048, 3000, 2048]


def test_unreferenced_frames_and_images_are_unchanged(tmp_path: Path) -> None:
    image, other = small_image(frames=2, centers=(2000,), widths=(3000,)), small_image(centers=(2000,), widths=(3000,))
    other.SOPInstanceUID = "1.2.3.9"
    state = state_of(image, ReferencedSeriesSequence=[referenced_series(reference(image, 2))], **VOI)
    for each, frame, voi, found in (
        (image, 1, "window:0", ["presentation_not_applied"]),
        (image, 2, "presentation", []),
        (other, 1, "window:0", ["presentation_not_applied"]),
    ):
        _, told = shown(each, state, tmp_path, frame)
        assert (told["voi"], codes(told)) == (voi, found)


def test_parts_of_a_state_that_are_not_drawn_are_findings(tmp_path: Path) -> None:
    image = small_image()
    graphics = [item(GraphicLayer="A", TextObjectSequence=[item(UnformattedTextValue="PRIVATE")])]
    state = state_of(image, GraphicAnnotationSequence=graphics, ImageRotation=45, **VOI)
    _, told = shown(image, state, tmp_path)
    assert codes(told) == ["presentation_graphics", "presentation_incomplete"]
    assert "PRIVATE" not in str(told)


def test_the_shutter_of_a_state_is_added_to_that_of_the_image(tmp_path: Path) -> None:
    image = small_image()
    circle = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [3, 4], "RadiusOfCircularShutter": 2}
    for keyword, value in circle.items():
        setattr(image, keyword, value)
    edges = dict(zip(("LeftV", "RightV", "UpperHoriz", "LowerHoriz"), (1, 4, 1, 6), strict=True))
    rectangle = {
        f"Shutter{name.replace('V', 'Vertical').replace('Horiz', 'Horizontal')}Edge": n for name, n in edges.items()
    }
    state = state_of(image, ShutterShape="RECTANGULAR", ShutterPresentationValue=65535, **rectangle, **VOI)
    mine, _ = shown(image, state, tmp_path)
    row, column = np.mgrid[1:7, 1:9]
    inside = ((row - 3) ** 2 + (column - 4) ** 2 <= 4) & (column <= 4)
    assert (mine[~inside] == 255).all()
    assert (mine[inside] < 255).all()


def test_overlays_are_drawn_if_their_layer_is_activated(tmp_path: Path) -> None:
    image = small_image()
    for group in (0x6000, 0x6002):
        for element, vr, value in ((0x10, "US", 6), (0x11, "US", 8), (0x50, "SS", [1, 1])):
            image.add_new(group << 16 | element, vr, value)
        image.add_new(group << 16 | 0x3000, "OW", bytes([1 if group == 0x6000 else 2, 0, 0, 0, 0, 0]))
    state = state_of(image, **VOI)
    state.add_new(0x60021001, "CS", "LAYER")
    plain, burnt = (shown(image, state, tmp_path, overlays=mode)[0] for mode in ("off", "burn"))
    assert (plain != burnt).nonzero() == ([0], [1])


@pytest.mark.parametrize("content", [b"", b"no DICOM at all", None])
def test_a_file_that_is_no_presentation_state_is_an_options_error(content: bytes | None, tmp_path: Path) -> None:
    image = small_image()
    named = tmp_path / "other.dcm"
    named.write_bytes(to_file(image) if content is None else content)
    with pytest.raises(OptionsError, match=r"^presentation: "):
        plainfilm.render(to_file(image), presentation=str(named))


def test_an_index_returns_the_last_state_of_an_image(tmp_path: Path) -> None:
    image, other = small_image(), small_image()
    other.SOPInstanceUID = "1.2.3.9"
    early = state_of(image, SOPInstanceUID="1.1", PresentationCreationDate="20250101")
    late = state_of(image, SOPInstanceUID="1.2", PresentationCreationDate="20260101")
    alone = state_of(other, SOPInstanceUID="1.3")
    paths = [tmp_path / name for name in ("a", "b", "c", "image", "text", "missing")]
    for path, dataset in zip(paths, (late, early, alone, image), strict=False):
        path.write_bytes(to_file(dataset))
    (tmp_path / "text").write_bytes(b"1.2.840.10008.5.1.4.1.1.11.1")
    assert index_presentations(paths, tmp_path / "index") == 3
    index = PresentationIndex(tmp_path / "index")
    found, several = index.state_for(str(image.SOPInstanceUID))
    assert found is not None
    assert (found.sop_instance_uid, several) == ("1.2", True)
    found, several = index.state_for("1.2.3.9")
    assert found is not None
    assert (found.sop_instance_uid, several) == ("1.3", False)
    assert index.state_for("9.9") == (None, False)
    index.close()


def test_auto_is_refused_without_sources() -> None:
    with pytest.raises(OptionsError, match="needs a folder as OUT"):
        plainfilm.render(to_file(small_image()), presentation="auto")


def test_a_presentation_lut_without_data_is_left_out(tmp_path: Path) -> None:
    image, broken = small_image(), lut([0, 1], bits=8)
    del broken.LUTData
    state = state_of(image, PresentationLUTShape=None, PresentationLUTSequence=[broken], **VOI)
    mine, told = shown(image, state, tmp_path)
    assert (mine == plainfilm.render(to_file(image), window=(2048, 4096))).all()
    assert "presentation_incomplete" in codes(told)


def test_the_presentation_option_round_trips() -> None:
    assert Options.of({"presentation": "x/y.dcm"}).to_mapping()["presentation"] == "x/y.dcm"
