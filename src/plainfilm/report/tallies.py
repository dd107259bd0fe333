# SPDX-License-Identifier: MIT
"""Count what the summary of a report shows. The memory does not depend on the number of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import field
from operator import attrgetter
from typing import Any

from plainfilm.output.table_schema import printable_text
from plainfilm.pickling import dataclass
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
_MOST_COMBINATIONS = 1_000
_counted_values = attrgetter("status", "findings", "width", "height", "voi_center", "voi_width", *COUNTED_COLUMNS)
_statistics_of = attrgetter(*STATISTICS)


@dataclass(slots=True)
class FailureGroup:
    """The failures of one reason: how many, and the first of them."""

    status: Status
    count: int = 0
    examples: list[Failure] = field(default_factory=list)


class Tallies:
    """The counts of a run. Images that are alike in all counted values are counted together first."""

    def __init__(self) -> None:
        self.suspects = Counter[str]()
        self.statistics: dict[str, list[int]] = {name: [0] * STATISTIC_BINS for name in STATISTICS}
        self.failures: dict[tuple[str, str], FailureGroup] = {}
        self._combinations = Counter[tuple[Any, ...]]()
        self._statuses, self._findings = Counter[str](), Counter[str]()
        self._columns: dict[str, Counter[str]] = {name: Counter() for name in (*COUNTED_COLUMNS, "size", "window")}

    @property
    def statuses(self) -> Counter[str]:
        """The number of images and failures of each status."""
        self._count_combinations()
        return self._statuses

    @property
    def findings(self) -> Counter[str]:
        """The number of images with each finding."""
        self._count_combinations()
        return self._findings

    @property
    def columns(self) -> dict[str, Counter[str]]:
        """The number of images with each value of the counted columns, of the size and of the window."""
        self._count_combinations()
        return self._columns

    @property
    def images(self) -> int:
        """The number of images."""
        return self.statuses[Status.OK] + self.statuses[Status.REPAIRED]

    def add_image(self, record: Record) -> None:
        """Count an image."""
        self._combinations[_counted_values(record)] += 1
        if len(self._combinations) >= _MOST_COMBINATIONS:
            self._count_combinations()
        for (name, bins), value in zip(self.statistics.items(), _statistics_of(record), strict=True):
            if value is not None:
                bins[min(int(value / _LARGEST.get(name, 1.0) * STATISTIC_BINS), STATISTIC_BINS - 1)] += 1

    def _count_combinations(self) -> None:
        """Count the images that were counted together, in the order of the first image of each combination."""
        for combination, images in self._combinations.items():
            status, findings, width, height, center, voi_width, *values = combination
            self._statuses[status] += images
            for code in filter(None, findings.split(";")):
                self._findings[code] += images
            values += [_size_range(width, height), _window(center, voi_width)]
            for counter, value in zip(self._columns.values(), values, strict=True):
                _count(counter, str(value), images)
        self._combinations.clear()

    def add_suspects(self, suspects: Iterable[Suspect]) -> None:
        """Count the reasons to look at one image."""
        self.suspects.update(suspects)

    def add_failure(self, failure: Failure) -> None:
        """Count an input without an image, and keep the first inputs of each reason as examples."""
        self._statuses[failure.status] += 1
        group = self.failures.setdefault((failure.status, failure.reason), FailureGroup(failure.status))
        group.count += 1
        if len(group.examples) < MOST_EXAMPLES:
            group.examples.append(failure)


def _count(counter: Counter[str], value: str, images: int) -> None:
    # a value that has been counted is printable
    text = value if value in counter else printable_text(value) or EMPTY
    counter[text if text in counter or len(counter) < MOST_VALUES else OTHER] += images


def _size_range(width: int, height: int) -> str:
    """The range in which the longest side of an image lies, such as `512 to 1023`."""
    low = max(width, height) // _SIZE_STEP * _SIZE_STEP
    return f"{low} to {low + _SIZE_STEP - 1} pixels"


def _window(center: float | None, width: float | None) -> str:
    return "no window" if center is None or width is None else f"{center:g} / {width:g}"
