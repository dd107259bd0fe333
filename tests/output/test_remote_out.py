# SPDX-License-Identifier: MIT
"""OUT in a bucket: what a folder would hold, whole objects only, one run at a time, and resumed after any end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine
from tests.support.s3_server import BUCKET, SECRET, S3Server

from plainfilm.api.many_images import convert
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OptionsError, OutputLockedError, Reason, RunError
from plainfilm.output.remote_out import RemoteOut
from plainfilm.output.remote_put import put_changes
from plainfilm.sources.remote_file import parse_url
from plainfilm.sources.store import network_error

OUT = f"s3://{BUCKET}/out"
LOCK = "out/.plainfilm-lock"


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for number, name in enumerate(("x.dcm", "a/y.dcm", "a/b/z.dcm")):
        write_case(tmp_path / "films" / name, rows=16, columns=16 + number)
    (tmp_path / "films/bad.dcm").write_bytes(b"no film")
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return tmp_path / "films"


def run(films: Path, out: str | Path = OUT, **options: object) -> Run:
    return convert(films, out, jobs=1, key_file=films.parent / "key", **options)  # type: ignore[arg-type]


def contents(server: S3Server) -> dict[str, bytes]:
    return {key.removeprefix("out/"): server.get(key) for key in server.list_keys()}


def of_folder(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("options", [{}, {"layout": "webdataset"}, {"split": "train=0.5,test=0.5"}])
def test_a_bucket_holds_what_a_folder_would(s3_server: S3Server, films: Path, options: dict[str, object]) -> None:
    if options:
        pytest.importorskip("pyarrow")
    run(films, **options)
    run(films, films.parent / "local", **options)
    remote, local = contents(s3_server), of_folder(films.parent / "local")
    assert remote.keys() == local.keys() - {".plainfilm-lock"} | {".plainfilm-objects"}
    varying = {".plainfilm", ".plainfilm-objects", "run.json"}
    assert {name: remote[name] for name in remote.keys() - varying} == {
        name: local[name] for name in remote.keys() - varying
    }
    assert str(films.parent).encode() not in remote["run.json"]


def test_a_second_run_does_not_put_images_again(s3_server: S3Server, films: Path) -> None:
    run(films)
    s3_server.requests.clear()
    assert "4 files were done before" in " ".join(run(films).notes)
    assert not [path for method, path, _ in s3_server.requests if method == "PUT" and path.endswith(".png")]


def test_another_machine_goes_on_with_the_ledger_of_the_bucket(
    s3_server: S3Server, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(films)
    monkeypatch.setenv("XDG_STATE_HOME", str(films.parent / "other"))
    write_case(films / "new.dcm", rows=16, columns=30)
    result = run(films)
    assert "4 files were done before" in " ".join(result.notes)
    assert "new.png" in contents(s3_server)
    monkeypatch.setenv("XDG_STATE_HOME", str(films.parent / "state"))
    assert "5 files were done before" in " ".join(run(films).notes)


def test_images_that_are_obsolete_leave_the_bucket(s3_server: S3Server, films: Path) -> None:
    run(films)
    (films / "x.dcm").unlink()
    run(films, prune=True)
    assert "x.png" not in contents(s3_server)


def test_an_object_that_somebody_has_removed_or_replaced_is_put_again(s3_server: S3Server, films: Path) -> None:
    run(films)
    image = s3_server.get("out/x.png")
    s3_server.put({"out/x.png": b"other", "out/metadata.csv": b"other"})
    s3_server.client().delete_object(Bucket=BUCKET, Key="out/a/y.png")
    run(films)
    assert s3_server.get("out/x.png") == image
    assert {"a/y.png", "metadata.csv"} <= contents(s3_server).keys()
    assert s3_server.get("out/metadata.csv") != b"other"


def test_a_prefix_with_objects_and_no_ledger_is_refused(s3_server: S3Server, films: Path) -> None:
    s3_server.put({"out/notes.txt": b"mine"})
    with pytest.raises(LedgerError, match="no ledger"):
        run(films)
    assert contents(s3_server) == {"notes.txt": b"mine"}


def test_a_run_keeps_out_another_one_and_says_which_it_is(s3_server: S3Server, films: Path) -> None:
    s3_server.put({LOCK: json.dumps({"host": "elsewhere", "pid": 7, "started": "x", "token": "t"}).encode()})
    with pytest.raises(OutputLockedError, match="process 7 on elsewhere") as caught:
        run(films)
    assert caught.value.exit_code == 3
    assert contents(s3_server).keys() == {".plainfilm-lock"}


def test_the_lock_of_a_process_of_this_machine_that_has_ended_is_taken_over(s3_server: S3Server, films: Path) -> None:
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "started": "an earlier boot", "token": "t"}
    s3_server.put({LOCK: json.dumps(owner).encode()})
    assert run(films).converted == 3
    assert ".plainfilm-lock" not in contents(s3_server)


@pytest.mark.parametrize("sign", [LOCK, "out/x.png"])
def test_a_killed_run_leaves_whole_objects_and_the_next_run_goes_on(
    s3_server: S3Server, films: Path, sign: str
) -> None:
    for number in range(30):
        write_case(films / f"n{number}.dcm", rows=400, columns=400 + number)
    command = CommandLine(films.parent)
    words = ("convert", films, OUT, "--key-file", films.parent / "key")
    process = subprocess.Popen(
        [sys.executable, "-m", "plainfilm", *map(str, words)],
        env={**command.environment, "XDG_STATE_HOME": str(films.parent / "state")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while sign not in s3_server.list_keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert all(content.startswith(b"\x89PNG") for name, content in contents(s3_server).items() if name.endswith("png"))
    assert run(films).converted == 33
    run(films, films.parent / "local")
    remote, local = contents(s3_server), of_folder(films.parent / "local")
    assert remote.keys() == local.keys() - {".plainfilm-lock"} | {".plainfilm-objects"}
    assert remote["metadata.csv"] == local["metadata.csv"]


def test_a_store_that_fails_for_a_while_is_tried_again(s3_server: S3Server, films: Path) -> None:
    s3_server.faults = ["503", "reset"] * 3
    assert run(films).converted == 3
    assert "x.png" in contents(s3_server)


def test_a_store_that_fails_ends_the_run_which_goes_on_later(
    s3_server: S3Server, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plainfilm.sources.store._PAUSES", (0.0,))
    s3_server.constant_fault = "503"
    with pytest.raises(RunError, match="OUT: the network") as caught:
        run(films)
    assert caught.value.reason is Reason.NETWORK
    s3_server.constant_fault = ""
    assert run(films).converted == 3
    assert "x.png" in contents(s3_server)


def test_the_summary_names_the_url(s3_server: S3Server, films: Path) -> None:
    command = CommandLine(films.parent)
    done = command.run(
        *("convert", films, f"{OUT}/", "--key-file", films.parent / "key"),
        environment={"XDG_STATE_HOME": str(films.parent / "state")},
    )
    assert done.returncode == 1
    assert f"{OUT}/metadata.csv" in done.stderr
    assert str(films.parent / "state") not in done.stderr
    assert SECRET not in done.stderr
    assert "x.png" in contents(s3_server)


@pytest.mark.parametrize("source", [OUT, f"{OUT}/", f"s3://{BUCKET}", f"s3://{BUCKET}/"])
def test_an_out_in_a_source_is_refused(s3_server: S3Server, films: Path, source: str) -> None:
    with pytest.raises(OptionsError, match="OUT lies in"):
        convert([films, source], OUT, jobs=1)
    assert not s3_server.requests


@pytest.mark.usefixtures("s3_server")
def test_what_needs_a_folder_is_refused(films: Path) -> None:
    for options in ({"dry_run": True}, {"watch": True}):
        with pytest.raises(OptionsError):
            run(films, **options)
    with pytest.raises(OptionsError, match="URL"):
        convert(films / "x.dcm", f"{OUT}/x.png")
    with pytest.raises(OptionsError, match="nothing can be written"):
        run(films, "https://host/out")


def test_the_memory_of_this_process_can_be_out(films: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    name = films.parent.name
    assert run(films, f"memory://{name}/out").converted == 3
    assert fsspec.filesystem("memory").cat_file(f"/{name}/out/x.png").startswith(b"\x89PNG")


@pytest.fixture
def remote_out(films: Path) -> RemoteOut:
    """An OUT in the memory of this process, with one image and a ledger."""
    pytest.importorskip("fsspec")
    out = RemoteOut(parse_url(f"memory://{films.parent.name}/own"), films.parent)
    out.fetch_ledgers()
    (out.folder / "x.png").write_bytes(b"an image")
    (out.folder / ".plainfilm").write_bytes(b"a ledger")
    put_changes(out, keeps_files=True)
    return out


def test_a_folder_of_this_machine_that_is_lost_is_fetched_again(remote_out: RemoteOut) -> None:
    shutil.rmtree(remote_out.folder)
    assert not remote_out.fetch_ledgers()
    remote_out.fetch(["x.png"])
    put_changes(remote_out, keeps_files=True)
    assert of_folder(remote_out.folder) == {"x.png": b"an image", ".plainfilm": b"a ledger"}


def test_a_lock_that_cannot_be_read_is_not_taken_over(remote_out: RemoteOut, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> bytes:
        raise network_error("timeout")

    with remote_out.lock():
        monkeypatch.setattr("plainfilm.sources.object_store.ObjectStore.read", read)
        with pytest.raises(RunError, match="timeout"), remote_out.lock():
            pass
        monkeypatch.undo()
        with pytest.raises(OutputLockedError), remote_out.lock():
            pass
