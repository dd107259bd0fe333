# SPDX-License-Identifier: MIT
"""Log the events of a run with the logger `plainfilm`, and write them as lines of JSON to the file of `--log`.

A source is logged as the tables write it, so that each line can be found there: as its path with `--names keep`, and
as a keyed hash otherwise. Messages quote nothing of the patient. Tracebacks may quote the data set: they are logged, at
level DEBUG, only with `--verbose`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from plainfilm.errors import OptionsError, Reason, with_os_error
from plainfilm.options.run import RunOptions
from plainfilm.records import Failure, Status

LOGGER = logging.getLogger("plainfilm")
_FIELDS = "plainfilm_fields"


class RunLog:
    """Logs the events of one run."""

    def log_event(self, event: str, **fields: object) -> None:
        """Log an event of the run as a whole."""
        _log(logging.INFO, event, fields)

    def log_failure(self, failure: Failure, traceback: str = "", attempts: int = 1) -> None:
        """Log an instance, or a frame of it, that gave no image."""
        fields: dict[str, object] = {
            "source": failure.source,
            "frame": failure.frame,
            "reason": failure.reason.value,
            "stage": failure.stage.value,
            "message": failure.message,
            "attempts": attempts,
        }
        _log(_level_of(failure), failure.status.value, fields)
        if traceback:
            _log(logging.DEBUG, "traceback", {"source": fields["source"], "traceback": traceback})


@contextmanager
def logging_to_file(options: RunOptions) -> Iterator[None]:
    """Apply `--log` and `--verbose` within the block. Raises OptionsError where the log file cannot be written."""
    with ExitStack() as stack:
        if options.log is not None:
            level = logging.DEBUG if options.verbose else logging.INFO
            stack.enter_context(_attached(_file_handler(options.log), level))
        if options.verbose:
            stack.enter_context(_attached(_TracebackHandler(), logging.DEBUG))
        yield


class _JsonFormatter(logging.Formatter):
    """Formats `time` (UTC), `level`, `event` and the fields of the event as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.msg,
        }
        return json.dumps(fields | getattr(record, _FIELDS, {}), ensure_ascii=False)


class _LogFileHandler(logging.FileHandler):
    """Appends lines to a file. A line that cannot be written, on a full disk, is dropped and does not end the run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop the line."""

    def close(self) -> None:
        """Close the file, even if its last lines cannot be written."""
        with suppress(OSError):
            super().close()


class _TracebackHandler(logging.StreamHandler[TextIO]):
    """Writes only tracebacks, to standard error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the event is a traceback."""
        return bool(getattr(record, _FIELDS, {}).get("traceback"))

    def format(self, record: logging.LogRecord) -> str:
        """Return the source and the traceback."""
        fields = getattr(record, _FIELDS)
        return f"source {fields['source']}:\n{fields['traceback']}"


def _file_handler(path: Path) -> logging.Handler:
    try:
        handler = _LogFileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        message = f"--log: {path} cannot be written ({error.strerror}): choose another FILE"
        raise with_os_error(OptionsError(message), error, path) from error
    handler.setFormatter(_JsonFormatter())
    return handler


@contextmanager
def _attached(handler: logging.Handler, level: int) -> Iterator[None]:
    previous_level = LOGGER.level
    handler.setLevel(level)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(min(level, previous_level or level))
    try:
        yield
    finally:
        LOGGER.setLevel(previous_level)
        LOGGER.removeHandler(handler)
        handler.close()


def _level_of(failure: Failure) -> int:
    if failure.reason is Reason.INTERNAL_ERROR:
        return logging.ERROR
    return logging.WARNING if failure.status is Status.FAILED else logging.INFO


def _log(level: int, event: str, fields: Mapping[str, object]) -> None:
    LOGGER.log(level, event, extra={_FIELDS: dict(fields)})
