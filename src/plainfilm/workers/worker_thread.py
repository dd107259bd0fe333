# SPDX-License-Identifier: MIT
"""Run jobs in one worker process from a thread of the parent, and replace the process when it ends."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from queue import Empty, Full, Queue, SimpleQueue
from types import TracebackType

from plainfilm.errors import Reason, RunError
from plainfilm.workers.forking import START_SECONDS, ChildSource
from plainfilm.workers.job_progress import JobProgress
from plainfilm.workers.messages import (
    Continue,
    Event,
    FrameSkipped,
    FrameStarted,
    FrameSurveyed,
    Job,
    JobDone,
    MemoryShort,
    Ready,
    RunFailed,
    StartFailed,
    TaskFinished,
    TaskNote,
    TaskRaised,
    TaskResult,
    WorkerLost,
    WorkerSettings,
)
from plainfilm.workers.process import WorkerProcess

PAUSES_BETWEEN_STARTS = (0.1, 1.0)
"""Seconds before each further attempt when a worker dies before it is ready."""

_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)

POLL_SECONDS = 0.1

BATCHES_AHEAD = 128
"""Batches of events that may wait per worker, so that no worker is idle while the consumer writes to disk."""

FAST_JOB_SECONDS = 0.1
"""After a job that took less, the next one is sent ahead. It would wait for a slow one while other workers are idle."""


class CapturedError(AbstractContextManager["CapturedError"]):
    """A context manager that captures the exception of its block, for another thread or a later time to raise.

    A BaseException that is not an Exception (Ctrl-C) is not captured.
    """

    error: Exception | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.error = error
        return isinstance(error, Exception)


class PoolQueues:
    """The queues of a pool: jobs for the worker threads, and events for the consumer. `stop_at` ends the pool.

    Events travel in batches: of a job of one image, all of them together.
    """

    has_lockstep = False
    """Whether a worker waits after the result of a frame until it is in the queue."""

    def __init__(self, workers: int, source: ChildSource | None = None) -> None:
        self.source = source
        # A SimpleQueue, because `stop` puts into it from a signal handler. The consumer limits its length.
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.stop_at: float | None = None
        self.is_closed = False
        self._batches: Queue[Sequence[Event] | Exception] = Queue(maxsize=BATCHES_AHEAD * workers)

    @property
    def is_stopping(self) -> bool:
        """Whether no more jobs are started."""
        return self.stop_at is not None

    @property
    def has_events(self) -> bool:
        """Whether an event waits."""
        return not self._batches.empty()

    def put_job(self, job: Job) -> None:
        """Add a job for the worker threads."""
        self.jobs.put(job)

    def receive(self, result: TaskResult) -> TaskResult:
        """Return the result for the consumer, when a worker has reported it.

        Raises FileNotFoundError where the worker is gone with what belongs to the result.
        """
        return result

    def put_events(self, _job: Job, events: Sequence[Event]) -> None:
        """Add events of a job. Waits while the queue is full, unless it is closed."""
        self._put(events)

    def put_error(self, error: Exception) -> None:
        """Add an error for the consumer to raise."""
        self._put(error)

    def _put(self, batch: Sequence[Event] | Exception) -> None:
        is_queued = False
        while not is_queued and not self.is_closed:
            with suppress(Full):
                self._batches.put(batch, timeout=POLL_SECONDS)
                is_queued = True

    def next_events(self, timeout: float) -> Sequence[Event] | Exception:
        """Return the next events; none if none come within `timeout` seconds."""
        try:
            return self._batches.get(timeout=timeout) if timeout > 0 else self._batches.get_nowait()
        except Empty:
            return ()


class WorkerThread(threading.Thread):
    """A thread that has at most one worker process at a time, with one job in work, and the next one sent ahead."""

    def __init__(self, number: int, task: str, settings: WorkerSettings, queues: PoolQueues) -> None:
        # a daemon thread, so that a program that never closes its pool can exit
        super().__init__(name=f"plainfilm-worker-{number}", daemon=True)
        self.process: WorkerProcess | None = None
        self._task = task
        self._settings = settings
        self._queues = queues
        self._jobs_done = 0
        self._upcoming: Job | None = None
        self._sent_ahead: Job | None = None
        self._is_fast = False
        self._events: list[Event] = []

    def run(self) -> None:
        """Run jobs until there are no more, or the pool stops. An error is passed to the consumer."""
        with CapturedError() as captured:
            for job in iter(self._next_job, None):
                if self._queues.is_stopping:
                    break
                self._run_job(job)
        if self.process is not None:
            self._end_process()
        if captured.error is not None:
            self._queues.put_error(captured.error)

    def _next_job(self) -> Job | None:
        """Take the next job, and where it pays, the job after it, unless too few are left for other workers."""
        job, self._upcoming = self._upcoming or self._queues.jobs.get(), None
        takes_ahead = job is not None and (self._is_fast or job.reads_ahead)
        if takes_ahead and self._queues.jobs.qsize() >= self._settings.workers:
            with suppress(Empty):
                self._upcoming = self._queues.jobs.get_nowait()
                if self._upcoming is None:
                    # that job was the signal to end, which this thread needs after its job
                    self._queues.jobs.put(None)
        return job

    def _run_job(self, job: Job) -> None:
        progress, started = JobProgress(job, self._settings.give_up_after), time.monotonic()
        while not progress.is_finished:
            process = self.process or self._start_process()
            if process is None:
                return
            end = self._attempt(process, progress)
            if end is None and self._queues.is_stopping:
                self._put_events(job)
                return
            lost = self._finish_attempt(progress, end)
            if lost is not None:
                self._events.append(lost)
                self._put_events(job)
        self._is_fast = time.monotonic() - started < FAST_JOB_SECONDS
        self._events.append(JobDone(job.payload, job.size))
        self._put_events(job)

    def _attempt(self, process: WorkerProcess, progress: JobProgress) -> TaskFinished | TaskRaised | None:
        """Try the remaining part of a job once; return how the task ended, or None when the worker is gone.

        Raises RunError when the task ends the run.
        """
        self._send(process, progress)
        has_frames = False
        while True:
            match process.receive(self._settings.timeout):
                case (
                    FrameStarted() | FrameSurveyed() | MemoryShort() | TaskResult() | TaskNote() | FrameSkipped()
                ) as message:
                    has_frames |= isinstance(message, FrameStarted | FrameSurveyed)
                    if isinstance(message, TaskResult):
                        try:
                            message = self._queues.receive(message)
                        except FileNotFoundError:
                            # the process has died in the next job, and with it the file of the array
                            return None
                    event = progress.handle_report(message)
                    if event is not None:
                        self._events.append(event)
                    if has_frames:
                        # the end of the job may be far away
                        self._put_events(progress.job)
                        if self._queues.has_lockstep and isinstance(message, TaskResult):
                            process.send(Continue())
                case TaskFinished() | TaskRaised() as end:
                    return end
                case RunFailed(error):
                    self._put_events(progress.job)
                    raise error
                case _:
                    return None

    def _send(self, process: WorkerProcess, progress: JobProgress) -> None:
        """Send a job, unless the process has it already, and the next one ahead."""
        upcoming = self._upcoming
        if self._sent_ahead is not progress.job:
            process.send(progress.remaining_job(None if upcoming is None else upcoming.payload))
        self._sent_ahead = None
        # a job that reads ahead is sent when the one after it is known; a job whose process has died is tried alone, so
        # that no other one can end the process again
        if upcoming is not None and progress.attempt == 1 and not upcoming.reads_ahead and process.send_ahead(upcoming):
            self._sent_ahead = upcoming

    def _put_events(self, job: Job) -> None:
        """Pass the events on that have been collected."""
        if self._events:
            events, self._events = self._events, []
            self._queues.put_events(job, events)

    def _finish_attempt(self, progress: JobProgress, end: TaskFinished | TaskRaised | None) -> WorkerLost | None:
        match end:
            case TaskFinished() as finished:
                progress.finish()
                self._recycle_if_due(finished)
                return None
            case TaskRaised():
                lost = progress.handle_exception(end)
                # the rest of the job would come after the job that the process has already
                if end.needs_new_process or (self._sent_ahead is not None and not progress.is_finished):
                    self._end_process()
                return lost
        return progress.handle_exit(*self._end_process())

    def _recycle_if_due(self, finished: TaskFinished) -> None:
        self._jobs_done += 1
        has_grown = finished.growth is not None and finished.growth > self._settings.recycle_growth
        was_killed = self.process is not None and self.process.was_killed
        is_due = self._jobs_done >= self._settings.recycle_after or finished.needs_new_process
        if is_due or has_grown or was_killed:
            self._end_process()

    def _start_process(self) -> WorkerProcess | None:
        """Return a worker that is ready; None when the run is stopping. Raises RunError when none can be started."""
        cause = ""
        for pause in (0.0, *PAUSES_BETWEEN_STARTS):
            time.sleep(pause)
            if self._queues.is_stopping:
                return None
            result = self._try_to_start()
            if isinstance(result, WorkerProcess):
                return result
            cause = result
        raise RunError(f"no worker process can be started with {sys.executable or 'an unknown Python'}: {cause}")

    def _try_to_start(self) -> WorkerProcess | str:
        """Return a worker that is ready, or why it is not. Raises RunError when another attempt would fail too."""
        try:
            source = self._queues.source
            child = None if source is None else source.take(lambda: self._queues.is_stopping)
            if self._queues.is_stopping and child is None:
                return "the run is stopping"
            self.process = WorkerProcess(self._task, self._settings, child)
        except OSError as error:
            cause = str(error.strerror or type(error).__name__)
            hint = " (raise the limit with ulimit -n, or give fewer --jobs)" if error.errno in _NO_DESCRIPTORS else ""
            return cause + hint
        reply = self.process.receive(START_SECONDS)
        if isinstance(reply, Ready) and not self._queues.is_stopping:
            self._jobs_done = 0
            self.process.initial_resident = 0 if reply.resident is None else reply.resident
            return self.process
        reason, message = self._end_process()
        if isinstance(reply, StartFailed):
            raise RunError(f"the worker process cannot load its task: {reply.message}")
        return f"not ready within {START_SECONDS:g} s" if reason is Reason.TIMEOUT else f"{message} before it was ready"

    def _end_process(self) -> tuple[Reason, str]:
        """End the process, if there is one, and return why it ended."""
        process, self.process, self._sent_ahead = self.process, None, None
        return process.end() if process is not None else (Reason.WORKER_DIED, "the worker process is gone")
