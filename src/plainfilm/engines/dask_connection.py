# SPDX-License-Identifier: MIT
"""Connect a run to a Dask cluster: submit batches, count threads, and call functions on all workers at once.

A process of the cluster may hang: the operating system has stopped it, or its machine is lost. Therefore every call has
a time after which it ends without an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plainfilm.engines.batch import Batch
from plainfilm.engines.local_cluster import LocalDaskCluster
from plainfilm.errors import OptionsError, RunError

if TYPE_CHECKING:
    from distributed import Future

CONNECT_SECONDS = 30.0
FIRST_WORKER_SECONDS = 120.0
COUNT_SECONDS = 2.0
"""How often the threads of the cluster are counted."""
ANSWER_SECONDS = 5.0
"""How long the run waits for an answer of the scheduler, before it does other work and asks again."""
SILENCE_SECONDS = 60.0
"""How long the scheduler may be silent until it counts as lost."""
CLOSE_SECONDS = 10.0

LOST_SCHEDULER = "the connection to the Dask scheduler was lost: start the scheduler, and run again to resume"


class DaskConnection:
    """The client of a scheduler. A cluster that was started here ends when the connection is closed.

    scheduler: its address; None starts a cluster on this machine, with a number of workers.

    Raises OptionsError without Dask, and RunError where no cluster with a worker answers. Every method raises RunError
    where the scheduler is lost.
    """

    def __init__(self, scheduler: str | None, workers: int) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise OptionsError(
                "--engine dask needs Dask, which cannot be imported: pip install 'plainfilm[dask]'"
            ) from None
        self._cluster = LocalDaskCluster(workers) if scheduler is None else None
        self._client: Any = None
        self._threads: Mapping[str, int] = {}
        self._asked, self._answered = -COUNT_SECONDS, time.monotonic()
        address = scheduler if self._cluster is None else self._cluster.address
        is_connected = False
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            self._client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
            is_connected = True
        except TypeError as error:
            # the client has no certificates for an address that begins with tls://
            message = f"no connection to {address}: configure distributed.comm.tls of Dask on this machine"
            raise RunError(message) from error
        except (OSError, TimeoutError, ValueError) as error:
            raise RunError(f"no Dask cluster with a worker answers at {address} ({type(error).__name__})") from error
        finally:
            if not is_connected:
                self.close()

    @property
    def is_open(self) -> bool:
        """Whether the scheduler is there. One that is lost has forgotten the batches in progress."""
        return bool(self._client.status == "running")

    def submit(self, batch: Batch, key: str) -> Future:
        """Give a batch to the cluster, under a key of its own."""
        from plainfilm.engines.dask_worker import run_batch

        return self._client.submit(run_batch, batch, key=key, pure=False)

    def threads(self) -> int:
        """Return the number of threads of all workers, which may come and go."""
        now = time.monotonic()
        if now - self._asked >= COUNT_SECONDS:
            try:
                self._threads = self._count_threads(ANSWER_SECONDS)
                self._answered = time.monotonic()
            except TimeoutError as error:
                if now - self._answered >= SILENCE_SECONDS:
                    raise RunError(LOST_SCHEDULER) from error
            self._asked = time.monotonic()
        return sum(self._threads.values())

    def call(self, function: str, *arguments: object, seconds: float) -> dict[str, Any]:
        """Call a function of `dask_worker` on every worker; return the results by the addresses of the workers.

        A worker that is lost, or has not answered after some seconds, has None; one that has raised an error has the
        error.
        """
        from plainfilm.engines import dask_worker

        try:
            workers = list(self._count_threads(seconds))
            answers: dict[str, Any] = self._client.sync(
                *(_ask, self._client, workers, seconds, getattr(dask_worker, function), arguments),
                callback_timeout=seconds + ANSWER_SECONDS,
            )
        except TimeoutError as error:
            raise RunError(LOST_SCHEDULER) from error
        return {worker: None if isinstance(answer, OSError) else answer for worker, answer in answers.items()}

    def close(self) -> None:
        """Leave the cluster; it cancels what is in progress."""
        if self._client is not None:
            self._client.close(timeout=CLOSE_SECONDS)
        if self._cluster is not None:
            self._cluster.close()

    def _count_threads(self, seconds: float) -> Mapping[str, int]:
        """Return the threads of each worker. Raises also TimeoutError."""
        try:
            threads: Mapping[str, int] = self._client.nthreads(callback_timeout=seconds)
        except TimeoutError:
            raise
        except OSError as error:
            raise RunError(LOST_SCHEDULER) from error
        return threads


async def _ask(
    client: Any, workers: list[str], seconds: float, function: object, arguments: tuple[object, ...]
) -> dict[str, Any]:
    """Call a function on each worker, and wait some seconds for the answers."""
    asked = {
        worker: asyncio.ensure_future(client.run(function, *arguments, workers=[worker], on_error="return"))
        for worker in workers
    }
    if asked:
        await asyncio.wait(asked.values(), timeout=seconds)
    for task in asked.values():
        # without effect on one that is done
        task.cancel()
    return {worker: _answer(worker, task) for worker, task in asked.items()}


def _answer(worker: str, task: asyncio.Future[dict[str, Any]]) -> Any:
    """Return what a worker has answered; None if it has not, or if the connection was lost."""
    try:
        return task.result()[worker] if task.done() else None
    except (OSError, asyncio.CancelledError):
        return None
