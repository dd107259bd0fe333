# SPDX-License-Identifier: MIT
"""Where a job continues, and which frames it loses, after each way in which its worker can end."""

from __future__ import annotations

import pytest

from plainfilm.errors import Reason
from plainfilm.workers.job_progress import JobProgress
from plainfilm.workers.messages import (
    FrameSkipped,
    FrameStarted,
    FrameSurveyed,
    Job,
    MemoryShort,
    Report,
    TaskRaised,
    TaskResult,
    WorkerLost,
)

LIMITS = [Reason.TIMEOUT, Reason.MEMORY_LIMIT]


def progress_after(*messages: Report, first_frame: int = 0, give_up_after: int = 8) -> JobProgress:
    """Return the progress of a job after these reports."""
    progress = JobProgress(Job("hand", first_frame), give_up_after)
    report(progress, *messages)
    return progress


def report(progress: JobProgress, *messages: Report) -> None:
    for message in messages:
        progress.handle_report(message)


def test_a_job_begins_at_its_first_frame() -> None:
    assert progress_after(first_frame=5).first_frame == 5


def test_the_first_death_retries_the_current_frame() -> None:
    progress = progress_after(FrameStarted(None), FrameStarted(0), TaskResult("0"), FrameStarted(1))
    assert progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV") is None
    assert (progress.first_frame, progress.attempt, progress.is_finished) == (1, 2, False)


def test_a_second_death_loses_the_frame_and_continues_with_the_next() -> None:
    progress = progress_after(FrameStarted(None), FrameStarted(3))
    progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV")
    report(progress, FrameStarted(None), FrameStarted(3))
    assert progress.handle_exit(Reason.WORKER_DIED, "SIGABRT") == WorkerLost(
        "hand", 3, Reason.WORKER_DIED, "SIGABRT", 2
    )
    assert (progress.first_frame, progress.attempt, progress.is_finished) == (4, 1, False)


def test_two_deaths_before_any_frame_end_the_job() -> None:
    progress = progress_after(FrameStarted(None))
    progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV")
    report(progress, FrameStarted(None))
    assert progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV") == WorkerLost(
        "hand", None, Reason.WORKER_DIED, "SIGSEGV", 2
    )
    assert progress.is_finished


def test_a_frame_that_succeeds_gives_the_next_its_own_second_attempt() -> None:
    progress = progress_after(FrameStarted(0))
    progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV")
    report(progress, FrameStarted(0), TaskResult("0"), FrameStarted(1))
    assert progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV") is None
    assert (progress.first_frame, progress.attempt) == (1, 2)


@pytest.mark.parametrize("reason", LIMITS)
def test_a_limit_is_never_tried_again(reason: Reason) -> None:
    progress = progress_after(FrameStarted(None), FrameStarted(2))
    assert progress.handle_exit(reason, "too much") == WorkerLost("hand", 2, reason, "too much", 1)
    assert (progress.first_frame, progress.is_finished) == (3, False)


def test_a_death_with_too_little_memory_counts_as_the_memory_limit() -> None:
    progress = progress_after(FrameStarted(0), TaskResult("0"), MemoryShort(), FrameStarted(1))
    lost = progress.handle_exit(Reason.WORKER_DIED, "killed by SIGSEGV")
    assert lost is not None
    assert (lost.frame, lost.reason, lost.attempts) == (1, Reason.MEMORY_LIMIT, 1)
    assert progress.first_frame == 2


@pytest.mark.parametrize("reason", LIMITS)
def test_a_limit_before_any_frame_ends_the_job(reason: Reason) -> None:
    progress = progress_after(FrameStarted(None))
    assert progress.handle_exit(reason, "too much") == WorkerLost("hand", None, reason, "too much", 1)
    assert progress.is_finished


@pytest.mark.parametrize("reason", [Reason.WORKER_DIED, *LIMITS])
def test_a_frame_with_a_result_is_neither_lost_nor_done_again(reason: Reason) -> None:
    progress = progress_after(FrameStarted(None), FrameStarted(2), TaskResult("2"))
    assert progress.handle_exit(reason, "gone") is None
    assert (progress.first_frame, progress.attempt, progress.is_finished) == (3, 1, False)


def test_a_result_of_the_whole_job_ends_it() -> None:
    progress = progress_after(FrameStarted(None), TaskResult("all"))
    assert progress.handle_exit(Reason.WORKER_DIED, "gone") is None
    assert progress.is_finished


