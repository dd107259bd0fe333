# SPDX-License-Identifier: MIT
"""Test what `plainfilm convert` and `explain` say about paths, URLs, and single images."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine

from plainfilm.cli.main import main
from plainfilm.errors import Reason
from plainfilm.options.options import Options
from plainfilm.output.single import check_single
from plainfilm.records import Failure
from plainfilm.sources.walk import Listing

pytestmark = pytest.mark.slow

ORDINARY_USER = 65534


@pytest.mark.parametrize(
    "words",
    [
        ["convert", "ftp://bucket/films", "{out}"],
        ["convert", "{film}", "s4://bucket/out"],
        ["convert", "{film}", "https://host/out"],
        ["convert", "{film}", "gs://bucket/out.png"],
        ["convert", "ftp://user:secret@host/x.dcm", "{out}"],
        ["compare", "https://user:secret@host/x.dcm", "-o", "{out}.png"],
        ["convert", "{film}", "-o", "az://c/out", "--dry-run"],
        ["convert", "file:///x.dcm", "{out}"],
        ["convert", "s4://bucket/x.dcm", "{out}/x.png"],
        ["explain", "s4://bucket/x.dcm"],
        ["explain", "https:///x.dcm"],
        ["demo", "s3://bucket/out"],
    ],
)
def test_a_url_is_never_taken_for_a_path(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_case(tmp_path / "film.dcm", rows=16, columns=16)
    monkeypatch.chdir(tmp_path)
    assert main([word.format(film=film, out=tmp_path / "out") for word in words]) == 2
    said = capsys.readouterr().err
    assert "URL" in said
    assert "secret" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.dcm"]


def test_a_missing_file_beside_an_existing_image_is_a_message(plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"older")
    done = plainfilm.run("convert", str(tmp_path / "nope.dcm"), str(tmp_path / "x.png"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "nope.dcm' does not exist" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "x.png").read_bytes() == b"older"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A folder that may not be entered, by a user whom permissions bind."""
    mode, is_root = folder.stat().st_mode, os.geteuid() == 0
    folder.chmod(0)
    if is_root:
        os.seteuid(ORDINARY_USER)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(mode)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_may_not_be_entered_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from plainfilm.cli import explain

    film = write_case(tmp_path / "locked/film.dcm", rows=16, columns=16)
    with locked(tmp_path / "locked"):
        assert main(["explain", str(film)]) == 2
        (failure,) = Listing([film], None).entries()
        check_single([str(film)], str(tmp_path / "locked/x.png"), Options())
    said = capsys.readouterr().err
    assert "cannot be reached: Permission denied" in said
    assert explain.__name__ not in said
    assert isinstance(failure, Failure)
    assert (failure.reason, "without permission" in failure.message) == (Reason.UNREADABLE, True)


def test_a_single_image_is_reported_in_one_line(plainfilm: CommandLine, tmp_path: Path) -> None:
    film, image = write_case(tmp_path / "film.dcm", centers=(600,), widths=(3000,)), tmp_path / "x.png"
    first = plainfilm.run("convert", str(film), str(image))
    assert first.stderr == f"plainfilm: converted (look viewer, voi window:0) to {image}\n"
    again = plainfilm.run("convert", str(film), str(image), "--voi", "window:7")
    assert again.stderr == (
        "plainfilm: converted (look viewer, voi window:0), repaired: voi_index_missing, "
        f"to {image} (the existing file was replaced)\n"
    )
    quiet = plainfilm.run("convert", "-q", str(film), str(image))
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_single_image_makes_no_key_file(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "home")
    film = write_case(tmp_path / "film.dcm", rows=16, columns=16)
    assert command.run("convert", str(film), str(tmp_path / "x.png")).returncode == 0
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


@pytest.mark.parametrize("words", [["--names", "hash"], ["--columns", "StudyDate"], ["--overlays", "mask"]])
def test_options_of_a_folder_are_refused_for_a_single_image(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_case(tmp_path / "film.dcm", rows=16, columns=16)
    assert main(["convert", str(film), str(tmp_path / "x.png"), *words]) == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.csv", "out.zip", "film.dcm", "out.pdf", "out.DCM", "table.parquet", "x.gif"])
def test_an_out_with_the_suffix_of_a_file_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_case(tmp_path / "in/film.dcm", rows=16, columns=16)
    assert main(["convert", str(film), str(tmp_path / name)]) == 2
    assert "OUT" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out", "run.2024", "out.v1", "out.csv/"])
def test_other_names_are_folders(name: str, plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "in/film.dcm", rows=16, columns=16)
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    assert plainfilm.run("convert", str(film), str(tmp_path / name)).returncode == 0
    assert (tmp_path / name / "film.png").is_file()


def test_out_may_be_given_by_an_option(plainfilm: CommandLine, tmp_path: Path) -> None:
    films = [write_case(tmp_path / f"{name}.dcm", rows=16, columns=16) for name in "ab"]
    done = plainfilm.run("convert", "-o", str(tmp_path / "out"), *map(str, films), "-j", "1")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["a.png", "b.png"]


def test_an_empty_folder_says_so(plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "in/empty").mkdir(parents=True)
    done = plainfilm.run("convert", str(tmp_path / "in"), str(tmp_path / "out"))
    assert done.returncode == 1
    assert "hold no files" in done.stderr


@pytest.mark.parametrize("out", ["out", "x.png"])
def test_a_dicomdir_alone_says_to_give_its_folder(out: str, plainfilm: CommandLine, tmp_path: Path) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.FileSetID = "CD"
    dataset.DirectoryRecordSequence = []
    dataset.save_as(tmp_path / "DICOMDIR", enforce_file_format=True)
    done = plainfilm.run("convert", str(tmp_path / "DICOMDIR"), str(tmp_path / out))
    assert done.returncode == 1
    assert "DICOMDIR" in done.stderr
    assert "give the folder that it lies in" in done.stderr


def test_quiet_prints_nothing_of_a_run(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.dcm", rows=16, columns=16)
    done = plainfilm.run("convert", "-q", str(film), str(tmp_path / "out"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_options_of_a_folder_in_the_environment_are_ignored_for_a_single_image(
    plainfilm: CommandLine, tmp_path: Path
) -> None:
    film = write_case(tmp_path / "film.dcm", rows=16, columns=16)
    environment = {"PLAINFILM_NAMES": "hash", "PLAINFILM_COLUMNS": "StudyDate", "PLAINFILM_FIT": "pad"}
    assert plainfilm.run("convert", film, tmp_path / "x.png", environment=environment).returncode == 0


def test_a_path_with_a_line_end_adds_no_line_to_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    film = write_case(tmp_path / "in" / "a\nplainfilm: all is well.dcm", rows=16, columns=16)
    for words, code in (
        (["in", "o\nplainfilm: all is well", "--jobs", "1", "--no-report"], 0),
        ([str(film), "b\nplainfilm: all is well.png"], 0),
        ([str(film), "c\nplainfilm: all is well/x.png"], 1),
        (["in\nplainfilm: all is well", "out"], 2),
    ):
        assert main(["convert", *words]) == code
        shown = capsys.readouterr()
        lines = (shown.out + shown.err).splitlines()
        assert "\\nplainfilm: all is well" in lines[0]
        assert not [line for line in lines if line.startswith("plainfilm: all is well")]


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film, out = write_case(tmp_path / "a.dcm", rows=16, columns=16), tmp_path / "missing" / "x.png"
    assert main(["convert", str(film), str(out)]) == 1
    assert f"{out} could not be written: No such file or directory" in capsys.readouterr().err
