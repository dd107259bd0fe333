# SPDX-License-Identifier: MIT
"""Plans for very large runs follow from the measured costs, and the page shows what the scripts compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.engines import ENGINES, FILMS, merged, read_costs, smallest, write_costs
from benchmarks.plan import COSTS, Film, Setting, Storage, films_of, plan, rates
from benchmarks.plan_tables import PAGE, predicted_wall, tables, write_tables

FILM = Film("a film", worker=0.04, run=0.001, dask=0.002, dask_run=0.001, read=15e6, written=2e6)
ENDLESS = Storage(read=1e15, write=1e15, operations=1e15, latency=0.0)


def test_the_page_shows_the_tables_that_the_script_writes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert write_tables(text, tables(read_costs(COSTS))) == text


def test_a_page_without_the_markers_of_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="engines"):
        write_tables("# Scale\n", {"engines": "| a |"})


def test_every_engine_was_measured_with_every_kind_of_films() -> None:
    costs = [(cost.films, cost.engine, cost.few, cost.many) for cost in read_costs(COSTS)]
    assert costs == [(films.name, engine, films.few, films.many) for films in FILMS for engine in ENGINES]


def test_predictions_are_near_the_measured_times() -> None:
    costs = read_costs(COSTS)
    assert all(0.7 < cost.long_job.wall / predicted_wall(cost, costs) < 1.4 for cost in costs)


@pytest.mark.parametrize(
    ("limit", "setting"),
    [
        ("workers", Setting(FILM, storage=ENDLESS)),
        ("read bandwidth", Setting(FILM, storage=replace(ENDLESS, read=1e9))),
        ("write bandwidth", Setting(FILM, storage=replace(ENDLESS, write=1e8))),
        ("operations of the disk", Setting(FILM, storage=replace(ENDLESS, operations=1000.0))),
        ("process of the run", Setting(FILM, workers=1000, engine="dask", storage=ENDLESS)),
        ("merge", Setting(FILM, workers=1000, storage=ENDLESS)),
    ],
)
def test_the_resource_that_saturates_first_is_named_as_the_limit(limit: str, setting: Setting) -> None:
    result = plan(setting)
    assert result.limit == limit
    if limit != "merge":
        assert result.conversion == pytest.approx(setting.films / min(result.rates.values()))
        assert min(result.rates, key=lambda name: result.rates[name]) == limit


def test_ten_workers_without_a_slow_disk_take_a_tenth_of_the_processor_time() -> None:
    result = plan(Setting(FILM, films=1e6, workers=10, storage=ENDLESS))
    assert result.conversion == pytest.approx(1e6 * 0.041 / 10)


def test_more_workers_never_make_a_run_longer() -> None:
    for film in films_of(read_costs(COSTS)).values():
        for engine in ("shards", "dask"):
            times = [plan(Setting(film, 1e8, workers, engine)).seconds for workers in (1, 10, 100, 1000)]
            assert times == sorted(times, reverse=True)


def test_a_slower_disk_makes_a_worker_wait() -> None:
    quick, slow = (rates(Setting(FILM, storage=replace(ENDLESS, latency=latency))) for latency in (0.0, 0.001))
    assert slow["workers"] < quick["workers"]


def test_rounds_that_are_added_keep_the_smallest_times(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    (cost, *_) = read_costs(COSTS)
    slower = replace(cost, long_job=replace(cost.long_job, wall=cost.long_job.wall + 1, processor=0.5))
    write_costs(path, [cost, slower])
    assert merged(read_costs(path)) == [replace(cost, long_job=smallest(cost.long_job, slower.long_job))]
    assert merged(read_costs(path))[0].long_job.processor == 0.5
