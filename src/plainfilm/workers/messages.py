# SPDX-License-Identifier: MIT
"""What crosses between a run and its worker processes: frozen values out, length-prefixed pickles on a pipe, and back.

The pipes are private to a parent and the child it has started: nothing read here comes from a disk or network.

    parent -> child   WorkerSetup, then one Job at a time
    child -> parent   Ready or StartFailed; then for each Job any number of FrameStarted, FrameSurveyed, TaskResult and
                      FrameSkipped; and TaskFinished, TaskRaised or RunFailed
    to the consumer   TaskResult, WorkerLost, JobDone, Idle
"""

from __future__ import annotations

import pickle
import struct
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import IO

from plainfilm.errors import Reason, RunError
from plainfilm.pickling import FastPickle

LENGTH = struct.Struct(">Q")
LONGEST = 1 << 32
"""Bytes of the longest message. A length beyond it is no length: something else has written into the pipe."""

UNREADABLE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    LookupError,
    ValueError,
    TypeError,
    MemoryError,
)
"""What unpickling raises, after its own documentation, for bytes that are no pickle or name what does not exist."""


class MemoryGuard(StrEnum):
    """How the memory of a worker is held to its limit."""

    ADDRESS_SPACE = "address_space"
    """The system refuses memory beyond the limit (RLIMIT_AS; Linux)."""
    RESIDENT_SIZE = "resident_size"
    """The parent looks once a second, and kills (other POSIX systems: a quick bloat can get past it for a second)."""
    NONE = "none"
    """No limit (Windows)."""


def _guard_of_this_system() -> MemoryGuard:
    if sys.platform == "win32":
        return MemoryGuard.NONE
    return MemoryGuard.ADDRESS_SPACE if sys.platform == "linux" else MemoryGuard.RESIDENT_SIZE


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How workers are run.

    - `timeout`: seconds without a message after which a worker is taken to hang.
    - `memory`: bytes that a worker may take beyond what it takes when it is ready.
    - `recycle_after`: jobs after which a fresh worker takes the place of an old one.
    - `recycle_growth`: bytes of resident size that a worker may keep between two jobs, before a fresh one does.
    - `give_up_after`: frames of one job lost in a row, after which the rest of that job is given up.
    - `extra_path`: folders put before all others where a worker looks for modules.
    - `show_output`: what native libraries print reaches standard error (it may quote the data set) instead of nothing.
    """

    workers: int = 1
    timeout: float = 120.0
    memory: int = 4 << 30
    recycle_after: int = 2_000
    recycle_growth: int = 512 << 20
    give_up_after: int = 8
    extra_path: tuple[str, ...] = ()
    guard: MemoryGuard = _guard_of_this_system()
    show_output: bool = False

    def __post_init__(self) -> None:
        if min(self.workers, self.recycle_after, self.give_up_after, self.memory) < 1 or not self.timeout > 0:
            raise ValueError("workers, timeout, memory, recycle_after and give_up_after are above 0")


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker is told first: its task (`module:function`) and its settings."""

    task: str
    settings: WorkerSettings


@dataclass(frozen=True, slots=True)
class Job(FastPickle):
    """One piece of work: what the task needs (anything that pickles), and the frame to begin with, from 0.

    left_out: frames (from 0) that are not to be touched, since workers were lost when they looked at them.
    """

    payload: object
    first_frame: int = 0
    left_out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported its task and set its limits; `resident`: bytes it takes, where known."""

    resident: int | None


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The worker cannot import its task."""

    message: str


@dataclass(frozen=True, slots=True)
class FrameStarted(FastPickle):
    """The task begins with a frame, counted from 0, or (None) with what comes before: reading the instance."""

    frame: int | None


@dataclass(frozen=True, slots=True)
class FrameSurveyed(FastPickle):
    """The task looks at a frame, counted from 0, for what it must know of all; its result, if any, comes later."""

    frame: int


@dataclass(frozen=True, slots=True)
class FrameSkipped(FastPickle):
    """It would be the turn of this frame, counted from 0, which is one of those left out."""

    frame: int


@dataclass(frozen=True, slots=True)
class TaskResult(FastPickle):
    """One result of a task: of the frame that was started last, or of the whole instance where none was.

    `traceback`, of a result that is an error, is private: it may quote the data set.
    """

    value: object
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class TaskFinished(FastPickle):
    """The task has returned; `growth`: bytes of resident size above those when the worker was ready, where known."""

    growth: int | None


@dataclass(frozen=True, slots=True)
class TaskRaised(FastPickle):
    """An exception has escaped the task. `traceback` may quote the data set: it stays private."""

    reason: Reason
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The task has found that the run as a whole cannot go on (a full disk, say)."""

    error: RunError


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A frame (from 0), or all that is left of a job (None), that its worker has not survived, or not answered.

    `message` says what happened and quotes nothing of the data; `traceback`, of an internal error alone, is private.
    """

    payload: object
    frame: int | None
    reason: Reason
    message: str
    attempts: int
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class JobDone:
    """A job has ended, well or badly: nothing more comes of it. A job that a stop has cut short has no Done."""

    payload: object


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing has come for a moment, and more is to come: time for the consumer's own affairs."""


Report = FrameStarted | FrameSurveyed | TaskResult | FrameSkipped
Reply = Ready | StartFailed | Report | TaskFinished | TaskRaised | RunFailed
Event = TaskResult | WorkerLost | JobDone | Idle


def describe_timeout(settings: WorkerSettings) -> str:
    """The message of a worker that was killed at its deadline."""
    return f"no result within {settings.timeout:g} s, the limit of --timeout"


def describe_memory(settings: WorkerSettings) -> str:
    """The message of a worker that ran into its memory limit."""
    return f"more memory than the {settings.memory / (1 << 20):g} MiB that --memory allows"


def write_message(stream: IO[bytes], message: object) -> None:
    """Send one message. Raises what pickling raises and ValueError (nothing is sent), OSError when nobody reads."""
    frame = pickle.dumps(message, protocol=5)
    if len(frame) > LONGEST:
        raise ValueError(f"a message of {len(frame)} bytes: at most {LONGEST} can be sent")
    stream.write(LENGTH.pack(len(frame)))
    stream.write(frame)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The bytes of the next message; None when the other side is gone, even amid a message. ValueError: garbage."""
    prefix = stream.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(prefix)
    if length > LONGEST:
        raise ValueError("the stream of messages holds something else")
    frame = stream.read(length)
    return frame if len(frame) == length else None


def read_message(stream: IO[bytes]) -> object:
    """The next message, or None when the other side is gone. Raises one of UNREADABLE for garbage."""
    frame = read_frame(stream)
    return None if frame is None else pickle.loads(frame)