def test_an_exception_loses_its_frame_and_keeps_the_traceback() -> None:
    progress = progress_after(FrameStarted(None), FrameStarted(1))
    lost = progress.handle_exception(TaskRaised(Reason.INTERNAL_ERROR, "ValueError", "Traceback"))
    assert lost == WorkerLost("hand", 1, Reason.INTERNAL_ERROR, "ValueError", 1, "Traceback")
    assert (progress.first_frame, progress.is_finished) == (2, False)


def test_an_exception_after_a_result_loses_the_rest_and_not_the_frame() -> None:
    progress = progress_after(FrameStarted(None), FrameStarted(1), TaskResult("1"))
    lost = progress.handle_exception(TaskRaised(Reason.INTERNAL_ERROR, "ValueError"))
    assert lost is not None
    assert lost.frame is None
    assert progress.is_finished


def test_many_frames_lost_in_a_row_end_the_job() -> None:
    progress = progress_after(FrameStarted(0), give_up_after=2)
    progress.handle_exit(Reason.TIMEOUT, "hung")
    report(progress, FrameStarted(1))
    lost = progress.handle_exit(Reason.TIMEOUT, "hung")
    assert lost is not None
    assert lost.frame is None
    assert "2 frames were lost in a row" in lost.message
    assert progress.is_finished


def test_losses_that_are_not_in_a_row_do_not_end_the_job() -> None:
    progress = progress_after(FrameStarted(0), give_up_after=2)
    progress.handle_exit(Reason.TIMEOUT, "hung")
    report(progress, FrameStarted(1), TaskResult("1"), FrameStarted(2))
    lost = progress.handle_exit(Reason.TIMEOUT, "hung")
    assert lost is not None
    assert lost.frame == 2
    assert not progress.is_finished


def test_a_frame_lost_in_its_survey_is_tried_twice_and_then_skipped() -> None:
    progress = progress_after(FrameStarted(None), FrameSurveyed(0), FrameSurveyed(1))
    assert progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV") is None
    assert progress.remaining_job() == Job("hand")
    report(progress, FrameStarted(None), FrameSurveyed(0), FrameSurveyed(1))
    assert progress.handle_exit(Reason.WORKER_DIED, "SIGABRT") is None
    assert (progress.remaining_job(), progress.is_finished) == (Job("hand", 0, frozenset({1})), False)


def test_two_surveyed_frames_have_two_attempts_each() -> None:
    progress = progress_after(FrameSurveyed(1))
    progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV")
    report(progress, FrameSurveyed(1), FrameSurveyed(2))
    progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV")
    report(progress, FrameSurveyed(1), FrameSurveyed(2))
    progress.handle_exit(Reason.WORKER_DIED, "SIGSEGV")
    assert progress.remaining_job().skipped_frames == {2}


@pytest.mark.parametrize("reason", LIMITS)
def test_a_limit_in_the_survey_of_a_frame_skips_it_at_once(reason: Reason) -> None:
    progress = progress_after(FrameStarted(None), FrameSurveyed(2))
    assert progress.handle_exit(reason, "too much") is None
    assert progress.remaining_job().skipped_frames == {2}


def test_the_loss_of_a_skipped_frame_is_returned_in_its_turn() -> None:
    progress = progress_after(FrameSurveyed(1))
    assert progress.handle_exception(TaskRaised(Reason.INTERNAL_ERROR, "ValueError", "Traceback")) is None
    report(progress, FrameSurveyed(0), FrameStarted(0), TaskResult("0"))
    assert progress.handle_report(FrameSkipped(1)) == WorkerLost(
        "hand", 1, Reason.INTERNAL_ERROR, "ValueError", 1, "Traceback"
    )
    assert progress.handle_exit(Reason.WORKER_DIED, "gone") is None
    assert (progress.remaining_job(), progress.is_finished) == (Job("hand", 2, frozenset({1})), False)


def test_a_job_that_loses_frame_after_frame_in_the_survey_is_given_up() -> None:
    progress = progress_after(FrameSurveyed(0), give_up_after=2)
    progress.handle_exit(Reason.TIMEOUT, "hung")
    report(progress, FrameSurveyed(1))
    lost = progress.handle_exit(Reason.TIMEOUT, "hung")
    assert lost is not None
    assert lost.frame is None
    assert "2 frames were lost in a row" in lost.message
    assert progress.is_finished
