# SPDX-License-Identifier: MIT
"""Test that a contact sheet shows the images, suspects and failures of a run in the order that is asked for."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine
from tests.support.reports import SyntheticRows, failure

from plainfilm.errors import OptionsError, Reason
from plainfilm.report.sheet import SheetChoice, make_sheet

ROWS = SyntheticRows(
    400,
    {3: {"mean": 0.9}, 7: {"mean": None}, 9: {"mean": 0.1, "body_part": "CHEST"}},
    (failure("b.dcm"), failure("a.dcm", Reason.EMPTY)),
)


def names(choice: SheetChoice, most: int = 500) -> list[str]:
    """The names on a sheet."""
    return [cell.lines[0] for cell in make_sheet(Path("out"), ROWS, choice, most).cells]


def test_a_sheet_shows_all_images_in_the_order_of_the_table() -> None:
    assert names(SheetChoice()) == [f"{number:06}.png" for number in range(400)]


def test_images_are_sorted_by_a_column_and_those_without_a_value_come_last() -> None:
    rising, falling = names(SheetChoice("mean")), names(SheetChoice("mean", descending=True))
    assert (rising[0], rising[-2], rising[-1]) == ("000009.png", "000003.png", "000007.png")
    assert (falling[0], falling[-2], falling[-1]) == ("000003.png", "000009.png", "000007.png")
    assert len(rising) == len(set(rising)) == 400


def test_suspects_are_shown_with_their_reason() -> None:
    sheet = make_sheet(Path("out"), ROWS, SheetChoice(suspects=True))
    assert [(cell.lines[0], cell.lines[2]) for cell in sheet.cells] == [
        ("000003.png", "outlier"),
        ("000009.png", "repaired, outlier"),
        *((f"000{number}99.png", "repaired, duplicate") for number in range(4)),
    ]


def test_failures_are_shown_with_reason_and_message() -> None:
    sheet = make_sheet(Path("out"), ROWS, SheetChoice("reason", failed=True))
    assert [cell.lines[:2] for cell in sheet.cells] == [("a.dcm", "failed: empty"), ("b.dcm", "failed: truncated_file")]
    both = make_sheet(Path("out"), ROWS, SheetChoice(failed=True, suspects=True))
    assert [cell.image is None for cell in both.cells] == [True, True, *[False] * 6]


def test_a_sheet_has_a_limit_and_knows_the_number_of_all() -> None:
    sheet = make_sheet(Path("out"), ROWS, SheetChoice(), 10)
    assert (len(sheet.cells), sheet.total) == (10, 400)


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(OptionsError, match="--sort brightness"):
        SheetChoice("brightness")


def test_a_png_shows_the_pixels_of_the_images(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    for number in range(2):
        cv2.imwrite(str(tmp_path / "films" / f"{number:06}.png"), np.full((600, 600), 100 + number, np.uint8))
    content = make_sheet(tmp_path, SyntheticRows(3), SheetChoice()).to_png()
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    for number in range(2):
        assert (pixels == 100 + number).sum() > 200 * 200


def test_an_image_that_is_no_file_is_shown_by_its_thumbnail(tmp_path: Path) -> None:
    content = make_sheet(tmp_path, SyntheticRows(1), SheetChoice()).to_png()
    assert (np.asarray(Image.open(io.BytesIO(content)).convert("L")) > 220).sum() > 100
    absent = make_sheet(tmp_path, SyntheticRows(1, without_preview=frozenset({0})), SheetChoice())
    assert absent.cells[0].preview == b""
    assert absent.to_png()


def test_a_pdf_has_a_page_for_30_images() -> None:
    content = make_sheet(Path("out"), SyntheticRows(61), SheetChoice()).to_pdf()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") == 3


@pytest.mark.slow
def test_the_command_draws_sheets_of_a_run_and_leaves_it_as_it_is(plainfilm: CommandLine, tmp_path: Path) -> None:
    write_case(tmp_path / "in" / "a.dcm", centers=(2000,), widths=(1500,))
    (tmp_path / "in" / "b.dcm").write_bytes(b"")
    out = tmp_path / "out"
    assert plainfilm.run("convert", tmp_path / "in", out).returncode == 1
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for name, *words in (("a.png",), ("b.pdf", "--sort", "mean"), ("c.png", "--failed"), ("d.pdf", "--suspects")):
        done = plainfilm.run("sheet", out, "-o", tmp_path / name, *words)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).read_bytes()[:4] in (b"\x89PNG", b"%PDF")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert plainfilm.run("sheet", out, "-o", tmp_path / "e.jpg").returncode == 2
    assert plainfilm.run("sheet", out, "-o", tmp_path / "e.png", "--sort", "nothing").returncode == 2
    assert plainfilm.run("sheet", tmp_path / "in", "-o", tmp_path / "e.png").returncode == 3
