# SPDX-License-Identifier: MIT
"""One place in OUT that cannot be written costs one image, or ends the run with exit code 3 and all other tables."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conversion.test_resuming import tree
from tests.support.cases.build import case_file

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.errors import OutputError, RunError
from plainfilm.options.options import Options
from plainfilm.output.directory import OutputDirectory
from plainfilm.output.tables import UnwritableTableError, read_table

pytestmark = pytest.mark.slow

IMAGES = ["0.png", "1.png", "b/2.png", "b/3.png"]
Converts = Callable[..., Run]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for number in range(4):
        (folder / ("b" if number > 1 else "") / f"{number}.dcm").write_bytes(case_file(seed=number))
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An OUT in which another program has put things: so a run needs --overwrite at first."""
    out = tmp_path / "out"
    out.mkdir()
    return out


@pytest.fixture
def convert(source: Path, tmp_path: Path, out: Path) -> Converts:
    def run(**options: Any) -> Run:
        given = {"jobs": 1, "key_file": tmp_path / "key", **options}
        return Conversion([source], out, Options.of(given)).run()

    return run


def file_names(out: Path) -> list[str]:
    return [row["file_name"] for row in read_table(out / "metadata.csv")]


def failures(out: Path) -> dict[str, str]:
    return {row["source"]: row["reason"] for row in read_table(out / "failures.csv")}


def test_a_folder_where_an_image_should_go_costs_one_image(convert: Converts, out: Path) -> None:
    (out / "0.png").mkdir()
    assert convert().exit_code == 1
    assert file_names(out) == IMAGES[1:]
    assert failures(out) == {"0.dcm": "write_failed"}
    (out / "0.png").rmdir()
    assert convert().exit_code == 0
    assert file_names(out) == IMAGES


def test_a_file_where_a_folder_should_go_costs_the_images_of_that_folder(convert: Converts, out: Path) -> None:
    (out / "b").write_text("a file")
    assert convert(overwrite=True).exit_code == 1
    assert file_names(out) == IMAGES[:2]
    assert failures(out) == {"b/2.dcm": "write_failed", "b/3.dcm": "write_failed"}
    (out / "b").unlink()
    assert convert().exit_code == 0
    assert file_names(out) == IMAGES


@pytest.mark.parametrize("name", ["0.png", "b"])
def test_a_place_that_becomes_bad_between_two_runs_is_no_other_than_one_that_was(
    name: str, convert: Converts, out: Path
) -> None:
    convert()
    whole = tree(out)
    if name == "b":
        shutil.rmtree(out / "b")
        (out / "b").write_text("a file")
    else:
        (out / name).unlink()
        (out / name).mkdir()
    run = convert()
    assert run.exit_code == 1
    assert set(failures(out).values()) == {"write_failed"}
    assert file_names(out) == [image for image in IMAGES if not image.startswith(name)]
    (out / name).unlink() if name == "b" else (out / name).rmdir()
    assert convert().exit_code == 0
    assert tree(out) == whole


@pytest.mark.parametrize("name", ["metadata.csv", "failures.csv", "run.json"])
def test_a_folder_in_the_place_of_a_table_ends_the_run_with_the_other_tables(
    name: str, convert: Converts, out: Path
) -> None:
    (out / name).mkdir()
    with pytest.raises(UnwritableTableError, match=f"{name} cannot be written.*move away") as error:
        convert()
    assert error.value.exit_code == 3
    for other in {"metadata.csv", "failures.csv", "run.json"} - {name}:
        assert (out / other).is_file(), other
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == IMAGES
    assert not list(out.rglob("*.tmp"))
    (out / name).rmdir()
    assert convert().exit_code == 0
    assert (out / name).is_file()


def test_a_table_that_cannot_be_written_is_no_traceback_and_exit_code_3(
    source: Path, out: Path, tmp_path: Path
) -> None:
    (out / "metadata.csv").mkdir()
    done = command(source, out, tmp_path)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "metadata.csv cannot be written" in done.stderr


