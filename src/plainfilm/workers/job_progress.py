# SPDX-License-Identifier: MIT
"""Where one job stands: what its worker said and how it ended in, where to go on and what is lost out."""

from __future__ import annotations

from dataclasses import dataclass, field

from plainfilm.errors import Reason
from plainfilm.workers.messages import (
    FrameSkipped,
    FrameStarted,
    FrameSurveyed,
    Job,
    Report,
    TaskRaised,
    TaskResult,
    WorkerLost,
)


@dataclass(slots=True)
class JobProgress:
    """The course of one job over as many attempts as it takes.

    - A worker that dies costs one more attempt, from the frame it died in; a second death in a row loses that frame.
    - A timeout, a memory limit and an exception lose the frame at once.
    - After a lost frame the job goes on with the next one. A loss outside of any frame ends the job.
    - A frame that is lost when it is looked at ahead of its turn is left out of the job from then on; the loss is told
      in its turn, so that results come in order and a frame that nobody has asked for costs none.
    - What has been answered is never done again: a worker that dies between two frames costs nothing.
    - `give_up_after` frames lost in a row end the job: its last loss then counts for the rest of it.
    """

    job: Job
    give_up_after: int
    first_frame: int = 0
    attempt: int = 1
    over: bool = False
    _frame: int | None = None
    _looked_at: int | None = None
    _answered: bool = False
    _lost_in_a_row: int = 0
    _died_when_looked_at: set[int] = field(default_factory=set)
    _left_out: dict[int, WorkerLost] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first_frame = self.job.first_frame

    def remaining(self) -> Job:
        """What is left to do."""
        return Job(self.job.payload, self.first_frame, frozenset(self._left_out))

    def note(self, message: Report) -> TaskResult | WorkerLost | None:
        """Take notice of what the task reports, and give what there is to hand on."""
        match message:
            case FrameSurveyed(frame):
                self._looked_at, self._answered = frame, False
            case FrameStarted(frame):
                self._frame, self._looked_at, self._answered = frame, None, False
            case FrameSkipped(frame):
                self._frame, self._looked_at, self._answered, self.attempt = frame, None, True, 1
                return self._left_out[frame]
            case TaskResult():
                self._looked_at, self._answered, self.attempt, self._lost_in_a_row = None, True, 1, 0
                return message
        return None

    def finish(self) -> None:
        """The task has returned."""
        self.over = True

    def take_exception(self, raised: TaskRaised) -> WorkerLost | None:
        """An exception escaped the task. Where its frame was answered already, the rest of the job is what is lost."""
        if self._answered:
            self._frame = None
        return self._lose(raised.reason, raised.message, raised.traceback)

    def take_departure(self, reason: Reason, message: str) -> WorkerLost | None:
        """The worker is gone, of itself (worker_died) or by a limit; None when nothing is lost so far."""
        if self._answered:
            self._go_on()
            return None
        if reason is Reason.WORKER_DIED and self._is_first_death():
            self._frame = self._looked_at = None
            return None
        return self._lose(reason, message)

    def _is_first_death(self) -> bool:
        """Whether this was the first attempt at what the worker was busy with; the next is the second."""
        if self._looked_at is not None:
            known = self._looked_at in self._died_when_looked_at
            self._died_when_looked_at.add(self._looked_at)
            return not known
        if self.attempt > 1:
            return False
        self.attempt = 2
        self.first_frame = self.first_frame if self._frame is None else self._frame
        return True

    def _lose(self, reason: Reason, message: str, traceback: str = "") -> WorkerLost | None:
        self._lost_in_a_row += 1
        looked_at, frame, self._looked_at = self._looked_at, self._frame, None
        at = frame if looked_at is None else looked_at
        if at is not None and self._lost_in_a_row >= self.give_up_after:
            message += f"; {self._lost_in_a_row} frames were lost in a row, and the rest of the instance was given up"
            looked_at = at = self._frame = None
        if looked_at is not None:
            attempts = 2 if reason is Reason.WORKER_DIED else 1
            self._left_out[looked_at] = WorkerLost(self.job.payload, looked_at, reason, message, attempts, traceback)
            self._frame = None
            return None
        lost = WorkerLost(self.job.payload, at, reason, message, self.attempt, traceback)
        self._go_on()
        return lost

    def _go_on(self) -> None:
        """To the frame after the one that was worked on last; where there was none, nothing is left to do."""
        self.over = self._frame is None
        if self._frame is not None:
            self.first_frame = self._frame + 1
        self.attempt, self._frame, self._looked_at, self._answered = 1, None, None, False
