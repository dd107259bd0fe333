# SPDX-License-Identifier: MIT
"""Run a task on jobs in a worker process: read jobs from standard input, write reports to standard output.

`spawn.py` starts this module as `python -m plainfilm.workers.child TASK`; it cannot be used from a shell. The task is a
function `task(job, report)`; `WorkerPool` says what it reports, and `messages.py` describes the messages.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import IO, NoReturn, cast

from plainfilm.errors import Reason, RunError, environment_reason
from plainfilm.workers import limits
from plainfilm.workers.messages import (
    Continue,
    FrameStarted,
    FrameSurveyed,
    Job,
    MemoryGuard,
    Ready,
    Report,
    RunFailed,
    StartFailed,
    TaskFinished,
    TaskRaised,
    TaskResult,
    WorkerSettings,
    WorkerSetup,
    memory_message,
    read_message,
    read_pickled_message,
    write_message,
)

# with its HTTP client, TLS and e-mail
_DOWNLOADER = "urllib.request"
_CONTINUE = pickle.dumps(Continue(), protocol=5)

Task = Callable[[Job, Callable[[Report], None]], bool | None]
"""A task returns True where its process must not run another job."""


def main() -> None:
    """Run jobs until standard input ends. Never returns: the process exits without the finalizers of libraries."""
    requests, replies = _claim_streams()
    limits.die_with_parent()
    limits.ignore_stop_signals()
    limits.disable_core_dumps()
    preload(sys.argv[1:])
    serve(requests, replies)


def preload(tasks: Sequence[str]) -> None:
    """Load tasks before a setup arrives. If one cannot be loaded, `serve` reports the error."""
    # what is loaded stays: to search it for garbage again and again takes a sixth of the time
    gc.disable()
    with suppress(ImportError, AttributeError, ValueError):
        for name in tasks:
            _load_task(name)
    gc.enable()


def serve(stream: IO[bytes], replies: IO[bytes]) -> None:
    """Run jobs until the stream of requests ends. Never returns."""
    setup = _read_setup(stream)
    _exit_with(stream)
    try:
        task = _load_task(setup.task)
    except (ImportError, AttributeError, ValueError) as error:
        write_message(replies, StartFailed(f"{type(error).__name__}: {error}"))
        os._exit(1)
    if not setup.settings.show_output:
        _discard_output()
    if setup.settings.memory_guard is MemoryGuard.ADDRESS_SPACE:
        limits.limit_address_space(setup.settings.memory)
    _run_jobs(task, _Requests(stream), replies, setup.settings)


class _Requests:
    """The messages of the parent after the setup. A job may come before it is due, and before a Continue."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._jobs: deque[bytes] = deque()

    def next_job(self) -> bytes:
        """Return the next job as a pickle; when the stream ends, the process exits."""
        return self._jobs.popleft() if self._jobs else self._read()

    def wait_for_continue(self) -> None:
        """Read until a Continue has come; the process exits when the stream ends."""
        while (message := self._read()) != _CONTINUE:
            self._jobs.append(message)

    def wait_for_end(self) -> NoReturn:
        """Wait until the parent ends this process, and do none of the jobs that it may have sent."""
        while True:
            self._read()

    def _read(self) -> bytes:
        message = None
        with suppress(ValueError):
            message = read_pickled_message(self._stream)
        if message is None:
            os._exit(0)
        return message


def _run_jobs(task: Task, requests: _Requests, replies: IO[bytes], settings: WorkerSettings) -> None:
    has_frames = False

    def report(message: Report) -> None:
        nonlocal has_frames
        write_message(replies, message)
        if isinstance(message, FrameStarted | FrameSurveyed):
            has_frames = True
        elif settings.lockstep and has_frames and isinstance(message, TaskResult):
            requests.wait_for_continue()
        limits.limit_processor_time(settings.timeout)

    # the loaded modules stay, so the garbage collector need not examine them
    gc.freeze()
    initial = limits.resident_size()
    write_message(replies, Ready(initial))
    while True:
        pickled_job, has_frames = requests.next_job(), False
        limits.limit_processor_time(settings.timeout)
        end = _run_task(task, pickled_job, report, settings)
        resident = limits.resident_size()
        growth = None if resident is None or initial is None else resident - initial
        write_message(replies, TaskFinished(growth, end) if isinstance(end, bool) else end)
        if end is True or isinstance(end, RunFailed) or (isinstance(end, TaskRaised) and end.needs_new_process):
            requests.wait_for_end()


