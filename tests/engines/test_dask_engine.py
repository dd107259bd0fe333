# SPDX-License-Identifier: MIT
"""Test that a run on a Dask cluster gives what a run on this machine gives, also when parts of the cluster die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import case_file
from tests.support.dask_cluster import DaskCluster, running_cluster, wait_for
from tests.support.outputs import images_of, rows_of, tree

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.summary import Run
from plainfilm.engines import dask_connection, dask_engine
from plainfilm.errors import OptionsError, Reason, RunError
from plainfilm.options.options import Options

pytestmark = pytest.mark.usefixtures("dask")

Converts = Callable[..., Run]
FAULTY = "tests.support.faulty_conversion:convert_or_fail"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Images, multi-frame images, a damaged file, a copy, and a file that is no image."""
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for number in range(60):
        (folder / f"{number:03}.dcm").write_bytes(case_file(seed=number % 55))
    for number in range(4):
        (folder / "b" / f"cine{number}.dcm").write_bytes(case_file(frames=5, seed=number, content="gradient"))
    (folder / "b" / "cut.dcm").write_bytes(case_file()[:-100])
    (folder / "notes.txt").write_text("no film")
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Converts:
    """Convert `source` into a folder of `tmp_path`."""
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(out: str, progress: Callable[[RunProgress], None] | None = None, task: str = "", **values: Any) -> Run:
        options = Options.of({"key_file": tmp_path / "key", "engine": "dask", **values})
        conversion = Conversion([source], tmp_path / out, options, **({"task": task} if task else {}))
        return conversion.run() if progress is None else conversion.run(progress)

    return run


@pytest.fixture
def whole(convert: Converts, tmp_path: Path) -> dict[str, bytes]:
    """The tree of a run in processes of this machine."""
    convert("whole", engine="local", jobs=2)
    return tree(tmp_path / "whole")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    with running_cluster(tmp_path / "cluster") as cluster:
        yield cluster


def test_a_cluster_on_this_machine_gives_the_same_files(
    convert: Converts, whole: dict[str, bytes], tmp_path: Path
) -> None:
    run = convert("out", jobs=2)
    assert tree(tmp_path / "out") == whole
    assert run.exit_code == 1, "one file is damaged"
    again = convert("out", jobs=2)
    assert any("done before" in note for note in again.notes)


@pytest.mark.parametrize("values", [{"layout": "webdataset"}, {"names": "uid", "split": "train=0.7,test=0.3"}])
def test_layouts_and_splits_are_the_same(values: dict[str, str], convert: Converts, tmp_path: Path) -> None:
    convert("whole", engine="local", jobs=2, **values)
    convert("out", jobs=2, **values)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


@pytest.mark.parametrize("nanny", ["--nanny", "--no-nanny"])
def test_an_existing_scheduler_with_workers_gives_the_same_files(
    nanny: str, convert: Converts, whole: dict[str, bytes], cluster: DaskCluster, tmp_path: Path
) -> None:
    cluster.add_worker(nanny)
    cluster.add_worker(nanny)
    convert("out", scheduler=cluster.address)
    assert tree(tmp_path / "out") == whole


def signal_once(process: int, number: int = signal.SIGKILL) -> Callable[[RunProgress], None]:
    """Return a callback that kills a process, or sends another signal, when the first images are there."""
    sent: list[int] = []

    def callback(progress: RunProgress) -> None:
        if progress.new_images and not sent:
            sent.append(process)
            os.kill(process, number)

    return callback


@pytest.mark.parametrize("nanny", ["--nanny", "--no-nanny"])
def test_a_killed_worker_costs_nothing(
    nanny: str, convert: Converts, whole: dict[str, bytes], cluster: DaskCluster, tmp_path: Path
) -> None:
    victim = cluster.add_worker(nanny)
    cluster.add_worker(nanny)
    convert("out", signal_once(victim.pid), scheduler=cluster.address)
    assert tree(tmp_path / "out") == whole


def test_a_file_that_kills_its_dask_worker_costs_itself_alone(source: Path, convert: Converts, tmp_path: Path) -> None:
    (source / "0-kill the parent.dcm").write_bytes(case_file(seed=200))
    convert("out", jobs=2, task=FAULTY)
    lost = [row for row in rows_of(tmp_path / "out", "failures") if row["reason"] == Reason.WORKER_DIED]
    assert [row["source"] for row in lost] == ["0-kill the parent.dcm"]
    assert len(rows_of(tmp_path / "out")) == 80


