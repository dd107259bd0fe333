# SPDX-License-Identifier: MIT
"""A placeholder has the size of its object, needs no space, and says which object it stands for, whatever its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plainfilm.output.folder import FolderOutput
from plainfilm.output.links import link_files
from plainfilm.output.placeholder import (
    LEAST_SIZE,
    digest_of_name,
    read_placeholder,
    repoint_placeholder,
    stage_placeholder,
    write_placeholder,
)

SIZE = 1 << 30


def test_a_placeholder_has_the_size_of_its_object_and_no_blocks(tmp_path: Path) -> None:
    write_placeholder(tmp_path / "x.png", "a/x.png", SIZE)
    status = (tmp_path / "x.png").stat()
    assert status.st_size == SIZE
    assert status.st_blocks * 512 < 1 << 20
    assert read_placeholder(tmp_path / "x.png") == digest_of_name("a/x.png")


def test_a_staged_placeholder_keeps_its_object_when_it_is_published_renamed_and_linked(tmp_path: Path) -> None:
    with FolderOutput(tmp_path / "out").open_for_run() as output:
        staged = stage_placeholder(output, ".plainfilm-staging/1", SIZE)
        assert not output.publish({staged: "a/x.png"})
        assert link_files(output, {"a/x.png": "b/y.png"}) == set()
        assert output.remove(["a/x.png"]) == set()
    path = tmp_path / "out/b/y.png"
    assert (read_placeholder(path), path.stat().st_size) == (digest_of_name(".plainfilm-staging/1"), SIZE)


def test_a_placeholder_that_is_repointed_keeps_its_size_and_its_time(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    write_placeholder(path, "old", LEAST_SIZE)
    os.utime(path, ns=(7, 7_000_000_123))
    repoint_placeholder(path, "new")
    assert read_placeholder(path) == digest_of_name("new") != digest_of_name("old")
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (LEAST_SIZE, 7_000_000_123)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(100), b"\x89PFobj\r\n" + bytes(15)])
def test_an_ordinary_file_is_no_placeholder(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(content)
    assert read_placeholder(tmp_path / "x.png") is None
    (tmp_path / "link.png").symlink_to(tmp_path / "x.png")
    assert read_placeholder(tmp_path / "link.png") is None
    assert read_placeholder(tmp_path / "missing.png") is None


def test_an_object_that_is_too_small_has_no_placeholder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="23 bytes"):
        write_placeholder(tmp_path / "x.png", "x.png", LEAST_SIZE - 1)
    with FolderOutput(tmp_path / "out").open_for_run() as output, pytest.raises(ValueError, match="23 bytes"):
        stage_placeholder(output, "x.png", LEAST_SIZE - 1)
    assert not (tmp_path / "x.png").exists()
