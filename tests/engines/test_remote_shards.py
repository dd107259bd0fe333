# SPDX-License-Identifier: MIT
"""Shards and merges in a bucket: who is kept out, what is transferred, and what is left when a process is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.engine_runs import convert_locally, convert_remotely, film, on_machine, tree_of
from tests.support.outputs import is_private
from tests.support.s3_server import BUCKET, S3Server, kill_at

from plainfilm.cli.main import main
from plainfilm.conversion.merging import MergeFiles
from plainfilm.conversion.remote_merge import RemoteMerge
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OutputLockedError
from plainfilm.options.share import Share

OUT = f"s3://{BUCKET}/out"
SHARD_LEDGER = ".plainfilm-shard-00001-of-00002"
ELSEWHERE = json.dumps({"host": "elsewhere", "pid": 7, "started": "x", "token": "t"}).encode()

OPTIONS = {"names": "uid", "no_report": True}

Shard = Callable[..., Run]


def write_films(folder: Path) -> Path:
    """Write six films; three of them have one SOP Instance UID."""
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.dcm").write_bytes(film(f"1.2.{min(number, 3)}", f"P{number}", number))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_films(tmp_path / "in")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one run over the films leaves in a folder."""
    path = tmp_path_factory.mktemp("whole")
    (path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    given = {"jobs": 1, "key_file": path / "key", **OPTIONS}
    convert_locally([write_films(path / "in")], path / "out", given)
    return {name: (path / "out" / name).read_bytes() for name in tree_of(path / "out")}


@pytest.fixture(autouse=True)
def machine(tmp_path: Path) -> Iterator[None]:
    """The machine of what names no other."""
    with on_machine(tmp_path / "first machine"):
        yield


@pytest.fixture
def given(key_file: Path) -> Mapping[str, object]:
    return {"jobs": 1, "key_file": key_file, **OPTIONS}


@pytest.fixture
def convert_shard(s3_server: S3Server, folder: Path, given: Mapping[str, object]) -> Shard:  # noqa: ARG001
    """Convert one shard of two into the bucket."""

    def convert(number: int, **options: object) -> Run:
        return convert_remotely([folder], OUT, {**given, **options, "shard": f"{number}/2"})

    return convert


def merge() -> Run:
    return RemoteMerge(OUT, MergeFiles()).run()


def contents(server: S3Server) -> dict[str, bytes]:
    """The objects of OUT without private ones and run.json, which holds times."""
    names = {key.removeprefix("out/") for key in server.list_keys()}
    return {name: server.get(f"out/{name}") for name in names if not is_private(name) and name != "run.json"}


def private_objects(server: S3Server) -> set[str]:
    names = {key.removeprefix("out/") for key in server.list_keys()}
    return {name for name in names if is_private(name)}


def done_before(run: Run) -> int:
    """The number of files that a run has not converted again."""
    return sum(int(note.split()[0]) for note in run.notes if "done before" in note)


def images_of(requests: list[tuple[str, str, str]], method: str) -> list[str]:
    """The paths of the images in requests with a method."""
    return [path for name, path, _ in requests if name == method and path.endswith(".png")]


def test_a_merge_in_a_bucket_reads_no_image_and_leaves_what_one_run_leaves(
    s3_server: S3Server,
    convert_shard: Shard,
    folder: Path,
    given: Mapping[str, object],
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    convert_shard(1)
    assert main(["merge", OUT]) == 3, "a shard is missing"
    with on_machine(tmp_path / "second machine"):
        convert_shard(2)
    assert private_objects(s3_server) >= {SHARD_LEDGER, ".plainfilm-shard-00002-of-00002"}
    assert main(["convert", str(folder), OUT, "--key-file", str(given["key_file"]), "--names", "uid"]) == 3
    s3_server.requests.clear()
    assert merge().counts.converted == 6
    assert not images_of(s3_server.requests, "GET")
    assert contents(s3_server) == expected
    assert private_objects(s3_server) == {".plainfilm", ".plainfilm-objects"}


def test_a_shard_resumes_on_another_machine_without_reading_images(
    s3_server: S3Server, convert_shard: Shard, folder: Path, tmp_path: Path
) -> None:
    counts = convert_shard(1).counts
    name = next(f"new{number}.dcm" for number in range(99) if Share(1, 2).has(f"new{number}.dcm"))
    (folder / name).write_bytes(film("1.3.1", "P9", 9))
    s3_server.requests.clear()
    with on_machine(tmp_path / "second machine"):
        run = convert_shard(1)
    assert done_before(run) == counts.converted
    assert len(images_of(s3_server.requests, "PUT")) == 1
    # the folder of the first machine is that of an older ledger
    run = convert_shard(1)
    assert done_before(run) == counts.converted + 1
    assert not images_of(s3_server.requests, "GET")


@pytest.mark.parametrize(
    ("lock", "owner"),
    [(".plainfilm-lock", "process 7 on elsewhere"), (f"{SHARD_LEDGER}-lock", "which runs shard 1/2")],
)
def test_shards_keep_out_merges_and_other_runs_and_are_kept_out_by_them(
    s3_server: S3Server,
    convert_shard: Shard,
    folder: Path,
    given: Mapping[str, object],
    lock: str,
    owner: str,
) -> None:
    s3_server.put({f"out/{lock}": ELSEWHERE})
    for run in (lambda: convert_shard(1), merge, lambda: convert_remotely([folder], OUT, given)):
        with pytest.raises(OutputLockedError, match=owner) as caught:
            run()
        assert caught.value.exit_code == 3
    assert private_objects(s3_server) == {lock}
    if lock != ".plainfilm-lock":
        assert convert_shard(2).counts.converted


def test_a_shard_that_is_killed_leaves_whole_images_and_resumes(
    s3_server: S3Server,
    convert_shard: Shard,
    folder: Path,
    given: Mapping[str, object],
    expected: dict[str, bytes],
) -> None:
    convert_shard(2)
    words = ("convert", folder, OUT, "--key-file", given["key_file"], "--names", "uid", "--no-report", "-j", "1")
    kill_at(s3_server, ("PUT", ".png"), (*words, "--shard", "1/2"), os.environ)
    with pytest.raises(LedgerError, match="shard 1 of 2 has not finished"):
        merge()
    assert all(content.startswith(b"\x89PNG") for content in contents(s3_server).values())
    convert_shard(1)
    merge()
    assert contents(s3_server) == expected


@pytest.fixture(scope="module")
def prepared() -> dict[str, bytes]:
    """The objects that the first test of the module prepares for the others."""
    return {}


def prepare(server: S3Server, convert_shard: Shard, folder: Path, expected: dict[str, bytes]) -> dict[str, bytes]:
    """Return the objects of an OUT with two shards that are to be merged, and that were run after another merge.

    An image of the shards gets the name that an image of the earlier merge has, and that image gets another name.
    """
    # its keyed hash sorts first among the sources of its SOP Instance
    first = folder / "4.dcm"
    content = first.read_bytes()
    first.unlink()
    for number in (1, 2):
        convert_shard(number)
    merge()
    assert server.get("out/1.2.3.png") != expected["1.2.3.png"]
    first.write_bytes(content)
    for number in (1, 2):
        convert_shard(number)
    return {key: server.get(key) for key in server.list_keys()}


@pytest.mark.parametrize(
    ("method", "name", "is_elsewhere"),
    [
        ("PUT", "/1.2.3.png", False),
        ("PUT", "/1.2.3.png", True),
        ("PUT", "/.plainfilm", True),
        ("DELETE", f"/{SHARD_LEDGER}", True),
    ],
)
def test_a_merge_that_is_killed_is_completed_here_and_on_another_machine(
    s3_server: S3Server,
    convert_shard: Shard,
    folder: Path,
    expected: dict[str, bytes],
    prepared: dict[str, bytes],
    tmp_path: Path,
    method: str,
    name: str,
    is_elsewhere: bool,
) -> None:
    if not prepared:
        prepared |= prepare(s3_server, convert_shard, folder, expected)
    s3_server.empty()
    s3_server.put(prepared)
    with on_machine(tmp_path / "second machine"):
        kill_at(s3_server, (method, name), ("merge", OUT), os.environ)
    with on_machine(tmp_path / ("third machine" if is_elsewhere else "second machine")):
        assert merge().counts.converted == 6
    assert contents(s3_server) == expected
    assert private_objects(s3_server) == {".plainfilm", ".plainfilm-objects"}
