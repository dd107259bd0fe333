# SPDX-License-Identifier: MIT
"""Test `--prune`: the images and rows of sources that are gone are removed, and no others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import case_file
from tests.support.outputs import images_of, rows_of

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.conversion.verification import verify_output
from plainfilm.options.options import Options

pytestmark = pytest.mark.slow

Converts = Callable[..., Run]


@pytest.fixture
def convert(tmp_path: Path) -> Converts:
    """Converts the folders `in` or others into `out`, where `in` has three images and a damaged file."""
    for name in ("in/a/1", "in/a/2", "in/b/3", "other/4"):
        path = tmp_path / f"{name}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case_file(seed=int(name[-1])))
    (tmp_path / "in" / "b" / "empty.dcm").write_bytes(b"")
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(*folders: str, out: str = "out", **options: Any) -> Run:
        values = {"jobs": 1, "key_file": tmp_path / "key", **options}
        sources = [tmp_path / folder for folder in folders or ("in",)]
        return Conversion(sources, tmp_path / out, Options.of(values)).run()

    return run


def test_images_and_rows_of_sources_that_are_gone_are_removed(convert: Converts, tmp_path: Path) -> None:
    convert()
    shutil.rmtree(tmp_path / "in" / "b")
    (tmp_path / "in" / "a" / "1.dcm").unlink()
    assert convert().converted == 3
    run = convert(prune=True)
    assert "3 sources are gone: their rows and 2 files were removed (--prune)" in run.notes
    assert images_of(tmp_path / "out") == ["a/2.png"]
    assert [row["source"] for row in rows_of(tmp_path / "out")] == ["a/2.dcm"]
    assert rows_of(tmp_path / "out", "failures") == []
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["a"]
    assert not verify_output(tmp_path / "out").has_differences
    convert(out="anew")
    for name in ("metadata.csv", "failures.csv", "README.md"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "anew" / name).read_bytes()


def test_images_of_another_source_that_is_still_there_stay(convert: Converts, tmp_path: Path) -> None:
    convert()
    convert("other")
    (tmp_path / "in" / "a" / "1.dcm").unlink()
    convert("other", prune=True)
    assert images_of(tmp_path / "out") == ["4.png", "a/2.png", "b/3.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_nothing_is_pruned_where_a_folder_cannot_be_listed(convert: Converts, tmp_path: Path) -> None:
    convert()
    (tmp_path / "in" / "a" / "1.dcm").unlink()
    (tmp_path / "in" / "b").chmod(0)
    try:
        run = convert(prune=True)
    finally:
        (tmp_path / "in" / "b").chmod(0o700)
    assert [note for note in run.notes if note.startswith("nothing was pruned")]
    assert "a/1.png" in images_of(tmp_path / "out")


def test_pruning_may_be_repeated_and_is_no_other_run(convert: Converts, tmp_path: Path) -> None:
    convert(prune=True)
    before = images_of(tmp_path / "out")
    assert not [note for note in convert(prune=True).notes if "gone" in note]
    assert images_of(tmp_path / "out") == before
