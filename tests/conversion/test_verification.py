# SPDX-License-Identifier: MIT
"""Test `plainfilm verify`: what is missing, changed and extra in an OUT."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.cases.build import case_file
from tests.support.outputs import files_of

from plainfilm.cli.main import main
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.verification import verify_output
from plainfilm.errors import LedgerError, OutputLockedError
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput

pytestmark = pytest.mark.slow


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The OUT of a run over three files, one of them damaged."""
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "a" / "1.dcm").write_bytes(case_file(seed=1))
    (tmp_path / "in" / "2.dcm").write_bytes(case_file(seed=2))
    (tmp_path / "in" / "3.dcm").write_bytes(b"")
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    options = Options.of({"jobs": 1, "key_file": tmp_path / "key", "columns": "KVP"})
    Conversion([tmp_path / "in"], tmp_path / "out", options).run()
    return tmp_path / "out"


def tree_bytes(out: Path) -> dict[str, bytes]:
    """All files but the ledger, of which SQLite counts the openings."""
    return {name: (out / name).read_bytes() for name in files_of(out)}


def test_an_untouched_out_has_no_differences(out: Path) -> None:
    before = tree_bytes(out)
    verification = verify_output(out)
    assert not verification.has_differences
    assert verification.files == 4
    assert main(["verify", str(out)]) == 0
    assert tree_bytes(out) == before


def test_every_kind_of_difference_is_listed(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = out / "2.png"
    stat = image.stat()
    content = bytearray(image.read_bytes())
    content[-20] ^= 1
    image.write_bytes(content)
    os.utime(image, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (out / "a" / "1.png").unlink()
    (out / "a" / "mine.txt").write_text("mine")
    (out / "link").symlink_to(out / "a")
    (out / "metadata.csv").write_text((out / "metadata.csv").read_text().replace("viewer", "stretch"))
    (out / "failures.csv").unlink()
    (out / "metadata.jsonl").write_text("")
    assert main(["verify", str(out), "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content == {
        "files": 4,
        "missing": ["a/1.png", "failures.csv"],
        "changed": ["2.png", "metadata.csv"],
        "extra": ["a/mine.txt", "link", "metadata.jsonl"],
    }
    assert main(["verify", str(out)]) == 1
    assert "changed\t2.png\n" in capsys.readouterr().out


def test_a_link_in_the_place_of_an_image_is_a_missing_image(out: Path, tmp_path: Path) -> None:
    (out / "2.png").rename(tmp_path / "elsewhere.png")
    (out / "2.png").symlink_to(tmp_path / "elsewhere.png")
    assert verify_output(out).missing == ("2.png",)


def test_without_a_run_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="holds no run"):
        verify_output(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_out_in_use_is_not_verified(out: Path) -> None:
    with FolderOutput(out).lock(), pytest.raises(OutputLockedError):
        verify_output(out)
