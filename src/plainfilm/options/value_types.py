# SPDX-License-Identifier: MIT
"""The types of values that options of several groups share."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from plainfilm.errors import OptionsError
from plainfilm.options.field import ValueType
from plainfilm.options.local_path import local_path
from plainfilm.options.suggestion import did_you_mean

E = TypeVar("E", bound=StrEnum)


def members(kind: type[E]) -> ValueType[E]:
    """One of the words of an enumeration, in upper or lower case."""
    words = [member.value for member in kind]

    def parse(value: object) -> E:
        word = str(value).strip().lower()
        if word not in words:
            raise OptionsError(f"one of {', '.join(words)}, not {value!r}{did_you_mean(word, words)}")
        return kind(word)

    quoted = ", ".join(f'"{word}"' for word in words)
    return ValueType(parse, "|".join(words), f"Literal[{quoted}]")


def parse_flag(value: object) -> bool:
    """True or False; as text `1`, `true`, `yes`, `on` or their opposites."""
    if isinstance(value, bool):
        return value
    word, yes, no = str(value).lower(), ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
    if word not in (*yes, *no):
        raise OptionsError(f"a switch is true or false, not {value!r}")
    return word in yes


def parse_count(value: object) -> int:
    """A whole number from 1, which may be written as 5e8."""
    number = parse_number(value)
    if not 1 <= number < math.inf or number != int(number):
        raise OptionsError(f"a whole number from 1, not {value!r}")
    return int(number)


def parse_number(value: object) -> float:
    """A number."""
    try:
        return float(str(value))
    except ValueError:
        raise OptionsError(f"{value!r} is not a number") from None


def split_parts(value: object) -> list[str]:
    """The parts of a text at its commas, or of a sequence, each as text."""
    if isinstance(value, (tuple, list)):
        return [str(part) for part in value]
    return [part.strip() for part in str(value).split(",")]


SWITCH = ValueType(parse_flag, "", "bool")
COUNT = ValueType(parse_count, "N", "int")


def path_type(metavar: str = "PATH") -> ValueType[Path]:
    """A path of the file system; metavar: its placeholder on the command line."""
    return ValueType(local_path, metavar, "str | PathLike[str]")
