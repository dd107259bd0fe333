# SPDX-License-Identifier: MIT
"""A SOURCE keeps its names when other SOURCEs are added, and nothing is converted twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.outputs import images_of, rows_of

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.dry_run import dry_run
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options

pytestmark = pytest.mark.slow


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Folders with films of equal names: a, b, other/a."""
    for number, name in enumerate(("a/x.dcm", "a/b/y.dcm", "b/x.dcm", "b/y.dcm", "other/a/x.dcm")):
        write_case(tmp_path / "films" / name, rows=16, columns=16 + number)
    return tmp_path / "films"


def convert(tmp_path: Path, *sources: str | Path, **options: object) -> Run:
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    given = Options.of({"jobs": 1, "key_file": tmp_path / "key", **options})
    return Conversion([Path(source) for source in sources], tmp_path / "out", given).run()


def images(tmp_path: Path) -> dict[str, int]:
    """Each image with the time of its last change."""
    out = tmp_path / "out"
    return {name: (out / name).stat().st_mtime_ns for name in images_of(out)} if out.exists() else {}


def added(tmp_path: Path, *sources: str | Path, **options: object) -> list[str]:
    """Convert; return the new images. Those of earlier runs must be as they were."""
    before = images(tmp_path)
    convert(tmp_path, *sources, **options)
    after = images(tmp_path)
    assert {name: after.get(name) for name in before} == before
    assert sorted(row["file_name"] for row in rows_of(tmp_path / "out")) == sorted(after)
    return sorted(set(after) - set(before))


@pytest.mark.parametrize("names", ["keep", "hash"])
def test_a_folder_keeps_its_prefix_when_another_is_added(names: str, films: Path, tmp_path: Path) -> None:
    assert len(added(tmp_path, films / "a", names=names)) == 2
    assert len(added(tmp_path, films / "b", films / "a", names=names)) == 2
    assert added(tmp_path, films / "a", films / "b", names=names) == []
    assert added(tmp_path, films / "b", names=names) == []
    assert len(added(tmp_path, films / "other/a", films / "b", films / "a", names=names)) == 1


def test_a_new_prefix_takes_no_name_of_an_earlier_run(films: Path, tmp_path: Path) -> None:
    assert added(tmp_path, films / "a") == ["b/y.png", "x.png"]
    assert added(tmp_path, films / "b", films / "other/a") == ["a/x.png", "b-2/x.png", "b-2/y.png"]
    assert added(tmp_path, films / "other/a", films / "a", films / "b") == []


def test_a_repeated_base_name_stays_with_its_folder(films: Path, tmp_path: Path) -> None:
    assert added(tmp_path, films / "a", films / "other/a") == ["a-2/x.png", "a/b/y.png", "a/x.png"]
    assert added(tmp_path, films / "other/a", films / "a") == []
    assert added(tmp_path, films / "other/a") == []
    assert added(tmp_path, f"{films}/other/../a", f"{films}/other/a/") == []


def test_files_keep_their_names_when_another_of_the_name_is_added(films: Path, tmp_path: Path) -> None:
    assert len(added(tmp_path, films / "a/x.dcm")) == 1
    assert len(added(tmp_path, films / "b/x.dcm", films / "a/x.dcm")) == 1
    assert added(tmp_path, films / "a/x.dcm", films / "b/x.dcm") == []
    assert added(tmp_path, films / "b/x.dcm") == []


def test_globs_keep_their_names_when_another_is_added(films: Path, tmp_path: Path) -> None:
    assert added(tmp_path, f"{films}/a/*.dcm") == ["x.png"]
    assert added(tmp_path, f"{films}/b/*.dcm", f"{films}/a/*.dcm") == ["b-2/x.png", "b-2/y.png"]
    assert added(tmp_path, f"{films}/a/*.dcm", f"{films}/b/**") == []


def test_a_moved_folder_keeps_its_prefix(films: Path, tmp_path: Path) -> None:
    added(tmp_path, films / "a", films / "b")
    (tmp_path / "moved").mkdir()
    (films / "b").rename(tmp_path / "moved/b")
    assert added(tmp_path, tmp_path / "moved/b") == []


def test_the_dry_run_knows_the_names_of_earlier_runs(films: Path, tmp_path: Path) -> None:
    convert(tmp_path, films / "a")
    options = Options.of({"key_file": tmp_path / "key"})
    states = {
        entry.source: done for entry, done in dry_run([str(films / "b"), str(films / "a")], tmp_path / "out", options)
    }
    assert states == {"b-2/x.dcm": False, "b-2/y.dcm": False, "b/y.dcm": True, "x.dcm": True}


def test_an_overwriting_run_forgets_the_prefixes(films: Path, tmp_path: Path) -> None:
    convert(tmp_path, films / "a")
    convert(tmp_path, films / "a", films / "b", overwrite=True)
    assert sorted(images(tmp_path)) == ["a/b/y.png", "a/x.png", "b/x.png", "b/y.png"]
    assert added(tmp_path, films / "a") == []


def test_the_summary_says_that_names_were_changed(films: Path, tmp_path: Path) -> None:
    run = convert(tmp_path, films / "a", films / "other/a")
    assert [note for note in run.notes if note.startswith("1 file has a name that another")]
    run = convert(tmp_path, films / "a", overwrite=True)
    assert not run.notes
    run = convert(tmp_path, films / "b/x.dcm", films / "a/x.dcm", overwrite=True)
    assert [note for note in run.notes if note.startswith("2 files have a name that another")]
