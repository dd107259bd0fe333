# SPDX-License-Identifier: MIT
"""`plainfilm convert`, the real command: every SOURCE, OUT and option, every exit code, and what it says about them."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.cases.build import LutSpec, build_case, to_bytes
from tests.support.oracle import oracle

from plainfilm.output.folder import FolderOutput

Run = Callable[..., subprocess.CompletedProcess[Any]]
Write = Callable[..., Path]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and permissions")

# a film that looks different under every option: two windows and a VOI LUT, values below zero, a hot border
FILM: dict[str, Any] = {
    "content": "border",
    "slope": 1,
    "intercept": -1024,
    "centers": (600, 900),
    "widths": (3000, 500),
    "explanations": ("NORMAL", "HARDER"),
    "voi_luts": (LutSpec(tuple(range(0, 4096, 2)), 0, 12),),
}
DEGENERATE = {"centers": (1e6,), "widths": (10,)}
OK, SOME_FAILED, WRONG, CANNOT_GO_ON = 0, 1, 2, 3


def picture(path: Path) -> NDArray[Any]:
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert read is not None, path
    return np.asarray(read)


def rows_of(out: Path, table: str = "metadata") -> list[dict[str, str]]:
    with open(out / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files_of(folder: Path) -> list[str]:
    """Every file in a folder, the run's private folder left out."""
    every = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in every if path.parts[0] != ".plainfilm")


def images_of(out: Path) -> list[str]:
    return [name for name in files_of(out) if name.endswith(".png")]


def last_counts(stderr: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stderr.splitlines()[-1])
    return found


@pytest.fixture
def film(tmp_path: Path, write_film: Write) -> Path:
    return write_film(tmp_path / "in" / "hand.dcm", **FILM)


@pytest.fixture(scope="module")
def default(plainfilm: Run, write_film: Write, tmp_path_factory: pytest.TempPathFactory) -> NDArray[Any]:
    """The picture of FILM without any option."""
    folder = tmp_path_factory.mktemp("default")
    film = write_film(folder / "hand.dcm", **FILM)
    assert plainfilm("convert", film, folder / "hand.png").returncode == OK
    return picture(folder / "hand.png")


def test_the_picture_is_what_the_contract_says(default: NDArray[Any]) -> None:
    np.testing.assert_array_equal(default, oracle.render(*build_case(**FILM)).image)


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("--look stretch", {"look": "stretch"}),
        ("--look minmax", {"look": "minmax"}),
        ("--look stored", {"look": "stored"}),
        ("--window -600,1500", {"window": (-600, 1500, "linear")}),
        ("--window=1000.5,800,sigmoid --look window", {"window": (1000.5, 800, "sigmoid")}),
        ("--stretch 5,50", {"look": "stretch", "stretch": (5, 50, False)}),
        ("--stretch 5,50,all", {"look": "stretch", "stretch": (5, 50, True)}),
        ("--voi none", {"voi": "none"}),
        ("--voi lut", {"voi": "lut"}),
        ("--voi window:1", {"voi": "window:1"}),
        ("--voi NORMAL", {"voi": "NORMAL"}),
        ("--polarity monochrome1", {"polarity": "monochrome1"}),
        ("--bits 16", {"bits": 16}),
    ],
)
def test_an_option_changes_the_picture_as_the_contract_says(
    words: str, meaning: dict[str, Any], film: Path, default: NDArray[Any], plainfilm: Run, tmp_path: Path
) -> None:
    done = plainfilm("convert", film, *words.split(), tmp_path / "hand.png")
    assert (done.returncode, done.stdout, done.stderr) == (OK, "", "")
    shown = picture(tmp_path / "hand.png")
    expected = oracle.render(*build_case(**FILM), **meaning).image
    assert shown.dtype == expected.dtype
    np.testing.assert_array_equal(shown, expected)
    same = shown.shape == default.shape and shown.dtype == default.dtype and np.array_equal(shown, default)
    assert same == (words == "--voi lut"), "the VOI LUT is the default, and everything else is not"


