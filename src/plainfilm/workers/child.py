# SPDX-License-Identifier: MIT
"""The child's side of a worker process: jobs from standard input in, what a task reports of each on standard output.

FrameStarted as `python -m plainfilm.workers.child TASK` by `ahead.py`, and of no use by hand. The task is a function
`task(job, report)`; it reports `FrameStarted` before each frame and an `TaskResult` for each result (see WorkerPool).
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import IO, cast

from plainfilm.errors import Reason, RunError
from plainfilm.workers import limits
from plainfilm.workers.messages import (
    Job,
    MemoryGuard,
    Ready,
    Report,
    RunFailed,
    StartFailed,
    TaskFinished,
    TaskRaised,
    WorkerSettings,
    WorkerSetup,
    describe_memory,
    read_frame,
    read_message,
    write_message,
)

Task = Callable[[Job, Callable[[Report], None]], object]


def main() -> None:
    """Serve jobs until standard input ends. Never returns: the process leaves without tearing native libraries down."""
    requests, replies = _take_streams()
    limits.die_with_parent()
    limits.leave_stopping_to_parent()
    limits.forbid_core_dumps()
    # what to do is known before the settings are; where it cannot be loaded that is said below
    with suppress(ImportError, AttributeError, ValueError):
        for name in sys.argv[1:]:
            _find(name)
    told = _introduction(requests)
    settings = told.settings
    jobs = _receive_in_background(requests)
    try:
        task = _find(told.task)
    except (ImportError, AttributeError, ValueError) as error:
        write_message(replies, StartFailed(f"{type(error).__name__}: {error}"))
        os._exit(1)
    _fall_silent(settings)
    if settings.guard is MemoryGuard.ADDRESS_SPACE:
        limits.limit_address_space(settings.memory)
    _serve(task, jobs, replies, settings)


def _serve(task: Task, jobs: SimpleQueue[bytes], replies: IO[bytes], settings: WorkerSettings) -> None:
    def report(message: Report) -> None:
        write_message(replies, message)
        limits.limit_processor_time(settings.timeout)

    # what was loaded stays: it need not be looked through for garbage
    gc.freeze()
    at_first = limits.resident_size()
    write_message(replies, Ready(at_first))
    while True:
        request = jobs.get()
        limits.limit_processor_time(settings.timeout)
        raised = _carry_out(task, request, report, settings)
        now = limits.resident_size()
        growth = None if now is None or at_first is None else now - at_first
        write_message(replies, TaskFinished(growth) if raised is None else raised)


def _carry_out(
    task: Task, request: bytes, report: Callable[[Report], None], settings: WorkerSettings
) -> TaskRaised | RunFailed | None:
    """Run the task on one pickled Job; None when it returns. Here stands the one broad `except` of the project."""
    try:
        job: Job = pickle.loads(request)
        task(job, report)
    except MemoryError:
        # only what needs no memory: the frames that hold it are let go when this function returns
        return TaskRaised(Reason.MEMORY_LIMIT, describe_memory(settings))
    except RecursionError as error:
        return TaskRaised(Reason.TOO_DEEP, f"nested too deep{_place_of(error)}")
    except RunError as error:
        return RunFailed(error)
    except SystemExit as error:
        # a library that takes its leave takes the process with it, at once: the parent sees a worker that has gone
        os._exit(error.code if isinstance(error.code, int) else 1)
    except Exception as error:
        said = f"{type(error).__name__}{_place_of(error)}: a defect of plainfilm; please report it"
        return TaskRaised(Reason.INTERNAL_ERROR, said, "".join(traceback.format_exception(error)))
    return None


def _place_of(error: BaseException) -> str:
    """Where an exception was raised; its text is left out, since it may quote the data set."""
    places = traceback.extract_tb(error.__traceback__, limit=-1)
    return f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""


def _introduction(requests: IO[bytes]) -> WorkerSetup:
    said = read_message(requests)
    if said is None:
        os._exit(1)
    if not isinstance(said, WorkerSetup):
        sys.exit("plainfilm.workers.child is started by plainfilm itself and is of no use by hand")
    return said


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output for messages alone: who else reads finds nothing, what else is printed is no message.

    Processes that a library may start do not inherit the private copies, so the pipes close when this process ends.
    """
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, replies


def _fall_silent(settings: WorkerSettings) -> None:
    """From now on there are patients' data at hand, which libraries quote in what they print, warn and log."""
    if settings.show_output:
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _receive_in_background(requests: IO[bytes]) -> SimpleQueue[bytes]:
    """Jobs as they come. A thread waits for them, so that the process ends when its parent does, amid a task too."""
    jobs: SimpleQueue[bytes] = SimpleQueue()

    def receive() -> None:
        try:
            while (request := read_frame(requests)) is not None:
                jobs.put(request)
        finally:
            os._exit(0)

    threading.Thread(target=receive, name="plainfilm-requests", daemon=True).start()
    return jobs


def _find(name: str) -> Task:
    """The function that `module:function` names. Raises ImportError, AttributeError, ValueError."""
    module, function = name.split(":")
    with _left_alone("PIL"):
        found: Task = getattr(importlib.import_module(module), function)
    return found


@contextmanager
def _left_alone(package: str) -> Iterator[None]:
    """Within the block a package is as if it were not there; it may be imported later.

    pydicom imports Pillow where it finds it, for what it does not do here: a tenth of the time a worker takes to start.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = cast("ModuleType", None)
    try:
        yield
    finally:
        del sys.modules[package]


if __name__ == "__main__":
    main()
