# SPDX-License-Identifier: MIT
"""Track the progress of one job: which frames are done, lost or to be tried again, by the reports of its workers."""

from __future__ import annotations

from dataclasses import field

from plainfilm.errors import Reason
from plainfilm.pickling import dataclass
from plainfilm.workers.messages import (
    FrameSkipped,
    FrameStarted,
    FrameSurveyed,
    Job,
    MemoryShort,
    Report,
    TaskNote,
    TaskRaised,
    TaskResult,
    WorkerLost,
)


@dataclass(slots=True)
class JobProgress:
    """The state of one job, over as many attempts as it needs.

    - When a worker dies, the frame that it was working on is tried once more. A second death in a row loses the frame.
    - A timeout, an exceeded memory limit and an exception lose the frame at once. A death counts as an exceeded memory
      limit if the worker has reported that its memory is short.
    - After a lost frame, the job continues with the next one. A loss outside of any frame ends the job.
    - A frame that is lost while it is surveyed is skipped in all further attempts. Its loss is returned when its turn
      comes (FrameSkipped), so that results stay in order, and a frame that is not part of the job causes no loss.
    - A frame that has a result is never done again, also if the worker dies before it starts the next one.
    - After `give_up_after` frames lost in a row, the last loss stands for the rest of the job, and the job ends.
    """

    job: Job
    give_up_after: int
    first_frame: int = 0
    attempt: int = 1
    is_finished: bool = False
    _started_frame: int | None = None
    _surveyed_frame: int | None = None
    _has_result: bool = False
    _is_memory_short: bool = False
    _losses_in_a_row: int = 0
    _frames_with_survey_death: set[int] = field(default_factory=set)
    _skipped: dict[int, WorkerLost] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first_frame = self.job.first_frame

    def remaining_job(self, upcoming: object = None) -> Job:
        """Return the job for the next attempt: the part that is not done yet."""
        return Job(self.job.payload, self.first_frame, frozenset(self._skipped), upcoming=upcoming)

    def handle_report(self, message: Report) -> TaskResult | TaskNote | WorkerLost | None:
        """Update the state by a report of the task, and return the event for the consumer, if there is one."""
        match message:
            case FrameSurveyed(frame):
                self._surveyed_frame, self._has_result = frame, False
            case FrameStarted(frame):
                self._started_frame, self._surveyed_frame, self._has_result = frame, None, False
            case MemoryShort():
                self._is_memory_short = True
            case FrameSkipped(frame):
                self._started_frame, self._surveyed_frame = frame, None
                self._has_result, self.attempt = True, 1
                return self._skipped[frame]
            case TaskNote():
                return message
            case TaskResult():
                self._surveyed_frame, self._has_result = None, True
                self.attempt, self._losses_in_a_row = 1, 0
                return message
        return None

    def finish(self) -> None:
        """End the job: the task has returned."""
        self.is_finished = True

    def handle_exception(self, raised: TaskRaised) -> WorkerLost | None:
        """Record an exception that escaped the task, and return the loss for the consumer, if there is one.

        If the frame already has its result, the exception loses the rest of the job.
        """
        if self._has_result:
            self._started_frame = None
        return self._lose(raised.reason, raised.message, raised.traceback)

    def handle_exit(self, reason: Reason, message: str) -> WorkerLost | None:
        """Record that the worker died (`worker_died`) or was killed at a limit; return the loss, if there is one."""
        if reason is Reason.WORKER_DIED and self._is_memory_short:
            reason, message = Reason.MEMORY_LIMIT, f"{message}; less memory was left than the image can need (--memory)"
        if self._has_result:
            self._continue_after_frame()
            return None
        if reason is Reason.WORKER_DIED and self._allows_another_attempt():
            self._started_frame = self._surveyed_frame = None
            return None
        return self._lose(reason, message)

    def _allows_another_attempt(self) -> bool:
        """Return whether the current frame may be tried again after a death, and count the death."""
        if self._surveyed_frame is not None:
            is_first_death = self._surveyed_frame not in self._frames_with_survey_death
            self._frames_with_survey_death.add(self._surveyed_frame)
            return is_first_death
        if self.attempt > 1:
            return False
        self.attempt = 2
        self.first_frame = self.first_frame if self._started_frame is None else self._started_frame
        return True

    def _lose(self, reason: Reason, message: str, traceback: str = "") -> WorkerLost | None:
        """Lose the current frame or the rest of the job. Return the loss, unless `handle_report` returns it later."""
        self._losses_in_a_row += 1
        surveyed, self._surveyed_frame = self._surveyed_frame, None
        frame = self._started_frame if surveyed is None else surveyed
        if frame is not None and self._losses_in_a_row >= self.give_up_after:
            message += f"; {self._losses_in_a_row} frames were lost in a row, and the rest of the instance was given up"
            surveyed = frame = self._started_frame = None
        if surveyed is not None:
            attempts = 2 if reason is Reason.WORKER_DIED else 1
            self._skipped[surveyed] = WorkerLost(self.job.payload, surveyed, reason, message, attempts, traceback)
            self._started_frame = None
            return None
        lost = WorkerLost(self.job.payload, frame, reason, message, self.attempt, traceback)
        self._continue_after_frame()
        return lost

    def _continue_after_frame(self) -> None:
        """Continue with the frame after the one that was started last; finish the job if no frame was started."""
        self.is_finished = self._started_frame is None
        if self._started_frame is not None:
            self.first_frame = self._started_frame + 1
        self.attempt, self._started_frame, self._surveyed_frame, self._has_result = 1, None, None, False
