# SPDX-License-Identifier: MIT
"""Test `plainfilm survey`: its tables, its JSON and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_the_tables_end_with_the_next_command(plainfilm: CommandLine, tmp_path: Path) -> None:
    write_case(tmp_path / "in" / "hand.dcm")
    done = plainfilm.run("survey", tmp_path / "in")
    assert done.returncode == 0
    assert "1 file: 1 image with 1 frame, of 1 patient in 1 study" in done.stdout
    assert "transfer syntax" in done.stdout
    assert done.stdout.splitlines()[-1].strip() == f"plainfilm convert {tmp_path / 'in'} pictures"


def test_json_is_the_only_thing_on_standard_output(plainfilm: CommandLine, tmp_path: Path) -> None:
    write_case(tmp_path / "in" / "hand.dcm")
    done = plainfilm.run("survey", tmp_path / "in", "--json")
    assert json.loads(done.stdout)["images"] == 1


def test_a_survey_without_images_is_done(plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no film")
    done = plainfilm.run("survey", tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "no images: nothing to convert"


def test_a_source_that_does_not_exist_is_exit_code_2(plainfilm: CommandLine, tmp_path: Path) -> None:
    assert plainfilm.run("survey", tmp_path / "nowhere").returncode == 2


MANY = 12_000
"""So many files that no machine surveys them in the second before the first line of progress."""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupted_survey_prints_what_it_has_counted(tmp_path: Path) -> None:
    film = write_case(tmp_path / "in" / "0.dcm")
    for number in range(1, MANY):
        (tmp_path / "in" / f"{number}.dcm").hardlink_to(film)
    words = [sys.executable, "-m", "plainfilm", "survey", str(tmp_path / "in"), "--json", "--progress", "json"]
    words += ["--jobs", "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the survey runs since a second
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    content = json.loads(output)
    assert process.returncode == 130
    assert content["interrupted"]
    assert content["files"] < MANY
