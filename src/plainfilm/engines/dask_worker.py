# SPDX-License-Identifier: MIT
"""Do batches of jobs inside a Dask worker, each job in a worker process of its own pool (`workers/pool.py`).

A native library that crashes or hangs therefore costs its job, and not the Dask worker. The pools stay for the next
batch, and are closed when no batch has come for a while. Functions of this module are called by name on the cluster.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from distributed import get_worker

from plainfilm.engines.batch import Batch, BatchResult, with_position
from plainfilm.engines.engine import WorkerCheck
from plainfilm.errors import RunError
from plainfilm.workers.messages import Event, Idle, WorkerSettings
from plainfilm.workers.pool import WorkerPool

IDLE_POOL_SECONDS = 30.0
"""How long a pool without a batch is retained."""


@dataclass(slots=True)
class _Pool:
    """A pool of one worker process, and since when it has no batch."""

    task: str
    settings: WorkerSettings
    workers: WorkerPool
    idle_since: float = 0.0


@dataclass(slots=True)
class _Pools:
    """The pools of this Dask worker. Each of its threads does one batch at a time, with a pool of its own.

    active: the pools that do a batch, with the name of their run. stopped_runs: the runs that start no more jobs.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: list[_Pool] = field(default_factory=list)
    active: list[tuple[str, _Pool]] = field(default_factory=list)
    stopped_runs: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)


_pools = _Pools()


def run_batch(batch: Batch) -> BatchResult:
    """Do the jobs of a batch and return their events.

    Ends early when the run is stopped, or when the cluster does not want the result any more. No exception leaves it:
    the cluster would write it into its logs.
    """
    if fault := _fault_of_worker(batch.run, batch.check):
        return BatchResult((), RunError(fault))
    positions = {id(job.payload): position for position, job in enumerate(batch.jobs)}
    events: list[Event] = []
    is_wanted = _watch_task()
    try:
        with _checked_out_pool(batch) as pool:
            for event in pool.events(idle=True):
                if not is_wanted():
                    pool.stop(0.0)
                if not isinstance(event, Idle):
                    events.append(with_position(event, positions))
    except RunError as error:
        return BatchResult(tuple(events), error)
    return BatchResult(tuple(events))


def stop_run(run: str, grace_seconds: float) -> None:
    """Start no more jobs of a run on this Dask worker, and give those in progress some seconds to end."""
    with _pools.lock:
        _pools.stopped_runs.add(run)
        active = [pool for active_run, pool in _pools.active if active_run == run]
    for pool in active:
        pool.workers.stop(grace_seconds)


async def check_worker(run: str, check: WorkerCheck) -> str:
    """Return why this Dask worker cannot work for a run, '' where it can."""
    # a network that hangs must not keep the Dask worker from its other messages
    return await asyncio.to_thread(_fault_of_worker, run, check)


def _fault_of_worker(run: str, check: WorkerCheck) -> str:
    if run not in _pools.faults:
        module, function = check.function.split(":")
        _pools.faults[run] = str(getattr(importlib.import_module(module), function)(check.argument))
    return _pools.faults[run]


def _watch_task() -> Callable[[], bool]:
    """Return a function that says whether the cluster still wants the result of the current task.

    It does not if the client is gone, or has cancelled the task.
    """
    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    return is_wanted


@contextmanager
def _checked_out_pool(batch: Batch) -> Iterator[WorkerPool]:
    """Yield a pool that has the jobs of a batch; afterwards it waits for the next batch, or is closed."""
    pool = _take_pool(batch)
    is_whole = False
    try:
        with _pools.lock:
            _pools.active.append((batch.run, pool))
            is_stopped = batch.run in _pools.stopped_runs
        if is_stopped:
            pool.workers.stop(0.0)
        yield pool.workers
        is_whole = True
    finally:
        with _pools.lock:
            _pools.active = [entry for entry in _pools.active if entry[1] is not pool]
        if is_whole and not pool.workers.is_stopping:
            _retain(pool)
        else:
            pool.workers.close()


def _take_pool(batch: Batch) -> _Pool:
    with _pools.lock:
        for pool in _pools.idle:
            if (pool.task, pool.settings) == (batch.task, batch.settings):
                _pools.idle.remove(pool)
                pool.workers.continue_with(batch.jobs)
                return pool
    workers = WorkerPool(batch.task, batch.jobs, batch.settings)
    return _Pool(batch.task, batch.settings, workers.__enter__())


def _retain(pool: _Pool) -> None:
    pool.idle_since = time.monotonic()
    with _pools.lock:
        _pools.idle.append(pool)
    timer = threading.Timer(IDLE_POOL_SECONDS, _close_idle_pools)
    timer.daemon = True
    timer.start()


def _close_idle_pools() -> None:
    """Close the pools that have waited long enough."""
    latest = time.monotonic() - IDLE_POOL_SECONDS
    with _pools.lock:
        expired = [pool for pool in _pools.idle if pool.idle_since <= latest]
        _pools.idle = [pool for pool in _pools.idle if pool.idle_since > latest]
    for pool in expired:
        pool.workers.close()
