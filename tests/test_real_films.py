# SPDX-License-Identifier: MIT
"""Test the conversion of all real images against their catalogue."""

from __future__ import annotations

import csv
import hashlib
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_voi_lut

import plainfilm
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.errors import Reason
from plainfilm.options.options import Options

pytestmark = pytest.mark.slow

Array = NDArray[Any]
Rows = dict[str, list[dict[str, str]]]

HAND = "pydicom+pylibjpeg-data/ljdata/ds/JPEG2000Lossless/NM_Kakadu44_SOTmarkerincons.dcm"

# films that a decoder of the catalogue refuses and plainfilm shows, and why it may
SHOWN_ALTHOUGH = {
    "GH1339.dcm": "encapsulated data without a sequence delimiter; the only frame is whole",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "encapsulated data without a sequence delimiter; every frame is whole",
    "liver_deflate.dcm": "Deflated Image Frame Compression, younger than the catalogue's decoder",
    "liver_nonbyte_aligned_deflate.dcm": "Deflated Image Frame Compression, younger than the catalogue's decoder",
    "liver_nonbyte_aligned_rle.dcm": "RLE of single bits",
    "liver_rle.dcm": "RLE of single bits",
    "JPEG-lossy.dcm": "JPEG of 12 bits",
    "badVR.dcm": "Number of Frames is 1A; the frame is whole",
    "GH340.dcm": "packed samples of 12 bits",
}
# Bits Stored that the tables have and the header has not: a codestream's precision, or the cells of floating data
BITS_STORED = {
    "693_J2KR.dcm": ("16", "14"),
    "parametric_map.dcm": ("", "64"),
    "parametric_map_double_float.dcm": ("", "64"),
    "parametric_map_float.dcm": ("", "32"),
}
# films whose windows pydicom does not see, as they are in functional groups
OTHERWISE_IN_PYDICOM = ("MOVEKNEE.dcm", "eCT_Supplemental.dcm")


@dataclass(frozen=True, slots=True)
class Converted:
    """The catalogue, and what a run over all its files gave."""

    folder: Path
    out: Path
    run: Run
    catalogue: dict[str, dict[str, str]]
    metadata: Rows
    failures: Rows


def rows_of(table: Path) -> Rows:
    found: Rows = defaultdict(list)
    with open(table, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["source"]].append(row)
    return found


