# SPDX-License-Identifier: MIT
"""Compare the results with the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from benchmarks.peers import ONE, POOL, REDUCED, TWO, XARGS


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratio of two times: median, smallest and largest of the rounds."""

    median: float
    smallest: float
    largest: float


class _Result(Protocol):
    """The measurements of one program on one workload."""

    @property
    def problem(self) -> str: ...

    @property
    def seconds(self) -> list[float]: ...

    def ratio_to(self, base: _Result, /) -> Ratio | None: ...


Results = Mapping[str, Mapping[str, _Result]]

# target, workload, the program whose time is divided by that of the next program, smallest ratio
_TARGETS = (
    ("uncompressed, full size, to the recipe in a pool", "films explicit", POOL, TWO, 8.0),
    ("uncompressed, full size, to DCMTK under xargs", "films explicit", XARGS, TWO, 40.0),
    ("JPEG Lossless, full size, to the recipe in a pool", "films jpeg-lossless", POOL, TWO, 4.0),
    ("JPEG 2000 to 512, reduced, to the recipe in a pool with a resize", "films jpeg2000 to 512", POOL, REDUCED, 15.0),
    ("two workers to one, uncompressed", "films explicit", ONE, TWO, 1.7),
    ("two workers to one, small files", "small films", ONE, TWO, 1.7),
)
_SMALL, _FILES_PER_SECOND = "small films", 400.0
MAX_OVER_FLOORS = 1.35


def targets(results: Results, share: float | None) -> Iterator[str]:
    """Yield a Markdown table of the targets whose workloads were measured; nothing where none was measured.

    share: time of a worker for an uncompressed file, divided by the sum of the floors.
    """
    rows = list(_rows(results))
    if share is not None:
        rows.append(
            f"| a worker on an uncompressed file, to the floors | at most {MAX_OVER_FLOORS:g} | {share:.2f} | |"
        )
    if not rows:
        return
    yield "| target | at least | measured: median | smallest to largest |"
    yield "|---|---|---|---|"
    yield from rows
    yield ""


def _rows(results: Results) -> Iterator[str]:
    for target, workload, peer, base, min_ratio in _TARGETS:
        of_workload = results.get(workload, {})
        ratio = of_workload[peer].ratio_to(of_workload[base]) if peer in of_workload and base in of_workload else None
        if ratio is not None:
            spread = f"{ratio.smallest:.2f} to {ratio.largest:.2f}"
            yield f"| {target} | {min_ratio:g} | {ratio.median:.2f} | {spread} |"
    small = results.get(_SMALL, {}).get(TWO)
    if small is not None and not small.problem:
        per_second = sorted(1 / seconds for seconds in small.seconds)
        middle = per_second[len(per_second) // 2]
        spread = f"{per_second[0]:.0f} to {per_second[-1]:.0f}"
        yield f"| 512 x 512 files per second, 2 jobs | {_FILES_PER_SECOND:g} | {middle:.0f} | {spread} |"
