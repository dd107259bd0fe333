# SPDX-License-Identifier: MIT
"""Measure whole jobs of two workers: folders, shards, runs without a report, and arrays for training code.

    python -m benchmarks.jobs [--rounds N] [--short] [--peers-python PYTHON] [--page docs/benchmarks.md]

Each job runs on few and on many films, one job after the other in each round. The difference gives the time of a film
without start-up, and the rest is the start. Times are the smallest of the rounds, with all processes of a job. With
--page the section of this page is replaced. The DataLoader of PyTorch runs in the Python of --peers-python
(benchmarks/requirements.txt), and is left out where torch is not installed there.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.measure import environment
from benchmarks.sections import write_section

HEADING = "## Whole jobs"
_CONVERT = ("-m", "plainfilm", "convert", "IN", "OUT", "--jobs", "2", "--quiet", "--key-file", "KEY")
_JOBS = {
    "folder": _CONVERT,
    "folder, no report": (*_CONVERT, "--no-report"),
    "webdataset": (*_CONVERT, "--layout", "webdataset"),
    "parquet": (*_CONVERT, "--layout", "parquet"),
    "iterate": ("-m", "benchmarks.jobs", "--child", "iterate", "IN"),
    "DataLoader over pydicom": ("-m", "benchmarks.jobs", "--child", "loader", "IN"),
}
_PEER = "DataLoader over pydicom"


@dataclass(frozen=True, slots=True)
class Films:
    """The films of a table: the name of a workload, and how many of them a short and a long job have."""

    name: str
    few: int
    many: int


FILMS = (Films("small films", 20, 420), Films("films explicit", 4, 44))


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds of processor time of all processes, and of wall time."""

    processor: float
    wall: float


def run_job(job: str, python: str, source: Path, place: Path) -> Seconds:
    """Run a job in a new process. Raises CalledProcessError."""
    out, key = place / "out", place / "key"
    shutil.rmtree(out, ignore_errors=True)
    key.write_bytes(b"a key that is made for benchmarks, and for nothing else")
    names = {"IN": str(source), "OUT": str(out), "KEY": str(key)}
    command = [python, *(names.get(word, word) for word in _JOBS[job])]
    path = str(Path(__file__).resolve().parent.parent) if job == _PEER else os.pathsep.join(sys.path)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment(place, path), capture_output=True, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shutil.rmtree(out, ignore_errors=True)
    return Seconds(processor, wall)


def iterate(source: Path) -> int:
    """Take the array of each film from `plainfilm.iterate`; return the sum of their largest levels."""
    import plainfilm

    return sum(int(array.max()) for _, array in plainfilm.iterate([source], jobs=2) if array is not None)


def load(source: Path) -> int:
    """Take the array of each film from a DataLoader, whose data set reads with pydicom and scales by the maximum."""
    from torch.utils.data import DataLoader

    films: Any = _Films(sorted(source.iterdir()))
    loader = DataLoader(films, batch_size=None, num_workers=2)
    return sum(int(image.max()) for image in loader)


class _Films:
    """The data set of a published example: `pixel_array / max * 255`."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Any:
        import numpy as np
        import torch
        from pydicom import dcmread

        pixels = dcmread(self._paths[index]).pixel_array
        return torch.from_numpy((pixels / pixels.max() * 255).astype(np.uint8))


def section(place: Path, rounds: int, short: bool, peers_python: str = sys.executable) -> Iterator[str]:
    """Yield the lines of the section."""
    yield HEADING
    yield ""
    yield "Written by `python -m benchmarks.jobs --page docs/benchmarks.md`. Two workers; a film is what a longer job"
    yield "takes more than a short one, and the start is the rest. The DataLoader scales `pixel_array` by its maximum"
    yield "in two worker processes; it writes nothing, and its images are not those of a viewer. What else the machine"
    yield "did affects the wall times most."
    yield ""
    yield "| films | job | film, ms of processor | film, ms | start, s of processor | start, s | film to folder |"
    yield "|---|---|---|---|---|---|---|"
    for films in (replace(films, few=2, many=6) for films in FILMS) if short else FILMS:
        yield from rows(films, place, rounds, short, peers_python)
    yield ""


def rows(films: Films, place: Path, rounds: int, short: bool, peers_python: str) -> Iterator[str]:
    """Yield the rows of the jobs on the films of one kind."""
    sources = write_films(films, place, short)
    folder: Seconds | None = None
    times: dict[str, list[tuple[Seconds, Seconds]]] = {job: [] for job in _JOBS}
    problems: dict[str, str] = {}
    for _ in range(rounds):
        for job in (job for job in _JOBS if job not in problems):
            python = peers_python if job == _PEER else sys.executable
            try:
                few, many = (run_job(job, python, source, place) for source in sources)
            except subprocess.CalledProcessError as error:
                problems[job] = _problem(error)
                continue
            times[job].append((few, many))
    for job, pairs in times.items():
        if not pairs:
            yield f"| {films.name} | {job} | {problems[job]} | | | | |"
            continue
        few, many = (_smallest([pair[index] for pair in pairs]) for index in (0, 1))
        film = _film(few, many, films)
        folder = folder or film
        start = Seconds(few.processor - films.few * film.processor, few.wall - films.few * film.wall)
        yield (
            f"| {films.name} | {job} | {_milliseconds(film.processor)} | {_milliseconds(film.wall)} "
            f"| {start.processor:.2f} | {start.wall:.2f} | {film.processor / folder.processor:.2f} |"
        )


def write_films(films: Films, place: Path, short: bool) -> tuple[Path, Path]:
    """Write the folders with few and with many films, and return them."""
    from benchmarks.workloads import workloads, write_workload

    workload = next(workload for workload in workloads(short) if workload.films == films.name)
    few, many = (place / f"{films.name} {count}" for count in (films.few, films.many))
    for count, folder in ((films.few, few), (films.many, many)):
        write_workload(replace(workload, files=count), folder)
    return few, many


def _film(few: Seconds, many: Seconds, films: Films) -> Seconds:
    count = films.many - films.few
    return Seconds((many.processor - few.processor) / count, (many.wall - few.wall) / count)


def _milliseconds(seconds: float) -> str:
    """Return a time as text; `-` where the long job was not slower than the short one, on a busy machine."""
    return f"{seconds * 1e3:.2f}" if seconds > 0 else "-"


def _smallest(times: list[Seconds]) -> Seconds:
    return Seconds(min(time.processor for time in times), min(time.wall for time in times))


def _problem(error: subprocess.CalledProcessError) -> str:
    last = error.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
    return "torch is not installed" if "torch" in last[0] else f"failed: {last[0][:80]}"


def main() -> None:
    """Measure and print the section; with --page also write it."""
    if sys.argv[1:2] == ["--child"]:
        print({"iterate": iterate, "loader": load}[sys.argv[2]](Path(sys.argv[3])))
        return
    write_section(__doc__, HEADING, section)


if __name__ == "__main__":
    main()
