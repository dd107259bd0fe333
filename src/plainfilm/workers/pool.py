# SPDX-License-Identifier: MIT
"""Runs a task on many jobs in worker processes: jobs in, events out, lazily; a worker's end is its own job's alone.

    settings = WorkerSettings(workers=8, timeout=120.0, memory=4 << 30)
    with WorkerPool("package.module:function", jobs, settings) as supervisor:
        for event in supervisor.events():
            match event:
                case TaskResult(value): ...   # what the task reported
                case Lost(): ...           # a frame, or the rest of a job, that a worker did not survive
                case Done(payload): ...    # nothing more comes of this job
            case Idle(): ...           # nothing has come for a moment

One job is in flight per worker. The consumer's own thread draws the jobs, a few ahead of the workers, so their iterator
may use what is bound to that thread (SQLite). Each worker process is looked after by a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType

from plainfilm.workers.limits import resident_sizes
from plainfilm.workers.messages import Event, Idle, Job, JobDone, MemoryGuard, WorkerSettings
from plainfilm.workers.process import WorkerProcess
from plainfilm.workers.spawn import PrestartedWorkers
from plainfilm.workers.worker_thread import POLL_SECONDS, Held, PoolQueues, WorkerThread

WATCH_SECONDS = 0.1
PAUSE_SECONDS = 1.0
"""A look at the deadlines that comes later than this means that this process itself was stopped (Ctrl-Z) or starved."""
SAMPLE_SECONDS = 1.0
CONSUMER_SECONDS = 0.2
GRACE_SECONDS = 4.0
JOBS_AHEAD = 64
"""Jobs drawn ahead for each worker, so that none is idle while the consumer writes what it has to disk."""


class WorkerPool:
    """A context manager: worker processes exist at most as long as its block, however that is left.

    `task` is `module:function`, called in the worker as `function(job, report)`. It reports `FrameStarted(frame)`
    before each frame from `first_frame` on and a `TaskResult` for each result, and returns when there are no more
    frames; `first_frame` may lie beyond the last. A result that is reported while no frame was started answers for the
    whole job. `FrameSurveyed(frame)` is reported before a frame is looked at ahead of its turn: a loss then leaves that
    frame out of the job, and `FrameSkipped(frame)` stands for its outcome.

    `ahead`: workers that load this task already.
    """

    def __init__(
        self, task: str, jobs: Iterable[Job], settings: WorkerSettings, ahead: PrestartedWorkers | None = None
    ) -> None:
        self._jobs = iter(jobs)
        self._settings = settings
        self._exchange = PoolQueues(settings.workers, ahead)
        self._attendants = [WorkerThread(number, task, settings, self._exchange) for number in range(settings.workers)]
        self._watchdog = threading.Thread(target=self._watch, name="plainfilm-watchdog", daemon=True)
        self._unwatched = threading.Event()
        self._listing = Held()
        self._listed = False
        self._outstanding = 0

    def __enter__(self) -> WorkerPool:
        for thread in (self._watchdog, *self._attendants):
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, *, idle: bool = False) -> Iterator[Event]:
        """What comes of the jobs, in the order it comes; with `idle`, an Idle wherever nothing comes for a moment.

        Raises RunError when no worker can be started or a task ends the run, and whatever the iterator of jobs raised,
        after the events of the jobs before that. Ends early after `stop`: a job without its Done is then unfinished.
        """
        if not self._watchdog.is_alive():
            raise RuntimeError("a supervisor works within its own `with` block")
        while (event := self._next_event()) is not None:
            if isinstance(event, Exception):
                raise event
            if isinstance(event, JobDone):
                self._outstanding -= 1
            if idle or not isinstance(event, Idle):
                yield event
        if self._listing.error is not None:
            raise self._listing.error

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no more jobs, let those in flight finish within the grace, kill the rest; then `events` ends.

        Returns at once. May be called more than once, from a signal handler and from any thread.
        """
        # nothing here takes a lock that the interrupted thread may hold
        asked, earlier = time.monotonic() + grace_seconds, self._exchange.stop_at
        self._exchange.stop_at = asked if earlier is None else min(asked, earlier)
        for _ in self._attendants:
            self._exchange.jobs.put(None)

    def close(self) -> None:
        """Kill every worker process and wait until all are gone."""
        self.stop(0.0)
        self._exchange.closed = True
        while any(attendant.is_alive() for attendant in self._attendants):
            self._condemn_all()
            for attendant in self._attendants:
                attendant.join(POLL_SECONDS / len(self._attendants))
        self._unwatched.set()

    def _next_event(self) -> Event | Exception | None:
        self._draw_jobs()
        if self._is_working():
            event = self._exchange.next_event(CONSUMER_SECONDS)
            return Idle() if event is None else event
        return self._exchange.next_event(0)

    def _is_working(self) -> bool:
        if self._exchange.stopping:
            return any(attendant.is_alive() for attendant in self._attendants)
        return self._outstanding > 0 or not self._listed

    def _draw_jobs(self) -> None:
        """Draw jobs until enough are ahead, or an event waits; at least one, so that workers do not starve."""
        enough = JOBS_AHEAD * len(self._attendants)
        while not self._listed and not self._exchange.stopping and self._exchange.jobs.qsize() < enough:
            job = None
            with self._listing:
                job = next(self._jobs, None)
            if job is None:
                self._listed = True
                return
            self._outstanding += 1
            self._exchange.jobs.put(job)
            if self._exchange.has_events:
                return

    def _watch(self) -> None:
        """The watchdog: deadlines, the end of a stop's grace, and memory where the system sets no limit."""
        last = sampled = time.monotonic()
        while not self._unwatched.wait(WATCH_SECONDS):
            now = time.monotonic()
            pause = now - last if now - last > PAUSE_SECONDS else 0.0
            last = now
            for process in self._processes():
                process.enforce(now, pause)
            stop_at = self._exchange.stop_at
            if stop_at is not None and now >= stop_at:
                self._condemn_all()
            if self._settings.guard is MemoryGuard.RESIDENT_SIZE and now - sampled >= SAMPLE_SECONDS:
                sampled = now
                self._sample_memory()

    def _sample_memory(self) -> None:
        processes = {process.number: process for process in self._processes()}
        for number, resident in resident_sizes(processes).items():
            processes[number].enforce_memory(resident)

    def _condemn_all(self) -> None:
        for process in self._processes():
            process.condemn()

    def _processes(self) -> list[WorkerProcess]:
        return [process for attendant in self._attendants if (process := attendant.process) is not None]
