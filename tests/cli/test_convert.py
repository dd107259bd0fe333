# SPDX-License-Identifier: MIT
"""Test `plainfilm convert`: sources, OUT, options, exit codes and messages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.cases.build import LutSpec, build_case, to_bytes, write_case
from tests.support.command_line import CommandLine
from tests.support.oracle import oracle
from tests.support.outputs import files_of, images_of, rows_of

from plainfilm.output.folder import FolderOutput

pytestmark = pytest.mark.slow

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


def last_counts(stderr: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stderr.splitlines()[-1])
    return found


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_case(tmp_path / "in" / "hand.dcm", **FILM)


@pytest.fixture(scope="module")
def default(plainfilm: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> NDArray[Any]:
    """The picture of FILM without any option."""
    folder = tmp_path_factory.mktemp("default")
    film = write_case(folder / "hand.dcm", **FILM)
    assert plainfilm.run("convert", film, folder / "hand.png").returncode == OK
    return picture(folder / "hand.png")


def test_the_default_image_equals_the_oracle(default: NDArray[Any]) -> None:
    np.testing.assert_array_equal(default, oracle.render(*build_case(**FILM)).image)


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("--look stretch", {"look": "stretch"}),
        ("--window=1000.5,800,sigmoid --look window", {"window": (1000.5, 800, "sigmoid")}),
        ("--stretch 5,50,all", {"look": "stretch", "stretch": (5, 50, True)}),
        ("--voi lut", {"voi": "lut"}),
        ("--voi window:1", {"voi": "window:1"}),
        ("--polarity monochrome1", {"polarity": "monochrome1"}),
        ("--bits 16", {"bits": 16}),
    ],
)
def test_an_option_changes_the_image_like_the_oracle(
    words: str, meaning: dict[str, Any], film: Path, default: NDArray[Any], plainfilm: CommandLine, tmp_path: Path
) -> None:
    done = plainfilm.run("convert", film, *words.split(), tmp_path / "hand.png")
    assert (done.returncode, done.stdout) == (OK, "")
    assert done.stderr.startswith("plainfilm: converted (look ")
    assert done.stderr.count("\n") == 1
    shown = picture(tmp_path / "hand.png")
    expected = oracle.render(*build_case(**FILM), **meaning).image
    assert shown.dtype == expected.dtype
    np.testing.assert_array_equal(shown, expected)
    same = shown.shape == default.shape and shown.dtype == default.dtype and np.array_equal(shown, default)
    assert same == (words == "--voi lut"), "the VOI LUT is the default, and everything else is not"


def test_a_single_image_is_the_only_file_written(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert plainfilm.run("convert", film, tmp_path / "out" / "Hand.PNG").returncode == OK
    assert files_of(tmp_path / "out") == ["Hand.PNG"]


def test_standard_output_receives_the_image_only(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    done = plainfilm.run_process("convert", film, "-", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (OK, "")
    assert done.stdout_bytes.startswith(b"\x89PNG\r\n\x1a\n")
    assert done.stdout_bytes.endswith(b"IEND\xaeB`\x82")
    assert plainfilm.run("convert", film, tmp_path / "hand.png").returncode == OK
    assert done.stdout_bytes == (tmp_path / "hand.png").read_bytes()
    assert not Path(tmp_path / "-").exists()


@pytest.mark.parametrize("out", ["-", "hand.png"])
def test_a_failed_single_image_exits_with_1_and_the_reason(out: str, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes.dcm").write_text("no film at all")
    (tmp_path / "hand.png").write_bytes(b"an older picture")
    done = plainfilm.run("convert", "notes.dcm", out, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (SOME_FAILED, "")
    assert done.stderr.startswith("plainfilm: not_dicom (read): ")
    assert (tmp_path / "hand.png").read_bytes() == b"an older picture"


def test_a_single_image_of_several_frames_names_its_frame(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "cine.dcm", frames=3, content="gradient")
    done = plainfilm.run("convert", film, tmp_path / "one.png")
    assert (done.returncode, done.stdout) == (OK, "")
    assert "frame 1 of 3" in done.stderr
    assert "--frames" in done.stderr
    chosen = plainfilm.run("convert", film, tmp_path / "three.png", "--frames", "3")
    assert chosen.returncode == OK
    assert "frame 1 of 3" not in chosen.stderr
    dataset, cells = build_case(frames=3, content="gradient")
    for name, frame in (("one", 1), ("three", 3)):
        expected = oracle.render(dataset, cells, frame=frame).image
        np.testing.assert_array_equal(picture(tmp_path / f"{name}.png"), expected)


def test_verbose_prints_the_traceback_of_one_image_that_fails(plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"no film")
    done = plainfilm.run("convert", tmp_path / "a.dcm", tmp_path / "a.png", "--verbose")
    assert done.returncode == 1
    assert "NotDicomError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("plainfilm: not_dicom")


@pytest.mark.parametrize(("which", "frames"), [("all", [1, 2, 3]), ("middle", [2])])
def test_frames_are_chosen(which: str, frames: list[int], plainfilm: CommandLine, tmp_path: Path) -> None:
    film, out = write_case(tmp_path / "cine.dcm", frames=3, content="gradient"), tmp_path / "out"
    assert plainfilm.run("convert", film, out, "--frames", which).returncode == OK
    assert images_of(out) == [f"cine_f{frame:04}.png" for frame in frames]
    assert [(row["frame"], row["frames"]) for row in rows_of(out)] == [(str(frame), "3") for frame in frames]


def test_a_missing_frame_skips_the_instance(plainfilm: CommandLine, tmp_path: Path) -> None:
    film, out = write_case(tmp_path / "cine.dcm", frames=3), tmp_path / "out"
    assert plainfilm.run("convert", film, out, "--frames", "9").returncode == SOME_FAILED
    (row,) = rows_of(out, "failures")
    assert (row["status"], row["reason"]) == ("skipped", "excluded")
    assert "9" in row["message"]
    assert "3" in row["message"]


@pytest.mark.parametrize(("pixels", "size"), [("square", (64, 48)), ("stored", (32, 48))])
def test_pixels_are_made_square_unless_stored_is_requested(
    pixels: str, size: tuple[int, int], plainfilm: CommandLine, tmp_path: Path
) -> None:
    dataset, _ = build_case(rows=32, columns=48)
    dataset.ImagerPixelSpacing = ["0.2", "0.1"]
    (tmp_path / "film.dcm").write_bytes(to_bytes(dataset))
    out = tmp_path / "out"
    assert plainfilm.run("convert", tmp_path / "film.dcm", out, "--pixels", pixels).returncode == OK
    assert picture(out / "film.png").shape == size
    (row,) = rows_of(out)
    assert (row["height"], row["width"], row["rows"], row["columns"]) == (str(size[0]), str(size[1]), "32", "48")
    assert row["spacing_y_mm"] == ("0.1" if pixels == "square" else "0.2")


def test_a_file_gives_its_picture_and_the_tables(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    done = plainfilm.run("convert", film, out, "--names", "keep")
    assert (done.returncode, done.stdout) == (OK, "")
    first, *others = done.stderr.splitlines()
    assert re.fullmatch(rf"1 image, 0 failed, 0 skipped in [\d.]+ s: {re.escape(str(out))}", first)
    assert 2 <= len(others) <= 4
    assert str(out / "metadata.csv") in others[0]
    assert {"failures.csv", "hand.png", "metadata.csv", "report.html", "run.json"} <= set(files_of(out))
    assert images_of(out) == ["hand.png"]
    assert str(out / "report.html") in others[-1]
    assert [row["source"] for row in rows_of(out)] == ["hand.dcm"]


def test_a_folder_is_searched_for_any_file_name(plainfilm: CommandLine, tmp_path: Path) -> None:
    for name in ("a.dcm", "b/IM0001", "b/c/d.IMA", "b/e.v2.dicom"):
        write_case(tmp_path / "in" / name)
    out = tmp_path / "out"
    assert plainfilm.run("convert", tmp_path / "in", out).returncode == OK
    assert images_of(out) == ["a.png", "b/IM0001.png", "b/c/d.png", "b/e.v2.png"]
    assert [row["source"] for row in rows_of(out)] == ["a.dcm", "b/IM0001", "b/c/d.IMA", "b/e.v2.dicom"]


def test_several_folders_are_distinguished_by_their_names(plainfilm: CommandLine, tmp_path: Path) -> None:
    folders = [tmp_path / "one" / "a", tmp_path / "b", tmp_path / "two" / "a"]
    for folder in folders:
        write_case(folder / "x.dcm")
    out = tmp_path / "out"
    assert plainfilm.run("convert", *folders, out).returncode == OK
    assert images_of(out) == ["a-2/x.png", "a/x.png", "b/x.png"]


def test_a_glob_that_no_shell_expanded_is_expanded(plainfilm: CommandLine, tmp_path: Path) -> None:
    for name in ("a/1.dcm", "a/2.txt", "b/c/3.dcm"):
        write_case(tmp_path / "in" / name)
    out = tmp_path / "out"
    assert plainfilm.run("convert", f"{tmp_path / 'in'}/**/*.dcm", out).returncode == OK
    assert images_of(out) == ["a/1.png", "b/c/3.png"]


def test_some_failures_exit_with_1_and_the_rest_is_converted(
    film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    (film.parent / "broken.dcm").write_bytes(film.read_bytes()[:-100])
    out = tmp_path / "out"
    done = plainfilm.run("convert", film.parent, out)
    assert done.returncode == SOME_FAILED
    assert "1 image, 1 failed, 0 skipped" in done.stderr
    assert str(out / "failures.csv") in done.stderr
    assert images_of(out) == ["hand.png"]
    assert [(row["source"], row["reason"]) for row in rows_of(out, "failures")] == [
        ("broken.dcm", "truncated_pixel_data")
    ]


def test_a_skipped_file_is_no_failure(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (film.parent / "notes.txt").write_text("about the film")
    done = plainfilm.run("convert", film.parent, tmp_path / "out")
    assert done.returncode == OK
    assert "1 image, 0 failed, 1 skipped" in done.stderr


@pytest.mark.parametrize("names", [["notes.txt"], []])
def test_a_run_without_images_exits_with_1(names: list[str], plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_text("no film")
    out = tmp_path / "out"
    assert plainfilm.run("convert", tmp_path / "in", out).returncode == SOME_FAILED
    assert (rows_of(out), len(rows_of(out, "failures"))) == ([], len(names))


def test_an_out_with_other_files_exits_with_3_without_overwrite(
    film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    refused = plainfilm.run("convert", film, out)
    assert refused.returncode == CANNOT_GO_ON
    assert "--overwrite" in refused.stderr
    assert files_of(out) == ["thesis.txt"]
    assert plainfilm.run("convert", film, out, "--overwrite").returncode == OK
    assert (out / "thesis.txt").read_text() == "years of work"
    assert images_of(out) == ["hand.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that Linux keeps")
def test_a_full_disk_exits_with_3_and_lists_no_unwritten_image(plainfilm: CommandLine, tmp_path: Path) -> None:
    import resource

    film, out = write_case(tmp_path / "film.dcm", rows=700, columns=700, content="noise"), tmp_path / "out"

    def ration() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))

    done = plainfilm.run_process("convert", film, out, preexec_fn=ration)
    assert done.returncode == CANNOT_GO_ON
    assert "make room and run again" in done.stderr
    assert (images_of(out), rows_of(out)) == ([], [])
    assert not [name for name in files_of(out) if name.endswith(".tmp")]


def test_strict_turns_a_repair_into_a_failure(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.dcm", **DEGENERATE)
    lenient = plainfilm.run("convert", film, tmp_path / "a")
    assert lenient.returncode == OK
    assert "1 image (1 repaired)" in lenient.stderr
    assert [row["status"] for row in rows_of(tmp_path / "a")] == ["repaired"]
    assert plainfilm.run("convert", film, tmp_path / "b", "--strict").returncode == SOME_FAILED
    assert [row["reason"] for row in rows_of(tmp_path / "b", "failures")] == ["repair_refused"]


def test_a_dry_run_shows_finished_sources(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert plainfilm.run("convert", film.parent, out).returncode == OK
    write_case(film.parent / "new.dcm")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    done = plainfilm.run("convert", film.parent, out, "--dry-run")
    assert (done.returncode, done.stdout.splitlines()) == (OK, ["done\thand.dcm", "convert\tnew.dcm\tnew"])
    film.write_bytes(film.read_bytes() + b"\0\0")
    done = plainfilm.run("convert", film.parent, out, "--dry-run")
    assert done.stdout.splitlines() == ["convert\thand.dcm\thand", "convert\tnew.dcm\tnew"]
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    done = plainfilm.run("convert", film.parent, out, "--dry-run", "--bits", "16")
    assert (done.returncode, done.stdout) == (CANNOT_GO_ON, "")
    assert "--bits: 8 there, 16 now" in done.stderr
    with FolderOutput(out).lock():
        assert plainfilm.run("convert", film.parent, out, "--dry-run").returncode == CANNOT_GO_ON


def test_progress_as_json_is_the_only_text_on_standard_error(
    film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    (film.parent / "notes.txt").write_text("no film")
    (film.parent / "broken.dcm").write_bytes(film.read_bytes()[:-100])
    done = plainfilm.run("convert", film.parent, tmp_path / "out", "--progress", "json")
    assert (done.returncode, done.stdout) == (SOME_FAILED, "")
    assert all(isinstance(json.loads(line), dict) for line in done.stderr.splitlines())
    counts = last_counts(done.stderr)
    assert [counts[name] for name in ("done", "converted", "failed", "skipped", "total")] == [3, 1, 1, 1, 3]


def test_a_run_can_be_repeated_from_its_own_run_json(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "K").write_bytes(b"k" * 32)
    options, key = (
        ["--window", "-600,1500", "--bits", "16", "--polarity", "monochrome1"],
        ["--key-file", tmp_path / "K"],
    )
    assert plainfilm.run("convert", film, tmp_path / "a", *options, *key).returncode == OK
    again = plainfilm.run("convert", film, tmp_path / "b", "--config", tmp_path / "a" / "run.json", *key)
    assert again.returncode == OK
    for name in ("hand.png", "metadata.csv", "failures.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    one, other = (json.loads((tmp_path / out / "run.json").read_text()) for out in "ab")
    assert one["options"] == other["options"]


def test_the_command_line_wins_over_the_file_and_that_over_the_environment(
    film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "options.toml").write_text('look = "stretch"\nbits = 16\n')
    environment = {"PLAINFILM_LOOK": "minmax", "PLAINFILM_BITS": "8", "PLAINFILM_POLARITY": "monochrome1"}
    words = ["--config", tmp_path / "options.toml", "--stretch", "5,50"]
    assert plainfilm.run("convert", film, tmp_path / "hand.png", *words, environment=environment).returncode == OK
    meaning: dict[str, Any] = {"look": "stretch", "stretch": (5, 50, False), "bits": 16, "polarity": "monochrome1"}
    expected = oracle.render(*build_case(**FILM), **meaning).image
    np.testing.assert_array_equal(picture(tmp_path / "hand.png"), expected)


def test_a_key_is_created_once_in_the_configuration_of_the_user(
    film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    environment = {"XDG_CONFIG_HOME": str(home), "HOME": str(home)}
    for out in ("a", "b"):
        assert plainfilm.run("convert", film, tmp_path / out, environment=environment).returncode == OK
    (key,) = [path for path in home.rglob("*") if path.is_file()]
    assert key.stat().st_mode & 0o077 == 0
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    for path in (path for out in ("a", "b") for path in (tmp_path / out).rglob("*") if path.is_file()):
        assert key.read_bytes() not in path.read_bytes()


MANY = 6_000


def crowd(folder: Path) -> Path:
    """A folder of many links to one film, more than ten seconds' work."""
    film = write_case(folder / "0000.dcm", rows=512, columns=512)
    for number in range(1, MANY):
        os.link(film, folder / f"{number:04}.dcm")
    return folder


@pytest.fixture
def running(plainfilm: CommandLine, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of many films by two workers, amid its work."""
    folder, out = crowd(tmp_path / "in"), tmp_path / "out"
    words = [sys.executable, "-m", "plainfilm", "convert", str(folder), str(out), "--jobs", "2"]
    with subprocess.Popen(
        words, env=plainfilm.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
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
def test_an_interrupted_run_lists_its_finished_images(
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
    assert 0 < len(listed) < MANY
    assert rows_of(out, "failures") == []
    assert not list(out.rglob("*.tmp"))
    assert "Traceback" not in said
    assert "interrupted" in said
    assert "the same command again" in said
    assert json.loads((out / "run.json").read_text())["interrupted"] is True


@posix
def test_an_out_locked_by_another_run_exits_with_3(
    running: subprocess.Popen[str], film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    done = plainfilm.run("convert", film, tmp_path / "out", "--overwrite")
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert done.returncode == CANNOT_GO_ON
    assert "another run" in done.stderr
    assert [row["file_name"] for row in rows_of(tmp_path / "out")] == images_of(tmp_path / "out")
    assert "hand.png" not in images_of(tmp_path / "out")
