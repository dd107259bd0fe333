# SPDX-License-Identifier: MIT
"""Deliver the events of a pool in the order of its jobs, with a fixed number of results ahead of the consumer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field

from plainfilm.pickling import dataclass
from plainfilm.workers.forking import ChildSource
from plainfilm.workers.messages import Event, Job, JobDone, TaskResult
from plainfilm.workers.worker_thread import POLL_SECONDS, PoolQueues

RESULTS_AHEAD = 2
"""Events of one job that may wait for the consumer. A worker then waits before it works on its next frame."""
JOBS_IN_ORDER = 4
"""Jobs per worker that are drawn and not yet consumed."""


@dataclass(frozen=True, slots=True)
class OrderedDelivery:
    """Ask a pool for the events of its jobs in the order of the jobs.

    receive: called with the value of each result, in the thread of its worker, before the worker goes on; the event
    has what it returns. The worker may release what belongs to the result afterwards.
    """

    receive: Callable[[object], object]


@dataclass(slots=True)
class _Outbox:
    """The events of one job that wait for the consumer."""

    job: Job
    events: deque[Event] = field(default_factory=deque)


class OrderedQueues(PoolQueues):
    """Queues whose consumer gets all events of a job before those of the next one.

    A worker waits while RESULTS_AHEAD events of its job are not consumed, so that a slow consumer, or a slow job in
    front of a fast one, does not make the results that wait grow.
    """

    has_lockstep = True

    def __init__(self, workers: int, delivery: OrderedDelivery, source: ChildSource | None = None) -> None:
        super().__init__(workers, source)
        self._delivery = delivery
        self._outboxes: deque[_Outbox] = deque()
        self._errors: deque[Exception] = deque()
        self._changed = threading.Condition()

    @property
    def has_events(self) -> bool:
        """Whether an event waits whose turn has come."""
        with self._changed:
            return self._is_ready()

    def put_job(self, job: Job) -> None:
        """Add a job behind those before it."""
        with self._changed:
            self._outboxes.append(_Outbox(job))
        super().put_job(job)

    def receive(self, result: TaskResult) -> TaskResult:
        """Return the result with what `OrderedDelivery.receive` returns."""
        return TaskResult(self._delivery.receive(result.value), result.traceback)

    def put_events(self, job: Job, events: Sequence[Event]) -> None:
        """Add events of a job. Waits while enough events of this job wait, unless the queues are closed."""
        with self._changed:
            outbox = next(outbox for outbox in self._outboxes if outbox.job is job)
            while len(outbox.events) >= RESULTS_AHEAD and not self.is_closed:
                self._changed.wait(POLL_SECONDS)
            outbox.events.extend(events)
            if outbox is self._outboxes[0]:
                self._changed.notify_all()

    def put_error(self, error: Exception) -> None:
        """Add an error for the consumer to raise."""
        with self._changed:
            self._errors.append(error)
            self._changed.notify_all()

    def next_events(self, timeout: float) -> Sequence[Event] | Exception:
        """Return the next events in the order of the jobs; none if none come within `timeout` seconds."""
        with self._changed:
            if timeout > 0:
                self._changed.wait_for(self._is_ready, timeout)
            if self._errors:
                return self._errors.popleft()
            if not self._outboxes or not self._outboxes[0].events:
                return ()
            events = tuple(self._outboxes[0].events)
            self._outboxes[0].events.clear()
            if isinstance(events[-1], JobDone):
                self._outboxes.popleft()
            self._changed.notify_all()
            return events

    def _is_ready(self) -> bool:
        return bool(self._errors) or bool(self._outboxes and self._outboxes[0].events)
