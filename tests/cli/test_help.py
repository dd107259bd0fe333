# SPDX-License-Identifier: MIT
"""Test the help, the suggestions for commands, and the completion of shells."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plainfilm.cli.main import COMMANDS, main
from plainfilm.cli.receive import receive_parser
from plainfilm.options.options import Options


def text_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert left.value.code == 0
    return capsys.readouterr().out


def test_the_help_of_convert_fits_two_screens(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = text_of("convert", "--help", capsys=capsys).splitlines()
    assert len(lines) <= 48
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert all(option.flag in text for option in Options.declared())
    assert "plainfilm convert films/ out/" in text
    assert "Size and shape:" in text


@pytest.mark.parametrize("word", ["--help", "--help-all"])
def test_the_help_of_receive_explains_the_options_of_the_listener(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = text_of("receive", word, capsys=capsys)
    own = [flag for flag in receive_parser().flags if flag not in {option.flag for option in Options.declared()}]
    assert "--port" in own
    assert all(flag in text for flag in own if flag.startswith("--"))


@pytest.mark.parametrize("command", ["receive", "demo"])
@pytest.mark.parametrize("words", [["--shard", "1/2"], ["--watch"], ["--null"], ["--source-column", "path"]])
def test_commands_without_a_source_have_no_options_about_sources_or_shards(
    command: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path / "out"), *words]) == 2
    assert f"{words[0]} is no option of plainfilm {command}" in capsys.readouterr().err


def test_help_before_a_command_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert text_of("help", "explain", capsys=capsys) == text_of("explain", "-h", capsys=capsys)


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_is_not_for_diagnosis(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    assert "not for diagnostic use" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["convrt", "a", "b"], "did you mean convert?"),
        (["codec"], "did you mean codecs?"),
        (["help", "convrt"], "did you mean convert?"),
        (["explain", "x.dcm", "--jobs", "2"], "--jobs is no option of plainfilm explain"),
        (["--hepl"], "did you mean --help?"),
        (["{folder}", "out"], "give `plainfilm convert {folder} out`"),
        (["{folder}"], "give `plainfilm convert {folder} OUT`"),
        (["x/*.dcm", "out"], "give `plainfilm convert 'x/*.dcm' out`"),
        (["s3://bucket/films", "out"], "give `plainfilm convert s3://bucket/films out`"),
    ],
)
def test_a_wrong_first_word_gets_a_suggestion(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(folder=tmp_path) for word in words]) == 2
    assert said.format(folder=tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_script_completes_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab")
    assert main(["--print-completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in COMMANDS)
    assert "--window" in script
    assert "monochrome1" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", "bsh"]) == 2
    assert "did you mean bash?" in capsys.readouterr().err
