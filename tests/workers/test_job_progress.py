# SPDX-License-Identifier: MIT
"""Where a job goes on, and what it has lost, after each way its worker can end."""

from __future__ import annotations

import pytest

from plainfilm.errors import Reason
from plainfilm.workers.job_progress import JobProgress
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

LIMITS = [Reason.TIMEOUT, Reason.MEMORY_LIMIT]


def course(*messages: Report, first_frame: int = 0, give_up_after: int = 8) -> JobProgress:
    """A course of which so much was heard."""
    made = JobProgress(Job("hand", first_frame), give_up_after)
    hear(made, *messages)
    return made


def hear(heard: JobProgress, *messages: Report) -> None:
    for message in messages:
        heard.note(message)


def test_begins_where_the_job_says() -> None:
    assert course(first_frame=5).first_frame == 5


def test_a_first_death_tries_again_from_the_frame_it_came_in() -> None:
    made = course(FrameStarted(None), FrameStarted(0), TaskResult("0"), FrameStarted(1))
    assert made.take_departure(Reason.WORKER_DIED, "SIGSEGV") is None
    assert (made.first_frame, made.attempt, made.over) == (1, 2, False)


def test_a_second_death_loses_the_frame_and_goes_on_with_the_next() -> None:
    made = course(FrameStarted(None), FrameStarted(3))
    made.take_departure(Reason.WORKER_DIED, "SIGSEGV")
    hear(made, FrameStarted(None), FrameStarted(3))
    assert made.take_departure(Reason.WORKER_DIED, "SIGABRT") == WorkerLost("hand", 3, Reason.WORKER_DIED, "SIGABRT", 2)
    assert (made.first_frame, made.attempt, made.over) == (4, 1, False)


def test_two_deaths_before_any_frame_end_the_job() -> None:
    made = course(FrameStarted(None))
    made.take_departure(Reason.WORKER_DIED, "SIGSEGV")
    hear(made, FrameStarted(None))
    assert made.take_departure(Reason.WORKER_DIED, "SIGSEGV") == WorkerLost(
        "hand", None, Reason.WORKER_DIED, "SIGSEGV", 2
    )
    assert made.over


def test_a_frame_that_succeeds_gives_the_next_its_own_second_attempt() -> None:
    made = course(FrameStarted(0))
    made.take_departure(Reason.WORKER_DIED, "SIGSEGV")
    hear(made, FrameStarted(0), TaskResult("0"), FrameStarted(1))
    assert made.take_departure(Reason.WORKER_DIED, "SIGSEGV") is None
    assert (made.first_frame, made.attempt) == (1, 2)


@pytest.mark.parametrize("reason", LIMITS)
def test_a_limit_is_never_tried_again(reason: Reason) -> None:
    made = course(FrameStarted(None), FrameStarted(2))
    assert made.take_departure(reason, "too much") == WorkerLost("hand", 2, reason, "too much", 1)
    assert (made.first_frame, made.over) == (3, False)


@pytest.mark.parametrize("reason", LIMITS)
def test_a_limit_before_any_frame_ends_the_job(reason: Reason) -> None:
    made = course(FrameStarted(None))
    assert made.take_departure(reason, "too much") == WorkerLost("hand", None, reason, "too much", 1)
    assert made.over


@pytest.mark.parametrize("reason", [Reason.WORKER_DIED, *LIMITS])
def test_what_was_answered_is_neither_lost_nor_done_again(reason: Reason) -> None:
    made = course(FrameStarted(None), FrameStarted(2), TaskResult("2"))
    assert made.take_departure(reason, "gone") is None
    assert (made.first_frame, made.attempt, made.over) == (3, 1, False)


def test_an_answer_for_the_whole_job_ends_it() -> None:
    made = course(FrameStarted(None), TaskResult("all"))
    assert made.take_departure(Reason.WORKER_DIED, "gone") is None
    assert made.over


