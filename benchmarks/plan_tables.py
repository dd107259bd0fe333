# SPDX-License-Identifier: MIT
"""Write the tables of docs/scale.md: the measured engines, predictions beside measurements, and plans.

    python -m benchmarks.plan_tables [--page docs/scale.md]

Each table of the page lies between two markers. Its numbers follow from benchmarks/costs.json and benchmarks/plan.py.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.engines import Costs, read_costs
from benchmarks.plan import (
    CORES,
    COSTS,
    GB,
    LISTING,
    RUN_OPERATIONS,
    WORKER_OPERATIONS,
    Film,
    Setting,
    Storage,
    end_of,
    films_of,
    find,
    plan,
    rates,
    time_text,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
LARGE_STORAGE = Storage(50 * GB, 25 * GB, 500_000.0)
"""The second disk of the tables; the first one is the default of a plan."""
LEDGER_BYTES, TABLE_BYTES = 3500, 700
"""Bytes of a row in the ledger, with its preview, and in metadata.csv."""


def predicted_wall(cost: Costs, costs: Sequence[Costs]) -> float:
    """Seconds of the long job of an engine: those of its short job, and its other films at the rate of the machine.

    The rate comes from the costs of a film with one worker on this machine, and from what Dask adds.
    """
    local, film = find(costs, cost.films, "local", 1).of_film(), films_of(costs)[cost.films]
    is_dask = cost.engine.kind.startswith("dask")
    worker = local.processor - local.run + (film.dask if is_dask else 0.0)
    run = film.dask_run if is_dask else local.run
    rate = min(cost.engine.workers / worker, CORES / (worker + run))
    return cost.short_job.wall + (cost.many - cost.few) / rate


def engine_table(costs: Sequence[Costs]) -> Iterator[str]:
    """The measured engines, and beside each long job the prediction."""
    yield "| films | engine | film, ms of processor | in the run | film, ms | films/s | start, s of processor |"
    yield "|---|---|---|---|---|---|---|"
    for cost in costs:
        film, start = cost.of_film(), cost.of_start()
        yield (
            f"| {cost.films} | {cost.engine.name} | {film.processor * 1e3:.1f} | {max(0.0, film.run) * 1e3:.1f} "
            f"| {film.wall * 1e3:.1f} | {1 / film.wall:.0f} | {start.processor:.1f} |"
        )


def prediction_table(costs: Sequence[Costs]) -> Iterator[str]:
    """The wall time of every long job that was run, and its prediction."""
    yield "| films | engine | number | predicted, s | measured, s | measured to predicted |"
    yield "|---|---|---|---|---|---|"
    for cost in costs:
        seconds, wall = predicted_wall(cost, costs), cost.long_job.wall
        row = f"| {cost.films} | {cost.engine.name} | {cost.many} | {seconds:.1f} | {wall:.1f} | {wall / seconds:.2f} |"
        yield row


def plan_table(film: Film) -> Iterator[str]:
    """The plans for 10^6 to 10^9 films on 10 to 1,000 workers; the core-hours and the cost are those of shards
    on the large disk.
    """
    shards = "shards, 5 GB/s | limit | shards, 50 GB/s | limit"
    yield f"| films | workers | {shards} | core-hours | cost | Dask, 50 GB/s | limit |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for exponent in (6, 7, 8, 9):
        for workers in (10, 100, 1000):
            setting = Setting(film, 10.0**exponent, workers)
            large = replace(setting, storage=LARGE_STORAGE)
            small_disk, large_disk, dask = (plan(each) for each in (setting, large, replace(large, engine="dask")))
            yield (
                f"| 10^{exponent} | {workers:,} | {time_text(small_disk.seconds)} | {small_disk.limit} "
                f"| {time_text(large_disk.seconds)} | {large_disk.limit} | {large_disk.core_hours:,.0f} "
                f"| {large_disk.cost:,.0f} | {time_text(dask.seconds)} | {dask.limit} |"
            )


def storage_table(films: Mapping[str, Film]) -> Iterator[str]:
    """What a disk must do so that the workers limit a run in shards."""
    yield "| films | workers | films/s | read, GB/s | write, GB/s | operations/s |"
    yield "|---|---|---|---|---|---|"
    for film in films.values():
        for workers in (10, 100, 1000):
            rate = rates(Setting(film, workers=workers))["workers"]
            operations = rate * (WORKER_OPERATIONS + RUN_OPERATIONS)
            yield (
                f"| {film.name} | {workers:,} | {rate:,.0f} | {rate * film.read / GB:,.1f} "
                f"| {rate * film.written / GB:,.1f} | {operations:,.0f} |"
            )


def phase_table() -> Iterator[str]:
    """The phases that one process does alone, or that each shard repeats."""
    yield "| films | listing of each shard | merge of shards | tables of a run without shards | ledger | metadata.csv |"
    yield "|---|---|---|---|---|---|"
    for exponent in (6, 7, 8, 9):
        rows = 10.0**exponent
        merge, tables = (end_of(rows, is_sharded, Storage()) for is_sharded in (True, False))
        sizes = f"{rows * LEDGER_BYTES / GB:,.1f} GB | {rows * TABLE_BYTES / GB:,.1f} GB"
        yield f"| 10^{exponent} | {time_text(rows * LISTING)} | {time_text(merge)} | {time_text(tables)} | {sizes} |"


def tables(costs: Sequence[Costs]) -> dict[str, str]:
    """The tables of the page by name."""
    films = films_of(costs)
    rows = {
        "engines": engine_table(costs),
        "predictions": prediction_table(costs),
        "small": plan_table(films["small films"]),
        "full": plan_table(films["films explicit"]),
        "storage": storage_table(films),
        "phases": phase_table(),
    }
    return {name: "\n".join(lines) for name, lines in rows.items()}


def write_tables(text: str, named: Mapping[str, str]) -> str:
    """Return the text of a page with each table between its markers. Raises ValueError where a marker is missing."""
    for name, table in named.items():
        begin, end = f"<!-- table {name}: python -m benchmarks.plan_tables -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"the page has no markers of the table {name}")
        lines = f"{begin}\n{table}\n{end}"
        text = pattern.sub(lambda _, lines=lines: lines, text)  # type: ignore[misc]
    return text


def main() -> None:
    """Write the tables of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, default=PAGE, help="the page (default: docs/scale.md)")
    page = parser.parse_args().page
    page.write_text(write_tables(page.read_text(encoding="utf-8"), tables(read_costs(COSTS))), encoding="utf-8")


if __name__ == "__main__":
    main()
