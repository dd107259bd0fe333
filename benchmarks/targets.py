# SPDX-License-Identifier: MIT
"""Results in, what was aimed at and what was reached out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from benchmarks.peers import ONE, POOL, REDUCED, TWO, XARGS

Ratio = tuple[float, float, float]


class _Result(Protocol):
    """One program on one work."""

    @property
    def problem(self) -> str: ...

    @property
    def seconds(self) -> list[float]: ...

    def ratio_to(self, base: _Result, /) -> Ratio | None: ...


Results = Mapping[str, Mapping[str, _Result]]

# What is aimed at, the work, whose time over whose, at least.
_AIMS = (
    ("uncompressed, full size, to the recipe in a pool", "films explicit", POOL, TWO, 8.0),
    ("uncompressed, full size, to DCMTK under xargs", "films explicit", XARGS, TWO, 40.0),
    ("JPEG Lossless, full size, to the recipe in a pool", "films jpeg-lossless", POOL, TWO, 4.0),
    ("JPEG 2000 to 512, reduced, to the recipe in a pool with a resize", "films jpeg2000 to 512", POOL, REDUCED, 15.0),
    ("two workers to one, uncompressed", "films explicit", ONE, TWO, 1.7),
    ("two workers to one, small films", "small films", ONE, TWO, 1.7),
)
_SMALL, _FILMS_A_SECOND = "small films", 400.0
MOST_OVER_FLOORS = 1.35


def targets(results: Results, share: float | None) -> Iterator[str]:
    """A Markdown table of the aims whose works were run; nothing where none was.

    share: the time of a worker's work on an uncompressed film over that of its floors.
    """
    rows = list(_rows(results))
    if share is not None:
        rows.append(
            f"| a worker's work on an uncompressed film to its floors | at most {MOST_OVER_FLOORS:g} | {share:.2f} | |"
        )
    if not rows:
        return
    yield "| aim | at least | reached: median | smallest to largest |"
    yield "|---|---|---|---|"
    yield from rows
    yield ""


def _rows(results: Results) -> Iterator[str]:
    for aim, work, peer, base, least in _AIMS:
        of_work = results.get(work, {})
        ratio = of_work[peer].ratio_to(of_work[base]) if peer in of_work and base in of_work else None
        if ratio is not None:
            yield f"| {aim} | {least:g} | {ratio[0]:.2f} | {ratio[1]:.2f} to {ratio[2]:.2f} |"
    small = results.get(_SMALL, {}).get(TWO)
    if small is not None and not small.problem:
        a_second = sorted(1 / seconds for seconds in small.seconds)
        middle = a_second[len(a_second) // 2]
        spread = f"{a_second[0]:.0f} to {a_second[-1]:.0f}"
        yield f"| 512 x 512 films a second, 2 jobs | {_FILMS_A_SECOND:g} | {middle:.0f} | {spread} |"
