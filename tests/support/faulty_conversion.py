# SPDX-License-Identifier: MIT
"""The task of a real run, with a fault at the place that a file's name asks for: `2-segfault.dcm` dies in frame 2.

Before any frame, the name begins with 0; when frame 2 is looked at ahead of its turn, with `look2`. Faults are those of
faulty_tasks; `once` makes one happen a single time.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.faulty_tasks import FAULTS, Tell

from plainfilm.conversion.job import ConvertJob
from plainfilm.conversion.task import convert_source
from plainfilm.workers.messages import FrameStarted, FrameSurveyed, Job, Report


def convert_or_fail(job: Job, report: Tell) -> None:
    """Convert a reference as a worker does, unless its name says otherwise."""
    work = job.payload
    assert isinstance(work, ConvertJob)
    place, _, fault = Path(work.reference.source).stem.partition("-")
    kind, number = (FrameSurveyed, place[4:]) if place.startswith("look") else (FrameStarted, place)
    frame = int(number) - 1 if number.isdecimal() else None
    fault, once, _ = fault.partition("-once")

    def fail() -> None:
        if fault in FAULTS and not (once and _happened(work.reference.path)):
            FAULTS[fault]({"name": "the patient"})

    def reported(message: Report) -> None:
        report(message)
        if isinstance(message, kind) and (message.frame == frame or frame == -1):
            fail()

    if kind is FrameStarted and number == "0":
        fail()
    convert_source(job, reported)


def _happened(path: Path) -> bool:
    """Whether the fault of a file has happened before; it has from now on."""
    mark = path.with_name(f".{path.name}.happened")
    happened = mark.exists()
    mark.touch()
    return happened
