# SPDX-License-Identifier: MIT
"""Define what travels between a run and the workers of a cluster: batches of jobs, and the events of their jobs."""

from __future__ import annotations

from dataclasses import field, replace

from plainfilm.engines.engine import WorkerCheck
from plainfilm.errors import RunError
from plainfilm.pickling import dataclass
from plainfilm.workers.messages import Event, Job, JobDone, WorkerLost, WorkerSettings


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs that one task of the cluster does one after the other.

    run: the random name of the run. task: the function that a worker process calls for each job.

    The cluster writes the representation of a batch into its logs, so it holds nothing of the jobs.
    """

    run: str
    task: str
    settings: WorkerSettings
    check: WorkerCheck = field(repr=False)
    jobs: tuple[Job, ...] = field(repr=False)

    def halves(self) -> tuple[Batch, Batch]:
        """Return the first and the second half of a batch of at least two jobs."""
        middle = len(self.jobs) // 2
        return replace(self, jobs=self.jobs[:middle]), replace(self, jobs=self.jobs[middle:])


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The events of a batch, of which the payloads are replaced by the positions of their jobs in the batch.

    error: why the run as a whole cannot continue; None where it can.
    """

    events: tuple[Event, ...] = field(repr=False)
    error: RunError | None = None

    def events_of(self, batch: Batch) -> list[Event]:
        """Return the events with the payloads of the jobs."""
        return [_with_payload(event, batch) for event in self.events]


def with_position(event: Event, positions: dict[int, int]) -> Event:
    """Return an event with the position of its job in place of the payload, which need not travel back.

    positions: the position of each job, by the `id` of its payload.
    """
    if isinstance(event, (JobDone, WorkerLost)):
        return replace(event, payload=positions[id(event.payload)])
    return event


def _with_payload(event: Event, batch: Batch) -> Event:
    if isinstance(event, (JobDone, WorkerLost)):
        assert isinstance(event.payload, int)
        return replace(event, payload=batch.jobs[event.payload].payload)
    return event
