# SPDX-License-Identifier: MIT
"""Where one job stands: what its worker said and how it ended in, where to go on and what is lost out."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.errors import Reason
from plainfilm.run.messages import Job, Lost, Outcome, Raised, Started


@dataclass(slots=True)
class Course:
    """The course of one job over as many attempts as it takes.

    - A worker that dies costs one more attempt, from the frame it died in; a second death in a row loses that frame.
    - A timeout, a memory limit and an exception lose the frame at once.
    - After a lost frame the job goes on with the next one. A loss outside of any frame ends the job.
    - What has been answered is never done again: a worker that dies between two frames costs nothing.
    - `give_up_after` frames lost in a row end the job: its last loss then counts for the rest of it.
    """

    job: Job
    give_up_after: int
    first_frame: int = 0
    attempt: int = 1
    over: bool = False
    _frame: int | None = None
    _answered: bool = False
    _lost_in_a_row: int = 0

    def __post_init__(self) -> None:
        self.first_frame = self.job.first_frame

    def note(self, message: Started | Outcome) -> None:
        """Take notice of what the task reports."""
        if isinstance(message, Started):
            self._frame, self._answered = message.frame, False
        else:
            self._answered, self.attempt, self._lost_in_a_row = True, 1, 0

    def finish(self) -> None:
        """The task has returned."""
        self.over = True

    def take_exception(self, raised: Raised) -> Lost:
        """An exception escaped the task. Where its frame was answered already, the rest of the job is what is lost."""
        if self._answered:
            self._frame = None
        return self._lose(raised.reason, raised.message, raised.traceback)

    def take_departure(self, reason: Reason, message: str) -> Lost | None:
        """The worker is gone, of itself (worker_died) or by a limit; None when nothing is lost so far."""
        if self._answered:
            self._go_on()
            return None
        if reason is Reason.WORKER_DIED and self.attempt == 1:
            self.attempt = 2
            self.first_frame = self.first_frame if self._frame is None else self._frame
            self._frame = None
            return None
        return self._lose(reason, message)

    def _lose(self, reason: Reason, message: str, traceback: str = "") -> Lost:
        self._lost_in_a_row += 1
        if self._frame is not None and self._lost_in_a_row >= self.give_up_after:
            message += f"; {self._lost_in_a_row} frames were lost in a row, and the rest of the instance was given up"
            self._frame = None
        lost = Lost(self.job.payload, self._frame, reason, message, self.attempt, traceback)
        self._go_on()
        return lost

    def _go_on(self) -> None:
        """To the frame after the one that was worked on last; where there was none, nothing is left to do."""
        self.over = self._frame is None
        if self._frame is not None:
            self.first_frame = self._frame + 1
        self.attempt, self._frame, self._answered = 1, None, False
