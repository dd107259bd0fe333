# SPDX-License-Identifier: MIT
"""Test that `plainfilm codecs` lists what this installation decodes and encodes, and names missing packages."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless, UID_dictionary
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine

from plainfilm.cli.main import main

# plainfilm as it is where a package was left out
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Without(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(name)

import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name.split(".")[0] == sys.argv[1] else real(name, *more)
sys.meta_path.insert(0, Without())
from plainfilm.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, Any]]]:
    assert main(["codecs", "--json"]) == 0
    found: dict[str, list[dict[str, Any]]] = json.loads(capsys.readouterr().out)
    return found


def test_the_command_prints_every_transfer_syntax_once(plainfilm: CommandLine, listed: dict[str, Any]) -> None:
    done = plainfilm.run("codecs")
    assert (done.returncode, done.stderr) == (0, "")
    for row in listed["decode"]:
        assert done.stdout.count(f"({row['transfer_syntax']})") == 1
        assert row["name"] in done.stdout
    assert "png" in done.stdout.partition("encode\n")[2].lower()


def test_every_transfer_syntax_of_the_standard_is_listed(listed: dict[str, Any]) -> None:
    known = {
        uid
        for uid, (_, kind, _, retired, _) in UID_dictionary.items()
        if kind == "Transfer Syntax" and uid.startswith("1.2.840.10008.1.2") and not retired
    }
    # not of Pixel Data: XML, MIME, SMPTE 2110 streams of real-time video
    known -= {uid for uid in known if uid.startswith(("1.2.840.10008.1.2.6", "1.2.840.10008.1.2.7"))}
    assert known <= {row["transfer_syntax"] for row in listed["decode"]}


def test_an_available_codec_has_a_version_and_a_missing_one_a_reason(listed: dict[str, Any]) -> None:
    for row in listed["decode"]:
        if row["available"]:
            package, number = row["version"].split()
            assert number == version(package)
            assert row["missing"] == ""
        else:
            assert row["version"] == ""
            assert len(row["missing"].split()) > 2


def test_the_usual_transfer_syntaxes_are_decoded(listed: dict[str, Any]) -> None:
    available = {row["transfer_syntax"] for row in listed["decode"] if row["available"]}
    root = "1.2.840.10008.1.2"
    numbers = ("", ".1", ".2", ".1.99", ".5", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91")
    assert {f"{root}{number}" for number in numbers} <= available
    assert "PNG" in {row["format"] for row in listed["encode"]}


def test_a_missing_package_is_named_with_the_command_to_install_it(plainfilm: CommandLine) -> None:
    command = [sys.executable, "-c", WITHOUT, "rle", "codecs", "--json"]
    done = subprocess.run(command, env=plainfilm.environment, capture_output=True, text=True, check=True)
    rows = {row["transfer_syntax"]: row for row in json.loads(done.stdout)["decode"]}
    rle = rows["1.2.840.10008.1.2.5"]
    assert rle["available"] is False
    assert "pip install pylibjpeg-rle" in rle["missing"]
    assert rows["1.2.840.10008.1.2.1"]["available"] is True


@pytest.mark.slow
def test_an_image_that_needs_a_missing_package_names_it(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.dcm")
    dataset = dcmread(film)
    dataset.compress(RLELossless)
    dataset.save_as(film)
    # the command `explain` decodes in a worker, which the import hook of this process does not reach
    script = WITHOUT.replace("sys.exit(main(sys.argv[2:]))", "import plainfilm; plainfilm.explain(sys.argv[3])")
    command = [sys.executable, "-c", script, "rle", "explain", str(film)]
    done = subprocess.run(command, env=plainfilm.environment, capture_output=True, text=True, check=False)
    assert "UnsupportedError" in done.stderr
    assert "pip install pylibjpeg-rle" in done.stderr


def test_codecs_takes_no_other_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codecs", "--look", "stretch"]) == 2
    assert "codecs --help" in capsys.readouterr().err
