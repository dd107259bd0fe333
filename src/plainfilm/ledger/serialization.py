# SPDX-License-Identifier: MIT
"""Records and failures -> compact text in the ledger, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

from plainfilm.errors import Reason, Stage
from plainfilm.records import Failure, Record, Status

RECORD_FIELDS = tuple(field.name for field in fields(Record))
_FAILURE_FIELDS = tuple(field.name for field in fields(Failure))
_record_values = attrgetter(*RECORD_FIELDS)
_failure_values = attrgetter(*_FAILURE_FIELDS)
_SEQUENCES = tuple(place for place, field in enumerate(fields(Record)) if str(field.type).startswith("tuple"))
_STATUS, _DUPLICATE_OF = RECORD_FIELDS.index("status"), RECORD_FIELDS.index("duplicate_of")


def text_of_record(record: Record) -> str:
    """A JSON list of the values in the order of the fields; every float comes back as it is."""
    return json.dumps(_record_values(record), ensure_ascii=False, separators=(",", ":"), default=_plain)


def record_of_text(text: str, duplicate_of: str = "") -> Record:
    """The record that `text_of_record` wrote, with what it is known to be a duplicate of."""
    values = json.loads(text)
    values[_STATUS] = Status(values[_STATUS])
    for place in _SEQUENCES:
        values[place] = tuple(values[place])
    if duplicate_of:
        values[_DUPLICATE_OF] = duplicate_of
    return Record(*values)


def text_of_failure(failure: Failure) -> str:
    """A JSON list of the values in the order of the fields."""
    return json.dumps(_failure_values(failure), ensure_ascii=False, separators=(",", ":"))


def failure_of_text(text: str) -> Failure:
    """The failure that `text_of_failure` wrote."""
    source, frame, status, reason, stage, message = json.loads(text)
    return Failure(source, frame, Status(status), Reason(reason), Stage(stage), message)


def _plain(value: Any) -> Any:
    """NumPy's own numbers as Python's."""
    return value.item()
