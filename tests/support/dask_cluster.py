# SPDX-License-Identifier: MIT
"""Start a Dask scheduler and Dask workers as processes of their own, also in network namespaces of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
# of the scheduler: a batch whose worker has died comes back at once
_NO_PATIENCE = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}


def wait_for(condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition of a test does not come true")
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class NetworkHosts:
    """Network namespaces, which reach this one through a bridge; address: that of the bridge."""

    names: tuple[str, ...]
    address: str


@dataclass(slots=True)
class DaskCluster:
    """A running cluster.

    folder: holds the logs of its processes. prefix: the words of a command that runs each worker.
    environment: further variables of the workers.
    """

    address: str
    folder: Path
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    prefix: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def add_worker(
        self, *options: str, prefix: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a Dask worker with one thread; prefix: further words of a command that runs it."""
        words = ["worker", self.address, "--nthreads", "1", "--no-dashboard", "--local-directory", str(self.folder)]
        name = f"worker{len(self.workers)}"
        log = self.folder / f"{name}.log"
        variables = {**self.environment, **(environment or {})}
        worker = start_dask([*words, *options], log, [*prefix, *self.prefix], variables)
        self.workers.append(worker)
        return worker

    def log(self, number: int) -> str:
        """What a worker has logged."""
        return (self.folder / f"worker{number}.log").read_text()


def hidden_from_worker(folder: Path) -> list[str]:
    """Return the words of a command that runs a program in a mount namespace in which a folder is empty."""
    return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{folder}" && exec "$@"', "sh"]


def start_dask(
    words: Sequence[str], log: Path, prefix: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start the command `dask`, in a session of its own, with plainfilm and the tests on its path."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    with open(log, "wb") as file:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "dask", *words],
            stdout=file,
            stderr=file,
            env={**os.environ, **_NO_PATIENCE, "PYTHONPATH": path, **(environment or {})},
            start_new_session=True,
        )


@contextmanager
def running_cluster(folder: Path, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[DaskCluster]:
    """Start a scheduler without workers; all processes end with the block."""
    folder.mkdir()
    log = folder / "scheduler.log"
    scheduler = start_dask(["scheduler", "--host", host, "--port", "0", "--no-dashboard"], log, prefix)
    cluster = DaskCluster("", folder, scheduler)
    try:
        wait_for(lambda: "Scheduler at:" in log.read_text())
        line = next(line for line in log.read_text().splitlines() if "Scheduler at:" in line)
        cluster.address = line.split()[-1]
        yield cluster
    finally:
        for process in (scheduler, *cluster.workers):
            end_session(process)


def end_session(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started in its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
