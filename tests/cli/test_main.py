# SPDX-License-Identifier: MIT
"""Test the command as a whole: help, version, exit codes, and closed or full standard streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine

import plainfilm as package
from plainfilm.cli.main import main
from plainfilm.options.options import Options

posix = pytest.mark.skipif(sys.platform == "win32", reason="descriptors as POSIX has them")
COMMANDS = ("convert", "explain", "codecs", "demo")


def test_version_states_that_it_is_not_for_diagnosis(plainfilm: CommandLine) -> None:
    done = plainfilm.run("--version")
    assert done.returncode == 0
    assert done.stdout == f"plainfilm {package.__version__} (not for diagnostic use)\n"


def test_help_names_every_command(plainfilm: CommandLine) -> None:
    done = plainfilm.run("--help")
    assert done.returncode == 0
    assert all(f"plainfilm {command}" in done.stdout for command in COMMANDS)
    assert "not for diagnostic use" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"plainfilm {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "refused"),
    [("convert", set()), ("demo", {"source_column", "null", "shard", "shard_members", "prune", "watch"})],
)
def test_help_explains_every_option(command: str, refused: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help-all"])
    shown = " ".join(capsys.readouterr().out.split())
    for option in Options.declared():
        assert (f"{option.flag} " in f"{shown} ") is (option.name not in refused)
        if option.name in refused:
            continue
        assert option.meaning.split(";")[0].split("(")[0].strip() in shown.replace("- ", "-"), option.name


URL = "https://ann:s3cr3t@127.0.0.1:9/x.csv"


@pytest.mark.parametrize(
    "words",
    [
        (URL,),
        ("convert", "film.dcm", "out", "--config", URL),
        ("convert", "film.dcm", "out", f"--overwrite={URL}"),
        ("convert", f"@{URL}", "out"),
        ("compare", "film.dcm", "-o", URL),
        ("sheet", ".", "-o", URL),
        ("report", URL),
        ("merge", ".", "--key-file", URL),
        ("merge", ".", "--labels", URL),
        ("link", ".", "--key-file", URL, "-"),
        ("receive", "out", "--tls-cert", URL, "--tls-key", URL),
        ("receive", "out", "--allow-peer", URL),
        ("receive", "out", "--port", URL),
    ],
    ids=" ".join,
)
def test_a_url_in_a_wrong_place_exits_with_2_and_shows_no_password(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path / "film.dcm")
    assert main(words) == 2
    message = capsys.readouterr().err
    assert "s3cr3t" not in message
    assert "Traceback" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["film.dcm"]


def test_no_command_prints_the_help_and_exits_with_2(plainfilm: CommandLine) -> None:
    done = plainfilm.run()
    assert done.returncode == 2
    assert "plainfilm convert" in done.stdout


def test_an_unknown_command_exits_with_2_and_lists_the_commands(plainfilm: CommandLine) -> None:
    done = plainfilm.run("frobnicate")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in ("frobnicate", "--help", *COMMANDS))
    assert done.stderr.count("\n") == 1


def test_the_installed_command_prints_the_same_version(plainfilm: CommandLine) -> None:
    installed = Path(sys.executable).with_name("plainfilm")
    if not installed.exists():
        pytest.skip("plainfilm's own command is not beside this Python")
    done = subprocess.run(
        [installed, "--version"], env=plainfilm.environment, capture_output=True, text=True, check=True
    )
    assert package.__version__ in done.stdout


@posix
def test_a_closed_pipe_gives_no_traceback(plainfilm: CommandLine) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = plainfilm.run_process("codecs", stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's full device")
@pytest.mark.parametrize("words", [["codecs"], ["--version"], ["convert", "{film}", "-"]])
def test_a_full_standard_output_exits_with_3(words: list[str], plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.dcm", rows=32, columns=32)
    with open("/dev/full", "wb") as full:
        given = [word.format(film=film) for word in words]
        done = plainfilm.run_process(*given, stdout=full)
    assert done.returncode == 3
    assert done.stderr.startswith("plainfilm: no space is left")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@posix
@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)])
def test_a_run_works_without_standard_streams(closed: tuple[int, ...], plainfilm: CommandLine, tmp_path: Path) -> None:
    film, out = write_case(tmp_path / "film.dcm"), tmp_path / "out"
    words = " ".join(f"'{word}'" for word in (sys.executable, "-m", "plainfilm", "convert", film, out))
    script = f"exec {words} " + " ".join(f"{number}<&-" for number in closed)
    assert subprocess.run(["/bin/sh", "-c", script], env=plainfilm.environment, check=False, timeout=60).returncode == 0
    assert (out / "film.png").is_file()


@pytest.mark.slow
@posix
def test_an_image_for_a_closed_standard_output_exits_with_2(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.dcm")
    script = f"exec '{sys.executable}' -m plainfilm convert '{film}' - >&-"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=plainfilm.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "standard output is closed" in done.stderr
    assert ".png" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["report", "URL"],
        ["sheet", "URL", "-o", "sheet.png"],
        ["verify", "URL"],
        ["merge", "URL"],
        ["remove", "URL", "--patient", "0" * 32],
        ["link", "URL", "--key-file", "key", "-"],
        ["receive", "URL"],
        ["convert", "@URL", "out"],
    ],
    ids=lambda words: words[0],
)
def test_a_url_where_only_a_path_is_possible_is_not_quoted(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = "https://user:s3cr3t@host/x"
    assert main([word.replace("URL", url) for word in words]) == 2
    message = capsys.readouterr().err
    assert "s3cr3t" not in message
    assert "URL" in message or words[0] == "link"
