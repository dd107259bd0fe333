# SPDX-License-Identifier: MIT
"""OUT in a bucket: what a folder would hold, whole objects only, one run at a time, and resumed after any end."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine
from tests.support.engine_runs import film
from tests.support.s3_server import BUCKET, SECRET, S3Server, kill_at

from plainfilm.api.many_images import convert
from plainfilm.cli.main import main
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OptionsError, OutputLockedError, Reason, RunError
from plainfilm.output import remote_lock
from plainfilm.output.remote_objects import RemoteObjects
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
    s3_server.requests.clear()
    result = run(films)
    assert "4 files were done before" in " ".join(result.notes)
    images = [(method, path) for method, path, _ in s3_server.requests if path.endswith(".png")]
    assert images == [("PUT", f"/{BUCKET}/out/new.png")]
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


@pytest.mark.parametrize("name", ["/.plainfilm-lock", "/x.png"])
def test_a_killed_run_leaves_whole_objects_and_the_next_run_goes_on(
    s3_server: S3Server, films: Path, name: str
) -> None:
    environment = {**CommandLine(films.parent).environment, "XDG_STATE_HOME": str(films.parent / "state")}
    kill_at(s3_server, ("PUT", name), ("convert", films, OUT, "--key-file", films.parent / "key"), environment)
    assert all(content.startswith(b"\x89PNG") for name, content in contents(s3_server).items() if name.endswith("png"))
    assert ".plainfilm" not in contents(s3_server)
    assert run(films).converted == 3
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


def test_the_commands_for_a_finished_run_work_with_a_bucket(
    s3_server: S3Server, films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local = films.parent / "local"
    for out in (OUT, local):
        # the report then needs the images
        run(films, out, no_report=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(films.parent / "other"))
    assert main(["verify", OUT]) == 0
    for out, sheet in ((OUT, "sheet.png"), (str(local), "local.png")):
        assert main(["sheet", out, "-o", str(films.parent / sheet)]) == 0
    assert (films.parent / "sheet.png").read_bytes() == (films.parent / "local.png").read_bytes()
    for out in (f"{OUT}/", str(local)):
        assert main(["report", out]) == 0
    assert f"the report: {OUT}/report.html" in capsys.readouterr().err
    report = {name: content for name, content in of_folder(local).items() if name.startswith("report")}
    assert len(report) > 1
    assert report.items() <= contents(s3_server).items()
    assert main(["verify", OUT]) == 0
    s3_server.put({"out/x.png": s3_server.get("out/a/y.png"), "out/extra/z.png": b"other", "out/metadata.csv": b""})
    s3_server.client().delete_object(Bucket=BUCKET, Key="out/a/b/z.png")
    capsys.readouterr()
    assert main(["verify", OUT]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["missing\ta/b/z.png", "changed\tmetadata.csv", "changed\tx.png", "extra\textra/z.png"]


def test_a_patient_is_removed_from_a_bucket(s3_server: S3Server, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("x.dcm", "a/y.dcm", "a/b/z.dcm")):
        (films / name).write_bytes(film(f"1.2.{number}", f"P{number}", number))
    run(films)
    rows = csv.DictReader(s3_server.get("out/metadata.csv").decode().splitlines())
    patients = {row["file_name"]: row["patient"] for row in rows}
    monkeypatch.setenv("XDG_STATE_HOME", str(films.parent / "other"))
    s3_server.requests.clear()
    assert main(["remove", OUT, "--patient", patients["x.png"]]) == 0
    assert not [path for method, path, _ in s3_server.requests if method == "GET" and path.endswith(".png")]
    assert {name for name in contents(s3_server) if name.endswith(".png")} == {"a/y.png", "a/b/z.png"}
    for name, content in contents(s3_server).items():
        assert b"x.png" not in content, name
        assert patients["x.png"].encode() not in content or name == ".plainfilm"


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


@pytest.mark.parametrize("is_circle", [False, True])
def test_images_get_the_names_of_one_another_by_copies_in_the_store(remote_out: RemoteOut, is_circle: bool) -> None:
    images = {f"{name}.png": f"the {name} image, which has a placeholder".encode() for name in ("x", "y", "z")}
    folder = remote_out.folder
    for name, content in images.items():
        (folder / name).write_bytes(content)
    put_changes(remote_out, keeps_files=False)
    assert not any((folder / name).read_bytes() == content for name, content in images.items())
    names = {"z.png": "z2.png", "y.png": "z.png", "x.png": "y.png"}
    if is_circle:
        names["z.png"] = "x.png"
    for name in names:
        (folder / name).rename(folder / f"new {name}")
    for name, new_name in names.items():
        (folder / f"new {name}").rename(folder / new_name)
    (folder / ".plainfilm").write_bytes(b"the next ledger")
    put_changes(remote_out, keeps_files=False)
    store = RemoteObjects(remote_out.url)
    objects = {name: b"".join(store.chunks(file)) for name, file in store.list().items()}
    assert {name for name in objects if name.startswith(".plainfilm")} == {".plainfilm", ".plainfilm-objects"}
    assert {name: objects[name] for name in objects if name.endswith(".png")} == {
        new_name: images[name] for name, new_name in names.items()
    }


def test_a_folder_of_this_machine_that_is_lost_is_fetched_again(remote_out: RemoteOut) -> None:
    shutil.rmtree(remote_out.folder)
    assert not remote_out.fetch_ledgers()
    remote_out.fetch(["x.png"])
    put_changes(remote_out, keeps_files=True)
    assert of_folder(remote_out.folder) == {"x.png": b"an image", ".plainfilm": b"a ledger"}


def test_of_two_runs_that_find_the_same_stale_lock_one_holds_it(
    remote_out: RemoteOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = {"host": socket.gethostname(), "pid": 2**22 + 1, "started": "x", "token": "t"}
    owner_of = remote_lock._owner_of
    answers: list[dict[str, object]] = []
    monkeypatch.setattr(remote_lock, "_owner_of", lambda url: answers.pop() if answers else owner_of(url))
    with remote_out.lock():
        # the other run has read the lock object before this one replaced it
        answers.append(stale)
        with pytest.raises(OutputLockedError), remote_out.lock():
            pass
        with pytest.raises(OutputLockedError), remote_out.lock():
            pass
    with remote_out.lock():
        pass


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
