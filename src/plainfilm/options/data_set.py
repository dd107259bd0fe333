# SPDX-License-Identifier: MIT
"""The options of a data set: how images are divided into splits, and which labels they get."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from plainfilm.errors import OptionsError, Reason
from plainfilm.options.field import Scope, ValueType, limit, option
from plainfilm.options.value_types import members, path_type, split_parts
from plainfilm.pickling import dataclass

_NAME = re.compile(r"[a-z0-9_]+")
_TOLERANCE = Fraction(1, 10**6)


@dataclass(frozen=True, slots=True)
class SplitShares:
    """The names of the splits, each with its share of the patients. The shares are above 0 and their sum is 1.

    Without splits there are none, and images lie in no split folder.
    """

    shares: tuple[tuple[str, Fraction], ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.shares]
        for name in names:
            if not _NAME.fullmatch(name):
                raise OptionsError(f"the name of a split has letters a-z, digits and _ only, not {name!r}")
            if names.count(name) > 1:
                raise OptionsError(f"the split {name} is given more than once")
        if any(share <= 0 for _, share in self.shares):
            raise OptionsError("each share is a number above 0")
        total = sum((share for _, share in self.shares), Fraction())
        if self.shares and abs(total - 1) > _TOLERANCE:
            raise OptionsError(f"the sum of the shares is 1, not {float(total):g}")

    def __bool__(self) -> bool:
        return bool(self.shares)

    def __str__(self) -> str:
        return ",".join(f"{name}={float(share):.15g}" for name, share in self.shares)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the splits in the order in which they were given."""
        return tuple(name for name, _ in self.shares)


def parse_shares(value: object) -> SplitShares:
    """`NAME=SHARE,...`, or a mapping of names to shares. Raises OptionsError."""
    if isinstance(value, SplitShares):
        return value
    if isinstance(value, Mapping):
        pairs = [(str(name), share) for name, share in value.items()]
    else:
        pairs = [_pair(part) for part in split_parts(value) if part]
    return SplitShares(tuple((name, _share(share)) for name, share in pairs))


def _pair(part: str) -> tuple[str, object]:
    name, separator, share = part.partition("=")
    if not separator:
        raise OptionsError(f"NAME=SHARE,... such as train=0.8,test=0.2, not {part!r}")
    return name.strip(), share.strip()


def _share(value: object) -> Fraction:
    """A share, exact: 0.1 is one tenth."""
    try:
        number = float(str(value))
        if not math.isfinite(number):
            raise ValueError
        return Fraction(str(value).strip())
    except ValueError:
        raise OptionsError(f"a share is a number such as 0.8, not {value!r}") from None


class SplitBalance(StrEnum):
    """How patients are divided into splits."""

    HASH = "hash"
    """By the hash of the patient alone: a patient's split never depends on the other patients."""
    EXACT = "exact"
    """By the number of images: the shares are met to within the largest group of patients."""


class LabelKey(StrEnum):
    """What identifies the images of a row of the label file."""

    FILE_NAME = "file_name"
    STEM = "stem"
    SOURCE = "source"
    SOP_INSTANCE_UID = "SOPInstanceUID"
    PATIENT_ID = "PatientID"
    ACCESSION_NUMBER = "AccessionNumber"


_LABEL_KEYS = {key.value.casefold(): key for key in LabelKey}


def parse_label_key(value: object) -> LabelKey:
    """A word of LabelKey in upper or lower case. Raises OptionsError."""
    key = _LABEL_KEYS.get(str(value).strip().casefold())
    if key is None:
        raise OptionsError(f"one of {', '.join(LabelKey)}, not {value!r}")
    return key


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """The columns of the label file that the tables get."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            if not name or not name.isprintable():
                raise OptionsError("the name of a column is a text of printable characters")
            if self.names.count(name) > 1:
                raise OptionsError(f"the column {name} is given more than once")
            if re.fullmatch(r"(?:.*_)?file_names?", name, re.IGNORECASE):
                raise OptionsError(
                    f"a column named {name} would be loaded as an image by Hugging Face's loader: rename it in the file"
                )

    def __bool__(self) -> bool:
        return bool(self.names)

    def __str__(self) -> str:
        return ",".join(self.names)

    @property
    def table_columns(self) -> tuple[str, ...]:
        """The names of the columns in the tables."""
        return tuple(f"label_{name}" for name in self.names)


def parse_label_columns(value: object) -> LabelColumns:
    """`COLUMN,...`, or a sequence of names. Raises OptionsError."""
    if isinstance(value, LabelColumns):
        return value
    parts = split_parts(value) if isinstance(value, str) else [str(part) for part in _iterable(value)]
    return LabelColumns(tuple(part for part in parts if part))


def _iterable(value: object) -> Iterable[object]:
    return value if isinstance(value, Iterable) else [value]


_SHARES = ValueType(parse_shares, "NAME=SHARE,...", "str | dict[str, float]")
_LABEL_COLUMNS = ValueType(parse_label_columns, "COLUMN,...", "str | list[str]", separator=",")
_LABEL_KEY_WORDS = ", ".join(f'"{key.value}"' for key in LabelKey)
_LABEL_KEY = ValueType(parse_label_key, "|".join(LabelKey), f"Literal[{_LABEL_KEY_WORDS}]")


@dataclass(frozen=True, slots=True)
class DataSetOptions:
    """How images are divided into splits, and which labels they get. By default neither happens."""

    split: SplitShares = option(
        SplitShares(),
        _SHARES,
        "divide the patients into splits, each with a folder and a table of its own, such as "
        "train=0.8,validation=0.1,test=0.1; patients that share an image are never divided",
        scope=Scope.RUN,
    )
    split_balance: SplitBalance = option(
        SplitBalance.HASH,
        members(SplitBalance),
        "choose a patient's split by the patient's hash alone (hash), or so that the shares of images are met (exact)",
        scope=Scope.RUN,
    )
    labels: Path | None = option(
        None,
        path_type("CSV"),
        "join the columns of --label from a CSV file to the tables",
        scope=Scope.RUN,
        resume=limit(Reason.EXCLUDED),
    )
    label: LabelColumns = option(
        LabelColumns(),
        _LABEL_COLUMNS,
        "the columns of --labels to join, as label_COLUMN; no other column is read",
        scope=Scope.RUN,
    )
    label_key: LabelKey = option(
        LabelKey.FILE_NAME,
        _LABEL_KEY,
        "what identifies the images of a row of --labels; the column of --labels with that name, or else its first",
        scope=Scope.RUN,
    )
    class_folders: str | None = option(
        None,
        ValueType(str, "COLUMN", "str"),
        "put each image into a folder named after its label in this column of --label",
        scope=Scope.RUN,
    )
