# SPDX-License-Identifier: MIT
"""With `ordered`, a pool delivers the events of a job before those of the next one, and few results come ahead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plainfilm.errors import Reason
from plainfilm.workers.messages import Event, Job, JobDone, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.ordered_queues import JOBS_IN_ORDER, RESULTS_AHEAD, OrderedDelivery, OrderedQueues
from plainfilm.workers.pool import WorkerPool

HERE = str(Path(__file__).resolve().parents[2])


def pass_on(value: object) -> object:
    return value


def queues_with(jobs: list[Job]) -> OrderedQueues:
    queues = OrderedQueues(1, OrderedDelivery(pass_on))
    for job in jobs:
        queues.put_job(job)
    return queues


def test_events_of_a_later_job_wait_for_those_of_the_first() -> None:
    first, second = Job("first"), Job("second")
    queues = queues_with([first, second])
    queues.put_events(second, [TaskResult(2)])
    assert not queues.has_events
    assert not queues.next_events(0)
    queues.put_events(first, [TaskResult(1)])
    assert queues.has_events
    queues.put_events(first, [JobDone("first")])
    queues.put_events(second, [JobDone("second")])
    batches = [queues.next_events(0) for _ in range(3)]
    assert batches == [(TaskResult(1), JobDone("first")), (TaskResult(2), JobDone("second")), ()]


def test_a_job_waits_while_its_results_are_not_consumed() -> None:
    job = Job("job")
    queues = queues_with([job])
    flood = threading.Thread(target=lambda: [queues.put_events(job, [TaskResult(n)]) for n in range(5)], daemon=True)
    flood.start()
    flood.join(0.3)
    assert flood.is_alive()
    events: list[Event] = []
    while len(events) < 5:
        batch = queues.next_events(60)
        assert not isinstance(batch, Exception)
        assert len(batch) <= RESULTS_AHEAD
        events += batch
    assert events == [TaskResult(n) for n in range(5)]
    flood.join(30)
    assert not flood.is_alive()


def test_closing_releases_a_thread_that_waits() -> None:
    job = Job("job")
    queues = queues_with([job])
    flood = threading.Thread(target=lambda: [queues.put_events(job, [TaskResult(n)]) for n in range(5)], daemon=True)
    flood.start()
    queues.is_closed = True
    flood.join(30)
    assert not flood.is_alive()


def test_an_error_comes_before_the_events() -> None:
    job, error = Job("job"), ValueError("receive")
    queues = queues_with([job])
    queues.put_events(job, [TaskResult(1)])
    queues.put_error(error)
    assert queues.next_events(0) is error


def ordered_events(scripts: list[dict[str, Any]], receive: Any = pass_on, **settings: Any) -> Iterator[Event]:
    worker_settings = WorkerSettings(**{"workers": 2, "timeout": 30.0, "extra_path": (HERE,), **settings})
    jobs = (Job(script) for script in scripts)
    task = "tests.support.faulty_tasks:run_script"
    with WorkerPool(task, jobs, worker_settings, ordered=OrderedDelivery(receive)) as pool:
        yield from pool.events()


@pytest.mark.slow
def test_losses_come_in_the_order_of_the_jobs_too() -> None:
    scripts: list[dict[str, Any]] = [{"name": str(number), "frames": 1 + number % 3} for number in range(20)]
    scripts[4] |= {"fault": "segfault", "at": 1, "frames": 3}
    scripts[5] |= {"fault": "segfault", "at": "reading"}
    seen: list[tuple[str, object]] = []
    for event in ordered_events(scripts):
        match event:
            case TaskResult((name, frame, _)):
                seen.append((name, frame))
            case WorkerLost(payload=script, frame=frame, reason=reason):
                assert reason is Reason.WORKER_DIED
                seen.append((script["name"], ("lost", frame)))  # type: ignore[index]
    expected: list[tuple[str, object]] = [
        (str(number), frame) for number in range(20) for frame in range(scripts[number].get("frames", 1))
    ]
    expected[expected.index(("4", 1))] = ("4", ("lost", 1))
    place = expected.index(("5", 0))
    expected[place : place + scripts[5]["frames"]] = [("5", ("lost", None))]
    assert seen == expected


@pytest.mark.slow
def test_a_result_that_is_gone_with_its_process_comes_from_another_attempt() -> None:
    failed: list[object] = []

    def receive(value: Any) -> object:
        if value[0] == "07" and not failed:
            failed.append(value)
            raise FileNotFoundError("the process has ended in the next job")
        return value

    scripts = [{"name": f"{number:02}"} for number in range(15)]
    events = list(ordered_events(scripts, receive, workers=1))
    assert [event.value[0] for event in events if isinstance(event, TaskResult)] == [item["name"] for item in scripts]
    assert not [event for event in events if isinstance(event, WorkerLost)]
    assert failed


@pytest.mark.slow
def test_few_results_are_received_ahead_of_the_consumer() -> None:
    received: list[object] = []
    scripts = [{"name": str(number), "frames": 50} for number in range(6)]
    events = ordered_events(scripts, lambda value: received.append(value) or value)
    next(events)
    time.sleep(1.0)
    # two workers, each with one job and one more result, and the results that the consumer has taken together
    assert len(received) <= 2 * (RESULTS_AHEAD + 1) + RESULTS_AHEAD
    events.close()  # type: ignore[attr-defined]
    received.clear()
    small = ordered_events([{"name": str(number)} for number in range(200)], lambda value: received.append(value))
    next(small)
    time.sleep(1.0)
    assert len(received) <= 2 * JOBS_IN_ORDER
    small.close()  # type: ignore[attr-defined]
