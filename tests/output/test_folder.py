# SPDX-License-Identifier: MIT
"""Test that files in OUT are whole, stay inside OUT, and that OUT is locked by one run."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.support.outputs import is_private

from plainfilm.errors import (
    LedgerError,
    OutputError,
    OutputLockedError,
    PlainfilmError,
    Reason,
    RunError,
    StorageFullError,
)
from plainfilm.output.directory import BY_DESCRIPTOR, OutputDirectory, open_regular_file
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import LEDGER, LOCK, STAGING
from plainfilm.output.storage import classify_os_error

WAYS = pytest.mark.parametrize("by_descriptor", sorted({BY_DESCRIPTOR, False}))
BIG = b"image" * 300_000


def files_in(folder: Path) -> list[str]:
    found = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    names = (path.relative_to(folder) for path in found)
    return sorted(str(name) for name in names if not is_private(name.parts[0]))


@WAYS
def test_a_file_is_published_whole_and_its_folders_are_created(tmp_path: Path, by_descriptor: bool) -> None:
    sink = FolderOutput(tmp_path, sync=True, by_descriptor=by_descriptor)
    path = sink.write("a/b/x.png", BIG)
    assert path == tmp_path / "a/b/x.png"
    assert path.read_bytes() == BIG
    assert files_in(tmp_path) == ["a/b/x.png"]


@WAYS
def test_an_older_file_is_replaced(tmp_path: Path, by_descriptor: bool) -> None:
    sink = FolderOutput(tmp_path, by_descriptor=by_descriptor)
    sink.write("x.png", b"old")
    assert sink.write("x.png", b"").read_bytes() == b""


def test_a_file_has_the_default_permissions_of_the_user(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        path = FolderOutput(tmp_path).write("x.png", b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "a//x", "", ".", "a/", "C:x", "a\\..\\x", "a/\0"])
def test_a_name_outside_out_is_refused(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(OutputError):
        FolderOutput(out).write(name, b"x")
    assert files_in(tmp_path) == []


@WAYS
def test_symbolic_links_in_out_are_not_followed(tmp_path: Path, by_descriptor: bool) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    (out / "real").mkdir(parents=True)
    outside.mkdir()
    (outside / "victim").write_bytes(b"untouched")
    (out / "a").symlink_to(outside)
    (out / "real/b").symlink_to(outside, target_is_directory=True)
    (out / "x.png").symlink_to(outside / "victim")
    (out / "new.png").symlink_to(outside / "made")
    sink = FolderOutput(out, by_descriptor=by_descriptor)
    for name in ("a/x.png", "real/b/x.png"):
        with pytest.raises(OutputError):
            sink.write(name, b"x")
    sink.write("x.png", b"x")
    sink.write("new.png", b"x")
    assert files_in(outside) == ["victim"]
    assert (outside / "victim").read_bytes() == b"untouched"


@WAYS
def test_a_file_in_place_of_a_folder_fails_only_its_image(tmp_path: Path, by_descriptor: bool) -> None:
    sink = FolderOutput(tmp_path, by_descriptor=by_descriptor)
    sink.write("a", b"file")
    with pytest.raises(OutputError) as error:
        sink.write("a/x.png", b"x")
    assert error.value.reason is Reason.WRITE_FAILED
    (tmp_path / "y.png").mkdir()
    with pytest.raises(OutputError):
        sink.write("y.png", b"x")
    assert files_in(tmp_path) == ["a"]


def test_an_error_while_writing_leaves_no_file(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FolderOutput(tmp_path).write_chunks("a/x.png", pieces())
    assert files_in(tmp_path) == []


@contextmanager
def limit(what: int, size: int) -> Iterator[None]:
    """A lower limit for this process."""
    old = resource.getrlimit(what)
    resource.setrlimit(what, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, old)


def largest_file(size: int) -> AbstractContextManager[None]:
    """No file of this process may grow beyond so many bytes: the system then refuses as a full disk does."""
    return limit(resource.RLIMIT_FSIZE, size)


def test_a_full_disk_leaves_no_truncated_file(tmp_path: Path) -> None:
    sink = FolderOutput(tmp_path)
    sink.write("x.png", b"old")
    with largest_file(100_000), pytest.raises(StorageFullError) as error:
        sink.write("x.png", BIG)
    assert error.value.exit_code == 3
    assert files_in(tmp_path) == ["x.png"]
    assert (tmp_path / "x.png").read_bytes() == b"old"
    assert sink.write("x.png", BIG).read_bytes() == BIG


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EIO, RunError),
        (errno.EROFS, RunError),
        (errno.ENAMETOOLONG, OutputError),
        (errno.EACCES, OutputError),
    ],
)
def test_an_error_that_affects_every_image_ends_the_run(number: int, expected: type[PlainfilmError]) -> None:
    error = classify_os_error(OSError(number, os.strerror(number), "/home/DOE_JOHN"))
    assert isinstance(error, expected)
    assert "DOE" not in error.message


@pytest.mark.slow
def test_paths_deeper_than_the_system_s_longest_are_written(tmp_path: Path) -> None:
    if not BY_DESCRIPTOR:
        pytest.skip("this system names files by whole paths only")
    depth = 2100
    with limit(resource.RLIMIT_NOFILE, 200):
        FolderOutput(tmp_path).write("d/" * depth + "x.png", b"x")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    assert stat.S_ISREG(os.stat("x.png", dir_fd=descriptor).st_mode)
    os.unlink("x.png", dir_fd=descriptor)
    for _ in range(depth):
        above = os.open("..", os.O_RDONLY, dir_fd=descriptor)
        os.rmdir("d", dir_fd=above)
        os.close(descriptor)
        descriptor = above
    os.close(descriptor)


def test_out_and_its_parents_are_made(tmp_path: Path) -> None:
    out = tmp_path / "not/there/yet"
    with FolderOutput(out).open_for_run() as sink:
        sink.write("x.png", b"x")
    assert files_in(out) == ["x.png"]
    assert sorted(path.name for path in out.iterdir()) == [LOCK, "x.png"]
    assert (out / LOCK).stat().st_size == 0


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_place_of_out_is_refused_at_the_start(tmp_path: Path, below: str) -> None:
    (tmp_path / "out").write_bytes(b"file")
    with pytest.raises(LedgerError) as error, FolderOutput(tmp_path / "out" / below).open_for_run():
        pass
    assert error.value.exit_code == 3
    assert (tmp_path / "out").read_bytes() == b"file"


@pytest.mark.parametrize("out", ["", "new"])
def test_an_out_without_permission_is_refused_at_the_start(tmp_path: Path, out: str) -> None:
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("permissions do not bind this user")
    try:
        with pytest.raises(LedgerError), FolderOutput(tmp_path / out).open_for_run():
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_detected_at_the_start(tmp_path: Path) -> None:
    with largest_file(0), pytest.raises(StorageFullError), FolderOutput(tmp_path).open_for_run():
        pass
    assert files_in(tmp_path) == []


def test_an_out_with_other_files_is_refused_unchanged(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday/beach.jpg").write_bytes(b"sea")
    with pytest.raises(LedgerError) as error, FolderOutput(tmp_path).open_for_run():
        pass
    assert "--overwrite" in error.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["holiday"]
    with FolderOutput(tmp_path).open_for_run(overwrite=True) as sink:
        sink.write("x.png", b"x")
    assert files_in(tmp_path) == ["holiday/beach.jpg", "x.png"]


def test_an_out_of_a_run_killed_before_its_first_image_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / LEDGER).touch()
    FolderOutput(tmp_path).stage([b"whole, and without a name"])
    with FolderOutput(tmp_path).open_for_run() as next_run:
        assert files_in(tmp_path) == []
        assert staged_in(next_run) == []


def staged_in(sink: FolderOutput) -> list[str]:
    folder = sink.out / STAGING
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@WAYS
def test_a_staged_file_has_no_name_until_it_is_published(tmp_path: Path, by_descriptor: bool) -> None:
    sink = FolderOutput(tmp_path, by_descriptor=by_descriptor)
    names = {sink.stage([BIG]): "a/b/x.png", sink.stage([b"y"]): "y.png", sink.stage([b"z"]): "a/z.png"}
    assert files_in(tmp_path) == []
    assert sink.publish(names) == {}
    assert files_in(tmp_path) == ["a/b/x.png", "a/z.png", "y.png"]
    assert (tmp_path / "a/b/x.png").read_bytes() == BIG
    assert staged_in(sink) == []


@WAYS
def test_a_file_that_cannot_be_published_is_reported(tmp_path: Path, by_descriptor: bool) -> None:
    sink = FolderOutput(tmp_path, by_descriptor=by_descriptor)
    (tmp_path / "taken.png").mkdir()
    (tmp_path / "file").write_bytes(b"of the user")
    refused, blocked, fine = (sink.stage([text]) for text in (b"1", b"2", b"3"))
    errors = sink.publish({refused: "taken.png", blocked: "file/x.png", fine: "x.png"})
    assert set(errors) == {refused, blocked}
    assert files_in(tmp_path) == ["file", "x.png"]
    assert staged_in(sink) == []


@WAYS
def test_removing_files_does_not_follow_links(tmp_path: Path, by_descriptor: bool) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    (outside / "x.png").write_bytes(b"untouched")
    sink = FolderOutput(out, by_descriptor=by_descriptor)
    out.mkdir()
    sink.write("a/x.png", b"x")
    (out / "link").symlink_to(outside)
    assert sink.remove(["a/x.png", "a/never.png", "never/x.png", "link/x.png"]) == set()
    assert files_in(out) == ["link"]
    assert files_in(outside) == ["x.png"]


@WAYS
def test_a_folder_in_the_place_of_a_published_file_stays(tmp_path: Path, by_descriptor: bool) -> None:
    (tmp_path / "a" / "x.png").mkdir(parents=True)
    assert FolderOutput(tmp_path, by_descriptor=by_descriptor).remove(["a/x.png"]) == set()
    assert (tmp_path / "a" / "x.png").is_dir()


def test_a_file_that_cannot_be_removed_is_named_and_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, remove = FolderOutput(tmp_path), OutputDirectory.remove
    for name in ("a/x.png", "b/y.png"):
        sink.write(name, b"x")

    def refuse(directory: OutputDirectory, name: str) -> None:
        if name == "x.png":
            raise PermissionError(errno.EACCES, "refused")
        remove(directory, name)

    monkeypatch.setattr(OutputDirectory, "remove", refuse)
    assert sink.remove(["a/x.png", "b/y.png"]) == {"a/x.png"}
    assert files_in(tmp_path) == ["a/x.png"]


def test_a_staged_file_that_is_gone_costs_only_its_own_image(tmp_path: Path) -> None:
    sink = FolderOutput(tmp_path, sync=True)
    lost, staged = sink.stage([b"lost"]), sink.stage([b"there"])
    sink.discard([lost])
    assert set(sink.publish({lost: "a/lost.png", staged: "a/there.png"})) == {lost}
    assert files_in(tmp_path) == ["a/there.png"]


def test_a_private_folder_that_cannot_be_used_ends_the_run(tmp_path: Path) -> None:
    sink = FolderOutput(tmp_path)
    sink.write("x.png", b"x")
    (tmp_path / STAGING).rmdir()
    (tmp_path / STAGING).write_bytes(b"")
    for use in (sink.clear_staging, lambda: sink.reserve_space(1)):
        with pytest.raises(RunError, match="staging cannot be used"):
            use()


def test_staged_files_are_private(tmp_path: Path) -> None:
    FolderOutput(tmp_path).stage([b"a patient"])
    assert stat.S_IMODE((tmp_path / STAGING).stat().st_mode) == 0o700


HOLD = """
import sys
from pathlib import Path
from plainfilm.output.folder import FolderOutput
with FolderOutput(Path(sys.argv[1])).open_for_run():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_run(out: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_lock_of_a_killed_run_is_released(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with other_run(out) as process:
        with pytest.raises(OutputLockedError) as error, FolderOutput(out).open_for_run():
            pass
        assert error.value.exit_code == 3
        process.kill()
        process.wait()
        with FolderOutput(out).open_for_run():
            pass


def test_a_second_run_in_the_same_process_is_locked_out(tmp_path: Path) -> None:
    with FolderOutput(tmp_path).open_for_run() as first:
        first.write("x.png", b"x")
        first.ledger_path.write_bytes(b"a ledger")
        with pytest.raises(OutputLockedError), FolderOutput(tmp_path).open_for_run():
            pass
    with FolderOutput(tmp_path).open_for_run(overwrite=True):
        pass


def plant_symlink(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def plant_dangling_symlink(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "made")


def plant_pipe(place: Path, _outside: Path) -> None:
    os.mkfifo(place)


def plant_socket(place: Path, _outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end, contextlib.chdir(place.parent):
        end.bind(place.name)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
@pytest.mark.parametrize("plant", [plant_symlink, plant_dangling_symlink, plant_pipe, plant_socket])
@pytest.mark.parametrize("name", [LEDGER, LOCK, STAGING])
def test_what_is_planted_under_a_private_name_is_refused(
    tmp_path: Path, name: str, plant: Callable[[Path, Path], None]
) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    plant(out / name, outside)
    for overwrite in (False, True):
        with pytest.raises(RunError) as error, FolderOutput(out).open_for_run(overwrite=overwrite):
            pass
        assert error.value.exit_code == 3
        assert name in error.value.message
    assert files_in(outside) == []


def test_an_out_of_an_earlier_version_is_refused_unchanged(tmp_path: Path) -> None:
    (tmp_path / LEDGER).mkdir()
    (tmp_path / LEDGER / "ledger.sqlite").write_bytes(b"of then")
    for overwrite in (False, True):
        with (
            pytest.raises(LedgerError, match="earlier version") as error,
            FolderOutput(tmp_path).open_for_run(overwrite=overwrite),
        ):
            pass
        assert error.value.exit_code == 3
    assert [path.name for path in tmp_path.rglob("*")] == [LEDGER, "ledger.sqlite"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "device"])
def test_only_a_regular_file_is_opened_again(kind: str, tmp_path: Path) -> None:
    planted, victim = tmp_path / "planted", tmp_path / "victim"
    victim.write_bytes(b"untouched")
    make = {
        "pipe": lambda: os.mkfifo(planted),
        "folder": planted.mkdir,
        "device": lambda: planted.symlink_to("/dev/zero"),
    }
    make.get(kind, lambda: planted.symlink_to(victim))()
    with pytest.raises(OSError), open_regular_file(planted):  # noqa: PT011
        pass
    with open_regular_file(victim) as file:
        assert file.read() == b"untouched"


def test_staging_is_accessible_to_the_user_only(tmp_path: Path) -> None:
    (tmp_path / STAGING).mkdir(mode=0o755)
    with FolderOutput(tmp_path).open_for_run():
        assert stat.S_IMODE((tmp_path / STAGING).stat().st_mode) == 0o700
    assert not (tmp_path / STAGING).exists()


def test_reserved_space_is_released_with_the_staging(tmp_path: Path) -> None:
    def held() -> int:
        return sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())

    with FolderOutput(tmp_path).open_for_run() as sink:
        before = held()
        sink.reserve_space(50_000)
        sink.reserve_space(20_000)
        assert held() == before + 20_000
        sink.clear_staging()
        assert held() == before
