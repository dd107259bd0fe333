# SPDX-License-Identifier: MIT
"""The options of the SOURCEs: how lists of files are read."""

from __future__ import annotations

from plainfilm.errors import OptionsError
from plainfilm.options.field import FREE, Scope, ValueType, option
from plainfilm.options.value_types import SWITCH
from plainfilm.pickling import dataclass


def parse_column(value: object) -> str:
    """The name of a column. Raises OptionsError for an empty name."""
    if not str(value):
        raise OptionsError("the name of a column, not an empty text")
    return str(value)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How the SOURCEs are read."""

    source_column: str | None = option(
        None,
        ValueType(parse_column, "NAME", "str"),
        "the column of paths in a SOURCE that is a CSV or Parquet table: the table is a list of files",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    null: bool = option(
        False,
        SWITCH,
        "the paths of the SOURCE - (a list on standard input) are separated by NUL, as `find -print0` writes them",
        scope=Scope.COMMAND,
        resume=FREE,
        is_recorded=False,
    )
