# SPDX-License-Identifier: MIT
"""The contact sheet has the right pictures in the right places, text that fits, and no personal data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from plainfilm.demo.catalog import demo_radiographs
from plainfilm.demo.sheet import (
    CELL_WIDTH,
    GREY_STEP,
    GUTTER,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    LABEL_HEIGHT,
    MARGIN,
    NAME_SIZE,
    REASON_SIZE,
    SEAM,
    WIDTH,
    Pair,
    contact_sheet,
)
from plainfilm.report.drawing import fit, font_of, wrap


def flat(grey: int, rows: int = 100, columns: int = 80) -> np.ndarray:
    return np.full((rows, columns), grey, np.uint8)


def test_the_naive_picture_is_left_and_pairs_are_in_reading_order(tmp_path: Path) -> None:
    pairs = [Pair(f"radiograph {n}", "a reason", flat(10 * n), flat(10 * n + 100)) for n in range(1, 6)]
    contact_sheet(pairs, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape[1] == WIDTH
    second_row = (sheet.shape[0] - 2 * MARGIN - GUTTER) // 2 + GUTTER
    for index, pair in enumerate(pairs):
        column = MARGIN + index % 3 * (CELL_WIDTH + GUTTER) + IMAGE_WIDTH // 2
        row = MARGIN + index // 3 * second_row + LABEL_HEIGHT + IMAGE_HEIGHT // 2
        assert 0 <= pair.naive[0, 0] - sheet[row, column] < GREY_STEP
        assert 0 <= pair.plainfilm[0, 0] - sheet[row, column + IMAGE_WIDTH + SEAM] < GREY_STEP


def test_names_and_reasons_fit() -> None:
    for radiograph in demo_radiographs():
        assert font_of(NAME_SIZE).getlength(radiograph.name) <= CELL_WIDTH
        lines = wrap(radiograph.reason, CELL_WIDTH, font_of(REASON_SIZE))
        assert len(lines) <= 2
        assert " ".join(lines) == radiograph.reason


def test_the_file_has_only_pixels(tmp_path: Path) -> None:
    contact_sheet([Pair("name", "reason", flat(0), flat(255))], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.mode == "RGB"
        assert image.info == {}


def test_the_same_pairs_give_the_same_bytes(tmp_path: Path) -> None:
    pairs = [Pair("name", "reason", flat(5), flat(6))]
    for name in ("a.png", "b.png"):
        contact_sheet(pairs, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(("rows", "columns"), [(300, 100), (100, 300), (7, 9), (2000, 10)])
def test_a_picture_keeps_its_aspect_ratio(rows: int, columns: int) -> None:
    box = fit(flat(200, rows, columns), 120, 100)
    assert box.shape == (120, 100)
    filled = box > 0
    height, width = int(filled.any(axis=1).sum()), int(filled.any(axis=0).sum())
    assert height == 120 or width == 100
    assert abs(height * columns - width * rows) <= max(rows, columns)
