# SPDX-License-Identifier: MIT
"""A received instance is durable before it has its name, and is kept once."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from plainfilm.errors import OutputLockedError, RunError
from plainfilm.receive.spool import INCOMING, RECEIVED, Spool

MOST = 1000


def files(out: Path) -> list[Path]:
    return sorted(path for path in (out / RECEIVED).rglob("*") if path.is_file())


def parts(out: Path) -> list[Path]:
    return list((out / INCOMING).glob("*.part"))


def test_an_instance_is_kept_whole_under_a_name_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    with spool.opened():
        file = spool.new_file()
        for part in (b"one ", b"instance"):
            file.write(part)
        path = spool.keep(file)
    assert path.read_bytes() == b"one instance"
    assert files(tmp_path) == [path]
    assert path.parent.name == path.stem[:2]
    assert parts(tmp_path) == []
    assert spool.arrived.is_set()


def test_the_same_bytes_are_kept_once_and_stay_as_they_are(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    with spool.opened():
        for _ in range(2):
            file = spool.new_file()
            file.write(b"one instance")
            path = spool.keep(file)
            os.utime(path, ns=(1, 1))
    assert files(tmp_path) == [path]
    assert path.stat().st_mtime_ns == 1
    assert parts(tmp_path) == []


def test_the_bytes_are_durable_before_the_name_and_the_name_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def record_fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "bytes")
        fsync(descriptor)

    def record_rename(path: Path, target: Path) -> Path:
        steps.append("name")
        return rename(path, target)

    spool = Spool(tmp_path, MOST)
    with spool.opened():
        file = spool.new_file()
        file.write(b"one instance")
        monkeypatch.setattr(os, "fsync", record_fsync)
        monkeypatch.setattr(Path, "rename", record_rename)
        spool.keep(file)
    assert steps == ["bytes", "folder", "name", "folder"]


def test_an_instance_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    spool = Spool(tmp_path, MOST)
    with spool.opened():
        file = spool.new_file()
        file.write(b"one instance")
        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="no space"):
            spool.keep(file)
    assert files(tmp_path) == parts(tmp_path) == []
    assert not spool.arrived.is_set()


def test_an_instance_that_is_too_large_is_not_written_further(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    with spool.opened():
        file = spool.new_file()
        file.write(b"x" * MOST)
        assert not file.is_too_large
        file.write(b"x")
        assert file.is_too_large
        with pytest.raises(OSError, match="--max-object"):
            spool.keep(file)
    assert files(tmp_path) == parts(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_only_the_user_may_read_what_was_received(tmp_path: Path) -> None:
    (tmp_path / RECEIVED).mkdir(mode=0o755)
    spool = Spool(tmp_path, MOST)
    with spool.opened():
        path = spool.keep(spool.new_file())
    for folder in (tmp_path / RECEIVED, tmp_path / INCOMING, path.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_listener_is_locked_out_and_leftovers_are_removed(tmp_path: Path) -> None:
    with Spool(tmp_path, MOST).opened():
        (tmp_path / INCOMING / "left.part").write_bytes(b"half an instance")
        with pytest.raises(OutputLockedError, match="plainfilm receive"), Spool(tmp_path, MOST).opened():
            pass
        assert len(parts(tmp_path)) == 1
    with Spool(tmp_path, MOST).opened():
        assert parts(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / RECEIVED).write_text("a file")
    with pytest.raises(RunError, match="remove what is in the way"), Spool(tmp_path, MOST).opened():
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
@pytest.mark.parametrize("name", [RECEIVED, INCOMING, f"{INCOMING}/lock"])
def test_a_link_in_the_place_of_a_private_entry_is_not_followed(tmp_path: Path, name: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (out / name).parent.mkdir(parents=True)
    (out / name).symlink_to(elsewhere / "new" if name.endswith("lock") else elsewhere)
    with pytest.raises(RunError, match="remove what is in the way"), Spool(out, MOST).opened():
        pass
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not flushed there")
def test_the_folder_of_received_instances_is_durable_before_any_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = set[int]()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.fstat(descriptor).st_ino))
    with Spool(tmp_path, MOST).opened():
        assert {tmp_path.stat().st_ino, tmp_path.parent.stat().st_ino} <= synced
