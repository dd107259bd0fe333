# SPDX-License-Identifier: MIT
"""What happens in a run -> Python's logging (logger `plainfilm`), and lines of JSON in a file for who asks for them.

A source goes by the keyed hash of its path, and messages quote nothing of the patient. Tracebacks may quote the data
set: they are logged (DEBUG) only in a run that was asked to be verbose.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from plainfilm.conversion.pseudonyms import Key
from plainfilm.errors import OptionsError, Reason
from plainfilm.options.options import RunOptions
from plainfilm.records import Failure, Status

LOGGER = logging.getLogger("plainfilm")
_FIELDS = "plainfilm_fields"


class RunLog:
    """Tells the logger what happens in one run; without a key its sources are keyed hashes already."""

    def __init__(self, key: Key | None) -> None:
        self._key = key

    def tell(self, event: str, **numbers: object) -> None:
        """Something that concerns the run as a whole."""
        _log(logging.INFO, event, numbers)

    def tell_failure(self, failure: Failure, traceback: str = "", attempts: int = 1) -> None:
        """An instance, or a frame of it, that gave no image."""
        fields: dict[str, object] = {
            "source": failure.source if self._key is None else source_hash(self._key, failure.source),
            "frame": failure.frame,
            "reason": failure.reason.value,
            "stage": failure.stage.value,
            "message": failure.message,
            "attempts": attempts,
        }
        _log(_level_of(failure), failure.status.value, fields)
        if traceback:
            _log(logging.DEBUG, "traceback", {"source": fields["source"], "traceback": traceback})


def source_hash(key: Key, source: str) -> str:
    """32 hex digits that stand for a file's relative path wherever the path itself must not be."""
    return key.pseudonym("source", source)


@contextmanager
def logging_to_file(options: RunOptions) -> Iterator[None]:
    """Within the block `--log` and `--verbose` are obeyed. Raises OptionsError where the file cannot be written."""
    with ExitStack() as stack:
        if options.log is not None:
            stack.enter_context(
                _attached(_file_handler(options.log), logging.DEBUG if options.verbose else logging.INFO)
            )
        if options.verbose:
            stack.enter_context(_attached(_Tracebacks(), logging.DEBUG))
        yield


class _JsonLines(logging.Formatter):
    """`time` (UTC), `level`, `event`, and what belongs to the event."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.msg,
        }
        return json.dumps(fields | getattr(record, _FIELDS, {}), ensure_ascii=False)


class _Lines(logging.FileHandler):
    """A file at whose end lines are written; that it cannot be, on a full disk, ends no run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Lets the line go."""

    def close(self) -> None:
        """Closes the file, though it may not take what was left."""
        with suppress(OSError):
            super().close()


class _Tracebacks(logging.StreamHandler[TextIO]):
    """Tracebacks alone, on standard error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is a traceback."""
        return bool(getattr(record, _FIELDS, {}).get("traceback"))

    def format(self, record: logging.LogRecord) -> str:
        """The source's hash and the traceback."""
        fields = getattr(record, _FIELDS)
        return f"source {fields['source']}:\n{fields['traceback']}"


def _file_handler(path: Path) -> logging.Handler:
    try:
        handler = _Lines(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OptionsError(f"--log: {path} cannot be written ({error.strerror}): choose another FILE") from error
    handler.setFormatter(_JsonLines())
    return handler


@contextmanager
def _attached(handler: logging.Handler, level: int) -> Iterator[None]:
    before = LOGGER.level
    handler.setLevel(level)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(min(level, before or level))
    try:
        yield
    finally:
        LOGGER.setLevel(before)
        LOGGER.removeHandler(handler)
        handler.close()


def _level_of(failure: Failure) -> int:
    if failure.reason is Reason.INTERNAL_ERROR:
        return logging.ERROR
    return logging.WARNING if failure.status is Status.FAILED else logging.INFO


def _log(level: int, event: str, fields: Mapping[str, object]) -> None:
    LOGGER.log(level, event, extra={_FIELDS: dict(fields)})
