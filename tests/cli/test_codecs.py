# SPDX-License-Identifier: MIT
"""`plainfilm codecs` says what this installation can do, and of a package that is not there what it is for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import UID_dictionary

from plainfilm.cli.main import main

Run = Callable[..., subprocess.CompletedProcess[Any]]

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


def test_the_command_prints_every_transfer_syntax_once(plainfilm: Run, listed: dict[str, Any]) -> None:
    done = plainfilm("codecs")
    assert (done.returncode, done.stderr) == (0, "")
    for row in listed["decode"]:
        assert done.stdout.count(f"({row['transfer_syntax']})") == 1
        assert row["name"] in done.stdout
    assert "png" in done.stdout.partition("encode\n")[2].lower()


def test_every_transfer_syntax_of_the_standard_is_decoded_or_said_not_to_be(listed: dict[str, Any]) -> None:
    known = {
        uid
        for uid, (_, kind, _, retired, _) in UID_dictionary.items()
        if kind == "Transfer Syntax" and uid.startswith("1.2.840.10008.1.2") and not retired
    }
    # not of Pixel Data: XML, MIME, SMPTE 2110 streams of real-time video
    known -= {uid for uid in known if uid.startswith(("1.2.840.10008.1.2.6", "1.2.840.10008.1.2.7"))}
    assert known <= {row["transfer_syntax"] for row in listed["decode"]}


def test_what_is_there_says_which_version_and_what_is_not_why(listed: dict[str, Any]) -> None:
    for row in listed["decode"]:
        if row["available"]:
            package, number = row["version"].split()
            assert number == version(package)
            assert row["missing"] == ""
        else:
            assert row["version"] == ""
            assert len(row["missing"].split()) > 2


def test_what_films_are_stored_in_is_decoded(listed: dict[str, Any]) -> None:
    available = {row["transfer_syntax"] for row in listed["decode"] if row["available"]}
    root = "1.2.840.10008.1.2"
    numbers = ("", ".1", ".2", ".1.99", ".5", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91")
    assert {f"{root}{number}" for number in numbers} <= available
    assert "PNG" in {row["format"] for row in listed["encode"]}


def test_a_package_that_is_left_out_is_named_with_what_to_do(surroundings: dict[str, str]) -> None:
    command = [sys.executable, "-c", WITHOUT, "rle", "codecs", "--json"]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True)
    rows = {row["transfer_syntax"]: row for row in json.loads(done.stdout)["decode"]}
    rle = rows["1.2.840.10008.1.2.5"]
    assert rle["available"] is False
    assert "pip install pylibjpeg-rle" in rle["missing"]
    assert rows["1.2.840.10008.1.2.1"]["available"] is True


def test_a_film_that_needs_a_missing_package_says_so(
    surroundings: dict[str, str], write_film: Callable[..., Path], tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.dcm", codestream=(12, None))
    command = [sys.executable, "-c", WITHOUT, "imagecodecs", "explain", str(film)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("plainfilm: unsupported_transfer_syntax (decode): ")
    assert "pip install imagecodecs" in done.stderr


def test_it_takes_no_other_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codecs", "--look", "stretch"]) == 2
    assert "codecs --help" in capsys.readouterr().err
