# SPDX-License-Identifier: MIT
"""Count what the summary of a report shows. The memory does not depend on the number of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from plainfilm.output.table_schema import printable_text
from plainfilm.records import Failure, Record, Status
from plainfilm.report.suspects import Suspect

MOST_VALUES = 2_000
"""The number of distinct values of a column that are counted; further values count as `OTHER`."""

MOST_EXAMPLES = 20
OTHER = "(other)"
EMPTY = "(empty)"
STATISTIC_BINS = 40

COUNTED_COLUMNS = (
    "modality",
    "body_part",
    "view_position",
    "manufacturer",
    "look",
    "voi",
    "photometric_interpretation",
)
STATISTICS = ("mean", "entropy", "black_fraction", "white_fraction")
_LARGEST = {"entropy": 8.0}
_SIZE_STEP = 512


@dataclass(slots=True)
class FailureGroup:
    """The failures of one reason: how many, and the first of them."""

    status: Status
    count: int = 0
    examples: list[Failure] = field(default_factory=list)


class Tallies:
    """The counts of a run."""

    def __init__(self) -> None:
        self.statuses = Counter[str]()
        self.findings = Counter[str]()
        self.suspects = Counter[str]()
        self.columns: dict[str, Counter[str]] = {name: Counter() for name in (*COUNTED_COLUMNS, "size", "window")}
        self.statistics: dict[str, list[int]] = {name: [0] * STATISTIC_BINS for name in STATISTICS}
        self.failures: dict[tuple[str, str], FailureGroup] = {}

    @property
    def images(self) -> int:
        """The number of images."""
        return self.statuses[Status.OK] + self.statuses[Status.REPAIRED]

    def add_image(self, record: Record) -> None:
        """Count an image."""
        self.statuses[record.status] += 1
        self.findings.update(code for code in record.findings.split(";") if code)
        for name in COUNTED_COLUMNS:
            _count(self.columns[name], str(getattr(record, name)))
        _count(self.columns["size"], _size_range(record))
        _count(self.columns["window"], _window(record))
        for name, bins in self.statistics.items():
            if (value := getattr(record, name)) is not None:
                bins[min(int(value / _LARGEST.get(name, 1.0) * STATISTIC_BINS), STATISTIC_BINS - 1)] += 1

    def add_suspects(self, suspects: Iterable[Suspect]) -> None:
        """Count the reasons to look at one image."""
        self.suspects.update(suspects)

    def add_failure(self, failure: Failure) -> None:
        """Count an input without an image, and keep the first inputs of each reason as examples."""
        self.statuses[failure.status] += 1
        group = self.failures.setdefault((failure.status, failure.reason), FailureGroup(failure.status))
        group.count += 1
        if len(group.examples) < MOST_EXAMPLES:
            group.examples.append(failure)


def _count(counter: Counter[str], value: str) -> None:
    # a value that has been counted is printable
    text = value if value in counter else printable_text(value) or EMPTY
    counter[text if text in counter or len(counter) < MOST_VALUES else OTHER] += 1


def _size_range(record: Record) -> str:
    """The range in which the longest side of an image lies, such as `512 to 1023`."""
    low = max(record.width, record.height) // _SIZE_STEP * _SIZE_STEP
    return f"{low} to {low + _SIZE_STEP - 1} pixels"


def _window(record: Record) -> str:
    if record.voi_center is None or record.voi_width is None:
        return "no window"
    return f"{record.voi_center:g} / {record.voi_width:g}"
