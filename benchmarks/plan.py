# SPDX-License-Identifier: MIT
"""Compute from measured costs how long a run over very many films takes, what it costs, and what limits it.

    python -m benchmarks.plan [--films N] [--workers N] [--engine shards|dask] [--kind NAME] [--read GB/S] ...

It prints the plan; --help lists the parameters. benchmarks.plan_tables writes the tables of docs/scale.md. The costs of
a film come from benchmarks/costs.json, which benchmarks.engines writes; those of a row are constants here, from the
table of docs/scale.md about the ledger.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.engines import Costs, Engine, read_costs

COSTS = Path(__file__).resolve().parent / "costs.json"
CORES = 2
"""The cores of the machine on which the costs were measured."""

LISTING = 19e-6
"""Seconds of processor time for each source of a listing: 100,000 files in 1,000 folders, by a shard without films."""
JOIN, TABLES, REPORT, SAMPLE = 32e-6, 88e-6, 217e-6, 180e-6
"""Seconds of processor time for each row: to join shards, to write the tables, to write the report of an image, and to
choose the images of the report where there are more than MOST_IN_REPORT."""
MOST_IN_REPORT = 100_000
WORKER_OPERATIONS, RUN_OPERATIONS = 12, 4
"""Calls for each film that a network disk answers (open, stat, read, write, fsync, rename), one after the other: those
of a worker and those of the process that keeps the ledger, counted with strace."""
MERGE_OPERATIONS = 1
"""Such calls for each row of a merge, which looks for the file of each image."""
HOUR, TB, GB = 3600.0, 1e12, 1e9


@dataclass(frozen=True, slots=True)
class Film:
    """The costs of a film: seconds in a worker and in the process of the run, and what Dask adds to the worker.

    read, written: bytes of the file and of its image.
    """

    name: str
    worker: float
    run: float
    dask: float
    dask_run: float
    read: float
    written: float


@dataclass(frozen=True, slots=True)
class Storage:
    """What the disk of all machines can do: bytes and operations in a second, and seconds for an operation."""

    read: float = 5 * GB
    write: float = 2.5 * GB
    operations: float = 50_000.0
    latency: float = 0.0005


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of an hour of a core, and of reading 10^12 bytes."""

    core_hour: float = 0.05
    read: float = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a plan is made for. engine: `shards` or `dask`; every worker has a core."""

    film: Film
    films: float = 1e6
    workers: int = 10
    engine: str = "shards"
    storage: Storage = field(default_factory=Storage)
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of the phases, core-hours, cost, and what limits the run. rates: films in a second, by resource."""

    listing: float
    conversion: float
    end: float
    core_hours: float
    cost: float
    limit: str
    rates: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """The time of the whole run."""
        return self.listing + self.conversion + self.end


def rates(setting: Setting) -> dict[str, float]:
    """How many films in a second each resource allows."""
    film, storage = setting.film, setting.storage
    operations = WORKER_OPERATIONS + RUN_OPERATIONS
    allowed = {
        "read bandwidth": storage.read / film.read,
        "write bandwidth": storage.write / film.written,
        "operations of the disk": storage.operations / operations,
    }
    if setting.engine == "shards":
        # each shard lists, keeps its ledger and commits on the core of its worker
        seconds = film.worker + film.run + operations * storage.latency
        return {"workers": setting.workers / seconds, **allowed}
    worker = film.worker + film.dask + WORKER_OPERATIONS * storage.latency
    run = film.dask_run + RUN_OPERATIONS * storage.latency
    return {"workers": setting.workers / worker, "process of the run": 1 / run, **allowed}


def plan(setting: Setting) -> Plan:
    """Compute the plan. The slowest resource limits the conversion; the longest phase is named as the limit."""
    films, is_sharded = setting.films, setting.engine == "shards"
    allowed = rates(setting)
    slowest = min(allowed, key=lambda name: allowed[name])
    # the listing of a run without shards goes on while the first films are converted
    listing = films * LISTING if is_sharded else 0.0
    conversion = films / allowed[slowest]
    end = end_of(films, is_sharded, setting.storage)
    core_hours = (setting.workers * (listing + conversion) + end) / HOUR
    cost = core_hours * setting.prices.core_hour + films * setting.film.read / TB * setting.prices.read
    phases = {"listing": listing, slowest: conversion, "merge" if is_sharded else "tables": end}
    limit = max(phases, key=lambda name: phases[name])
    return Plan(listing, conversion, end, core_hours, cost, limit, allowed)