def _run_task(
    task: Task, pickled_job: bytes, report: Callable[[Report], None], settings: WorkerSettings
) -> TaskRaised | RunFailed | bool:
    """Run the task on one job; when it returns, return whether the next job needs a new process.

    This is the only broad `except` of the project.
    """
    try:
        job: Job = pickle.loads(pickled_job)
        return bool(task(job, report))
    except MemoryError:
        # no traceback, which needs memory: the frames that hold the memory are released when this function returns
        return TaskRaised(Reason.MEMORY_LIMIT, memory_message(settings))
    except RecursionError as error:
        return TaskRaised(Reason.TOO_DEEP, f"nested too deep{_place_of(error)}")
    except RunError as error:
        return RunFailed(error)
    except SystemExit as error:
        # `sys.exit()` in a library ends the worker at once; the parent reports `worker_died`
        os._exit(error.code if isinstance(error.code, int) else 1)
    except Exception as error:
        reason = environment_reason(error)
        if reason is Reason.MEMORY_LIMIT:
            return TaskRaised(reason, memory_message(settings))
        if reason is not None:
            return TaskRaised(reason, f"the system refuses it{_place_of(error)}: no descriptors, or failing storage")
        message = f"{type(error).__name__}{_place_of(error)}: a defect of plainfilm; please report it"
        return TaskRaised(Reason.INTERNAL_ERROR, message, "".join(traceback.format_exception(error)))


def _place_of(error: BaseException) -> str:
    """Return the file and line where an exception was raised. Its text is omitted, since it may quote the data set."""
    places = traceback.extract_tb(error.__traceback__, limit=-1)
    return f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""


def _read_setup(requests: IO[bytes]) -> WorkerSetup:
    message = read_message(requests)
    if message is None:
        os._exit(1)
    if not isinstance(message, WorkerSetup):
        sys.exit("plainfilm.workers.child is started by plainfilm itself and cannot be used from a shell")
    return message


def _claim_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output for messages only, and return them as (requests, replies).

    Other code that reads standard input gets nothing; what it prints goes to standard error. Processes that a library
    starts do not inherit the two pipes, so the pipes close when this process ends.
    """
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return requests, replies


def _discard_output() -> None:
    """Discard what is printed from now on: libraries quote patients' data in their output, warnings and logs."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.close(null)


def _exit_with(stream: IO[bytes]) -> None:
    """Exit, also in the middle of a task, when the parent closes the stream or ends.

    Windows cannot wait for that: there the process exits after its task.
    """
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    # no event but the end wakes the thread, so that a message costs nothing here
    poll.register(stream, select.POLLHUP)

    def wait() -> None:
        try:
            while not any(event & ~select.POLLIN for _, event in poll.poll()):
                pass
        finally:
            os._exit(0)

    threading.Thread(target=wait, name="plainfilm-parent", daemon=True).start()


def _load_task(name: str) -> Task:
    """Return the function that `module:function` names. Raises ImportError, AttributeError, ValueError."""
    module, function = name.split(":")
    stand_in = ModuleType(_DOWNLOADER)
    with (
        _replaced_module("PIL"),
        _replaced_module("tqdm"),
        _replaced_module("requests"),
        _replaced_module(_DOWNLOADER, stand_in),
    ):
        task: Task = getattr(importlib.import_module(module), function)
    return task


@contextmanager
def _replaced_module(name: str, stand_in: ModuleType | None = None) -> Iterator[None]:
    """Have an import of a module give a stand-in within the block, or fail for None; it can be imported later.

    pydicom imports Pillow, tqdm and requests if it can, and a downloader of the standard library, for features that are
    not used here. They would take a fourth of the start of a worker.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = cast("ModuleType", stand_in)
    try:
        yield
    finally:
        del sys.modules[name]


if __name__ == "__main__":
    main()
