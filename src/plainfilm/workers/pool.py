# SPDX-License-Identifier: MIT
"""Run a task on many jobs in worker processes. A worker that dies, hangs or takes too much memory costs only its job.

    settings = WorkerSettings(workers=8, timeout=120.0, memory=4 << 30)
    with WorkerPool("package.module:function", jobs, settings) as pool:
        for event in pool.events(idle=True):
            match event:
                case TaskResult(value): ...  # a result of the task
                case WorkerLost(): ...       # a frame, or the rest of a job, that gave no result
                case JobDone(payload): ...   # no more events of this job follow
                case Idle(): ...             # no event has come for a moment

Each worker does one job at a time; the next one may be sent ahead. The consumer's own thread draws the jobs, a few more
than the workers need at once, so their iterator may use objects that are bound to that thread (SQLite). An iterator
whose next job is not there yet yields None, and is asked again a moment later. Each worker process has a thread of its
own in this process (`worker_thread.py`).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType

from plainfilm.workers.limits import resident_sizes
from plainfilm.workers.messages import Event, Idle, Job, JobDone, MemoryGuard, WorkerSettings
from plainfilm.workers.ordered_queues import JOBS_IN_ORDER, OrderedDelivery, OrderedQueues
from plainfilm.workers.process import WorkerProcess
from plainfilm.workers.spawn import PrestartedWorkers, fork_server
from plainfilm.workers.worker_thread import POLL_SECONDS, CapturedError, PoolQueues, WorkerThread

WATCHDOG_SECONDS = 0.1
"""The interval at which the watchdog checks the deadlines."""
PAUSE_SECONDS = 1.0
"""An interval longer than this means that this process itself was stopped (Ctrl-Z) or got no processor time."""
MEMORY_SAMPLE_SECONDS = 1.0
IDLE_SECONDS = 0.2
"""How long the consumer waits for an event before it gets Idle."""
GRACE_SECONDS = 4.0
JOBS_AHEAD = 64
# the bytes of the payloads of large jobs that are drawn and not done; one job is drawn whatever its size
MOST_BYTES_AHEAD = 256 * 1024**2
"""Jobs drawn ahead per worker, so that no worker is idle while the consumer writes to disk."""


class WorkerPool:
    """A context manager for worker processes; all of them are gone when its block ends, for any reason.

    `task` is `module:function`, called in the worker as `function(job, report)`. It reports `FrameStarted(frame)`
    before each frame from `first_frame` on and a `TaskResult` for each result, and returns when there are no more
    frames; `first_frame` may lie beyond the last. A result that is reported while no frame was started is the result of
    the whole job. The task reports `FrameSurveyed(frame)` before it examines a frame ahead of its turn: if the worker
    is lost then, the frame is added to `Job.skipped_frames`, and the task reports `FrameSkipped(frame)` in its turn.

    `prestarted`: workers that load this task already.
    `ordered`: delivers the events in the order of the jobs, with few results ahead of the consumer.
    """

    def __init__(
        self,
        task: str,
        jobs: Iterable[Job | None],
        settings: WorkerSettings,
        prestarted: PrestartedWorkers | None = None,
        ordered: OrderedDelivery | None = None,
    ) -> None:
        self._jobs = iter(jobs)
        self._settings = settings = replace(settings, lockstep=ordered is not None)
        self._server = fork_server(settings.workers, task, settings.extra_path) if prestarted is None else None
        source = prestarted or self._server
        self._queues = (
            PoolQueues(settings.workers, source)
            if ordered is None
            else OrderedQueues(settings.workers, ordered, source)
        )
        self._most_open_jobs = sys.maxsize if ordered is None else JOBS_IN_ORDER * settings.workers
        self._threads = [WorkerThread(number, task, settings, self._queues) for number in range(settings.workers)]
        self._watchdog = threading.Thread(target=self._run_watchdog, name="plainfilm-watchdog", daemon=True)
        self._watchdog_stop = threading.Event()
        self._job_iterator_error = CapturedError()
        self._has_drawn_all_jobs = False
        self._open_jobs = self._open_bytes = 0

    def __enter__(self) -> WorkerPool:
        for thread in (self._watchdog, *self._threads):
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, *, idle: bool = False) -> Iterator[Event]:
        """Yield the events of the jobs, as they come or, with `ordered`, job by job; with `idle`, also Idle.

        Raises RunError when no worker can be started or a task ends the run. An exception of the iterator of jobs is
        raised after the events of the jobs before it. After `stop` the events end early: a job without its JobDone is
        unfinished.
        """
        if not self._watchdog.is_alive():
            raise RuntimeError("a WorkerPool works only within its own `with` block")
        while (events := self._next_events()) is not None:
            if isinstance(events, Exception):
                raise events
            for event in events:
                if isinstance(event, JobDone):
                    self._open_jobs -= 1
                    self._open_bytes -= event.size
                yield event
            if idle and not events:
                yield Idle()
        if self._job_iterator_error.error is not None:
            raise self._job_iterator_error.error

    def continue_with(self, jobs: Iterable[Job]) -> None:
        """Give the pool, whose events have ended, more jobs: `events` then yields their events."""
        self._jobs = iter(jobs)
        self._has_drawn_all_jobs = False

    @property
    def is_stopping(self) -> bool:
        """Whether the pool has been stopped."""
        return self._queues.is_stopping

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more jobs, let those in flight finish within the grace period, kill the rest; then `events` ends.

        Returns at once. May be called more than once, from a signal handler and from any thread.
        """
        # nothing here takes a lock that the interrupted thread may hold
        stop_at, earlier = time.monotonic() + grace_seconds, self._queues.stop_at
        self._queues.stop_at = stop_at if earlier is None else min(stop_at, earlier)
        for _ in self._threads:
            self._queues.jobs.put(None)

    def close(self) -> None:
        """Kill every worker process and wait until all are gone."""
        self.stop(0.0)
        self._queues.is_closed = True
        while any(thread.is_alive() for thread in self._threads):
            self._kill_all()
            for thread in self._threads:
                thread.join(POLL_SECONDS / len(self._threads))
        if self._server is not None:
            self._server.close()
        self._watchdog_stop.set()

    def _next_events(self) -> Sequence[Event] | Exception | None:
        """Return the next events, none if none come for a moment; None if no more will come."""
        self._draw_jobs()
        if self._is_working():
            return self._queues.next_events(IDLE_SECONDS)
        return self._queues.next_events(0) or None

    def _is_working(self) -> bool:
        if self._queues.is_stopping:
            return any(thread.is_alive() for thread in self._threads)
        return self._open_jobs > 0 or not self._has_drawn_all_jobs

    def _draw_jobs(self) -> None:
        """Draw jobs until enough are ahead, or an event waits; at least one, so that no worker is idle."""
        enough = JOBS_AHEAD * len(self._threads)
        while (
            not self._has_drawn_all_jobs
            and not self._queues.is_stopping
            and self._queues.jobs.qsize() < enough
            and self._open_jobs < self._most_open_jobs
            and self._open_bytes < MOST_BYTES_AHEAD
        ):
            job = self._draw_job()
            if job is None:
                return
            self._open_jobs += 1
            self._open_bytes += job.size
            self._queues.put_job(job)
            if self._queues.has_events:
                return

    def _draw_job(self) -> Job | None:
        """Draw a job; None if the next one is not there yet, or if all are drawn."""
        with self._job_iterator_error:
            for job in self._jobs:
                return job
        self._has_drawn_all_jobs = True
        return None

    def _run_watchdog(self) -> None:
        """Enforce the deadlines, the end of the grace period, and memory limits that the system does not enforce."""
        last_check = last_sample = time.monotonic()
        while not self._watchdog_stop.wait(WATCHDOG_SECONDS):
            now = time.monotonic()
            pause = now - last_check if now - last_check > PAUSE_SECONDS else 0.0
            last_check = now
            for process in self._processes():
                process.enforce_deadline(now, pause)
            stop_at = self._queues.stop_at
            if stop_at is not None and now >= stop_at:
                self._kill_all()
            is_sampled = self._settings.memory_guard is MemoryGuard.RESIDENT_SIZE
            if is_sampled and now - last_sample >= MEMORY_SAMPLE_SECONDS:
                last_sample = now
                self._enforce_memory_limits()

    def _enforce_memory_limits(self) -> None:
        processes = {process.pid: process for process in self._processes()}
        for pid, resident in resident_sizes(processes).items():
            processes[pid].enforce_memory_limit(resident)

    def _kill_all(self) -> None:
        for process in self._processes():
            process.kill()

    def _processes(self) -> list[WorkerProcess]:
        return [process for thread in self._threads if (process := thread.process) is not None]