def test_an_exception_loses_its_frame_and_keeps_the_traceback() -> None:
    made = course(FrameStarted(None), FrameStarted(1))
    lost = made.take_exception(TaskRaised(Reason.INTERNAL_ERROR, "ValueError", "Traceback"))
    assert lost == WorkerLost("hand", 1, Reason.INTERNAL_ERROR, "ValueError", 1, "Traceback")
    assert (made.first_frame, made.over) == (2, False)


def test_an_exception_after_an_answer_loses_the_rest_and_not_the_answered_frame() -> None:
    made = course(FrameStarted(None), FrameStarted(1), TaskResult("1"))
    lost = made.take_exception(TaskRaised(Reason.INTERNAL_ERROR, "ValueError"))
    assert lost is not None
    assert lost.frame is None
    assert made.over


def test_many_frames_lost_in_a_row_end_the_job() -> None:
    made = course(FrameStarted(0), give_up_after=2)
    made.take_departure(Reason.TIMEOUT, "hung")
    hear(made, FrameStarted(1))
    lost = made.take_departure(Reason.TIMEOUT, "hung")
    assert lost is not None
    assert lost.frame is None
    assert "2 frames were lost in a row" in lost.message
    assert made.over


def test_losses_that_are_not_in_a_row_do_not_end_the_job() -> None:
    made = course(FrameStarted(0), give_up_after=2)
    made.take_departure(Reason.TIMEOUT, "hung")
    hear(made, FrameStarted(1), TaskResult("1"), FrameStarted(2))
    lost = made.take_departure(Reason.TIMEOUT, "hung")
    assert lost is not None
    assert lost.frame == 2
    assert not made.over


def test_a_frame_that_is_only_looked_at_is_tried_twice_and_then_left_out() -> None:
    made = course(FrameStarted(None), FrameSurveyed(0), FrameSurveyed(1))
    assert made.take_departure(Reason.WORKER_DIED, "SIGSEGV") is None
    assert made.remaining() == Job("hand")
    hear(made, FrameStarted(None), FrameSurveyed(0), FrameSurveyed(1))
    assert made.take_departure(Reason.WORKER_DIED, "SIGABRT") is None
    assert (made.remaining(), made.over) == (Job("hand", 0, frozenset({1})), False)


def test_two_frames_that_are_looked_at_have_two_attempts_each() -> None:
    made = course(FrameSurveyed(1))
    made.take_departure(Reason.WORKER_DIED, "SIGSEGV")
    hear(made, FrameSurveyed(1), FrameSurveyed(2))
    made.take_departure(Reason.WORKER_DIED, "SIGSEGV")
    hear(made, FrameSurveyed(1), FrameSurveyed(2))
    made.take_departure(Reason.WORKER_DIED, "SIGSEGV")
    assert made.remaining().left_out == {2}


@pytest.mark.parametrize("reason", LIMITS)
def test_a_limit_when_a_frame_is_looked_at_leaves_it_out_at_once(reason: Reason) -> None:
    made = course(FrameStarted(None), FrameSurveyed(2))
    assert made.take_departure(reason, "too much") is None
    assert made.remaining().left_out == {2}


def test_the_loss_of_a_frame_that_was_left_out_is_told_in_its_turn() -> None:
    made = course(FrameSurveyed(1))
    assert made.take_exception(TaskRaised(Reason.INTERNAL_ERROR, "ValueError", "Traceback")) is None
    hear(made, FrameSurveyed(0), FrameStarted(0), TaskResult("0"))
    assert made.note(FrameSkipped(1)) == WorkerLost("hand", 1, Reason.INTERNAL_ERROR, "ValueError", 1, "Traceback")
    assert made.take_departure(Reason.WORKER_DIED, "gone") is None
    assert (made.remaining(), made.over) == (Job("hand", 2, frozenset({1})), False)


def test_a_job_whose_frames_are_lost_one_after_the_other_when_looked_at_is_given_up() -> None:
    made = course(FrameSurveyed(0), give_up_after=2)
    made.take_departure(Reason.TIMEOUT, "hung")
    hear(made, FrameSurveyed(1))
    lost = made.take_departure(Reason.TIMEOUT, "hung")
    assert lost is not None
    assert lost.frame is None
    assert "2 frames were lost in a row" in lost.message
    assert made.over
