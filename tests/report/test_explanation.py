# SPDX-License-Identifier: MIT
"""Test the explanation of one image as a page in one file and as a drawing in a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine
from tests.support.planted import file_of, planted_film, planted_texts

from plainfilm.report.explanation_page import SmallImage, explanation_page
from plainfilm.report.terminal_preview import MOST_COLUMNS, MOST_ROWS, terminal_preview
from plainfilm.report.tone_chart import BINS, ToneChart

FILM = {"photometric": "MONOCHROME1", "centers": (2000,), "widths": (1500,), "voi_function": "SIGMOID"}
CHART = ToneChart(0.0, 4095.0, bytes(range(0, 4 * BINS, 4)), bytes(range(0, 4 * BINS, 4)))
HOSTILE = "</style><script>alert(1)</script>\u2028"
CODE = re.compile(r"\x1b\[[0-9;]*m")


def page_of(text: str) -> str:
    """A page in which every text of the explanation is the same."""
    step = dict.fromkeys(("name", "does", "attribute", "reason"), text)
    values = {"frame": 1, "frames": 1, "width": 4, "height": 4, "voi": text, "affine": [1.0, 0.0], "inverted": True}
    values |= {"steps": [step], "findings": [{"code": text, "detail": text}]}
    return explanation_page(values, SmallImage(np.full((4, 4), 9, np.uint8), CHART)).decode("ascii")


def test_a_page_is_one_file_without_scripts_that_asks_for_nothing() -> None:
    page = page_of("plain")
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in page
    assert "<script" not in page
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert [address.partition(",")[0] for address in addresses] == ["data:image/png;base64"]
    image = cv2.imdecode(np.frombuffer(b64decode(addresses[0].partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert (image == 9).all()
    assert "true" in page


def test_texts_of_an_explanation_cannot_become_elements() -> None:
    tags = re.compile(r"<[a-z/!]+")
    assert tags.findall(page_of(HOSTILE)) == tags.findall(page_of("plain"))


def test_a_preview_shows_the_levels_of_an_image_in_half_blocks() -> None:
    image = np.zeros((2, 8), np.uint8)
    image[0], image[1] = 255, 0
    first, *_ = terminal_preview(SmallImage(image, CHART), 80, has_true_color=True).splitlines()
    assert first.startswith("\x1b[38;2;255;255;255m\x1b[48;2;0;0;0m\u2580")
    first, *_ = terminal_preview(SmallImage(image, CHART), 80, has_true_color=False).splitlines()
    assert first.startswith("\x1b[38;5;231m\x1b[48;5;16m\u2580")


@pytest.mark.parametrize("shape", [(900, 100), (100, 900), (5, 5), (300, 300, 3)])
@pytest.mark.parametrize("columns", [20, 80, 300])
def test_a_preview_fits_the_terminal(shape: tuple[int, ...], columns: int) -> None:
    small = SmallImage(np.full(shape, 200, np.uint8), CHART)
    lines = CODE.sub("", terminal_preview(small, columns, has_true_color=False)).splitlines()
    assert max(map(len, lines)) < columns
    assert max(map(len, lines)) <= MOST_COLUMNS
    assert len(lines) <= MOST_ROWS + 9


def test_a_histogram_rises_with_its_counts() -> None:
    small = SmallImage(np.zeros((2, 2), np.uint8), CHART)
    lines = CODE.sub("", terminal_preview(small, 80, has_true_color=False)).splitlines()
    *_, lowest, strip, values, _ = lines
    assert set(strip) == {"\u2580"}
    assert lowest.lstrip(" ").rstrip("\u2588") != lowest
    assert values.split() == ["0", "4095"]


def in_terminal(film: Path, environment: dict[str, str]) -> str:
    """What `plainfilm explain` writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "plainfilm", "explain", str(film)], stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    content = b""
    try:
        while part := os.read(ours, 65536):
            content += part
    except OSError:
        # Linux reports the end of a terminal as an error
        pass
    os.close(ours)
    assert process.wait(60) == 0
    return content.decode()


@pytest.mark.slow
def test_a_preview_is_shown_on_a_terminal_with_colors_only(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "hand.dcm", **FILM)
    environment = {**plainfilm.environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    assert "\x1b[38;5;" in in_terminal(film, environment)
    for changes in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in in_terminal(film, environment | changes)
    assert "\x1b" not in plainfilm.run("explain", film).stdout


@pytest.mark.slow
def test_the_page_of_the_command_names_no_patient(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = tmp_path / "hand.dcm"
    film.write_bytes(file_of(planted_film()))
    done = plainfilm.run("explain", film, "--html")
    assert done.returncode == 0
    assert done.stdout.startswith("<!doctype html>")
    assert planted_texts(done.stdout_bytes) == set()
    assert "hand.dcm" not in done.stdout
    assert plainfilm.run("explain", film, "--html", "--json").returncode == 2
