# SPDX-License-Identifier: MIT
"""Run a Dask cluster on this machine, in processes of its own, until the process that has started it closes a pipe.

`LocalCluster` here would start its workers from the program of the caller, whose main module they import, and a Ctrl-C
would reach them. `LocalDaskCluster` therefore starts this module as `python -m plainfilm.engines.local_cluster N`.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from contextlib import suppress

from plainfilm.errors import RunError
from plainfilm.workers.limits import die_with_parent, ignore_stop_signals
from plainfilm.workers.spawn import spawn_module

START_SECONDS = 300.0
"""How long the cluster may take to start."""
CLOSE_SECONDS = 10.0


class LocalDaskCluster:
    """A cluster with a number of workers of one thread each, reachable from this machine only.

    Raises RunError where it does not start.
    """

    def __init__(self, workers: int) -> None:
        self._process = spawn_module("plainfilm.engines.local_cluster", [str(workers)])
        # a process that hangs ends when it is killed, and so does the wait for its address
        killer = threading.Timer(START_SECONDS, self._process.kill)
        killer.start()
        try:
            assert self._process.stdout is not None
            self.address = self._process.stdout.readline().decode().strip()
        finally:
            killer.cancel()
        if not self.address:
            self.close()
            raise RunError(f"a Dask cluster cannot be started on this machine, or not within {START_SECONDS:g} s")

    def close(self) -> None:
        """End the cluster."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Start a cluster, print its address, and end it when standard input ends."""
    import dask
    from distributed import LocalCluster

    die_with_parent()
    ignore_stop_signals()
    # a batch whose worker has died is sent again by the engine, in halves
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    cluster = LocalCluster(
        n_workers=int(sys.argv[1]),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=None,
        silence_logs=logging.CRITICAL,
    )
    with cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
