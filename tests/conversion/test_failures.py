# SPDX-License-Identifier: MIT
"""Which inputs without an image failed, and which were skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cases.faults import faults

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.failures import (
    failure_of_error,
    failure_of_lost_worker,
    failure_of_publishing,
    failure_status,
)
from plainfilm.conversion.job import ConvertJob, RunContext
from plainfilm.errors import ConversionError, NotAnImageError, NotDicomError, Reason, Stage, TruncatedError
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import WorkerLost

SKIPPED_WITH_ANY_NAME = {Reason.NO_PIXEL_DATA, Reason.EXCLUDED, Reason.NOT_A_FILE}


def reference(name: str) -> Reference:
    return Reference(Path("/in") / name, f"b/{name}", "b/x")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_status(reason: Reason) -> None:
    with_suffix = failure_status(reason, has_dicom_suffix=True)
    without_suffix = failure_status(reason, has_dicom_suffix=False)
    if reason in SKIPPED_WITH_ANY_NAME:
        assert (with_suffix, without_suffix) == (Status.SKIPPED, Status.SKIPPED)
    elif reason is Reason.NOT_DICOM:
        assert (with_suffix, without_suffix) == (Status.FAILED, Status.SKIPPED)
    else:
        assert (with_suffix, without_suffix) == (Status.FAILED, Status.FAILED)


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("notes.txt", NotDicomError("no preamble"), Status.SKIPPED),
        ("notes", NotDicomError("no preamble"), Status.SKIPPED),
        ("hand.dcm", NotDicomError("no preamble"), Status.FAILED),
        ("hand.IMA", NotDicomError("no preamble"), Status.FAILED),
        ("DICOMDIR", NotAnImageError("a directory"), Status.SKIPPED),
        ("report.dcm", NotAnImageError("a report"), Status.SKIPPED),
        ("cine.dcm", ConversionError("no such frame", reason=Reason.EXCLUDED, stage=Stage.READ), Status.SKIPPED),
        ("hand.dcm", TruncatedError("ends too early"), Status.FAILED),
        ("hand", TruncatedError("ends too early"), Status.FAILED),
    ],
)
def test_the_row_of_an_error_has_the_status_of_its_reason_and_name(
    name: str, error: ConversionError, status: Status
) -> None:
    failure = failure_of_error(reference(name), None, error)
    assert failure == Failure(f"b/{name}", None, status, error.reason, error.stage, error.message)


def test_frames_of_rows_count_from_one() -> None:
    context = RunContext(Options(), None, None).to_bytes()
    lost = WorkerLost(ConvertJob(reference("cine.dcm"), context), 1, Reason.TIMEOUT, "no result", 1)
    assert failure_of_error(reference("cine.dcm"), 1, TruncatedError("ends too early")).frame == 2
    assert failure_of_lost_worker(lost) == Failure(
        "b/cine.dcm", 2, Status.FAILED, Reason.TIMEOUT, Stage.RUN, "no result"
    )


@pytest.mark.parametrize(("frames", "frame"), [(1, None), (3, 2)])
def test_an_image_that_cannot_be_published_is_a_failure_of_its_frame(frames: int, frame: int | None) -> None:
    values = dict.fromkeys(Record.__dataclass_fields__, "")
    record = Record(**{**values, "source": "b/x.dcm", "frame": 2, "frames": frames})  # type: ignore[arg-type]
    failure = failure_of_publishing(record, "a folder has this name")
    assert (failure.status, failure.reason, failure.frame) == (Status.FAILED, Reason.WRITE_FAILED, frame)


@pytest.mark.slow
def test_each_file_alone_fails_with_the_reason_of_the_run(tmp_path: Path) -> None:
    folder, options = tmp_path / "in", Options.of({"jobs": 1})
    folder.mkdir()
    for fault in faults().values():
        (folder / fault.file_name).write_bytes(fault.content)
    Conversion([folder], tmp_path / "all", options).run()
    rows = read_table(tmp_path / "all" / "failures.csv")
    assert len(rows) == len(faults())
    for number, row in enumerate(rows[::4]):
        alone = tmp_path / f"alone{number}"
        Conversion([folder / row["source"]], alone, options).run()
        (same,) = read_table(alone / "failures.csv")
        assert {name: same[name] for name in ("status", "reason", "stage")} == {
            name: row[name] for name in ("status", "reason", "stage")
        }, row["source"]
