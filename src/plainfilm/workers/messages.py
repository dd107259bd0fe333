# SPDX-License-Identifier: MIT
"""Define the messages between a run and its worker processes, and send them through pipes.

The parent and a worker process (the child) talk through two pipes: the child's standard input and output. Only they
can write there, so a message never comes from a disk or a network. A message is a pickle behind its length. The child
only answers: first the setup, and then one job at a time. The next job may be sent ahead.

    ============== ================ ===================================================================
    sender         message          meaning
    ============== ================ ===================================================================
    parent         WorkerSetup      first message: load this task, set these limits
    child          Ready            answer to the setup: jobs can come
    child          StartFailed      answer to the setup: the task cannot be loaded; the child exits
    parent         Job              run the task on this payload
    parent         Continue         the TaskResult of a frame has been received (only with `WorkerSettings.lockstep`)
    child          FrameStarted     the task begins with a frame, or with reading the instance
    child          FrameSurveyed    the task begins to survey a frame before the frame's own turn
    child          FrameSkipped     the turn of a frame that the job says to skip
    child          TaskResult       one result of the task
    child          TaskNote         what the task has to say about the payload; no result
    child          TaskFinished     end of the job: the task has returned
    child          TaskRaised       end of the job: an exception has escaped the task
    child          RunFailed        end of the job: the run as a whole cannot continue
    ============== ================ ===================================================================

Any number of FrameStarted, FrameSurveyed, FrameSkipped, TaskResult and TaskNote come between a Job and its end. After
an end that asks for a new process, the child does no job that was sent ahead. It exits when its standard input ends.
The parent kills it when a message does not come within `WorkerSettings.timeout`.

`WorkerPool.events` turns them into events: TaskResult and TaskNote as they are, WorkerLost, JobDone, and Idle.
"""

from __future__ import annotations

import pickle
import struct
import sys
from enum import StrEnum
from typing import IO

from plainfilm.errors import Reason, RunError
from plainfilm.pickling import FastPickle, dataclass

LENGTH_PREFIX = struct.Struct(">Q")
LONGEST_MESSAGE = 1 << 32
"""Bytes of the longest message. A greater length means that something else has been written into the pipe."""

UNREADABLE_MESSAGE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    LookupError,
    ValueError,
    TypeError,
    MemoryError,
)
"""The exceptions that unpickling raises, by its documentation, for bytes that are not a pickle of these messages."""


class MemoryGuard(StrEnum):
    """How the memory limit of a worker is enforced."""

    ADDRESS_SPACE = "address_space"
    """The system refuses memory beyond the limit (RLIMIT_AS; Linux)."""
    RESIDENT_SIZE = "resident_size"
    """The parent measures the size once a second and kills the worker (other POSIX systems)."""
    NONE = "none"
    """No limit (Windows)."""


