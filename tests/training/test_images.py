# SPDX-License-Identifier: MIT
"""Test the images of training data sets without PyTorch: those of OUT, and DICOM files that are rendered on demand."""

from __future__ import annotations

import math
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm
from plainfilm.api.item_options import ItemOptions
from plainfilm.api.training import TrainingImages, open_images
from plainfilm.output.byte_strings import ByteStrings

SIDES = ("left", "right", "")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine films of nine patients in two folders, their labels, a text, and a companion file of macOS."""
    folder = tmp_path_factory.mktemp("in") / "films"
    (folder / "more").mkdir(parents=True)
    for number in range(9):
        dataset, _ = build_case(rows=6, columns=8, seed=number)
        dataset.PatientID, dataset.PatientAge = f"P{number}", f"{20 + number:03}Y" if number else ""
        (folder / ("more" if number > 5 else "") / f"{number}.dcm").write_bytes(to_bytes(dataset))
    (folder / "._0.dcm").write_bytes(b"\x00\x05\x16\x07" + bytes(100))
    (folder / "notes").write_text("no film")
    rows = "".join(f"P{number},{number},{SIDES[number % 3]}\n" for number in range(9))
    (folder.parent / "labels.csv").write_text(f"PatientID,stem,side\n{rows}")
    (folder.parent / "key").write_bytes(b"k" * 32)
    return folder


def convert(films: Path, out: Path, **options: Any) -> Path:
    labels = {"labels": films.parent / "labels.csv", "label": "side", "label_key": "stem"}
    plainfilm.convert(
        films, out, key_file=films.parent / "key", jobs=1, no_report=True, modality="DX,CR", **labels, **options
    )
    return out


def opened(source: Any, label: str | None = None, **keywords: Any) -> TrainingImages:
    return open_images(source, ItemOptions.of(label, keywords), keywords)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("split", ["", "train=0.6,test=0.4"])
def test_out_gives_the_images_of_its_tables_with_the_same_classes(
    films: Path, tmp_path: Path, table: str, split: str
) -> None:
    out = convert(films, tmp_path / "out", table=table, split=split, split_balance="exact" if split else "hash")
    images = opened(out, "side", target_columns=["source", "patient_age", "frame", "inverted"])
    assert images.classes == ("left", "right")
    assert (len(images), images.without_label) == (6, 3)
    for index in range(len(images)):
        cells = images.cells(index)
        number = int(Path(str(cells["source"])).stem)
        assert SIDES[number % 3] == images.classes[images.codes[index]]
        assert (cells["frame"], cells["inverted"]) == (1, False)
        assert cells["patient_age"] == 20 + number or (number == 0 and math.isnan(float(cells["patient_age"])))
        np.testing.assert_array_equal(images.load(index), plainfilm.render(films / str(cells["source"])))
        assert Path(images.name(index)).is_file()
    if split:
        parts = [opened(out, "side", split=name) for name in ("train", "test")]
        assert sum(map(len, parts)) == 6
        assert {part.classes for part in parts} == {images.classes}
        with pytest.raises(plainfilm.OptionsError, match="its splits are test, train"):
            opened(out, split="validation")
    assert pickle.loads(pickle.dumps(images)).name(5) == images.name(5)


@pytest.mark.slow
@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp", "tiff", "jxl", "npy"])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_format_is_read_back(films: Path, tmp_path: Path, image_format: str, bits: int) -> None:
    if bits == 16 and image_format in ("jpeg", "webp"):
        pytest.skip("the format holds 8 bits")
    best = {"webp": {"lossless": True}, "jxl": {"lossless": True}, "jpeg": {"quality": 100}}.get(image_format, {})
    out = convert(films, tmp_path / "out", format=image_format, bits=bits, **best)
    image = opened(out).load(0)
    expected = plainfilm.render(films / "0.dcm", bits=bits)  # type: ignore[call-overload]
    assert image.dtype == expected.dtype
    grey = image[..., 0] if image_format == "webp" else image
    difference = np.abs(grey.astype(int) - expected.astype(int)).max()
    assert difference <= (4 if image_format == "jpeg" else 0)


@pytest.mark.slow
def test_colour_is_read_back_as_red_green_and_blue(tmp_path: Path) -> None:
    dataset, _ = build_case(rows=16, columns=16)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = bytes([200, 100, 50]) * 256
    (tmp_path / "0.dcm").write_bytes(to_bytes(dataset))
    for image_format in ("png", "jpeg", "webp", "tiff", "jxl", "npy"):
        out = tmp_path / image_format
        (tmp_path / "key").write_bytes(b"k" * 32)
        plainfilm.convert(tmp_path / "0.dcm", out, format=image_format, key_file=tmp_path / "key", jobs=1)  # type: ignore[arg-type]
        pixel = opened(out).load(0)[8, 8].astype(int)
        assert np.abs(pixel - (200, 100, 50)).max() <= 6, image_format


@pytest.mark.slow
def test_what_cannot_be_loaded_one_by_one_is_refused_with_advice(films: Path, tmp_path: Path) -> None:
    for layout in ("webdataset", "parquet"):
        out = convert(films, tmp_path / layout, layout=layout)
        with pytest.raises(plainfilm.OptionsError, match=r"many images in each file.*load_dataset"):
            opened(out)
    with tarfile.open(tmp_path / "films.tar.gz", "w:gz") as archive:
        archive.add(films, "films")
    with pytest.raises(plainfilm.OptionsError, match=r"can only be read in order.*IterableImageDataset"):
        opened(tmp_path / "films.tar.gz")
    out = convert(films, tmp_path / "out")
    with pytest.raises(plainfilm.OptionsError, match="no column 'size'; its columns of labels: label_side"):
        opened(out, "size")
    with pytest.raises(plainfilm.OptionsError, match="patient_age is a column of numbers"):
        opened(out, "patient_age")
    with pytest.raises(plainfilm.OptionsError, match="converted without --split"):
        opened(out, split="train")
    with pytest.raises(plainfilm.OptionsError, match="look applies to DICOM files"):
        opened(out, look="stretch")
    with pytest.raises(plainfilm.OptionsError, match="3 images have a label that is not in classes"):
        opened(out, "side", classes=["left"])
    (out / "metadata.csv").unlink()
    with pytest.raises(plainfilm.RunError, match="no metadata table: finish the run"):
        opened(out)


@pytest.mark.slow
def test_a_missing_or_damaged_image_file_is_an_error_with_its_path(films: Path, tmp_path: Path) -> None:
    out = convert(films, tmp_path / "out")
    images = opened(out)
    whole = (out / "1.png").read_bytes()
    (out / "0.png").unlink()
    (out / "1.png").write_bytes(whole[:-30])
    (out / "2.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"0\.png: the file cannot be read"):
        images.load(0)
    for index in (1, 2):
        with pytest.raises(plainfilm.ConversionError, match=rf"{index}\.png: the image file is damaged"):
            images.load(index)


@pytest.mark.parametrize("label_key", ["stem", "PatientID", "source", "file_name"])
def test_dicom_files_get_the_labels_of_a_file(films: Path, tmp_path: Path, label_key: str) -> None:
    names = [f"more/{number}" if number > 5 else str(number) for number in range(9)]
    keys = {
        "stem": map(str, range(9)),
        "PatientID": (f"P{number}" for number in range(9)),
        "source": (f"{name}.dcm" for name in names),
        "file_name": (f"{name}.png" for name in names),
    }
    rows = "".join(f"{key},{SIDES[number % 3]}\n" for number, key in enumerate(keys[label_key]))
    (tmp_path / "labels.csv").write_text(f"{label_key},side\n{rows}")
    labels: dict[str, Any] = {"labels": tmp_path / "labels.csv", "label_key": label_key}
    images = opened(films, "side", size=4, **labels)
    assert (images.classes, images.without_label) == (("left", "right"), 3)
    assert [images.name(index) for index in range(len(images))] == [
        f"{names[number]}.dcm" for number in range(9) if SIDES[number % 3]
    ]
    assert images.codes.tolist() == [0, 1] * 3
    np.testing.assert_array_equal(images.load(4), plainfilm.render(films / "more/6.dcm", size=4))


def test_files_that_are_not_dicom_are_left_out_and_members_of_archives_are_read(films: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive, tarfile.open(tmp_path / "films.tar", "w") as tar:
        for path in sorted(films.rglob("*")):
            archive.write(path, path.relative_to(films))
        tar.add(films, ".")
    for source in (films, tmp_path / "films.zip", tmp_path / "films.tar"):
        images = opened(source, look="stretch")
        assert len(images) == 9
        np.testing.assert_array_equal(images.load(8), plainfilm.render(films / "more/8.dcm", look="stretch"))


def test_wrong_options_are_errors(films: Path) -> None:
    labels: dict[str, Any] = {"labels": films.parent / "labels.csv"}
    for keywords, message in (
        ({"label": "side"}, "label needs labels"),
        ({"split": "train"}, "split needs the OUT of a run"),
        ({"target_columns": ["mean"]}, "target_columns needs the OUT of a run"),
        ({"form": "image"}, "form is one of tensor, array"),
        ({"failures": "ignore"}, "failures is one of raise, skip"),
        ({"classes": ["a"]}, "give label too"),
        ({"label": "side", "classes": ["left", "left"], **labels}, "a label twice"),
        ({"label": "side", "classes": "left", **labels}, "lists of texts"),
        ({"lok": "stretch"}, "has no option 'lok'"),
        ({"jobs": 2}, "has no option 'jobs'"),
    ):
        with pytest.raises(plainfilm.OptionsError, match=message):
            opened(films, keywords.pop("label", None), **keywords)  # type: ignore[call-overload]
    with pytest.raises(FileNotFoundError):
        opened(films / "none")
    with pytest.raises(plainfilm.OptionsError, match="needs the OUT of a run") as caught:
        opened(Path("https://user:s3cr3t@host/x"), split="train")
    assert "s3cr3t" not in str(caught.value)


def test_byte_strings_are_a_sequence() -> None:
    texts = [b"a", b"", "ä".encode(), b"x" * 300]
    strings = ByteStrings.of(texts)
    assert list(strings) == texts
    assert list(strings.select(np.array([3, 0]))) == [texts[3], texts[0]]
    assert list(ByteStrings.of([])) == []
    with pytest.raises(IndexError):
        strings[4]
