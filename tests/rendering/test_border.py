# SPDX-License-Identifier: MIT
"""Test `--crop border` end to end."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from tests.support.cases.build import to_bytes

import plainfilm
from plainfilm.cli.main import main
from plainfilm.demo.catalog import demo_radiographs
from plainfilm.demo.dataset import build_dataset
from plainfilm.demo.radiograph import ground_truth_json
from plainfilm.options.geometry import Box
from plainfilm.options.render import Look
from plainfilm.rendering.explanation import Explanation

Array = NDArray[Any]

ROWS, COLUMNS = 240, 200
FIELD = Box(40, 30, 120, 160)
LOOKS = [look for look in Look if look not in (Look.WINDOW, Look.STORED)]


def within(box: Box) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)


def cells(seed: int = 0, shut: int = 4000, field: Box = FIELD) -> Array:
    """A field of many levels, and a margin of one."""
    values = np.full((ROWS, COLUMNS), shut, np.int32)
    values[within(field)] = np.random.default_rng(seed).integers(300, 2500, (field.height, field.width))
    return values


def image_of_cells(values: Array, **attributes: Any) -> Dataset:
    """A film of these cells: (rows, columns), 16 bits, perhaps after frames; with three samples a pixel 8 bits."""
    dataset, is_color = Dataset(), values.shape[-1] == 3
    shape = values.shape[:-1] if is_color else values.shape
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    dataset.Rows, dataset.Columns = shape[-2:]
    dataset.SamplesPerPixel = 3 if is_color else 1
    dataset.PhotometricInterpretation = "RGB" if is_color else "MONOCHROME2"
    bits = 8 if is_color else 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits, bits - 1, 0
    if is_color:
        dataset.PlanarConfiguration = 0
    if len(shape) == 3:
        dataset.NumberOfFrames = shape[0]
    dataset.PixelData = values.astype(np.uint8 if is_color else np.uint16).tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def kept(dataset: Dataset, **given: Any) -> Box:
    """What is left of a film, in pixels after square pixels."""
    geometry = plainfilm.explain(dataset, crop="border", **given).geometry
    return geometry.crop or Box(0, 0, *geometry.square_pixel_size)


def found(explanation: Explanation) -> list[str]:
    return [finding.code.value for finding in explanation.findings]


def is_near(part: Box, field: Box = FIELD, most: int = 3) -> bool:
    """Whether a part holds the whole field and little more."""
    right, bottom = part.x + part.width - field.x - field.width, part.y + part.height - field.y - field.height
    return all(0 <= more <= most for more in (field.x - part.x, field.y - part.y, right, bottom))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_crop_is_the_same_for_every_look_and_depth(look: Look, bits: int, photometric: str) -> None:
    dataset = image_of_cells(cells(), PhotometricInterpretation=photometric, WindowCenter="1400", WindowWidth="900")
    part = kept(image_of_cells(cells()))
    assert is_near(part)
    whole = plainfilm.render(dataset, look=look, bits=bits)
    np.testing.assert_array_equal(plainfilm.render(dataset, look=look, bits=bits, crop="border"), whole[within(part)])


def test_the_look_stored_is_not_cropped() -> None:
    explanation = plainfilm.explain(image_of_cells(cells()), look="stored", crop="border")
    assert not {"border_cropped", "border_not_found"} & set(found(explanation))
    assert plainfilm.render(image_of_cells(cells()), look="stored", crop="border").shape == (ROWS, COLUMNS)


@pytest.mark.parametrize(
    "given", [{}, {"size": 90}, {"size": "300x300", "fit": "pad", "enlarge": True}, {"orient": "viewer"}], ids=str
)
@pytest.mark.parametrize("spacing", [None, ["0.2", "0.1"], ["0.1", "0.15"]])
def test_the_affine_maps_a_mark_after_the_crop(given: dict[str, Any], spacing: Any) -> None:
    values = cells()
    values[100:106, 70:76] = 60_000
    dataset = image_of_cells(values, PatientOrientation=["R", "F"])
    if spacing is not None:
        dataset.PixelSpacing = spacing
    image = plainfilm.render(dataset, crop="border", look="window", window="55000,10000", **given).astype(float)
    a, b, c, d, e, f = plainfilm.explain(dataset, crop="border", **given).geometry.affine
    row, column = np.mgrid[: image.shape[0], : image.shape[1]]
    at = (image * column).sum() / image.sum(), (image * row).sum() / image.sum()
    assert at == pytest.approx((a * 72.5 + b * 102.5 + c, d * 72.5 + e * 102.5 + f), abs=0.35)


def test_size_applies_to_the_cropped_image() -> None:
    assert max(plainfilm.render(image_of_cells(cells()), crop="border", size=100).shape) == 100
    geometry = plainfilm.explain(image_of_cells(cells(), PixelSpacing=["0.2", "0.2"]), crop="border", size=80).geometry
    assert geometry.output_spacing[0] == pytest.approx(0.2 * geometry.crop.width / geometry.width)


def test_signed_cells_are_compared_as_signed_numbers() -> None:
    # a margin about 0, whose cells are 0 and 65535
    values = cells(shut=0)
    margin = values == 0
    values[margin] = np.random.default_rng(1).integers(-2, 3, int(margin.sum()))
    assert is_near(kept(image_of_cells(values.astype(np.int16).view(np.uint16), PixelRepresentation=1)))


def test_bits_above_bits_stored_do_not_affect_the_border() -> None:
    junk = np.random.default_rng(1).integers(0, 16, (ROWS, COLUMNS)) << 12
    assert is_near(kept(image_of_cells(cells() | junk, BitsStored=12, HighBit=11)))


def test_padding_and_shutter_are_margin() -> None:
    values = np.random.default_rng(0).integers(300, 2500, (ROWS, COLUMNS))
    assert kept(image_of_cells(values)) == Box(0, 0, COLUMNS, ROWS)
    edges = {"LeftVertical": 41, "RightVertical": 160, "UpperHorizontal": 31, "LowerHorizontal": 190}
    shut = {f"Shutter{name}Edge": edge for name, edge in edges.items()}
    for given in ({}, {"look": "minmax"}):
        assert is_near(kept(image_of_cells(values, ShutterShape="RECTANGULAR", **shut), **given))
    padded = np.where(cells(shut=0) == 0, values, values + 2500)
    assert kept(image_of_cells(padded)) != kept(
        image_of_cells(padded, PixelPaddingValue=0, PixelPaddingRangeLimit=2500)
    )
    assert is_near(kept(image_of_cells(padded, PixelPaddingValue=0, PixelPaddingRangeLimit=2500)))


@pytest.mark.parametrize("color", [False, True])
def test_frames_share_one_crop_and_blank_frames_do_not_affect_it(color: bool) -> None:
    fields = Box(40, 30, 120, 160), Box(60, 30, 120, 180)
    frames = np.stack([cells(1, field=fields[0]), np.zeros((ROWS, COLUMNS), np.int32), cells(2, field=fields[1])])
    if color:
        frames = np.repeat((frames // 16)[..., None], 3, -1)
    dataset = image_of_cells(frames)
    parts = [kept(dataset, frame=frame) for frame in (1, 2, 3)]
    assert len(set(parts)) == 1
    assert is_near(parts[0], Box(40, 30, 140, 180))


@pytest.mark.parametrize("space", ["RGB", "YBR_FULL", "PALETTE COLOR"])
def test_colour_images_are_cropped_by_their_rgb_values(space: str) -> None:
    samples = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    samples[within(FIELD)] = np.random.default_rng(0).integers(60, 255, (FIELD.height, FIELD.width, 3))
    if space == "YBR_FULL":
        samples = cv2.cvtColor(samples, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    dataset = image_of_cells(samples, PhotometricInterpretation=space)
    if space == "PALETTE COLOR":
        # indices that say nothing of how light they look: the margin has two, of one colour
        index = samples[..., 0].copy()
        index[: ROWS // 2][samples[: ROWS // 2, :, 0] == 0] = 255
        index[within(FIELD)] = np.random.default_rng(0).integers(1, 255, (FIELD.height, FIELD.width))
        dataset.SamplesPerPixel, dataset.PixelData = 1, index.tobytes()
        del dataset.PlanarConfiguration
        table = bytes([0, *range(200, 254), *range(54, 254), 0])[:255] + b"\0"
        for name in ("Red", "Green", "Blue"):
            setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
            setattr(dataset, f"{name}PaletteColorLookupTableData", table)
    assert is_near(kept(dataset))


def test_a_colour_as_light_as_the_margin_is_no_margin() -> None:
    samples = np.full((ROWS, COLUMNS, 3), 128, np.uint8)
    samples[within(FIELD)] = np.random.default_rng(0).integers(0, 255, (FIELD.height, FIELD.width, 3))
    # green is as light as the grey around it
    samples[100:140, 160:195] = (0, 255, 0)
    part = kept(image_of_cells(samples))
    assert part.x + part.width >= 195
    assert part.x > 30


@pytest.mark.parametrize("color", [False, True])
def test_redacted_pixels_do_not_affect_the_border(color: bool) -> None:
    made = []
    for inside in (0, 200, 60_000):
        values = cells(shut=100)
        values[5:25, 10:150] = inside
        dataset = image_of_cells(np.repeat((values // 16)[..., None], 3, -1) if color else values)
        explanation = plainfilm.explain(dataset, crop="border", redact=(10, 5, 140, 20))
        image = plainfilm.render(dataset, crop="border", redact=(10, 5, 140, 20))
        made.append((explanation.geometry, found(explanation), image.tobytes()))
    assert made[0] == made[1] == made[2]
    assert is_near(made[0][0].crop)


def test_missing_rows_are_no_margin() -> None:
    dataset = image_of_cells(cells(field=Box(40, 30, 120, ROWS - 30)))
    cut = to_bytes(dataset)[: -COLUMNS * 2 * 40]
    part = kept(dataset)
    assert part.y + part.height == ROWS
    explanation = plainfilm.explain(cut, crop="border", allow_truncated=True)
    assert explanation.geometry.crop == part


def test_the_crop_is_explained() -> None:
    cropped, whole = (plainfilm.explain(image_of_cells(values), crop="border") for values in (cells(), cells() * 0 + 7))
    part = cropped.geometry.crop
    assert "border_cropped" in found(cropped)
    assert f"{part.width} x {part.height} from column {part.x}, row {part.y}" in str(cropped)
    assert "because the rest is margin: --crop border" in str(cropped)
    assert "border_not_found" in found(whole)
    assert "border_cropped" not in found(whole)
    assert whole.geometry.crop is None
    assert "crop" not in [step.name for step in whole.steps]
    assert not {"border_cropped", "border_not_found"} & set(found(plainfilm.explain(image_of_cells(cells()))))


def test_a_resumed_run_crops_alike(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "film.dcm").write_bytes(to_bytes(image_of_cells(cells())))
    (tmp_path / "key").write_bytes(b"k" * 32)
    command = ["convert", str(source), str(out), "--jobs", "1", "--key-file", str(tmp_path / "key")]
    assert main([*command, "--crop", "border"]) == 0
    assert main([*command, "--crop", "border"]) == 0
    assert main(command) == 3
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    part = kept(image_of_cells(cells()))
    assert (row["width"], row["height"]) == (str(part.width), str(part.height))
    assert "border_cropped" in row["findings"].split(";")
    assert row["affine"] == f"1.0 0.0 {-float(part.x)} 0.0 1.0 {-float(part.y)}"


@pytest.mark.slow
@pytest.mark.parametrize("made", demo_radiographs()[:8], ids=lambda made: str(made.name))
def test_a_synthetic_hand_is_cropped_to_its_field(made: Any) -> None:
    outline = np.array(ground_truth_json(made)["field"])
    (left, top), (right, bottom) = np.floor(outline.min(0)), np.ceil(outline.max(0))
    part = kept(build_dataset(made))
    # padding reaches a little into the field
    assert -5 <= left - part.x <= 12
    assert -5 <= top - part.y <= 12
    assert -5 <= part.x + part.width - 1 - right <= 12
    assert -5 <= part.y + part.height - 1 - bottom <= 12


# What is left of the real radiographs that have a margin: left, top, right and bottom edge, as a reader draws them.
REAL_FILMS = {
    "sample-dicom-with-un-vr.dcm": (0, 20, 1466, 1968),
    "RG3_J2KI.dcm": (440, 0, 1255, 1760),
    "RG3_J2KR.dcm": (440, 0, 1255, 1760),
    "GH133.dcm": (1130, 0, 2394, 3062),
    "CR-ModalitySequenceLUT.dcm": (75, 622, 1927, 1505),
    "NM_Kakadu44_SOTmarkerincons.dcm": (30, 200, 2048, 2500),
}


@pytest.mark.slow
def test_real_radiographs_are_cropped_only_at_their_margins(film_folder: Path) -> None:
    with (film_folder / "catalog.csv").open(encoding="utf-8", newline="") as file:
        radiographs = [film_folder / row["file"] for row in csv.DictReader(file) if row["kind"] == "radiograph"]
    parts = {path.name: plainfilm.explain(path, crop="border", pixels="stored") for path in radiographs}
    left = {name: explanation.geometry.crop for name, explanation in parts.items()}
    edges = {name: (part.x, part.y, part.x + part.width, part.y + part.height) for name, part in left.items() if part}
    assert edges.keys() == REAL_FILMS.keys()
    assert all(edges[name] == pytest.approx(REAL_FILMS[name], abs=15) for name in edges), edges


def slanted(margin: int) -> Array:
    """A tilted field in a margin."""
    inside = np.zeros((480, 400), np.uint8)
    corners = cv2.boxPoints(((200, 240), (260, 350), 6))
    cv2.fillConvexPoly(inside, corners.astype(np.int32), 1)
    field = np.random.default_rng(2).integers(900, 2500, inside.shape)
    field = cv2.GaussianBlur(field.astype(np.float32), (0, 0), 3)
    return np.where(inside, field, margin).astype(np.int32)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_mask_paints_the_margin_black_and_leaves_the_field(photometric: str) -> None:
    values = slanted(4000)
    dataset = image_of_cells(values, PhotometricInterpretation=photometric)
    plain, masked = plainfilm.render(dataset), plainfilm.render(dataset, mask="border")
    inside = cv2.erode((values != 4000).astype(np.uint8), np.ones((9, 9))) > 0
    outside = cv2.erode((values == 4000).astype(np.uint8), np.ones((9, 9))) > 0
    assert masked.shape == plain.shape
    assert not masked[outside].any()
    np.testing.assert_array_equal(masked[inside], plain[inside])
    explanation = plainfilm.explain(dataset, mask="border")
    assert "border_masked" in [finding["code"] for finding in explanation.to_dict()["findings"]]  # type: ignore[attr-defined]
    assert "mask" in [step.name for step in explanation.steps]


def test_a_mask_and_a_crop_work_together() -> None:
    values = slanted(4000)
    dataset = image_of_cells(values)
    cropped = plainfilm.render(dataset, crop="border", mask="border")
    assert cropped.shape[0] < 480
    assert not cropped[0, 0].any()
    assert not cropped[-1, -1].any()


def test_a_mask_without_a_margin_changes_nothing() -> None:
    values = np.random.default_rng(0).integers(300, 2500, (240, 200))
    dataset = image_of_cells(values)
    np.testing.assert_array_equal(plainfilm.render(dataset, mask="border"), plainfilm.render(dataset))
    found = plainfilm.explain(dataset, mask="border").to_dict()["findings"]
    assert "border_not_found" in [finding["code"] for finding in found]  # type: ignore[attr-defined]