def test_one_picture_is_all_that_one_picture_gives(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert plainfilm("convert", film, tmp_path / "out" / "Hand.PNG").returncode == OK
    assert files_of(tmp_path / "out") == ["Hand.PNG"]


def test_standard_output_is_the_picture_and_nothing_else(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    done = plainfilm("convert", film, "-", text=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (OK, b"")
    assert done.stdout.startswith(b"\x89PNG\r\n\x1a\n")
    assert done.stdout.endswith(b"IEND\xaeB`\x82")
    assert plainfilm("convert", film, tmp_path / "hand.png").returncode == OK
    assert done.stdout == (tmp_path / "hand.png").read_bytes()
    assert not Path(tmp_path / "-").exists()


@pytest.mark.parametrize("out", ["-", "hand.png"])
def test_a_picture_that_fails_is_exit_1_with_the_reason_and_no_file(out: str, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.dcm").write_text("no film at all")
    (tmp_path / "hand.png").write_bytes(b"an older picture")
    done = plainfilm("convert", "notes.dcm", out, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (SOME_FAILED, "")
    assert done.stderr.startswith("plainfilm: not_dicom (read): ")
    assert (tmp_path / "hand.png").read_bytes() == b"an older picture"


def test_one_picture_of_several_frames_says_which(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    film = write_film(tmp_path / "cine.dcm", frames=3, content="gradient")
    done = plainfilm("convert", film, tmp_path / "one.png")
    assert (done.returncode, done.stdout) == (OK, "")
    assert "frame 1 of 3" in done.stderr
    assert "--frames" in done.stderr
    chosen = plainfilm("convert", film, tmp_path / "three.png", "--frames", "3")
    assert (chosen.returncode, chosen.stderr) == (OK, "")
    dataset, cells = build_case(frames=3, content="gradient")
    for name, frame in (("one", 1), ("three", 3)):
        expected = oracle.render(dataset, cells, frame=frame).image
        np.testing.assert_array_equal(picture(tmp_path / f"{name}.png"), expected)


@pytest.mark.parametrize(("which", "frames"), [("all", [1, 2, 3]), ("middle", [2])])
def test_frames_are_chosen(which: str, frames: list[int], plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    film, out = write_film(tmp_path / "cine.dcm", frames=3, content="gradient"), tmp_path / "out"
    assert plainfilm("convert", film, out, "--frames", which).returncode == OK
    assert images_of(out) == [f"cine_f{frame:04}.png" for frame in frames]
    assert [(row["frame"], row["frames"]) for row in rows_of(out)] == [(str(frame), "3") for frame in frames]


def test_a_frame_that_is_not_there_leaves_its_instance_out(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    film, out = write_film(tmp_path / "cine.dcm", frames=3), tmp_path / "out"
    assert plainfilm("convert", film, out, "--frames", "9").returncode == SOME_FAILED
    (row,) = rows_of(out, "failures")
    assert (row["status"], row["reason"]) == ("skipped", "excluded")
    assert "9" in row["message"]
    assert "3" in row["message"]


@pytest.mark.parametrize(("pixels", "size"), [("square", (64, 48)), ("stored", (32, 48))])
def test_pixels_are_made_square_or_left(pixels: str, size: tuple[int, int], plainfilm: Run, tmp_path: Path) -> None:
    dataset, _ = build_case(rows=32, columns=48)
    dataset.ImagerPixelSpacing = ["0.2", "0.1"]
    (tmp_path / "film.dcm").write_bytes(to_bytes(dataset))
    out = tmp_path / "out"
    assert plainfilm("convert", tmp_path / "film.dcm", out, "--pixels", pixels).returncode == OK
    assert picture(out / "film.png").shape == size
    (row,) = rows_of(out)
    assert (row["height"], row["width"], row["rows"], row["columns"]) == (str(size[0]), str(size[1]), "32", "48")
    assert row["spacing_y_mm"] == ("0.1" if pixels == "square" else "0.2")


def test_a_file_gives_its_picture_and_the_tables(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    done = plainfilm("convert", film, out, "--names", "keep")
    assert (done.returncode, done.stdout) == (OK, "")
    assert re.fullmatch(rf"1 images, 0 failed, 0 skipped in [\d.]+ s: {re.escape(str(out))}\n", done.stderr)
    assert files_of(out) == ["failures.csv", "hand.png", "metadata.csv", "run.json"]
    assert [row["source"] for row in rows_of(out)] == ["hand.dcm"]


def test_a_folder_is_walked_whatever_its_files_are_called(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    for name in ("a.dcm", "b/IM0001", "b/c/d.IMA", "b/e.v2.dicom"):
        write_film(tmp_path / "in" / name)
    out = tmp_path / "out"
    assert plainfilm("convert", tmp_path / "in", out).returncode == OK
    assert images_of(out) == ["a.png", "b/IM0001.png", "b/c/d.png", "b/e.v2.png"]
    assert [row["source"] for row in rows_of(out)] == ["a.dcm", "b/IM0001", "b/c/d.IMA", "b/e.v2.dicom"]


def test_several_folders_are_told_apart_by_their_names(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    folders = [tmp_path / "one" / "a", tmp_path / "b", tmp_path / "two" / "a"]
    for folder in folders:
        write_film(folder / "x.dcm")
    out = tmp_path / "out"
    assert plainfilm("convert", *folders, out).returncode == OK
    assert images_of(out) == ["a-2/x.png", "a/x.png", "b/x.png"]


def test_a_glob_that_no_shell_expanded_is_expanded(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    for name in ("a/1.dcm", "a/2.txt", "b/c/3.dcm"):
        write_film(tmp_path / "in" / name)
    out = tmp_path / "out"
    assert plainfilm("convert", f"{tmp_path / 'in'}/**/*.dcm", out).returncode == OK
    assert images_of(out) == ["a/1.png", "b/c/3.png"]


def test_some_failures_are_exit_1_and_the_rest_is_there(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    (film.parent / "broken.dcm").write_bytes(film.read_bytes()[:-100])
    out = tmp_path / "out"
    done = plainfilm("convert", film.parent, out)
    assert done.returncode == SOME_FAILED
    assert "1 images, 1 failed, 0 skipped" in done.stderr
    assert str(out / "failures.csv") in done.stderr
    assert images_of(out) == ["hand.png"]
    assert [(row["source"], row["reason"]) for row in rows_of(out, "failures")] == [
        ("broken.dcm", "truncated_pixel_data")
    ]


def test_what_is_skipped_is_no_failure(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    (film.parent / "notes.txt").write_text("about the film")
    done = plainfilm("convert", film.parent, tmp_path / "out")
    assert done.returncode == OK
    assert "1 images, 0 failed, 1 skipped" in done.stderr


@pytest.mark.parametrize("names", [["notes.txt"], []])
def test_no_image_at_all_is_exit_1(names: list[str], plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_text("no film")
    out = tmp_path / "out"
    assert plainfilm("convert", tmp_path / "in", out).returncode == SOME_FAILED
    assert (rows_of(out), len(rows_of(out, "failures"))) == ([], len(names))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{film} {out} --window 40,80 --look stretch", "--window contradicts --look stretch"),
        ("{film} {out} --window 40,80 --stretch 1,99", "--window and --stretch contradict"),
        ("{film} {out} --stretch 1,99 --look viewer", "--stretch contradicts --look viewer"),
        ("{film} {out} --look window", "needs --window CENTER,WIDTH"),
        ("{film} {out} --look pretty", "one of viewer, stretch"),
        ("{film} {out} --window 40", "CENTER,WIDTH"),
        ("{film} {out} --window 40,0", "1 or more"),
        ("{film} {out} --stretch 99,1", "LOW < HIGH"),
        ("{film} {out} --bits 12", "8 or 16"),
        ("{film} {out} --jobs 0", "from 1"),
        ("{film} {out} --frames 0", "a number from 1"),
        ("{film} {out} --names initials", "keep"),
        ("{film} {out} --unheard-of", "convert --help"),
        ("{film}", "a SOURCE and an OUT"),
        ("", "convert --help"),
        ("{folder}/missing {out}", "does not exist"),
        ("{folder}/*.ima {out}", "matches nothing"),
        ("{film} {film} {folder}/hand.png", "one file"),
        ("{folder} {folder}/hand.png", "one file"),
        ("{folder} -", "one file"),
        ("{folder} {folder}", "choose a folder of its own"),
        ("{film} {folder}/hand.jpg", "ends in .png"),
        ("{film} {out} --key-file {folder}/missing", "cannot be read"),
        ("{film} {out} --key-file {film}.short", "32 to"),
        ("{film} {out} --config {folder}/missing", "cannot be read"),
    ],
)
def test_a_wrong_command_line_is_exit_2_and_says_what_to_do(
    words: str, said: str, film: Path, configuration: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # one process is enough for what ends before any image is looked at
    monkeypatch.setenv("XDG_CONFIG_HOME", str(configuration))
    monkeypatch.setenv("HOME", str(configuration))
    film.with_name("hand.dcm.short").write_bytes(b"short")
    before = files_of(tmp_path)
    names = {"film": str(film), "folder": str(film.parent), "out": str(tmp_path / "out")}
    code, text = run_here(["convert", *(word.format(**names) for word in words.split())])
    assert code == WRONG
    assert text.startswith("plainfilm: ")
    assert said in text
    assert text.count("\n") == 1
    assert files_of(tmp_path) == before
    assert not (tmp_path / "out" / "metadata.csv").exists()


def run_here(words: list[str]) -> tuple[int, str]:
    """The exit code and standard error of a command in this process."""
    from contextlib import redirect_stderr
    from io import StringIO

    from plainfilm.cli.main import main

    with redirect_stderr(StringIO()) as stream:
        return main(words), stream.getvalue()


def test_the_process_itself_ends_with_exit_2(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    done = plainfilm("convert", film, tmp_path / "out", "--window", "40,80", "--look", "minmax")
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert not (tmp_path / "out").exists()


def test_a_picture_is_not_written_over_its_source(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.png")
    before = film.read_bytes()
    assert plainfilm("convert", film, film).returncode == WRONG
    assert film.read_bytes() == before


def test_an_out_that_holds_files_is_exit_3_unless_told_otherwise(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    refused = plainfilm("convert", film, out)
    assert refused.returncode == CANNOT_GO_ON
    assert "--overwrite" in refused.stderr
    assert files_of(out) == ["thesis.txt"]
    assert plainfilm("convert", film, out, "--overwrite").returncode == OK
    assert (out / "thesis.txt").read_text() == "years of work"
    assert images_of(out) == ["hand.png"]


def test_an_out_that_is_a_file_is_exit_3(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    done = plainfilm("convert", film, tmp_path / "out")
    assert done.returncode == CANNOT_GO_ON
    assert "choose another OUT" in done.stderr
    assert (tmp_path / "out").read_text() == "a file"


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that Linux keeps")
def test_a_full_disk_is_exit_3_and_claims_nothing(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    import resource

    film, out = write_film(tmp_path / "film.dcm", rows=700, columns=700, content="noise"), tmp_path / "out"

    def ration() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))

    done = plainfilm("convert", film, out, preexec_fn=ration)
    assert done.returncode == CANNOT_GO_ON
    assert "make room and run again" in done.stderr
    assert (images_of(out), rows_of(out)) == ([], [])
    assert not [name for name in files_of(out) if name.endswith(".tmp")]


def test_strict_turns_a_repair_into_a_failure(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm", **DEGENERATE)
    lenient = plainfilm("convert", film, tmp_path / "a")
    assert lenient.returncode == OK
    assert "1 images (1 repaired)" in lenient.stderr
    assert [row["status"] for row in rows_of(tmp_path / "a")] == ["repaired"]
    assert plainfilm("convert", film, tmp_path / "b", "--strict").returncode == SOME_FAILED
    assert [row["reason"] for row in rows_of(tmp_path / "b", "failures")] == ["repair_refused"]


def test_a_dry_run_writes_nothing_at_all(
    film: Path, plainfilm: Run, write_film: Write, configuration: Path, tmp_path: Path
) -> None:
    write_film(film.parent / "a" / "b.dcm")
    (film.parent / "notes.txt").write_text("no film")
    (film.parent / "loop").symlink_to(film.parent, target_is_directory=True)
    before = {path: path.stat() for folder in (tmp_path, configuration) for path in folder.rglob("*")}
    done = plainfilm("convert", film.parent, tmp_path / "out", "--dry-run", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (OK, "")
    assert done.stdout.splitlines() == [
        "convert\thand.dcm\thand",
        "skipped\tloop\tnot_a_file",
        "not_dicom\tnotes.txt",
        "convert\ta/b.dcm\ta/b",
    ]
    after = {path: path.stat() for folder in (tmp_path, configuration) for path in folder.rglob("*")}
    # only what is read may have another time of last access
    assert {path: (stat.st_size, stat.st_mtime_ns) for path, stat in after.items()} == {
        path: (stat.st_size, stat.st_mtime_ns) for path, stat in before.items()
    }


def test_a_dry_run_shows_what_is_done(film: Path, plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert plainfilm("convert", film.parent, out).returncode == OK
    write_film(film.parent / "new.dcm")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    done = plainfilm("convert", film.parent, out, "--dry-run")
    assert (done.returncode, done.stdout.splitlines()) == (OK, ["done\thand.dcm", "convert\tnew.dcm\tnew"])
    film.write_bytes(film.read_bytes() + b"\0\0")
    done = plainfilm("convert", film.parent, out, "--dry-run")
    assert done.stdout.splitlines() == ["convert\thand.dcm\thand", "convert\tnew.dcm\tnew"]
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    done = plainfilm("convert", film.parent, out, "--dry-run", "--bits", "16")
    assert (done.returncode, done.stdout) == (CANNOT_GO_ON, "")
    assert "--bits: 8 there, 16 now" in done.stderr
    with FolderOutput(out).lock():
        assert plainfilm("convert", film.parent, out, "--dry-run").returncode == CANNOT_GO_ON


def test_a_dry_run_shows_names_that_standard_output_cannot(plainfilm: Run, write_film: Write, tmp_path: Path) -> None:
    write_film(tmp_path / "in" / "K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln" / "1.dcm")
    words, encoding = ["convert", tmp_path / "in", tmp_path / "o", "--dry-run"], {"PYTHONIOENCODING": "ascii"}
    done = plainfilm(*words, environment=encoding, encoding="utf-8")
    name = "K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln/1"
    assert (done.returncode, done.stdout) == (OK, f"convert\t{name}.dcm\t{name}\n")


def test_a_dry_run_checks_the_command_line(plainfilm: Run, tmp_path: Path) -> None:
    done = plainfilm("convert", tmp_path / "missing", tmp_path / "out", "--dry-run")
    assert done.returncode == WRONG


def test_progress_as_json_is_all_that_standard_error_holds(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    (film.parent / "notes.txt").write_text("no film")
    (film.parent / "broken.dcm").write_bytes(film.read_bytes()[:-100])
    done = plainfilm("convert", film.parent, tmp_path / "out", "--progress", "json")
    assert (done.returncode, done.stdout) == (SOME_FAILED, "")
    assert all(isinstance(json.loads(line), dict) for line in done.stderr.splitlines())
    counts = last_counts(done.stderr)
    assert [counts[name] for name in ("done", "converted", "failed", "skipped", "total")] == [3, 1, 1, 1, 3]


def test_a_run_can_be_repeated_from_its_own_run_json(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "K").write_bytes(b"k" * 32)
    options, key = (
        ["--window", "-600,1500", "--bits", "16", "--polarity", "monochrome1"],
        ["--key-file", tmp_path / "K"],
    )
    assert plainfilm("convert", film, tmp_path / "a", *options, *key).returncode == OK
    again = plainfilm("convert", film, tmp_path / "b", "--config", tmp_path / "a" / "run.json", *key)
    assert again.returncode == OK
    for name in ("hand.png", "metadata.csv", "failures.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    one, other = (json.loads((tmp_path / out / "run.json").read_text()) for out in "ab")
    assert one["options"] == other["options"]


def test_the_command_line_wins_over_the_file_and_that_over_the_environment(
    film: Path, plainfilm: Run, tmp_path: Path
) -> None:
    (tmp_path / "options.toml").write_text('look = "stretch"\nbits = 16\n')
    environment = {"PLAINFILM_LOOK": "minmax", "PLAINFILM_BITS": "8", "PLAINFILM_POLARITY": "monochrome1"}
    words = ["--config", tmp_path / "options.toml", "--stretch", "5,50"]
    assert plainfilm("convert", film, tmp_path / "hand.png", *words, environment=environment).returncode == OK
    meaning: dict[str, Any] = {"look": "stretch", "stretch": (5, 50, False), "bits": 16, "polarity": "monochrome1"}
    expected = oracle.render(*build_case(**FILM), **meaning).image
    np.testing.assert_array_equal(picture(tmp_path / "hand.png"), expected)


def test_a_key_is_made_once_in_the_users_configuration(film: Path, plainfilm: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {"XDG_CONFIG_HOME": str(home), "HOME": str(home)}
    for out in ("a", "b"):
        assert plainfilm("convert", film, tmp_path / out, environment=environment).returncode == OK
    (key,) = [path for path in home.rglob("*") if path.is_file()]
    assert key.stat().st_mode & 0o077 == 0
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    for path in (path for out in ("a", "b") for path in (tmp_path / out).rglob("*") if path.is_file()):
        assert key.read_bytes() not in path.read_bytes()


def crowd(folder: Path, write_film: Write, count: int = 600) -> Path:
    """A folder of many links to one film, a little more than a second's work."""
    film = write_film(folder / "0000.dcm", rows=512, columns=512)
    for number in range(1, count):
        os.link(film, folder / f"{number:04}.dcm")
    return folder


@pytest.fixture
def running(surroundings: dict[str, str], write_film: Write, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of many films by two workers, amid its work."""
    folder, out = crowd(tmp_path / "in", write_film), tmp_path / "out"
    words = [sys.executable, "-m", "plainfilm", "convert", str(folder), str(out), "--jobs", "2"]
    with subprocess.Popen(words, env=surroundings, stderr=subprocess.PIPE, text=True, start_new_session=True) as run:
        deadline = time.monotonic() + 60
        while not (out.is_dir() and any(out.glob("*.png"))):
            assert run.poll() is None, "it ended before it began"
            assert time.monotonic() < deadline, "it never began"
            time.sleep(0.01)
        try:
            yield run
        finally:
            run.kill()


@posix
@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ([signal.SIGINT], 130),
        ([signal.SIGTERM], 143),
        ([signal.SIGINT, signal.SIGINT], 130),
    ],
)
def test_an_interrupted_run_has_what_is_done_in_its_tables(
    signals: list[signal.Signals], code: int, running: subprocess.Popen[str], tmp_path: Path
) -> None:
    for number in signals:
        os.killpg(running.pid, number)
        time.sleep(0.02)  # signals that come together may be taken for one
    _, said = running.communicate(timeout=60)
    assert running.returncode == code
    out = tmp_path / "out"
    listed = [row["file_name"] for row in rows_of(out)]
    assert listed == images_of(out)
    assert 0 < len(listed) < 600
    assert rows_of(out, "failures") == []
    assert not list(out.rglob("*.tmp"))
    assert "Traceback" not in said
    assert "interrupted" in said
    assert "the same command again" in said
    assert json.loads((out / "run.json").read_text())["interrupted"] is True


@posix
def test_an_out_that_another_run_holds_is_exit_3_and_that_run_is_unharmed(
    running: subprocess.Popen[str], film: Path, plainfilm: Run, tmp_path: Path
) -> None:
    done = plainfilm("convert", film, tmp_path / "out", "--overwrite")
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert done.returncode == CANNOT_GO_ON
    assert "another run" in done.stderr
    assert [row["file_name"] for row in rows_of(tmp_path / "out")] == images_of(tmp_path / "out")
    assert "hand.png" not in images_of(tmp_path / "out")
