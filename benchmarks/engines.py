# SPDX-License-Identifier: MIT
"""Measure what an engine costs: this machine, shards with a merge, and Dask, with one, two and four workers.

    python -m benchmarks.engines [--rounds N] [--short] [--only TEXT] [--costs FILE]

Each engine converts few and many films, one engine after the other in each round. The difference gives the time of a
film, and the rest is the start, which includes the start and the end of a Dask cluster and the merge of shards. Times
are the smallest of the rounds. With --costs they are written to the file that benchmarks.plan reads; rounds and engines
may then be added later: the smallest times of the file and of the new rounds are kept.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.jobs import Films, write_films
from benchmarks.measure import environment

_PR_SET_CHILD_SUBREAPER = 36
_PATH = os.pathsep.join(sys.path)
FILMS = (Films("small films", 20, 2020), Films("films explicit", 16, 76))
_KEY = b"a key that is made for benchmarks, and for nothing else"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with a number of workers. kind: a key of `RUNS`."""

    kind: str
    workers: int

    @property
    def name(self) -> str:
        """The kind and the number of workers."""
        return f"{self.kind}, {self.workers} worker{'s' if self.workers > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a job: processor time of all processes and of those that keep a ledger, and wall time.

    merge: the part of the wall time that the merge of shards takes.
    """

    processor: float
    run: float
    wall: float
    merge: float = 0.0


ENGINES = tuple(
    Engine(kind, workers)
    for kind, counts in {"local": (1, 2, 4), "shards": (2, 4), "dask": (1, 2, 4), "dask, scheduler": (1, 2, 4)}.items()
    for workers in counts
)


def run_local(place: Path, source: Path, workers: int) -> Times:
    """One run with worker processes of its own."""
    return _times_of_run(place, source, "--jobs", str(workers))


def run_dask(place: Path, source: Path, workers: int) -> Times:
    """One run that starts a cluster for itself."""
    return _times_of_run(place, source, "--jobs", str(workers), "--engine", "dask")


def run_scheduler(place: Path, source: Path, workers: int) -> Times:
    """One run on a cluster that is started before; the wall time does not include the start of the cluster."""
    from tests.support.dask_cluster import running_cluster, wait_for

    shutil.rmtree(place / "cluster", ignore_errors=True)
    with _changed_environment(environment(place, _PATH)), running_cluster(place / "cluster") as cluster:
        for _ in range(workers):
            cluster.add_worker()
        wait_for(lambda: all("Registered to" in cluster.log(number) for number in range(workers)))
        return _times_of_run(place, source, "--engine", "dask", "--scheduler", cluster.address)


def run_shards(place: Path, source: Path, workers: int) -> Times:
    """As many shards as workers at the same time, with one worker each, and a merge."""
    started = time.perf_counter()
    runs = [
        _start(place, f"run{number}", *_convert(place, source), "--jobs", "1", "--shard", f"{number}/{workers}")
        for number in range(1, workers + 1)
    ]
    converted = sum(_end(place, f"run{number}", run) for number, run in enumerate(runs, 1))
    middle = time.perf_counter()
    merged = _end(place, "merge", _start(place, "merge", "merge", str(place / "out"), "--quiet"))
    ended = time.perf_counter()
    return Times(0.0, converted + merged, ended - started, ended - middle)


RUNS = {"local": run_local, "shards": run_shards, "dask": run_dask, "dask, scheduler": run_scheduler}


def measure(engine: Engine, source: Path, place: Path) -> Times:
    """Convert the films of a folder with an engine. Raises CalledProcessError."""
    shutil.rmtree(place / "out", ignore_errors=True)
    (place / "key").write_bytes(_KEY)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = RUNS[engine.kind](place, source, engine.workers)
    _wait_for_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(place / "out")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return replace(times, processor=processor)


def _times_of_run(place: Path, source: Path, *options: str) -> Times:
    started = time.perf_counter()
    seconds = _end(place, "run", _start(place, "run", *_convert(place, source), *options))
    return Times(0.0, seconds, time.perf_counter() - started)


def _convert(place: Path, source: Path) -> Sequence[str]:
    return ["convert", str(source), str(place / "out"), "--quiet", "--key-file", str(place / "key")]


def _start(place: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    """Start a command of plainfilm, which writes its own processor time into the file `name`."""
    command = [sys.executable, "-m", "benchmarks.engines", "--child", str(place / name), *words]
    return subprocess.Popen(command, env=environment(place, _PATH), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _end(place: Path, name: str, process: subprocess.Popen[bytes]) -> float:
    """Wait for the command, and return its processor time without its children. Raises CalledProcessError."""
    _, errors = process.communicate()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args, stderr=errors)
    return float((place / name).read_text())


def child(path: Path, words: Sequence[str]) -> int:
    """Run a command of plainfilm in this process, and write the processor time of this process into a file."""
    from plainfilm.cli.main import main as plainfilm

    code = plainfilm(words)
    path.write_text(repr(time.process_time()))
    return code


@contextmanager
def _changed_environment(names: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(names)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _wait_for_orphans() -> None:
    """Wait for processes whose parents have ended, so that their time counts."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of an engine: seconds of a film and of the start, and the whole of the long job."""

    films: str
    engine: Engine
    few: int
    many: int
    short_job: Times
    long_job: Times

    def of_film(self) -> Times:
        """Seconds of each film that the long job has more than the short one."""
        few, many, count = self.short_job, self.long_job, self.many - self.few
        return Times(
            (many.processor - few.processor) / count,
            (many.run - few.run) / count,
            (many.wall - few.wall) / count,
            (many.merge - few.merge) / count,
        )

    def of_start(self) -> Times:
        """Seconds of the short job that its films do not explain."""
        few, film, count = self.short_job, self.of_film(), self.few
        return Times(
            few.processor - count * film.processor,
            few.run - count * film.run,
            few.wall - count * film.wall,
            few.merge - count * film.merge,
        )

    def line(self) -> str:
        """The costs as a line of text."""
        film, start = self.of_film(), self.of_start()
        return (
            f"{self.films:15} {self.engine.name:28} film {film.processor * 1e3:7.2f} ms of processor, "
            f"{film.run * 1e3:5.2f} in the run, {film.wall * 1e3:7.2f} ms of wall; "
            f"start {start.processor:5.2f} s of processor, {start.wall:5.2f} s of wall"
        )


