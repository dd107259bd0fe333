# SPDX-License-Identifier: MIT
"""Define `Engine`, what a run needs of the place where its jobs are done, and open the one that the options name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import field
from typing import Protocol

from plainfilm.options.run import EngineName, RunOptions
from plainfilm.pickling import dataclass
from plainfilm.workers.messages import Event, Job, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import PrestartedWorkers


class Engine(Protocol):
    """A place where jobs are done. Engines differ only in where that is: the events are those of `WorkerPool`."""

    def events(self, *, idle: bool = False) -> Iterator[Event]:
        """Yield the events of the jobs, and Idle where `idle` is true. Raises RunError."""

    def stop(self, grace_seconds: float = ...) -> None:
        """Start no more jobs, and give those in progress some seconds to end. May be called in a signal handler."""


@dataclass(frozen=True, slots=True)
class WorkerCheck:
    """What a worker on another machine checks before its first job of a run.

    function: `module:function`; it is called with the argument, and returns what is wrong, '' for nothing.
    """

    function: str
    # the key of the keyed hashes is in it, and Dask writes representations into its logs
    argument: bytes = field(repr=False)


def open_engine(
    task: str,
    jobs: Iterable[Job | None],
    settings: WorkerSettings,
    options: RunOptions,
    make_check: Callable[[], WorkerCheck],
    prestarted: PrestartedWorkers | None = None,
) -> AbstractContextManager[Engine]:
    """Return the engine that `--engine` names.

    make_check: called where workers may run on other machines.

    Raises OptionsError where what it needs is not installed.
    """
    if options.engine is EngineName.LOCAL:
        return WorkerPool(task, jobs, settings, prestarted)
    # imported late: Dask is optional and loads slowly
    from plainfilm.engines.dask_engine import DaskEngine

    return DaskEngine(task, jobs, settings, options.scheduler, make_check())
