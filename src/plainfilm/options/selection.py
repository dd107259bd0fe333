# SPDX-License-Identifier: MIT
"""The options of selection: which instances are converted, by attributes of their headers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from plainfilm.errors import OptionsError, Reason
from plainfilm.options.field import FREE, Scope, ValueType, limit, option
from plainfilm.options.value_types import path_type, split_parts
from plainfilm.pickling import dataclass

DESCRIPTION_COLUMNS = (
    "modality",
    "body_part",
    "view_position",
    "patient_sex",
    "patient_age",
    "manufacturer",
    "model",
    "presentation_intent",
    "burned_in_annotation",
)
"""The columns that describe an instance, which are known before its pixel attributes are read."""

IMAGE_COLUMNS = ("laterality", "frames", "rows", "columns", "photometric_interpretation", "transfer_syntax")
"""The columns of the attributes that describe the pixels."""

HASH_COLUMNS = ("patient", "study", "series", "sop_instance")
"""The keyed hashes of the header."""

COLUMNS = (*DESCRIPTION_COLUMNS, *IMAGE_COLUMNS, *HASH_COLUMNS)
"""The columns of the metadata table that the header alone decides."""

NUMBER_COLUMNS = frozenset({"patient_age", "frames", "rows", "columns"})

# a semicolon separates two conditions only where the next one begins, because a value may hold semicolons
_SEPARATOR = re.compile(r";\s*(?=\w+\s*!?=)")
_CONDITION = re.compile(r"\s*(\w+)\s*(!?)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Terms:
    """Values of which an attribute must have one, in capitals; any value is allowed without any."""

    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join(self.words)

    def allow(self, values: Iterable[str]) -> bool:
        """Whether one of the values, in upper or lower case, is among the terms."""
        return not self.words or any(fold_value(value) in map(fold_value, self.words) for value in values)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column must be, or with `is_negative` must not be."""

    column: str
    value: str
    is_negative: bool = False

    def __str__(self) -> str:
        return f"{self.column}{'!' if self.is_negative else ''}={self.value}"

    def is_met_by(self, text: str, *, is_number: bool) -> bool:
        """Whether a value of the column, as text, meets the condition. Numbers are compared as numbers."""
        is_equal = fold_value(text) == fold_value(self.value)
        if is_number and not is_equal:
            number = _number_or_none(text)
            is_equal = number is not None and number == _number_or_none(self.value)
        return is_equal is not self.is_negative


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions that all must be met."""

    items: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return ";".join(map(str, self.items))


def fold_value(text: str) -> str:
    """Return the form in which values are compared: case folded, without outer spaces."""
    return text.strip().casefold()


def parse_terms(value: object) -> Terms:
    """`WORD,WORD`, or a sequence of words. Raises OptionsError."""
    if isinstance(value, Terms):
        return value
    words = tuple(dict.fromkeys(word.strip().upper() for word in split_parts(value) if word.strip()))
    if not words and str(value).strip():
        raise OptionsError(f"one or more values joined by commas, not {value!r}")
    return Terms(words)


def parse_conditions(value: object) -> Conditions:
    """`COLUMN=VALUE` or `COLUMN!=VALUE`, several joined by `;`, or a sequence of them. Raises OptionsError."""
    if isinstance(value, Conditions):
        return value
    parts = [str(part) for part in value] if isinstance(value, (list, tuple)) else [str(value)]
    conditions = [part for text in parts for part in _SEPARATOR.split(text) if part.strip()]
    return Conditions(tuple(map(_parse_condition, conditions)))


def check_conditions(conditions: Conditions, keywords: Iterable[str]) -> None:
    """Raise OptionsError for a condition on a column that the header alone does not decide.

    keywords: the attributes of `--columns`, which are columns too.
    """
    allowed = (*COLUMNS, *keywords)
    for condition in conditions.items:
        if condition.column not in allowed:
            similar = get_close_matches(condition.column.lower(), allowed, 1)
            suggestion = f" (is it {similar[0]}?)" if similar else ""
            raise OptionsError(
                f"--where: {condition.column} is not a column that the header alone decides{suggestion}: these columns "
                f"work: {', '.join(allowed)}, and attributes that --columns names"
            )
        if condition.column in NUMBER_COLUMNS and condition.value and _number_or_none(condition.value) is None:
            raise OptionsError(f"--where: {condition.column} is a number, and {condition.value!r} is not")


def _parse_condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise OptionsError(f"COLUMN=VALUE or COLUMN!=VALUE, not {text!r}")
    return Condition(match[1], match[3].strip(), bool(match[2]))


def _number_or_none(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_TERMS = ValueType(parse_terms, "LIST", "str | list[str]", separator=",")
_CONDITIONS = ValueType(parse_conditions, "COLUMN=VALUE", "str | list[str]", separator=";")


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """Which instances are converted. All options must agree; what they leave out is skipped as `excluded`."""

    modality: Terms = option(
        Terms(),
        _TERMS,
        "convert only instances with one of these modalities, such as CR,DX",
        scope=Scope.RUN,
        resume=limit(Reason.EXCLUDED),
    )
    body_part: Terms = option(
        Terms(),
        _TERMS,
        "convert only instances with one of these body parts, from Body Part Examined or Anatomic Region Sequence",
        scope=Scope.RUN,
        resume=limit(Reason.EXCLUDED),
    )
    where: Conditions = option(
        Conditions(),
        _CONDITIONS,
        "convert only instances whose column of metadata.csv has this value, or with != another one, in upper or lower "
        "case; may be repeated",
        scope=Scope.RUN,
        resume=limit(Reason.EXCLUDED),
    )

    exclude: Path | None = option(
        None,
        path_type("CSV"),
        "leave out the sources that a CSV file lists in its column source, as the tables write them",
        scope=Scope.RUN,
        resume=FREE,
    )

    @property
    def is_empty(self) -> bool:
        """Whether no header decides which instances are converted."""
        return (self if self.exclude is None else replace(self, exclude=None)) == _NO_SELECTION


_NO_SELECTION = SelectionOptions()
