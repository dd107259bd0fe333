# SPDX-License-Identifier: MIT
"""A thread that looks after one worker process: jobs in, events out, and a new process when the old one is gone."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from queue import Empty, Full, Queue, SimpleQueue
from types import TracebackType

from plainfilm.errors import Reason, RunError
from plainfilm.workers.job_progress import JobProgress
from plainfilm.workers.messages import (
    Event,
    FrameSkipped,
    FrameStarted,
    FrameSurveyed,
    Job,
    JobDone,
    Ready,
    RunFailed,
    StartFailed,
    TaskFinished,
    TaskRaised,
    TaskResult,
    WorkerLost,
    WorkerSettings,
)
from plainfilm.workers.process import WorkerProcess
from plainfilm.workers.spawn import PrestartedWorkers

START_SECONDS = 120.0
"""How long a worker may take until it is ready: imports from a slow network file system."""

PAUSES_BETWEEN_STARTS = (0.1, 1.0)
"""Seconds before each further try when a worker dies before it is ready."""

POLL_SECONDS = 0.1

EVENTS_AHEAD = 128
"""Events that may wait for each worker, so that none is idle while the consumer has the disk write."""


class Held(AbstractContextManager["Held"]):
    """Holds the exception that leaves its block, for another place to raise; what is no Exception (Ctrl-C) passes."""

    error: Exception | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.error = error
        return isinstance(error, Exception)


class PoolQueues:
    """Where the consumer's thread and the attendants meet: jobs one way, events the other, both bounded."""

    def __init__(self, workers: int, ahead: PrestartedWorkers | None = None) -> None:
        self.ahead = ahead
        # a SimpleQueue: `stop` puts into it from within a signal handler. The consumer keeps it short
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.stop_at: float | None = None
        self.closed = False
        self._events: Queue[Event | Exception] = Queue(maxsize=EVENTS_AHEAD * workers)

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are taken."""
        return self.stop_at is not None

    @property
    def has_events(self) -> bool:
        """Whether an event waits."""
        return not self._events.empty()

    def post(self, event: Event | Exception) -> None:
        """Hand over an event, or an error for the consumer to raise; waits while the consumer is there and behind."""
        taken = False
        while not taken and not self.closed:
            with suppress(Full):
                self._events.put(event, timeout=POLL_SECONDS)
                taken = True

    def next_event(self, patience: float) -> Event | Exception | None:
        """The next event; None when there is none within `patience` seconds."""
        try:
            return self._events.get(timeout=patience) if patience > 0 else self._events.get_nowait()
        except Empty:
            return None


class WorkerThread(threading.Thread):
    """One thread, and at most one worker process at a time with one job in flight."""

    def __init__(self, number: int, task: str, settings: WorkerSettings, exchange: PoolQueues) -> None:
        # a daemon: a consumer that never closes its supervisor shall be able to leave
        super().__init__(name=f"plainfilm-worker-{number}", daemon=True)
        self.process: WorkerProcess | None = None
        self._task = task
        self._settings = settings
        self._exchange = exchange
        self._jobs_done = 0

    def run(self) -> None:
        """Carry out jobs until there are no more. What goes wrong here goes wrong for the consumer."""
        with Held() as held:
            for job in iter(self._exchange.jobs.get, None):
                if self._exchange.stopping:
                    break
                self._carry_out(job)
        if self.process is not None:
            self._dismiss()
        if held.error is not None:
            self._exchange.post(held.error)

    def _carry_out(self, job: Job) -> None:
        course = JobProgress(job, self._settings.give_up_after)
        while not course.over:
            process = self.process or self._start()
            if process is None:
                return
            ending = self._attempt(process, course)
            if ending is None and self._exchange.stopping:
                return
            lost = self._conclude(course, ending)
            if lost is not None:
                self._exchange.post(lost)
        self._exchange.post(JobDone(job.payload))

    def _attempt(self, process: WorkerProcess, course: JobProgress) -> TaskFinished | TaskRaised | None:
        """One attempt at what is left of a job; None when the worker is gone. RunError where the task ends the run."""
        process.send(course.remaining())
        while True:
            match process.receive(self._settings.timeout):
                case FrameStarted() | FrameSurveyed() | TaskResult() | FrameSkipped() as message:
                    event = course.note(message)
                    if event is not None:
                        self._exchange.post(event)
                case TaskFinished() | TaskRaised() as ending:
                    return ending
                case RunFailed(error):
                    raise error
                case _:
                    return None

    def _conclude(self, course: JobProgress, ending: TaskFinished | TaskRaised | None) -> WorkerLost | None:
        match ending:
            case TaskFinished(growth):
                course.finish()
                self._recycle_when_due(growth)
                return None
            case TaskRaised(reason):
                if reason is Reason.MEMORY_LIMIT:
                    # what a library makes of a refused allocation is its own affair: the next job gets a fresh process
                    self._dismiss()
                return course.take_exception(ending)
        return course.take_departure(*self._dismiss())

    def _recycle_when_due(self, growth: int | None) -> None:
        self._jobs_done += 1
        grown = growth is not None and growth > self._settings.recycle_growth
        spent = self._jobs_done >= self._settings.recycle_after
        if spent or grown or (self.process is not None and self.process.condemned):
            self._dismiss()

    def _start(self) -> WorkerProcess | None:
        """A worker that is ready; None when the run is stopping. Raises RunError when there is no starting one."""
        why = ""
        for pause in (0.0, *PAUSES_BETWEEN_STARTS):
            time.sleep(pause)
            if self._exchange.stopping:
                return None
            started = self._try_to_start()
            if isinstance(started, WorkerProcess):
                return started
            why = started
        raise RunError(f"no worker process can be started with {sys.executable or 'an unknown Python'}: {why}")

    def _try_to_start(self) -> WorkerProcess | str:
        """A worker that is ready, or why there is none. Raises RunError where trying again is no use."""
        try:
            started = None if self._exchange.ahead is None else self._exchange.ahead.take()
            self.process = WorkerProcess(self._task, self._settings, started)
        except OSError as error:
            return str(error.strerror or type(error).__name__)
        said = self.process.receive(START_SECONDS)
        if isinstance(said, Ready) and not self._exchange.stopping:
            self._jobs_done = 0
            self.process.resident_at_first = 0 if said.resident is None else said.resident
            return self.process
        reason, message = self._dismiss()
        if isinstance(said, StartFailed):
            raise RunError(f"the worker process cannot load its task: {said.message}")
        return f"not ready within {START_SECONDS:g} s" if reason is Reason.TIMEOUT else f"{message} before it was ready"

    def _dismiss(self) -> tuple[Reason, str]:
        """End the process, if there is one, and say why it is gone."""
        process, self.process = self.process, None
        return process.end() if process is not None else (Reason.WORKER_DIED, "the worker process is gone")
