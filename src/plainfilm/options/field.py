# SPDX-License-Identifier: MIT
"""Declare an option as a field of a dataclass, and read such declarations back.

`option()` makes the field. `options_of()` lists the fields of a group as `Option` values, which hold everything that
the command line, the environment, configuration files, the Python functions and run.json need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, fields
from enum import Enum
from typing import Any, Generic, TypeVar

from plainfilm.errors import OptionsError, Reason
from plainfilm.options.local_path import scheme_of, without_user_info
from plainfilm.pickling import dataclass

T = TypeVar("T")
D = TypeVar("D")
ENVIRONMENT_PREFIX = "PLAINFILM_"


class Scope(Enum):
    """Where an option can be given."""

    IMAGE = "image"
    """It applies to a single image: `render`, `explain` and every run accept it."""
    RUN = "run"
    """It applies to a run only: `convert` accepts it, as a command and in Python."""
    COMMAND = "command"
    """It concerns only the command line, where it can be given to `plainfilm convert`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Whether an option may change when a run resumes the work of an earlier run in the same OUT.

    retry: the reason of the failures that are tried again when the option has changed.
    """

    may_change: bool
    retry: Reason | None = None


FIXED = Resume(may_change=False)
"""The option changes pixels, names or tables: it is part of the fingerprint of the run and must stay the same."""
FREE = Resume(may_change=True)
"""The option leaves the images as they are."""


def limit(reason: Reason) -> Resume:
    """The option is a limit, which may change; the instances that failed for this reason are then tried again."""
    return Resume(may_change=True, retry=reason)


@dataclass(frozen=True, slots=True)
class ValueType(Generic[T]):
    """How the values of an option are written and read.

    parse: makes a checked value from text or from a Python value; it raises OptionsError without the option's name.
    metavar: the placeholder on the command line; empty for a switch, which takes no value there.
    keyword: the type of the Python keyword, as source text.
    separator: joins the values of an option that is repeated on the command line; empty if the last value counts.
    """

    parse: Callable[[object], T]
    metavar: str
    keyword: str
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One option as its field declares it. The parameters of `option()` describe the attributes."""

    name: str
    default: object
    value_type: ValueType[Any]
    meaning: str
    scope: Scope
    resume: Resume
    is_recorded: bool

    @property
    def flag(self) -> str:
        """The option on the command line, such as `--max-pixels`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable of the option, such as `PLAINFILM_MAX_PIXELS`."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def is_switch(self) -> bool:
        """Whether the option takes no value on the command line."""
        return not self.value_type.metavar

    def parse(self, value: object) -> object:
        """The checked value. None means not given, where this is the default. Raises OptionsError with the flag."""
        if value is None and self.default is None:
            return None
        try:
            return self.value_type.parse(value)
        except OptionsError as error:
            # parse_columns() of the package dicom names its option itself
            message = error.message.removeprefix(f"{self.flag}: ")
        # the first error may quote a URL with a password: it is not the cause of this one
        if isinstance(value, str) and "@" in value and (scheme := scheme_of(value)) is not None:
            for quoted in (value, repr(value)[1:-1]):
                message = message.replace(quoted, f"{scheme}://")
        raise OptionsError(without_user_info(f"{self.flag}: {message}"))


def option(
    default: D,
    value_type: ValueType[T],
    meaning: str,
    *,
    scope: Scope = Scope.IMAGE,
    resume: Resume = FIXED,
    is_recorded: bool = True,
) -> D | T:
    """A field of a dataclass that is an option.

    default: the value if the option is not given; None: the option has no value then.
    meaning: what the option does, for the help; the default is added to it unless it says `(default ...)`.
    is_recorded: whether the option is written to run.json. An option must not be, if a run that is repeated from its
    run.json must not do the same again, or if its value is a path that may name a person.
    """
    metadata = {
        "value_type": value_type,
        "meaning": meaning,
        "scope": scope,
        "resume": resume,
        "is_recorded": is_recorded,
    }
    declared: Any = field(default=default, metadata=metadata)
    return declared  # type: ignore[no-any-return]


def options_of(group: Any) -> Iterator[Option]:
    """The options of a group, which is an instance of its dataclass."""
    for item in fields(group):
        yield Option(item.name, item.default, **item.metadata)
