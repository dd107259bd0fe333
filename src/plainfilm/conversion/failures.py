# SPDX-License-Identifier: MIT
"""Make the row of failures.csv for an error, and decide whether the input failed or was skipped.

    reason                              status
    no_pixel_data (no image object)     skipped
    excluded (by an option)             skipped
    not_a_file (a socket, a link, ...)  skipped
    not_dicom                           skipped, but failed if the file has a suffix of DICOM files and is not a
                                        companion file of macOS
    any other                           failed

Skipped inputs are counted apart and do not change the exit code.
"""

from __future__ import annotations

from plainfilm.conversion.job import ConvertJob
from plainfilm.errors import CompanionFileError, ConversionError, Reason, Stage
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.naming_rules import split_suffix
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import WorkerLost

_SKIPPED = frozenset({Reason.NO_PIXEL_DATA, Reason.EXCLUDED, Reason.NOT_A_FILE})


def failure_status(reason: Reason, *, has_dicom_suffix: bool) -> Status:
    """Return SKIPPED or FAILED for an input that gave no image, after the table above."""
    is_skipped = reason in _SKIPPED or (reason is Reason.NOT_DICOM and not has_dicom_suffix)
    return Status.SKIPPED if is_skipped else Status.FAILED


def failure_of_error(reference: Reference, frame: int | None, error: ConversionError) -> Failure:
    """Return the row of a frame (counted from 0), or of a whole instance (None), that could not be converted."""
    has_dicom_suffix = split_suffix(reference.file_name)[1] != "" and not isinstance(error, CompanionFileError)
    note = " (it existed when the folder was listed)" if isinstance(error, FileNotFoundError) else ""
    return Failure(
        source=reference.source,
        frame=None if frame is None else frame + 1,
        status=failure_status(error.reason, has_dicom_suffix=has_dicom_suffix),
        reason=error.reason,
        stage=error.stage,
        message=f"{error.message}{note}",
    )


def failure_of_lost_worker(lost: WorkerLost) -> Failure:
    """Return the row of a frame, or of a whole instance, whose worker died, was killed or raised an exception."""
    assert isinstance(lost.payload, ConvertJob)
    source, frame, message = lost.payload.reference.source, None if lost.frame is None else lost.frame + 1, lost.message
    if frame is not None and lost.payload.context.options.output.frames.projection is not None:
        # the frame has no image of its own: the one image of all frames fails
        frame, message = None, f"frame {frame}: {message}"
    return Failure(source, frame, Status.FAILED, Reason(lost.reason), Stage.RUN, message)


def failure_of_publishing(record: Record, message: str) -> Failure:
    """Return the row of an image whose file could not get its name."""
    frame = record.frame if record.frames > 1 else None
    return Failure(record.source, frame, Status.FAILED, Reason.WRITE_FAILED, Stage.WRITE, message)
