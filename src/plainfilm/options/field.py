# SPDX-License-Identifier: MIT
"""Declare an option as a field of a dataclass, and parse the values that several groups share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import Any, TypeVar

from plainfilm.errors import OptionsError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def option(default: Any, parse: Callable[[object], Any], metavar: str, meaning: str, joined_by: str = "") -> Any:
    """A field that is an option: its default, parser, placeholder on the command line ('' for a switch) and meaning.

    joined_by: what stands between the values of one that may be given several times; '' where the last one counts.
    """
    told = {"parse": parse, "metavar": metavar, "meaning": meaning, "joined_by": joined_by}
    return field(default=default, metadata=told)


def words(kind: type[StrEnum]) -> str:
    return "|".join(member.value for member in kind)


def optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else parse(value)


def parse_flag(value: object) -> bool:
    """True or False; in text: 1, true, yes, on and their opposites."""
    if isinstance(value, bool):
        return value
    word, yes, no = str(value).lower(), ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
    if word not in (*yes, *no):
        raise OptionsError(f"a switch is true or false, not {value!r}")
    return word in yes


def parse_member(kind: type[E], name: str) -> Callable[[object], E]:
    """A parser of one of an enumeration's words, in any case."""

    def parse(value: object) -> E:
        word = str(value).strip().lower()
        if word not in [member.value for member in kind]:
            raise OptionsError(f"--{name}: one of {', '.join(member.value for member in kind)}, not {value!r}")
        return kind(word)

    return parse


def parse_count(name: str) -> Callable[[object], int]:
    """A parser of whole numbers from 1, also written as 5e8."""

    def parse(value: object) -> int:
        number = parse_number(name, value)
        if not 1 <= number < math.inf or number != int(number):
            raise OptionsError(f"--{name}: a whole number from 1, not {value!r}")
        return int(number)

    return parse


def split_parts(value: object) -> list[str]:
    if isinstance(value, (tuple, list)):
        return [str(part) for part in value]
    return [part.strip() for part in str(value).split(",")]


def parse_number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise OptionsError(f"--{name}: {value!r} is not a number") from None
