# SPDX-License-Identifier: MIT
"""Do the jobs of a run on a Dask cluster: batches go to its workers, the events of their jobs come back.

The workers write the images to OUT themselves; only references, rows and small images for the report travel. The
cluster counts the death of a Dask worker against every task that the worker had. A batch that the cluster gives up is
therefore sent again in halves, and a single job alone, while nothing else is in progress: only a job that then fails
again is lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any
from uuid import uuid4

from plainfilm.engines.batch import Batch
from plainfilm.engines.dask_connection import ANSWER_SECONDS, LOST_SCHEDULER, DaskConnection
from plainfilm.engines.engine import WorkerCheck
from plainfilm.errors import Reason, RunError
from plainfilm.workers.messages import Event, Idle, Job, JobDone, WorkerLost, WorkerSettings
from plainfilm.workers.pool import GRACE_SECONDS, IDLE_SECONDS

FIRST_BATCH, LARGEST_BATCH = 4, 64
"""Jobs of the first batches, so that a small run uses all workers, and of the largest: an empty task costs 10 ms."""
MOST_BYTES_IN_BATCH = 8 * 1024**2
"""Bytes of the payloads of the jobs of a batch."""
BATCHES_PER_THREAD = 2
"""Batches in progress for each thread of the cluster, so that no worker waits for the next one."""
CHECK_SECONDS = 120.0
"""How long the workers may take to say whether they can work for the run. Others are checked with their first batch."""
NOTICE_SECONDS = 5.0
"""How long the cluster may be without workers before the run says so."""
NO_WORKER_SECONDS = 600.0
"""How long the cluster may be without workers before the run ends."""
STOP_SECONDS = 1.0
"""How long the workers may take to answer that they stop."""


@dataclass(slots=True)
class _Submitted:
    """A batch in progress, and whether it is one job that the cluster has given up before."""

    batch: Batch
    is_retry: bool


class DaskEngine:
    """A context manager for the work of one run on a Dask cluster (see `Engine`).

    scheduler: the address of the scheduler; None starts a cluster on this machine, with `settings.workers` workers.
    """

    def __init__(
        self, task: str, jobs: Iterable[Job | None], settings: WorkerSettings, scheduler: str | None, check: WorkerCheck
    ) -> None:
        # each thread of a Dask worker has a pool of one worker process
        pool_settings = WorkerSettings(1, settings.timeout, settings.memory)
        self._template = Batch(uuid4().hex, task, pool_settings, check, ())
        self._jobs = iter(jobs)
        self._workers, self._scheduler = settings.workers, scheduler
        self._has_drawn_all_jobs = False
        self._batch_size = FIRST_BATCH
        self._suspects: deque[Batch] = deque()
        self._submitted: dict[str, _Submitted] = {}
        self._finished: SimpleQueue[Any] = SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._worker_seen = time.monotonic()
        self._silent_workers = 0
        self._stop_at: float | None = None
        self._is_stop_announced = False
        self._connection: DaskConnection | None = None

    def __enter__(self) -> DaskEngine:
        self._connection = DaskConnection(self._scheduler, self._workers)
        with ExitStack() as stack:
            stack.callback(self.close)
            self._check_workers(self._connection)
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, *, idle: bool = False) -> Iterator[Event]:
        """Yield the events of the jobs as their batches end; with `idle`, also Idle.

        Raises RunError when a task ends the run, or when the scheduler is lost. After `stop` the events end early.
        """
        connection = self._connection
        assert connection is not None
        if self._silent_workers and idle:
            yield Idle(f"Dask workers that do not answer: {self._silent_workers}")
        while self._is_working():
            self._submit(connection)
            future = self._next_finished()
            if future is not None:
                yield from self._events_of(future)
            elif not connection.is_open:
                raise RunError(LOST_SCHEDULER)
            elif idle:
                yield Idle(self._problem())
            self._announce_stop()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more jobs, let those in progress finish within the grace period; then `events` ends.

        Returns at once. May be called more than once, from a signal handler and from any thread.
        """
        stop_at = time.monotonic() + grace_seconds
        self._stop_at = stop_at if self._stop_at is None else min(stop_at, self._stop_at)
        self._is_stop_announced = False

    def close(self) -> None:
        """Stop what is in progress on the cluster, and leave it; a cluster that was started here ends."""
        if self._connection is not None:
            if self._futures and self._connection.is_open:
                self._stop_workers(0.0)
            self._connection.close()

    def _check_workers(self, connection: DaskConnection) -> None:
        """Ask every worker whether it can work for this run. Raises RunError."""
        check = self._template.check
        answers = connection.call("check_worker", self._template.run, check, seconds=CHECK_SECONDS)
        for worker, answer in answers.items():
            fault = answer
            if isinstance(answer, BaseException):
                fault = f"{type(answer).__name__} (is another version of plainfilm installed there, or none?)"
            if fault:
                raise RunError(f"the Dask worker {worker} cannot work for this run: {fault}")
        self._silent_workers = sum(answer is None for answer in answers.values())
        if self._silent_workers == len(answers):
            raise RunError(f"no Dask worker has answered within {CHECK_SECONDS:g} s: check the workers, and run again")

    def _is_working(self) -> bool:
        if self._stop_at is not None:
            return bool(self._submitted) and time.monotonic() < self._stop_at + 1.0
        return bool(self._submitted or self._suspects) or not self._has_drawn_all_jobs

    def _submit(self, connection: DaskConnection) -> None:
        """Submit batches until enough are in progress. A job that may kill its worker runs while no other does."""
        if self._stop_at is not None:
            return
        threads = self._threads(connection)
        while self._stop_at is None and len(self._submitted) < BATCHES_PER_THREAD * max(1, threads):
            batch, is_retry = self._next_batch()
            if batch is None:
                return
            self._submit_batch(connection, batch, is_retry=is_retry)

    def _threads(self, connection: DaskConnection) -> int:
        """Return the threads of the cluster. Raises RunError where it has been without workers for too long."""
        threads, now = connection.threads(), time.monotonic()
        if threads:
            self._worker_seen = now
        elif now - self._worker_seen >= NO_WORKER_SECONDS:
            message = f"the Dask cluster has had no worker for {NO_WORKER_SECONDS:g} s"
            raise RunError(f"{message}: start workers, and run again to resume")
        return threads

    def _problem(self) -> str:
        """Return why no job is done at present, '' where the workers are at work."""
        seconds = time.monotonic() - self._worker_seen
        return "the Dask cluster has no worker" if seconds >= NOTICE_SECONDS else ""

    def _next_batch(self) -> tuple[Batch | None, bool]:
        """Return the next batch and whether it is one job that is tried again; None if none may start now."""
        if self._suspects and len(self._suspects[0].jobs) > 1:
            return self._suspects.popleft(), False
        if self._suspects:
            return (None, False) if self._submitted else (self._suspects.popleft(), True)
        if any(submitted.is_retry for submitted in self._submitted.values()):
            return None, False
        return self._draw_batch(), False

    def _draw_batch(self) -> Batch | None:
        jobs: list[Job] = []
        while len(jobs) < self._batch_size and sum(job.size for job in jobs) < MOST_BYTES_IN_BATCH:
            try:
                job = next(self._jobs)
            except StopIteration:
                self._has_drawn_all_jobs = True
                break
            if job is None:
                break
            jobs.append(job)
        if not jobs:
            return None
        template = self._template
        return Batch(template.run, template.task, template.settings, template.check, tuple(jobs))

    def _submit_batch(self, connection: DaskConnection, batch: Batch, *, is_retry: bool) -> None:
        key = f"plainfilm-{uuid4().hex}"
        future = connection.submit(batch, key)
        self._submitted[key] = _Submitted(batch, is_retry)
        self._futures[key] = future
        future.add_done_callback(self._finished.put)

    def _next_finished(self) -> Any:
        try:
            return self._finished.get(timeout=IDLE_SECONDS)
        except Empty:
            return None

    def _events_of(self, future: Any) -> Iterator[Event]:
        """Yield the events of a batch that has ended. Raises RunError."""
        from distributed import KilledWorker

        submitted = self._submitted[future.key]
        try:
            error = future.exception() if future.status == "error" else None
            if error is not None and not isinstance(error, KilledWorker):
                raise RunError(f"the Dask cluster cannot do the work of this run: {type(error).__name__}")
            result = future.result(timeout=ANSWER_SECONDS)
        except TimeoutError:
            # the worker that has the result hangs, or is lost: the cluster then does the batch again
            future.add_done_callback(self._finished.put)
            return
        except KilledWorker:
            self._forget(future.key)
            yield from self._give_up(submitted)
            return
        except (OSError, CancelledError) as error:
            self._forget(future.key)
            raise RunError(LOST_SCHEDULER) from error
        self._forget(future.key)
        yield from result.events_of(submitted.batch)
        if result.error is not None:
            raise result.error
        self._batch_size = min(2 * self._batch_size, LARGEST_BATCH)

    def _forget(self, key: str) -> None:
        del self._submitted[key]
        del self._futures[key]

    def _give_up(self, submitted: _Submitted) -> Iterator[Event]:
        """Send a batch that the cluster has given up again, or yield the loss of its job."""
        batch = submitted.batch
        if len(batch.jobs) > 1:
            self._suspects.extendleft(reversed(batch.halves()))
        elif not submitted.is_retry:
            self._suspects.append(batch)
        else:
            (job,) = batch.jobs
            message = "the Dask worker died, each time that this job was done there"
            yield WorkerLost(job.payload, None, Reason.WORKER_DIED, message, 2)
            yield JobDone(job.payload, job.size)

    def _announce_stop(self) -> None:
        if self._stop_at is None or self._is_stop_announced:
            return
        self._is_stop_announced = True
        self._stop_workers(max(0.0, self._stop_at - time.monotonic()))

    def _stop_workers(self, grace_seconds: float) -> None:
        """Ask every worker to end its jobs, and wait a moment for the answers."""
        if self._connection is not None:
            with suppress(RunError):
                self._connection.call("stop_run", self._template.run, grace_seconds, seconds=STOP_SECONDS)