@pytest.fixture(scope="session")
def converted(film_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    folder = tmp_path_factory.mktemp("real")
    (folder / "key").write_bytes(b"k" * 32)
    run = Conversion([film_folder], folder / "out", Options.of({"key_file": folder / "key", "jobs": 2})).run()
    with open(film_folder / "catalog.csv", newline="", encoding="utf-8") as file:
        catalogue = {row["file"]: row for row in csv.DictReader(file)}
    tables = (rows_of(folder / "out" / f"{name}.csv") for name in ("metadata", "failures"))
    return Converted(film_folder, folder / "out", run, catalogue, *tables)


def name_of(file: str) -> str:
    return file.rsplit("/", 1)[-1]


def test_every_file_ends_in_exactly_one_table(converted: Converted) -> None:
    wholes = {source for source, rows in converted.failures.items() if any(not row["frame"] for row in rows)}
    assert set(converted.catalogue) | {"catalog.csv"} == set(converted.metadata) | wholes
    assert not set(converted.metadata) & wholes
    assert sum(map(len, converted.metadata.values())) == converted.run.converted > 300


def test_no_failure_is_an_internal_error(converted: Converted) -> None:
    reasons = {row["reason"] for rows in converted.failures.values() for row in rows}
    assert reasons <= {reason.value for reason in Reason}
    assert not reasons & {"internal_error", "worker_died", "timeout", "memory_limit", "write_failed"}


def test_every_radiograph_is_converted(converted: Converted) -> None:
    radiographs = {file for file, row in converted.catalogue.items() if row["kind"] == "radiograph"}
    assert len(radiographs) == 16
    assert radiographs <= set(converted.metadata)


def test_images_that_the_catalogue_decodes_are_converted(converted: Converted) -> None:
    decoded = {file for file, row in converted.catalogue.items() if row["decode"].startswith("ok")}
    assert decoded <= set(converted.metadata)
    assert {name_of(file) for file in set(converted.metadata) - decoded} == set(SHOWN_ALTHOUGH)


def test_the_tables_agree_with_the_catalogue(converted: Converted) -> None:
    shared = {"Rows": "rows", "Columns": "columns", "PhotometricInterpretation": "photometric_interpretation"}
    differing, bits = [], {}
    for file, rows in converted.metadata.items():
        known = converted.catalogue[file]
        if not known["Rows"] or not known["PhotometricInterpretation"]:
            continue  # the catalogue has nothing of its header, or the file has not
        differing += [(file, name) for name, ours in shared.items() if any(row[ours] != known[name] for row in rows)]
        for row in rows:
            if row["bits_stored"] != known["BitsStored"]:
                bits[name_of(file)] = (known["BitsStored"], row["bits_stored"])
    assert differing == []
    assert bits == BITS_STORED


def test_every_frame_has_a_row(converted: Converted) -> None:
    for file, rows in converted.metadata.items():
        frames = converted.catalogue[file]["NumberOfFrames"]
        if frames.isdecimal():
            failed = len(converted.failures.get(file, []))
            assert len(rows) + failed == int(rows[0]["frames"]) == max(int(frames), len(rows)), file


def test_every_image_file_agrees_with_its_row(converted: Converted) -> None:
    for rows in converted.metadata.values():
        for row in rows:
            data = (converted.out / row["file_name"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
            shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            assert shown is not None
            assert shown.shape[:2] == (int(row["height"]), int(row["width"]))
            assert shown.dtype == np.uint8


def test_no_identity_is_in_any_table(converted: Converted) -> None:
    tables = {path: path.read_bytes() for path in converted.out.rglob("*.csv")}
    paths = "\n".join([*converted.metadata, *converted.failures]).encode()
    for file in converted.metadata:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(converted.folder / file, stop_before_pixels=True, force=True)
        for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "SOPInstanceUID"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = str(header.get(keyword) or "").strip()
            # a number without a point, or a path's own word, may be there for another reason
            if len(value) < 8 or value.isdecimal() or value.encode() in paths:
                continue
            assert not [path for path, text in tables.items() if value.encode() in text], keyword


def test_a_hand_is_light_on_a_dark_background(converted: Converted) -> None:
    (row,) = converted.metadata[HAND]
    shown = cv2.imread(str(converted.out / row["file_name"]), cv2.IMREAD_UNCHANGED)
    assert shown is not None
    rows, columns = shown.shape
    middle = shown[rows // 3 : 2 * rows // 3, columns // 3 : 2 * columns // 3]
    edge = np.concatenate([shown[:, : columns // 20].ravel(), shown[:, -columns // 20 :].ravel()])
    assert np.median(middle) > np.median(edge) + 30
    assert 0.05 < float(row["mean"]) < 0.8


def test_radiographs_use_the_whole_range_of_levels(converted: Converted) -> None:
    for file, known in converted.catalogue.items():
        # the portal image of a field without a patient is two levels, nearly
        if known["kind"] == "radiograph" and name_of(file) != "RTImageStorage.dcm":
            (row,) = converted.metadata[file]
            assert float(row["entropy"]) > 3, file
            assert float(row["black_fraction"]) < 0.9, file
            assert float(row["white_fraction"]) < 0.6, file


def decoded_by_pydicom(path: Path) -> tuple[pydicom.Dataset, Array] | None:
    """The header and first frame of a grey film as pydicom has it, or None."""
    try:
        dataset = pydicom.dcmread(path, force=True)
        if dataset.get("SamplesPerPixel", 1) != 1 or not dataset.PhotometricInterpretation.startswith("MONOCHROME"):
            return None
        cells = dataset.pixel_array
    except Exception:  # whatever it cannot do
        return None
    return dataset, cells if cells.ndim == 2 else cells[0]


def stretched(v: Array, inverted: bool) -> Array:
    """The published recipe for hand films, literally."""
    t = v.copy()
    t[(v == v.min()) | (v == v.max())] = np.median(v)
    low, high = np.percentile(t, (0.1, 99.9))
    if low == high:
        out = np.full(v.shape, 128, np.uint8)
    else:
        out = np.clip((v.astype(np.float64) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return 255 - out if inverted else out


def min_to_max(v: Array, inverted: bool) -> Array:
    """The recipe of the chest competitions, literally."""
    v = v.astype(np.float64 if v.dtype.kind == "f" else np.int64)
    v = v.max() - v if inverted else v
    v = v - v.min()
    return (v / v.max() * 255).astype(np.uint8) if v.max() else np.zeros(v.shape, np.uint8)


def test_the_recipes_equal_the_published_code(converted: Converted) -> None:
    compared, differing = 0, set()
    for file in converted.metadata:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = decoded_by_pydicom(converted.folder / file)
            if found is None:
                continue
            dataset, cells = found
            v = apply_voi_lut(cells, dataset, index=0)
        inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
        recipes = {"stretch": stretched, "minmax": min_to_max}
        # the largest films one time only: they take a second each
        for look in list(recipes)[: 1 if cells.size > 2_000_000 else 2]:
            recipe = recipes[look]
            shown = plainfilm.render(converted.folder / file, look=look, pixels="stored")
            compared += 1
            if not np.array_equal(shown, recipe(v, inverted)):
                differing.add((name_of(file), look))
    assert compared > 200
    assert {name for name, _ in differing} == set(OTHERWISE_IN_PYDICOM)
