# SPDX-License-Identifier: MIT
"""Test that a run finds presentation states and never mixes two versions of a state in one OUT."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.cases.build import build_case
from tests.support.presentation_states import item, state_of, to_file

import plainfilm
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.presentation_index import PresentationIndex, index_presentations
from plainfilm.conversion.single_image import convert_single
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OptionsError
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table

pytestmark = pytest.mark.slow

NARROW = {"SoftcopyVOILUTSequence": [item(WindowCenter=300, WindowWidth=400)]}
WIDE = {"SoftcopyVOILUTSequence": [item(WindowCenter=2048, WindowWidth=4096)]}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two films; the first has states of Monday and Tuesday."""
    folder = tmp_path / "in"
    (folder / "states é").mkdir(parents=True)
    for number in range(2):
        image, _ = build_case(rows=6, columns=8, seed=number, content="gradient")
        image.SOPInstanceUID = f"1.2.3.{number + 1}"
        (folder / f"film{number}.dcm").write_bytes(to_file(image))
        if number == 0:
            for day, voi in (("20260105", NARROW), ("20260106", WIDE)):
                state = state_of(image, SOPInstanceUID=f"1.9.{day}", PresentationCreationDate=day, **voi)
                (folder / "states é" / f"{day}.dcm").write_bytes(to_file(state))
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Callable[..., Run]:
    def run(**given: Any) -> Run:
        return Conversion([source], tmp_path / "out", Options.of({"jobs": 1, **given})).run()

    return run


def rows(out: Path) -> dict[str, dict[str, str]]:
    return {row["file_name"]: row for row in read_table(out / "metadata.csv")}


def test_auto_finds_the_state_among_the_sources(source: Path, convert: Callable[..., Run], tmp_path: Path) -> None:
    run = convert(presentation="auto")
    found = rows(tmp_path / "out")
    assert (run.converted, run.skipped) == (2, 2)
    assert {name: row["voi"] == "presentation" for name, row in found.items()} == {
        "film0.png": True,
        "film1.png": False,
    }
    assert found["film0.png"]["findings"] == "presentation_several"
    shown = cv2.imread(str(tmp_path / "out" / "film0.png"), cv2.IMREAD_UNCHANGED)
    expected = plainfilm.render(source / "film0.dcm", presentation=source / "states é" / "20260106.dcm")
    np.testing.assert_array_equal(shown, expected)
    assert not list((tmp_path / "out").rglob("presentations.sqlite"))


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_nothing_but_a_file_is_taken_for_the_index(kind: str, suffix: str, tmp_path: Path) -> None:
    victim, planted = tmp_path / "victim", tmp_path / f"index{suffix}"
    victim.write_bytes(b"untouched")
    {"link": lambda: planted.symlink_to(victim), "folder": planted.mkdir, "pipe": lambda: os.mkfifo(planted)}[kind]()
    with pytest.raises(LedgerError, match="symbolic link"):
        index_presentations([], tmp_path / "index")
    assert victim.read_bytes() == b"untouched"


def test_functions_in_a_planted_index_are_not_trusted(tmp_path: Path) -> None:
    index_presentations([], tmp_path / "index")
    with closing(PresentationIndex(tmp_path / "index")) as index:
        assert index._database.execute("PRAGMA trusted_schema").fetchone() == (0,)


def test_a_resumed_run_finds_the_states_again(source: Path, convert: Callable[..., Run], tmp_path: Path) -> None:
    hidden = tmp_path / "film0.dcm"
    (source / "film0.dcm").rename(hidden)
    convert(presentation="auto")
    hidden.rename(source / "film0.dcm")
    assert convert(presentation="auto").converted == 2
    assert rows(tmp_path / "out")["film0.png"]["voi"] == "presentation"


def test_the_content_of_a_state_counts_and_not_its_path(
    source: Path, convert: Callable[..., Run], tmp_path: Path
) -> None:
    monday, tuesday = ((source / "states é" / f"2026010{day}.dcm").read_bytes() for day in (5, 6))
    for name, content in (("a", monday), ("b", monday), ("c", tuesday)):
        (tmp_path / name).write_bytes(content)
    convert(presentation=tmp_path / "a")
    assert convert(presentation=tmp_path / "b").converted == 2
    with pytest.raises(LedgerError, match="--presentation"):
        convert(presentation=tmp_path / "c")
    assert rows(tmp_path / "out")["film1.png"]["findings"] == "presentation_not_applied"


@pytest.mark.parametrize("content", [None, b"no state"])
def test_a_file_that_is_no_state_is_refused_before_the_run(
    content: bytes | None, source: Path, convert: Callable[..., Run], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "state").write_bytes(content)
    with pytest.raises(OptionsError, match="--presentation"):
        convert(presentation=tmp_path / "state")
    with pytest.raises(OptionsError, match="--presentation"):
        convert_single(source / "film0.dcm", Options.of({"presentation": tmp_path / "state"}))
    assert not (tmp_path / "out").exists()


def test_a_single_image_allows_neither_masks_nor_auto(source: Path) -> None:
    for given in ({"overlays": "mask"}, {"presentation": "auto"}):
        with pytest.raises(OptionsError, match="folder as OUT"):
            convert_single(source / "film0.dcm", Options.of(given))
    with pytest.raises(OptionsError, match="makes further images"):
        plainfilm.render(source / "film0.dcm", overlays="mask")
