# SPDX-License-Identifier: MIT
"""Convert records and failures to the compact text that the ledger stores, and back.

A ledger may be damaged, or written by another program, so every text that is read is checked: a row that is read back
has values of the right types, and its file name does not lead out of OUT.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from plainfilm.errors import Reason, Stage
from plainfilm.ledger.schema import is_relative_name
from plainfilm.records import Failure, Record, Status

_RECORD_FIELDS = tuple(field.name for field in fields(Record))
_FAILURE_FIELDS = tuple(field.name for field in fields(Failure))
_record_values = attrgetter(*_RECORD_FIELDS)
_failure_values = attrgetter(*_FAILURE_FIELDS)
_TUPLE_INDEXES = tuple(index for index, field in enumerate(fields(Record)) if str(field.type).startswith("tuple"))
_STATUS_INDEX, _DUPLICATE_OF_INDEX = _RECORD_FIELDS.index("status"), _RECORD_FIELDS.index("duplicate_of")
_FILE_NAME_INDEX = _RECORD_FIELDS.index("file_name")
# the types that JSON gives for the type of a field; a whole number may stand for a fraction or a boolean
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "Status": (str,),
    "int": (int,),
    "int | None": (int, type(None)),
    "bool": (bool, int),
    "float": (float, int),
    "float | None": (float, int, type(None)),
}
_ACCEPTED = tuple(_JSON_TYPES.get(str(field.type), (list,)) for field in fields(Record))
_NUMBERS, _TEXTS = frozenset({float, int}), frozenset({str})
_LARGEST = 2**63


def record_to_text(record: Record) -> str:
    """Return a JSON list of the values in the order of the fields; every float reads back exactly."""
    return _to_text(_record_values(record))


def record_from_text(text: str, duplicate_of: str = "") -> Record:
    """Read what `record_to_text` wrote; a `duplicate_of` that is not empty replaces the stored one.

    Raises ValueError for any other text; the message quotes nothing of it.
    """
    values = _list_from_text(text)
    if not _are_accepted(tuple(map(type, values))) or not is_relative_name(values[_FILE_NAME_INDEX]):
        raise ValueError("no row of an image")
    values[_STATUS_INDEX] = Status(values[_STATUS_INDEX])
    for index in _TUPLE_INDEXES:
        values[index] = tuple(values[index])
    if duplicate_of:
        values[_DUPLICATE_OF_INDEX] = duplicate_of
    record = Record(*values)
    if not _are_all(record.affine, _NUMBERS) or not _are_all((*record.carried, *record.labels), _TEXTS):
        raise ValueError("no row of an image")
    return record


def failure_to_text(failure: Failure) -> str:
    """Return a JSON list of the values in the order of the fields."""
    return _to_text(_failure_values(failure))


def failure_from_text(text: str) -> Failure:
    """Read what `failure_to_text` wrote. Raises ValueError for any other text."""
    values = _list_from_text(text)
    if tuple(map(type, values)) not in ((str, int, str, str, str, str), (str, type(None), str, str, str, str)):
        raise ValueError("no row of a failure")
    source, frame, status, reason, stage, message = values
    return Failure(source, frame, Status(status), Reason(reason), Stage(stage), message)


def _to_text(values: Sequence[object]) -> str:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=_to_python_number)
    try:
        text.encode()
    except UnicodeEncodeError:
        # a lone surrogate stands for a byte that is not UTF-8: SQLite cannot store it, JSON can escape it
        return json.dumps(values, separators=(",", ":"), default=_to_python_number)
    return text


def _list_from_text(text: str) -> list[Any]:
    try:
        values = json.loads(text)
    except (TypeError, RecursionError):
        raise ValueError("no JSON text") from None
    if not isinstance(values, list):
        raise ValueError("no list of values")
    if not all(-_LARGEST < values[index] < _LARGEST for index in _integer_indexes(tuple(map(type, values)))):
        raise ValueError("a number is too large")
    return values


@cache
def _integer_indexes(types: tuple[type, ...]) -> tuple[int, ...]:
    return tuple(index for index, value_type in enumerate(types) if value_type is int)


@cache
def _are_accepted(types: tuple[type, ...]) -> bool:
    """Whether the values of a record may have these types. Almost all records have one of a few combinations."""
    return len(types) == len(_ACCEPTED) and all(
        actual in accepted for actual, accepted in zip(types, _ACCEPTED, strict=True)
    )


def _are_all(values: Sequence[object], types: frozenset[type]) -> bool:
    return types.issuperset(map(type, values))


def _to_python_number(value: Any) -> Any:
    """Convert a number of NumPy."""
    return value.item()