def smallest(first: Times, second: Times) -> Times:
    """The smaller one of each time."""
    return Times(
        min(first.processor, second.processor),
        min(first.run, second.run),
        min(first.wall, second.wall),
        min(first.merge, second.merge),
    )


def merged(costs: Sequence[Costs]) -> list[Costs]:
    """One entry for each engine on the same films, with the smallest times."""
    best: dict[tuple[str, Engine, int, int], Costs] = {}
    for cost in costs:
        key = (cost.films, cost.engine, cost.few, cost.many)
        if key in best:
            short_job = smallest(best[key].short_job, cost.short_job)
            cost = replace(cost, short_job=short_job, long_job=smallest(best[key].long_job, cost.long_job))
        best[key] = cost
    return list(best.values())


def read_costs(path: Path) -> list[Costs]:
    """Read a file of costs; an empty list where there is none."""
    if not path.exists():
        return []
    return [_cost_of(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def _cost_of(entry: dict[str, Any]) -> Costs:
    short_job, long_job = Times(**entry.pop("short_job")), Times(**entry.pop("long_job"))
    return Costs(engine=Engine(**entry.pop("engine")), short_job=short_job, long_job=long_job, **entry)


def write_costs(path: Path, costs: Sequence[Costs]) -> None:
    """Write a file of costs, with times in tenths of a millisecond."""
    entries = json.loads(json.dumps([asdict(cost) for cost in costs]), parse_float=lambda text: round(float(text), 4))
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def measurements(place: Path, rounds: int, short: bool, only: str) -> Iterator[Costs]:
    """Measure the engines whose name contains a text; yield the costs of each in each round."""
    kinds = [replace(films, few=2, many=6) for films in FILMS] if short else FILMS
    sources = {films: write_films(films, place, short) for films in kinds}
    for _ in range(rounds):
        for films, (few, many) in sources.items():
            for engine in (engine for engine in ENGINES if only in f"{films.name}: {engine.name}"):
                yield _costs(films, engine, few, many, place)


def _costs(films: Films, engine: Engine, few: Path, many: Path, place: Path) -> Costs:
    short_job, long_job = (measure(engine, source, place) for source in (few, many))
    return Costs(films.name, engine, films.few, films.many, short_job, long_job)


def main() -> int:
    """Measure, print a line for each engine, and write the costs."""
    if sys.argv[1:2] == ["--child"]:
        return child(Path(sys.argv[2]), sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--short", action="store_true", help="few small films: its figures mean nothing")
    parser.add_argument("--only", default="", help="measure engines whose films and name contain this text")
    parser.add_argument("--costs", type=Path, help="the file that is written, and read before where it exists")
    settings = parser.parse_args()
    # what a process of the benchmark leaves behind becomes a child of this one, and its time counts
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    costs = read_costs(settings.costs) if settings.costs else []
    with tempfile.TemporaryDirectory() as folder:
        for cost in measurements(Path(folder), settings.rounds, settings.short, settings.only):
            print(cost.line(), flush=True)
            costs = merged([*costs, cost])
            if settings.costs:
                write_costs(settings.costs, costs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
