# SPDX-License-Identifier: MIT
"""Convert records and failures to the compact text that the ledger stores, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

from plainfilm.errors import Reason, Stage
from plainfilm.records import Failure, Record, Status

_RECORD_FIELDS = tuple(field.name for field in fields(Record))
_FAILURE_FIELDS = tuple(field.name for field in fields(Failure))
_record_values = attrgetter(*_RECORD_FIELDS)
_failure_values = attrgetter(*_FAILURE_FIELDS)
_TUPLE_INDEXES = tuple(index for index, field in enumerate(fields(Record)) if str(field.type).startswith("tuple"))
_STATUS_INDEX, _DUPLICATE_OF_INDEX = _RECORD_FIELDS.index("status"), _RECORD_FIELDS.index("duplicate_of")


def record_to_text(record: Record) -> str:
    """Return a JSON list of the values in the order of the fields; every float reads back exactly."""
    return json.dumps(_record_values(record), ensure_ascii=False, separators=(",", ":"), default=_to_python_number)


def record_from_text(text: str, duplicate_of: str = "") -> Record:
    """Read what `record_to_text` wrote; a `duplicate_of` that is not empty replaces the stored one."""
    values = json.loads(text)
    values[_STATUS_INDEX] = Status(values[_STATUS_INDEX])
    for index in _TUPLE_INDEXES:
        values[index] = tuple(values[index])
    if duplicate_of:
        values[_DUPLICATE_OF_INDEX] = duplicate_of
    return Record(*values)


def failure_to_text(failure: Failure) -> str:
    """Return a JSON list of the values in the order of the fields."""
    return json.dumps(_failure_values(failure), ensure_ascii=False, separators=(",", ":"))


def failure_from_text(text: str) -> Failure:
    """Read what `failure_to_text` wrote."""
    source, frame, status, reason, stage, message = json.loads(text)
    return Failure(source, frame, Status(status), Reason(reason), Stage(stage), message)


def _to_python_number(value: Any) -> Any:
    """Convert a number of NumPy."""
    return value.item()