def command(source: Path, out: Path, tmp_path: Path, limit: str = "") -> subprocess.CompletedProcess[str]:
    words = ["convert", str(source), str(out), "--jobs", "2", "--key-file", str(tmp_path / "key")]
    call = [sys.executable, "-m", "plainfilm", *words]
    if limit:
        call = ["sh", "-c", f'{limit}; exec "$@"', "sh", *call]
    return subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit")
@pytest.mark.parametrize("descriptors", [12, 20, 28, 40])
def test_too_few_file_descriptors_end_the_run_with_a_message(
    descriptors: int, source: Path, out: Path, tmp_path: Path
) -> None:
    done = command(source, out, tmp_path, f"ulimit -n {descriptors}")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1, 3), done.stderr
    if done.returncode != 3:
        assert len(file_names(out)) + len(failures(out)) == len(IMAGES)
    assert command(source, out, tmp_path).returncode == 0
    assert file_names(out) == IMAGES


def test_a_folder_that_cannot_be_entered_costs_its_images(convert: Converts, out: Path) -> None:
    convert()
    whole = tree(out)
    (out / "b").chmod(0)
    try:
        if os.access(out / "b", os.R_OK):
            pytest.skip("permissions do not bind this user")
        run = convert()
        assert run.exit_code == 1
        assert failures(out) == {"b/2.dcm": "write_failed", "b/3.dcm": "write_failed"}
        assert [note for note in run.notes if note.startswith("2 files in OUT that have no row")]
    finally:
        (out / "b").chmod(0o700)
    assert convert().exit_code == 0
    assert tree(out) == whole


def test_a_file_that_gets_its_name_but_is_not_flushed_leaves_no_file_without_a_row(
    convert: Converts, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(directory: OutputDirectory) -> None:
        assert directory.descriptor is not None
        if (out / "b").exists() and os.path.samestat(os.fstat(directory.descriptor), (out / "b").stat()):
            raise OSError(errno.EINVAL, "no directory can be flushed")

    monkeypatch.setattr(OutputDirectory, "sync", refuse)
    assert convert().exit_code == 1
    assert failures(out) == {"b/2.dcm": "write_failed", "b/3.dcm": "write_failed"}
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == IMAGES[:2]


def test_an_error_that_is_no_row_ends_the_run_with_exit_code_3_and_tables(
    convert: Converts, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OutputError("refused")

    monkeypatch.setattr(ResultCommitter, "close", refuse)
    with pytest.raises(RunError, match="refused") as error:
        convert()
    assert error.value.exit_code == 3
    assert (out / "failures.csv").is_file()


@pytest.mark.parametrize("name", ["", "-lock", "-staging", "-wal", "-journal"])
def test_a_private_name_that_is_taken_ends_the_run(name: str, convert: Converts, out: Path) -> None:
    convert()
    whole = tree(out)
    place = out / f".plainfilm{name}"
    kept = out.with_name("kept")
    if place.exists():
        place.rename(kept)
    (place / "folder").mkdir(parents=True)
    with pytest.raises(RunError) as error:
        convert()
    assert error.value.exit_code == 3
    assert tree(out) == whole
    shutil.rmtree(place)
    if kept.exists():
        kept.rename(place)
    assert convert().exit_code == 0


def test_a_finished_run_leaves_the_ledger_the_lock_and_no_further_folder(convert: Converts, out: Path) -> None:
    convert()
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["b"]
    private = sorted(path for path in out.iterdir() if path.name.startswith(".plainfilm"))
    assert [path.name for path in private] == [".plainfilm", ".plainfilm-lock"]
    assert [path.stat().st_mode & 0o777 for path in private] == [0o600, 0o600]
    assert private[1].stat().st_size == 0


def test_a_run_that_ends_with_an_error_leaves_no_staging(convert: Converts, out: Path) -> None:
    (out / "metadata.csv").mkdir()
    with pytest.raises(UnwritableTableError):
        convert()
    assert sorted(path.name for path in out.glob(".plainfilm*")) == [".plainfilm", ".plainfilm-lock"]
