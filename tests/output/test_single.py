# SPDX-License-Identifier: MIT
"""Test that a single output file is whole and the only one."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from plainfilm.errors import OutputError, StorageFullError
from plainfilm.output.single import write_file, write_stdout


def test_a_single_file_is_written_without_other_files(tmp_path: Path) -> None:
    (tmp_path / "hand.png").write_bytes(b"older and longer")
    write_file(tmp_path / "hand.png", b"image")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"hand.png": b"image"}


def test_a_file_name_alone_is_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_file(Path("hand.png"), b"image")
    assert (tmp_path / "hand.png").read_bytes() == b"image"


@pytest.mark.parametrize("path", ["nowhere/hand.png", "folder"])
def test_an_unwritable_folder_is_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        write_file(tmp_path / path, b"image")
    assert [found.name for found in tmp_path.rglob("*")] == ["folder"]


def test_standard_output_receives_the_bytes_unchanged(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_stdout(b"\x89PNG\r\n\x1a\n\0\xff")
    assert capfdbinary.readouterr().out == b"\x89PNG\r\n\x1a\n\0\xff"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(open("/dev/full", "wb", buffering=0))  # noqa: SIM115 -- closed below
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(StorageFullError):
        write_stdout(b"image")
    stream.close()


def test_a_closed_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = io.TextIOWrapper(os.fdopen(writing, "wb", buffering=0))
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(OutputError):
        write_stdout(b"image")
    stream.close()