def _default_memory_guard() -> MemoryGuard:
    if sys.platform == "win32":
        return MemoryGuard.NONE
    return MemoryGuard.ADDRESS_SPACE if sys.platform == "linux" else MemoryGuard.RESIDENT_SIZE


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The number of workers and their limits.

    - `timeout`: seconds without a message after which a worker counts as hanging and is killed.
    - `memory`: bytes that a worker may use beyond those that it uses when it is ready.
    - `recycle_after`: number of jobs after which a worker is replaced by a new one.
    - `recycle_growth`: bytes of resident size that a worker may retain between two jobs before it is replaced.
    - `give_up_after`: number of frames of one job, lost in a row, after which the rest of that job is lost too.
    - `extra_path`: folders that come first where a worker looks for modules.
    - `memory_guard`: how `memory` is enforced.
    - `show_output`: whether the output of native libraries, which may quote the data set, goes to standard error
      instead of being discarded.
    - `lockstep`: whether a worker waits after the TaskResult of a frame for a Continue, before `report` returns.
    """

    workers: int = 1
    timeout: float = 120.0
    memory: int = 4 << 30
    recycle_after: int = 2_000
    recycle_growth: int = 512 << 20
    give_up_after: int = 8
    extra_path: tuple[str, ...] = ()
    memory_guard: MemoryGuard = _default_memory_guard()
    show_output: bool = False
    lockstep: bool = False

    def __post_init__(self) -> None:
        if min(self.workers, self.recycle_after, self.give_up_after, self.memory) < 1 or not self.timeout > 0:
            raise ValueError("workers, timeout, memory, recycle_after and give_up_after must be above 0")


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """The task of a worker (`module:function`) and its settings."""

    task: str
    settings: WorkerSettings


@dataclass(frozen=True, slots=True)
class Job(FastPickle):
    """One call of the task.

    payload: the task's input, any object that can be pickled.
    first_frame: the frame (from 0) to begin with.
    skipped_frames: frames (from 0) that the task must not touch, because a worker was lost when it surveyed them.
    size: the bytes of the payload where it is so large that few jobs may be drawn ahead; 0 for any other.
    reads_ahead: whether the task uses `upcoming`: the payload of the job that probably follows in the same worker.
    """

    payload: object
    first_frame: int = 0
    skipped_frames: frozenset[int] = frozenset()
    size: int = 0
    reads_ahead: bool = False
    upcoming: object = None


@dataclass(frozen=True, slots=True)
class Continue(FastPickle):
    """The parent has received the TaskResult of a frame: the worker may go on."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported its task and set its limits; `resident`: its resident size in bytes, if known."""

    resident: int | None


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The worker cannot import its task."""

    message: str


@dataclass(frozen=True, slots=True)
class FrameStarted(FastPickle):
    """The task begins with a frame (from 0), or, if None, with the part before all frames: reading the instance."""

    frame: int | None


@dataclass(frozen=True, slots=True)
class FrameSurveyed(FastPickle):
    """The task begins to survey a frame (from 0), to decide what all frames share. This gives no result."""

    frame: int


@dataclass(frozen=True, slots=True)
class MemoryShort(FastPickle):
    """The worker has less memory left than the job can need: if it dies, the cause is taken to be its memory limit.

    Native libraries do not all check that an allocation has succeeded.
    """


@dataclass(frozen=True, slots=True)
class FrameSkipped(FastPickle):
    """The task has come to a frame (from 0) that is in `Job.skipped_frames`."""

    frame: int


@dataclass(frozen=True, slots=True)
class TaskResult(FastPickle):
    """One result of a task: of the frame that was started last, or of the whole instance if no frame was started.

    traceback: of a result that is an error; it is private, since it may quote the data set.
    """

    value: object
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class TaskNote(FastPickle):
    """What a task has to say about its payload, which is no result. A job that is tried again may repeat it."""

    value: object


@dataclass(frozen=True, slots=True)
class TaskFinished(FastPickle):
    """The task has returned.

    growth: bytes by which the resident size has grown since Ready, if known. needs_new_process: whether the task asks
    for a new process before the next job, because a library may have damaged the memory of this one.
    """

    growth: int | None
    needs_new_process: bool = False


@dataclass(frozen=True, slots=True)
class TaskRaised(FastPickle):
    """An exception has escaped the task. `traceback` is private, since it may quote the data set."""

    reason: Reason
    message: str
    traceback: str = ""

    @property
    def needs_new_process(self) -> bool:
        """Whether the next job gets a new process, because a library may be in an undefined state."""
        return self.reason is Reason.MEMORY_LIMIT


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The task has found that the run as a whole cannot continue, for example because the disk is full."""

    error: RunError


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A frame (from 0), or the rest of a job (None), gave no result: its worker died, was killed, or raised.

    message: the cause; it quotes nothing of the data.
    traceback: of an internal error only; it is private.
    """

    payload: object
    frame: int | None
    reason: Reason
    message: str
    attempts: int
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class JobDone:
    """A job has ended, with or without losses; no more events of it follow. An interrupted job has no JobDone.

    size: that of the job.
    """

    payload: object
    size: int = 0


@dataclass(frozen=True, slots=True)
class Idle:
    """No event has come for a moment, and more will come; `problem`: why no job is done, if no worker is at work."""

    problem: str = ""


Report = FrameStarted | FrameSurveyed | MemoryShort | TaskResult | TaskNote | FrameSkipped
Reply = Ready | StartFailed | Report | TaskFinished | TaskRaised | RunFailed
Event = TaskResult | TaskNote | WorkerLost | JobDone | Idle


def timeout_message(settings: WorkerSettings) -> str:
    """Return the user's message for a worker that was killed at its deadline."""
    return f"no result within {settings.timeout:g} s, the limit of --timeout"


def memory_message(settings: WorkerSettings) -> str:
    """Return the user's message for a worker that exceeded its memory limit."""
    return f"more memory than the {settings.memory / (1 << 20):g} MiB that --memory allows"


def write_message(stream: IO[bytes], message: object, most: int = LONGEST_MESSAGE) -> bool:
    """Send one message, unless it is longer than `most` bytes; return whether it is sent.

    Raises the exceptions of pickling, and ValueError for a message that no stream takes: nothing is sent then. Raises
    OSError when the other side has closed the pipe.
    """
    size = len(content := pickle.dumps(message, protocol=5))
    if size > LONGEST_MESSAGE:
        raise ValueError(f"a message of {size} bytes: at most {LONGEST_MESSAGE} can be sent")
    if size <= most:
        stream.write(LENGTH_PREFIX.pack(size) + content)
        stream.flush()
    return size <= most


def read_pickled_message(stream: IO[bytes]) -> bytes | None:
    """Return the next message as a pickle; None when the pipe has ended, even within a message.

    Raises ValueError when the stream holds something else.
    """
    prefix = stream.read(LENGTH_PREFIX.size)
    if len(prefix) < LENGTH_PREFIX.size:
        return None
    (length,) = LENGTH_PREFIX.unpack(prefix)
    if length > LONGEST_MESSAGE:
        raise ValueError("the stream of messages holds something else")
    content = stream.read(length)
    return content if len(content) == length else None


def read_message(stream: IO[bytes]) -> object:
    """Return the next message; None when the pipe has ended. Raises one of UNREADABLE_MESSAGE for anything else."""
    content = read_pickled_message(stream)
    return None if content is None else pickle.loads(content)
