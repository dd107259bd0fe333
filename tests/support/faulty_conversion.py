# SPDX-License-Identifier: MIT
"""The task of a real run, with a fault at the place that a file's name states: `2-segfault.dcm` dies in frame 2.

A name that begins with 0 has its fault before all frames, one that begins with `survey2` in the survey of frame 2. The
faults are those of faulty_tasks; `once` after the fault makes it happen a single time.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.faulty_tasks import FAULTS, ReportFunction

from plainfilm.conversion.job import ConvertJob
from plainfilm.conversion.task import convert_source
from plainfilm.workers.messages import FrameStarted, FrameSurveyed, Job, Report

_SURVEY = "survey"


def convert_or_fail(job: Job, report: ReportFunction) -> None:
    """Convert a reference as a worker does, unless the name of its file states a fault."""
    payload = job.payload
    assert isinstance(payload, ConvertJob)
    reference, path = payload.reference, payload.reference.path
    assert isinstance(path, Path)
    assert isinstance(reference.path, Path)
    place, _, fault = Path(reference.source).stem.partition("-")
    message_type = FrameSurveyed if place.startswith(_SURVEY) else FrameStarted
    number = place.removeprefix(_SURVEY)
    frame = int(number) - 1 if number.isdecimal() else None
    fault, once, _ = fault.partition("-once")

    def fail() -> None:
        if fault in FAULTS and not (once and _has_happened(path)):
            FAULTS[fault]({"name": "the patient"})

    def report_or_fail(message: Report) -> None:
        report(message)
        if isinstance(message, message_type) and (message.frame == frame or frame == -1):
            fail()

    if message_type is FrameStarted and number == "0":
        fail()
    convert_source(job, report_or_fail)


def _has_happened(path: Path) -> bool:
    """Return whether the fault of a file has happened before, and record that it happens now."""
    mark = path.with_name(f".{path.name}.happened")
    has_happened = mark.exists()
    mark.touch()
    return has_happened
