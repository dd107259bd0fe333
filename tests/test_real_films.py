# SPDX-License-Identifier: MIT
"""The whole folder of real films through the command: nothing is lost, and radiographs convert."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_voi_lut

import plainfilm
from plainfilm.errors import Reason
from plainfilm.tables import read_table

pytestmark = pytest.mark.real_film

@dataclass(frozen=True, slots=True)
class Converted:
    """The real films converted once: OUT, its two tables, and the catalogue."""

    out: Path
    code: int
    images: list[dict[str, str]]
    failures: list[dict[str, str]]
    catalogue: list[dict[str, str]]

    def of(self, source: str) -> list[dict[str, str]]:
        return [row for row in self.images if row["source"] == source]


@pytest.fixture(scope="module")
def converted(film_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    home = tmp_path_factory.mktemp("real")
    out = home / "out"
    command = [sys.executable, "-m", "plainfilm", "convert", str(film_folder), str(out)]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home / "config")}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=600)
    with (film_folder / "catalog.csv").open(newline="", encoding="utf-8") as file:
        catalogue = list(csv.DictReader(file))
    return Converted(
        out, done.returncode, read_table(out / "metadata.csv"), read_table(out / "failures.csv"), catalogue
    )


def test_every_file_ends_in_a_table_and_every_row_in_one(converted: Converted) -> None:
    there = {row["file"] for row in converted.catalogue} | {"catalog.csv"}
    shown, failed = {row["source"] for row in converted.images}, {row["source"] for row in converted.failures}
    assert shown | failed == there
    rows = [(row["source"], row["frame"]) for row in (*converted.images, *converted.failures)]
    assert len(rows) == len(set(rows))
    whole = {row["source"] for row in converted.failures if row["frame"] == ""}
    assert not whole & shown
    assert converted.code == 1


def test_reasons_are_of_the_closed_list_and_none_is_an_internal_error(converted: Converted) -> None:
    reasons = {row["reason"] for row in converted.failures}
    assert reasons <= {reason.value for reason in Reason}
    assert not reasons & {"internal_error", "worker_died", "timeout", "memory_limit"}


def test_every_radiograph_converts(converted: Converted) -> None:
    radiographs = [row["file"] for row in converted.catalogue if row["kind"] == "radiograph"]
    assert len(radiographs) == 16
    assert [source for source in radiographs if not converted.of(source)] == []


def test_what_the_catalogue_decodes_converts(converted: Converted) -> None:
    readable = [row["file"] for row in converted.catalogue if row["decode"].startswith("ok")]
    lost = {source for source in readable if not converted.of(source)}
    assert lost == set()


def test_sizes_and_bits_are_those_of_the_catalogue(converted: Converted) -> None:
    for entry in converted.catalogue:
        for row in converted.of(entry["file"]):
            if entry["Rows"]:
                assert (row["rows"], row["columns"]) == (entry["Rows"], entry["Columns"])
            if entry["BitsStored"] and not {"codestream_disagrees", "bits_stored_widened"} & set(
                row["findings"].split(";")
            ):
                assert row["bits_stored"] == entry["BitsStored"]


def test_every_picture_is_whole_and_as_its_row_says(converted: Converted) -> None:
    pictures = {path.relative_to(converted.out).as_posix() for path in converted.out.rglob("*.png")}
    assert pictures == {row["file_name"] for row in converted.images}
    for row in converted.images:
        image = cv2.imread(str(converted.out / row["file_name"]), cv2.IMREAD_UNCHANGED)
        assert image.shape[:2] == (int(row["height"]), int(row["width"]))


def test_the_hand_is_a_hand(converted: Converted) -> None:
    row = next(row for row in converted.images if "NM_Kakadu44_SOTmarkerincons" in row["source"])
    hand = cv2.imread(str(converted.out / row["file_name"]), cv2.IMREAD_GRAYSCALE)
    wrist, beside, above = hand[1900:2050, 1080:1250], hand[1200:1400, 100:250], hand[20:180, 300:1700]
    assert np.median(wrist) > np.median(beside) + 30 > np.median(above) + 30
    marker = hand[500:640, 1680:1840]
    assert marker.max() > 240 > 60 > np.median(hand[700:760, 1680:1840])


def test_stretch_is_the_published_recipe_on_pydicoms_own_pixels(film_folder: Path, converted: Converted) -> None:
    compared = 0
    for entry in converted.catalogue:
        grey = entry["PhotometricInterpretation"].startswith("MONOCHROME") and entry["NumberOfFrames"] in ("", "1")
        if entry["TransferSyntax"].endswith("VR Little Endian") and entry["decode"].startswith("ok") and grey:
            expected = recipe(film_folder / entry["file"])
            if expected is not None:
                ours = plainfilm.render(film_folder / entry["file"], look="stretch", pixels="stored")
                assert np.array_equal(ours, expected), entry["file"]
                compared += 1
    assert compared >= 20


def recipe(path: Path) -> np.ndarray | None:
    """The recipe as it was published, where pydicom gives the stored values and its VOI is right; else None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        if "BitsStored" not in dataset or dataset.BitsStored not in (8, 16) or "RescaleSlope" in dataset:
            return None
        stored = dataset.pixel_array
        v = apply_voi_lut(stored, dataset, index=0)
    t = v.copy()
    t[(v == v.min()) | (v == v.max())] = np.median(v)
    low, high = np.percentile(t, (0.1, 99.9))
    if low == high:
        levels = np.full(v.shape, 128, np.uint8)
    else:
        levels = np.clip((v - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return 255 - levels if dataset.PhotometricInterpretation == "MONOCHROME1" else levels
