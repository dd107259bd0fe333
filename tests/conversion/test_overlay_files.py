# SPDX-License-Identifier: MIT
"""Test that the files of overlay planes have rows, are removed with their images and never replace one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.cases.build import build_case, to_bytes

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table

pytestmark = pytest.mark.slow

ROWS, COLUMNS = 8, 16


def overlaid(groups: tuple[int, ...] = (0x6000,), **parameters: Any) -> bytes:
    """A film with planes that cover its first 8 pixels."""
    dataset, _ = build_case(rows=ROWS, columns=COLUMNS, **parameters)
    for group in groups:
        for element, vr, value in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x50, "SS", [1, 1])):
            dataset.add_new(group << 16 | element, vr, value)
        dataset.add_new(group << 16 | 0x3000, "OW", b"\xff" + bytes(ROWS * COLUMNS // 8 - 1))
    return to_bytes(dataset)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "two.dcm").write_bytes(overlaid((0x6000, 0x6002)))
    (folder / "cine.dcm").write_bytes(overlaid(frames=2, seed=1))
    (folder / "plain.dcm").write_bytes(to_bytes(build_case(seed=2)[0]))
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Callable[..., Run]:
    def run(**given: Any) -> Run:
        return Conversion([source], tmp_path / "out", Options.of({"jobs": 1, "overlays": "mask", **given})).run()

    return run


def masks(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in (out / "__overlays").rglob("*") if path.is_file()}


def test_each_overlay_plane_is_a_file_listed_in_the_row_of_its_image(
    convert: Callable[..., Run], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert convert().converted == 4
    rows = {row["file_name"]: row["overlay_files"] for row in read_table(out / "metadata.csv")}
    assert rows == {
        "cine_f0001.png": "__overlays/cine_f0001_overlay0.png",
        "cine_f0002.png": "__overlays/cine_f0002_overlay0.png",
        "plain.png": "",
        "two.png": "__overlays/two_overlay0.png;__overlays/two_overlay1.png",
    }
    assert masks(out) == set(";".join(rows.values()).replace(";;", ";").split(";"))
    image = cv2.imread(str(out / "__overlays/two_overlay1.png"), cv2.IMREAD_UNCHANGED)
    expected = np.zeros((ROWS, COLUMNS), np.uint8)
    expected[0, :8] = 255
    np.testing.assert_array_equal(image, expected)


def test_a_changed_file_loses_its_old_planes(source: Path, convert: Callable[..., Run], tmp_path: Path) -> None:
    convert()
    (source / "two.dcm").write_bytes(overlaid(frames=2))
    os.utime(source / "two.dcm", ns=(1, 1))
    convert()
    assert {name for name in masks(tmp_path / "out") if "two" in name} == {
        "__overlays/two_f0001_overlay0.png",
        "__overlays/two_f0002_overlay0.png",
    }


def test_overwrite_removes_old_planes(convert: Callable[..., Run], tmp_path: Path) -> None:
    convert()
    convert(overwrite=True, overlays="off")
    assert masks(tmp_path / "out") == set()


def test_a_file_or_folder_named_like_a_plane_keeps_its_images(
    source: Path, convert: Callable[..., Run], tmp_path: Path
) -> None:
    (source / "two_overlay0.dcm").write_bytes(overlaid(seed=3))
    (source / "__Overlays").mkdir()
    (source / "__Overlays" / "two_overlay0.dcm").write_bytes(overlaid(seed=4))
    assert convert().converted == 6
    every = list((tmp_path / "out").rglob("*.png"))
    rows = read_table(tmp_path / "out" / "metadata.csv")
    named = [name for row in rows for name in (row["file_name"], *row["overlay_files"].split(";")) if name]
    assert len(every) == len(named) == len({name.lower() for name in named})


def test_an_image_is_not_published_if_its_plane_cannot_be(convert: Callable[..., Run], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "__overlays" / "two_overlay1.png").mkdir(parents=True)
    (out / "__overlays" / "two_overlay1.png" / "x").write_bytes(b"")
    run = convert(overwrite=True)
    assert (run.converted, run.failed) == (3, 1)
    assert not (out / "two.png").exists()
    assert masks(out) == {
        "__overlays/cine_f0001_overlay0.png",
        "__overlays/cine_f0002_overlay0.png",
        "__overlays/two_overlay1.png/x",
    }


def test_a_run_killed_before_its_rows_are_written_leaves_no_planes(convert: Callable[..., Run], tmp_path: Path) -> None:
    """What a ledger that has noted the names, and no rows, makes of files that have them."""
    convert(overlays="off")
    out = tmp_path / "out"
    left = out / "__overlays" / "two_overlay0.png"
    left.parent.mkdir()
    left.write_bytes(b"left")
    with closing(sqlite3.connect(out / ".plainfilm")) as ledger, ledger:
        ledger.execute("INSERT INTO pending VALUES ('__overlays/two_overlay0.png')")
    convert(overlays="off")
    assert not left.exists()


@pytest.mark.parametrize("names", ["uid", "hash"])
def test_sources_of_one_instance_keep_their_own_planes(names: str, source: Path, tmp_path: Path) -> None:
    """Images by UID are renamed as others come: their planes have names that stay."""
    (source / "again.dcm").write_bytes((source / "two.dcm").read_bytes())
    options, out = Options.of({"jobs": 2, "overlays": "mask", "names": names}), tmp_path / "out"
    assert Conversion([source], out, options).run().converted == 5
    named = [row["overlay_files"] for row in read_table(out / "metadata.csv") if row["overlay_files"]]
    assert len(named) == 4
    assert masks(out) == {name for names in named for name in names.split(";")}
    assert len(masks(out)) == 6
    assert Conversion([source], out, Options.of({**options.to_mapping(), "overwrite": True})).run().converted == 5
    assert len(masks(out)) == 6
