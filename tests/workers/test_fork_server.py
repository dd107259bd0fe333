# SPDX-License-Identifier: MIT
"""Workers that are forked from a process with the loaded task: they are killed, reported and replaced as any others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.processes import is_running, running_children, wait_until

from plainfilm.errors import Reason
from plainfilm.workers import spawn as spawn_module
from plainfilm.workers.forking import ForkedChild, ForkServer, can_fork
from plainfilm.workers.messages import FrameStarted, Job, JobDone, Ready, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.process import WorkerProcess
from plainfilm.workers.spawn import fork_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_fork(), reason="this system forks no workers")]

HERE = str(Path(__file__).resolve().parents[2])
TASK = "tests.support.faulty_tasks:run_script"
SETTINGS = WorkerSettings(workers=2, timeout=30.0, extra_path=(HERE,))


@pytest.fixture
def server() -> Iterator[ForkServer]:
    """A fork server of the task that follows a script."""
    server = fork_server(2, TASK, (HERE,))
    assert server is not None
    yield server
    server.close()


def start(server: ForkServer, settings: WorkerSettings = SETTINGS) -> WorkerProcess:
    child = server.take()
    assert isinstance(child, ForkedChild)
    process = WorkerProcess(TASK, settings, child)
    assert isinstance(process.receive(60), Ready)
    return process


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def test_workers_have_one_parent_which_is_not_this_process(server: ForkServer) -> None:
    first, second = start(server), start(server)
    parents = {parent_of(process.pid) for process in (first, second)}
    assert len(parents) == 1
    assert os.getpid() not in parents
    for process in (first, second):
        assert process.end() == (Reason.WORKER_DIED, "the worker process ended with exit code 0")


@pytest.mark.parametrize(
    ("fault", "words"),
    [("exit with 7", "ended with exit code 7"), ("kill itself", "killed by SIGKILL"), ("abort", "killed by SIGABRT")],
)
def test_the_end_of_a_forked_worker_is_described(server: ForkServer, fault: str, words: str) -> None:
    process = start(server)
    process.send(Job({"name": "hand", "fault": fault, "at": "reading"}))
    assert [process.receive(60), process.receive(60)] == [FrameStarted(None), None]
    assert words in process.end()[1]


def test_a_forked_worker_is_killed_while_it_holds_the_interpreter(server: ForkServer) -> None:
    process = start(server)
    process.send(Job({"name": "hand", "fault": "hold the interpreter"}))
    assert [process.receive(60), process.receive(60)] == [FrameStarted(None), FrameStarted(0)]
    process.enforce_deadline(time.monotonic() + 1e6, 0.0)
    process.kill()
    assert process.receive(60) is None
    process.end()
    wait_until(lambda: not is_running(process.pid))


def test_the_memory_of_each_forked_worker_is_limited(server: ForkServer) -> None:
    process = start(server, WorkerSettings(memory=64 << 20, extra_path=(HERE,)))
    process.send(Job({"name": "hand", "fault": "bloat"}))
    replies = [process.receive(60) for _ in range(3)]
    assert getattr(replies[-1], "reason", None) is Reason.MEMORY_LIMIT
    process.end()


def test_a_worker_has_no_descriptor_of_another_one(server: ForkServer) -> None:
    processes = [start(server) for _ in range(3)]
    # when the requests of the first worker end, it ends, although the others were forked after it
    for process in processes:
        assert process.end() == (Reason.WORKER_DIED, "the worker process ended with exit code 0")


def test_workers_end_with_their_fork_server(server: ForkServer) -> None:
    process = start(server)
    process.send(Job({"name": "hand", "fault": "hold the interpreter"}))
    assert [process.receive(60), process.receive(60)] == [FrameStarted(None), FrameStarted(0)]
    os.kill(parent_of(process.pid), signal.SIGKILL)
    assert process.receive(60) is None
    assert "killed by SIGKILL" in process.end()[1]


def fork_servers() -> set[int]:
    """The fork servers that this process has started."""
    return {child for child in running_children() if b"fork_server" in Path(f"/proc/{child}/cmdline").read_bytes()}


def test_a_run_continues_without_its_fork_server() -> None:
    jobs = [Job({"name": f"{number:02}"}) for number in range(40)]
    names, is_killed = set[str](), False
    settings = WorkerSettings(workers=2, extra_path=(HERE,), recycle_after=4)
    with WorkerPool(TASK, jobs, settings) as pool:
        for event in pool.events():
            assert not isinstance(event, WorkerLost)
            if isinstance(event, TaskResult):
                names.add(event.value[0])
            if not is_killed:
                (process,) = fork_servers()
                os.kill(process, signal.SIGKILL)
                is_killed = True
    assert len(names) == 40


def test_a_task_whose_import_starts_a_thread_gets_processes_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "threaded_task.py").write_text(
        "import os, threading, time\n"
        "from plainfilm.workers.messages import TaskResult\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "def run(job, report):\n    report(TaskResult(os.getppid()))\n"
    )
    settings = WorkerSettings(workers=2, extra_path=(str(tmp_path),))
    with WorkerPool("threaded_task:run", [Job(number) for number in range(4)], settings) as pool:
        parents = [event.value for event in pool.events() if isinstance(event, TaskResult)]
    assert parents == [os.getpid()] * 4


def test_a_server_that_cannot_be_started_leaves_the_error_to_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    server = fork_server(2, TASK)
    assert server is not None
    with pytest.raises(OSError, match="nowhere"):
        server.take()
    server.close()


def test_a_stopping_run_does_not_wait_for_a_worker(server: ForkServer) -> None:
    assert server.take(lambda: True) is None


def test_a_closed_server_forks_no_worker(server: ForkServer) -> None:
    server.close()
    assert server.take() is None


def test_one_worker_has_no_fork_server() -> None:
    assert fork_server(1, TASK) is None


def test_systems_without_pidfd_fork_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn_module, "can_fork", lambda: False)
    assert fork_server(2, TASK) is None


SCRIPT = """
import sys
from plainfilm.workers.messages import Job, WorkerSettings
from plainfilm.workers.pool import WorkerPool
here, folder = sys.argv[1:]
jobs = [Job((folder, "hold the interpreter"))] * 2
with WorkerPool("tests.support.faulty_tasks:write_pid", jobs, WorkerSettings(workers=2, extra_path=(here,))) as pool:
    list(pool.events())
"""


def test_no_process_remains_when_the_parent_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "workers"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", SCRIPT, HERE, str(folder)], start_new_session=True) as run:
        try:
            wait_until(lambda: len(list(folder.iterdir())) == 2)
            workers = [int(entry.name) for entry in folder.iterdir()]
            processes = {*workers, *map(parent_of, workers)}
        finally:
            run.kill()
    assert len(processes) == 3
    assert run.pid not in processes
    wait_until(lambda: not any(map(is_running, processes)))


def test_a_worker_without_results_is_done_when_its_job_is() -> None:
    with WorkerPool(TASK, [Job({"name": "hand", "frames": 0})], SETTINGS) as pool:
        assert [type(event) for event in pool.events()] == [JobDone]