def end_of(films: float, is_sharded: bool, storage: Storage) -> float:
    """Seconds after the last film: the merge of shards, the tables and the report, in one process."""
    merge = JOIN + MERGE_OPERATIONS * storage.latency if is_sharded else 0.0
    sample = SAMPLE if films > MOST_IN_REPORT else 0.0
    return films * (TABLES + merge + sample) + min(films, MOST_IN_REPORT) * REPORT


def films_of(costs: Sequence[Costs]) -> dict[str, Film]:
    """The costs of films by kind, from the runs with two workers, which share the machine.

    What Dask adds to a film does not depend on its size: it comes from small films, of which the runs have most.
    """
    sizes = {"small films": (0.52e6, 0.09e6), "films explicit": (15e6, 2.4e6)}
    dask, local = (find(costs, "small films", kind, 2).of_film() for kind in ("dask, scheduler", "local"))
    extra = (dask.processor - dask.run) - (local.processor - local.run)
    result = {}
    for name, (read, written) in sizes.items():
        film = find(costs, name, "local", 2).of_film()
        result[name] = Film(name, film.processor - film.run, film.run, extra, dask.run, read, written)
    return result


def find(costs: Sequence[Costs], films: str, kind: str, workers: int) -> Costs:
    """The entry of an engine."""
    engine = Engine(kind, workers)
    return next(cost for cost in costs if (cost.films, cost.engine) == (films, engine))


def time_text(seconds: float) -> str:
    """A time in seconds, minutes, hours or days."""
    for unit, length, most in (("s", 1.0, 120.0), ("min", 60.0, 120.0), ("h", HOUR, 72.0)):
        if seconds / length < most:
            return f"{seconds / length:.{1 if seconds / length < 10 else 0}f} {unit}"
    return f"{seconds / HOUR / 24:,.0f} days"


def lines_of(setting: Setting) -> Iterator[str]:
    """A plan as lines of text."""
    result = plan(setting)
    yield f"{setting.films:,.0f} {setting.film.name}, {setting.workers:,} workers, engine {setting.engine}"
    for name, rate in sorted(result.rates.items(), key=lambda item: item[1]):
        yield f"  {name:24} allows {rate:12,.0f} films/s"
    phases = (("listing", result.listing), ("conversion", result.conversion), ("tables, merge", result.end))
    yield from (f"  {name:24} {time_text(seconds)}" for name, seconds in phases)
    yield f"  {'limit':24} {result.limit}"
    sums = f"{result.core_hours:,.0f} core-hours, cost {result.cost:,.0f}"
    yield f"  {'whole run':24} {time_text(result.seconds)}, {sums}"


def main() -> None:
    """Print a plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=float, default=1e6, help="number of films (default: 1e6)")
    parser.add_argument("--workers", type=int, default=10, help="number of workers, each with a core (default: 10)")
    parser.add_argument("--engine", choices=("shards", "dask"), default="shards", help="default: shards")
    parser.add_argument(
        "--kind", default="films explicit", help="films explicit (3000 x 2500), small films (512 x 512)"
    )
    numbers = {
        "--cpu": "ms of processor time of a worker for each film",
        "--run": "ms of processor time of the process of the run for each film",
        "--bytes-in": "MB of the file of a film",
        "--bytes-out": "MB of its image",
        "--read": "read bandwidth of the disk in GB/s",
        "--write": "write bandwidth in GB/s",
        "--operations": "operations of the disk in a second",
        "--latency": "ms of an operation",
        "--core-hour": "price of an hour of a core",
        "--read-price": "price of reading 1 TB",
    }
    for name, meaning in numbers.items():
        parser.add_argument(name, type=float, help=meaning)
    settings = parser.parse_args()
    film = films_of(read_costs(COSTS))[settings.kind]
    print("\n".join(lines_of(_setting(settings, film))))


def _setting(given: argparse.Namespace, film: Film) -> Setting:
    """The setting of the command line; what is not given has its default."""

    def changes(**names: tuple[float | None, float]) -> dict[str, float]:
        return {name: value * unit for name, (value, unit) in names.items() if value is not None}

    run = changes(run=(given.run, 1e-3), dask_run=(given.run, 1e-3))
    sizes = changes(worker=(given.cpu, 1e-3), read=(given.bytes_in, 1e6), written=(given.bytes_out, 1e6))
    disk = changes(read=(given.read, GB), write=(given.write, GB), operations=(given.operations, 1.0))
    disk |= changes(latency=(given.latency, 1e-3))
    prices = changes(core_hour=(given.core_hour, 1.0), read=(given.read_price, 1.0))
    film = replace(film, **run, **sizes)  # type: ignore[arg-type]
    return Setting(film, given.films, given.workers, given.engine, Storage(**disk), Prices(**prices))


if __name__ == "__main__":
    main()
