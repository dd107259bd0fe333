# SPDX-License-Identifier: MIT
"""OUT in a bucket with workers on other machines: they put the images there, and the client sends and fetches none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.cases.build import case_file
from tests.support.dask_cluster import DaskCluster, hidden_from_worker, running_cluster, wait_for
from tests.support.s3_server import BUCKET, S3Server, running_proxy

from plainfilm.api.many_images import convert
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.summary import Run
from plainfilm.errors import OptionsError, RunError

pytestmark = pytest.mark.usefixtures("dask")

OUT = f"s3://{BUCKET}/out"
FILMS = f"s3://{BUCKET}/films"


@pytest.fixture
def client_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the workers do not see: the state folder of the client is in it, and the key."""
    folder = tmp_path / "client"
    folder.mkdir()
    (folder / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder


@pytest.fixture
def worker_proxy(s3_server: S3Server) -> Iterator[S3Server]:
    """The server as the workers reach it, so that their requests are counted apart from those of the client."""
    with running_proxy(s3_server.server_port) as proxy:
        yield proxy


@pytest.fixture
def cluster(tmp_path: Path, client_folder: Path, worker_proxy: S3Server) -> Iterator[DaskCluster]:
    """A cluster whose workers have a home of their own, and see nothing of the client's folder."""
    with running_cluster(tmp_path / "cluster") as cluster:
        cluster.prefix = hidden_from_worker(client_folder)
        cluster.environment = {"HOME": str(cluster.folder), "XDG_STATE_HOME": "", **worker_proxy.environment}
        yield cluster


@pytest.fixture
def films(s3_server: S3Server) -> dict[str, bytes]:
    """Films in the bucket: images, a multi-frame image, a copy, and a damaged file."""
    films = {f"{number:02}.dcm": case_file(rows=60, columns=70, seed=number) for number in range(30)}
    films["b/copy.dcm"] = films["00.dcm"]
    films["b/cine.dcm"] = case_file(frames=5, seed=3, content="gradient")
    films["b/cut.dcm"] = case_file()[:-100]
    s3_server.put({f"films/{name}": content for name, content in films.items()})
    return films


def run(folder: Path, out: str | Path, scheduler: str | None = None, **options: object) -> Run:
    engine = {} if scheduler is None else {"engine": "dask", "scheduler": scheduler}
    return convert(FILMS, out, jobs=1, key_file=folder / "key", **engine, **options)  # type: ignore[arg-type]


def contents(server: S3Server) -> dict[str, bytes]:
    keys = (key for key in server.list_keys() if key.startswith("out/"))
    return {key.removeprefix("out/"): server.get(key) for key in keys}


def check_like_a_folder(server: S3Server, folder: Path, **options: object) -> None:
    """Check that the bucket holds what a local run writes into a folder."""
    run(folder, folder / "whole", **options)
    whole = folder / "whole"
    local = {path.relative_to(whole).as_posix(): path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    remote = contents(server)
    assert remote.keys() - {".plainfilm-objects"} == local.keys() - {".plainfilm-lock"}
    varying = {".plainfilm", ".plainfilm-objects", "run.json"}
    assert {name: remote[name] for name in remote.keys() - varying} == {
        name: local[name] for name in remote.keys() - varying
    }


def image_bytes_through(proxy: S3Server) -> list[int]:
    """The bytes of each request by which an image, or a part of it, has travelled."""
    return [size for _, path, size in proxy.traffic if path.rpartition(".")[2] in ("png", "dcm", "tmp") and size]


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("options", [{}, {"names": "uid", "split": "train=0.5,test=0.5", "overlays": "mask"}])
def test_no_image_passes_through_the_client(
    options: dict[str, object],
    cluster: DaskCluster,
    client_folder: Path,
    s3_server: S3Server,
    worker_proxy: S3Server,
) -> None:
    cluster.add_worker("--no-nanny")
    s3_server.traffic.clear()
    result = run(client_folder, OUT, cluster.address, **options)
    assert result.converted == 36
    # each side writes one byte to check the store, and reads one of a film
    assert sum(image_bytes_through(s3_server)) == 2
    assert len(image_bytes_through(worker_proxy)) >= 32 + 36
    # of one UID with another film, so that an image gets another name where names are UIDs
    s3_server.put({"films/new.dcm": case_file(rows=61, columns=70, seed=7)})
    replaced, removed = sorted(name for name in contents(s3_server) if name.endswith(".png"))[:2]
    s3_server.put({f"out/{replaced}": b"other"})
    s3_server.client().delete_object(Bucket=BUCKET, Key=f"out/{removed}")
    s3_server.traffic.clear()
    result = run(client_folder, OUT, cluster.address, **options)
    assert result.converted == 37
    assert any("2 images in OUT were deleted" in note for note in result.notes)
    assert sum(image_bytes_through(s3_server)) == 2
    check_like_a_folder(s3_server, client_folder, **options)


def kill_in_turn(*victims: Sequence[int]) -> Callable[[RunProgress], None]:
    """Return a callback that kills one group of processes after the other, while images come."""
    remaining = list(victims)
    seen = [0]

    def callback(progress: RunProgress) -> None:
        if remaining and progress.new_images > seen[0]:
            seen[0] = progress.new_images
            for process in remaining.pop(0):
                os.kill(process, signal.SIGKILL)

    return callback


def kill_client(folder: Path, scheduler: str, server: S3Server) -> None:
    """Start the command, and kill it when workers have staged images."""
    words = ["convert", FILMS, OUT, "--key-file", str(folder / "key"), "--engine", "dask", "--scheduler", scheduler]
    command = [sys.executable, "-m", "plainfilm", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: sum("/.plainfilm-staging/" in key for key in server.list_keys()) > 4)
        assert process.poll() is None
        process.kill()


@pytest.mark.usefixtures("films")
def test_killed_workers_and_a_killed_scheduler_leave_whole_objects_and_cost_nothing(
    tmp_path: Path, cluster: DaskCluster, client_folder: Path, s3_server: S3Server
) -> None:
    # more than are in progress at once: the run lasts until the scheduler is killed
    s3_server.put({f"films/more/{number}.dcm": case_file(seed=100 + number) for number in range(20)})
    plain, nanny = cluster.add_worker("--no-nanny"), cluster.add_worker("--nanny")
    # this one survives, so that images come until the scheduler is killed
    cluster.add_worker("--no-nanny")
    kill = kill_in_turn((plain.pid, nanny.pid), (cluster.scheduler.pid,))
    with pytest.raises(RunError, match="scheduler was lost"):
        run(client_folder, OUT, cluster.address, progress=kill)
    images = {name: content for name, content in contents(s3_server).items() if name.endswith("png")}
    assert images
    assert all(content.endswith(b"IEND\xaeB`\x82") for content in images.values())
    with running_cluster(tmp_path / "second cluster") as second:
        second.prefix, second.environment = cluster.prefix, cluster.environment
        second.add_worker("--no-nanny")
        kill_client(client_folder, second.address, s3_server)
        result = run(client_folder, OUT, second.address)
    assert result.converted == 56
    assert any("done before" in note for note in result.notes)
    check_like_a_folder(s3_server, client_folder)


@pytest.mark.parametrize(
    ("out", "options"),
    [(OUT, {"layout": "webdataset"}), (OUT, {"presentation": "auto"}), ("memory://x/out", {})],
)
def test_what_needs_the_images_or_files_of_the_client_is_refused(
    out: str, options: dict[str, object], client_folder: Path, s3_server: S3Server
) -> None:
    with pytest.raises(OptionsError, match="scheduler"):
        run(client_folder, out, "tcp://127.0.0.1:9", **options)
    assert not s3_server.requests