def test_a_file_that_crashes_its_process_leaves_the_dask_worker_alive(
    source: Path, convert: Converts, cluster: DaskCluster, tmp_path: Path
) -> None:
    (source / "0-segfault.dcm").write_bytes(case_file(seed=200))
    worker = cluster.add_worker("--no-nanny")
    convert("out", scheduler=cluster.address, task=FAULTY)
    lost = [row for row in rows_of(tmp_path / "out", "failures") if row["reason"] == Reason.WORKER_DIED]
    assert [row["source"] for row in lost] == ["0-segfault.dcm"]
    assert worker.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_scheduler_that_is_lost_or_hangs_stops_the_run_and_it_resumes(
    number: int,
    convert: Converts,
    whole: dict[str, bytes],
    cluster: DaskCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dask_connection, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(dask_connection, "SILENCE_SECONDS", 8.0)
    cluster.add_worker("--no-nanny")
    with pytest.raises(RunError, match="scheduler was lost"):
        convert("out", signal_once(cluster.scheduler.pid, number), scheduler=cluster.address)
    assert len(rows_of(tmp_path / "out")) == len(images_of(tmp_path / "out")) > 0
    convert("out", engine="local", jobs=2)
    assert tree(tmp_path / "out") == whole


def test_a_cluster_without_workers_ends_the_run_which_says_so_before(
    convert: Converts, whole: dict[str, bytes], cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_connection, "COUNT_SECONDS", 0.1)
    monkeypatch.setattr(dask_engine, "NOTICE_SECONDS", 0.0)
    monkeypatch.setattr(dask_engine, "NO_WORKER_SECONDS", 2.0)
    kill, problems = signal_once(cluster.add_worker("--no-nanny").pid), []

    def progress(status: RunProgress) -> None:
        kill(status)
        problems.append(status.problem)

    with pytest.raises(RunError, match="no worker for 2 s: start workers, and run again"):
        convert("out", progress, scheduler=cluster.address, log=tmp_path / "log")
    assert "the Dask cluster has no worker" in problems
    assert "has no worker" in (tmp_path / "log").read_text()
    convert("out", engine="local", jobs=2)
    assert tree(tmp_path / "out") == whole


def test_workers_that_hang_at_the_start_do_not_hang_the_run(
    convert: Converts, whole: dict[str, bytes], cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = [cluster.add_worker("--no-nanny"), cluster.add_worker("--no-nanny")]
    wait_for(lambda: all("Starting established" in cluster.log(number) for number in range(2)))
    # both have loaded what they need
    convert("first", scheduler=cluster.address)
    monkeypatch.setattr(dask_engine, "CHECK_SECONDS", 2.0)
    for worker in hanging:
        os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(RunError, match="no Dask worker has answered within 2 s"):
        convert("out", scheduler=cluster.address)
    os.kill(hanging[0].pid, signal.SIGCONT)
    monkeypatch.setattr(dask_engine, "CHECK_SECONDS", 15.0)
    go_on, problems = signal_once(hanging[1].pid, signal.SIGCONT), []

    def progress(status: RunProgress) -> None:
        go_on(status)
        problems.append(status.problem)

    convert("out", progress, scheduler=cluster.address)
    assert "Dask workers that do not answer: 1" in problems
    assert tree(tmp_path / "out") == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_resumes(
    number: int, source: Path, convert: Converts, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["convert", str(source), str(out), "--engine", "dask", "-j2", "--key-file", str(tmp_path / "key")]
    command = [sys.executable, "-m", "plainfilm", *words]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        wait_for(lambda: any(out.rglob("*.png")) or process.poll() is not None)
        os.killpg(process.pid, number)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert len(rows_of(out)) == len(images_of(out))
        assert not (out / ".plainfilm-staging").exists()
    # the processes of the cluster end with the command
    wait_for(lambda: not any(str(out).encode() in line for line in command_lines()))
    convert("out", jobs=2)
    assert tree(out) == whole


def command_lines() -> Iterator[bytes]:
    """Yield the command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue


def test_a_worker_with_another_version_is_refused_before_work(
    convert: Converts, cluster: DaskCluster, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text('import plainfilm.version as v\nv.VERSION = "0.0.9"\n')
    environment = {"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{Path(__file__).parents[2] / 'src'}"}
    cluster.add_worker("--no-nanny", environment=environment)
    with pytest.raises(RunError, match=r"cannot work for this run.*plainfilm: 0\.0\.9 there"):
        convert("out", scheduler=cluster.address)
    assert not images_of(tmp_path / "out")


def test_an_error_of_the_run_comes_back_from_a_worker(source: Path, convert: Converts) -> None:
    (source / "0-fill the disk.dcm").write_bytes(case_file(seed=200))
    with pytest.raises(RunError, match="no space"):
        convert("out", jobs=1, task=FAULTY)


def test_logs_of_the_cluster_hold_neither_paths_nor_the_key(
    source: Path, convert: Converts, cluster: DaskCluster
) -> None:
    for path in source.glob("*.dcm"):
        path.unlink()
    (source / "0-kill the parent.dcm").write_bytes(case_file(seed=200))
    cluster.add_worker("--nanny")
    convert("out", scheduler=cluster.address, task=FAULTY)
    logs = "".join(path.read_text() for path in cluster.folder.glob("*.log"))
    assert "kill the parent" not in logs
    assert "secret of thirty-two" not in logs


def test_no_scheduler_is_a_clear_error(convert: Converts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_connection, "CONNECT_SECONDS", 1.0)
    with pytest.raises(RunError, match="no Dask cluster with a worker answers"):
        convert("out", scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_with_tls_and_no_certificates_is_a_clear_error(convert: Converts) -> None:
    with pytest.raises(RunError, match=r"configure distributed\.comm\.tls"):
        convert("out", scheduler="tls://127.0.0.1:9")


def test_a_scheduler_needs_a_key_file(source: Path, tmp_path: Path) -> None:
    options = Options.of({"engine": "dask", "scheduler": "tcp://127.0.0.1:9"})
    with pytest.raises(OptionsError, match="--scheduler needs --key-file"):
        Conversion([source], tmp_path / "out", options).run()
