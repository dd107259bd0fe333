# SPDX-License-Identifier: MIT
"""100,000 files: memory does not grow with their number, the first picture is there within seconds.

    python -m trials.many_files [--short]

Hard links to a few small films and to a file that is none, one in fifty a film, once all in one folder and once spread
over folders of 500. Each layout is converted with a tenth of the files and with all of them (short: 500 and 5,000); the
memory of the command and of its workers is sampled meanwhile. Stated are their peaks, the seconds until the first
picture had its name, and how long a run takes that finds everything done (P18).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from trials.bench import Bench, MemoryWatch, end_of, run_trial
from trials.checking import rows_of
from trials.seeds import demo_films

ONE_IN = 50
IN_A_FOLDER = 500
GROWTH = 1.10
FIRST_PICTURE_SECONDS = 10.0
MIB = 1024**2
CACHES = 12 * MIB


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: peaks in bytes, and seconds."""

    parent: int
    workers: int
    first: float
    seconds: float
    again: float


def make(folder: Path, originals: list[Path], files: int, spread: bool) -> None:
    """Hard links, with names of their own; several originals, as file systems bound the links of one."""
    for number in range(files):
        within = folder / f"{number // IN_A_FOLDER:04}" if spread else folder
        if number % IN_A_FOLDER == 0:
            within.mkdir(parents=True, exist_ok=True)
        is_film = number % ONE_IN == 0
        original = originals[number // ONE_IN % 4] if is_film else originals[4 + number % 4]
        os.link(original, within / f"{number:06}{'.dcm' if is_film else '.dat'}")


def convert(bench: Bench, source: Path, out: Path, files: int) -> Run:
    """Convert, and convert again."""
    process, began, first = bench.start([source], out, "--jobs", "2"), time.monotonic(), 0.0
    with MemoryWatch(process.pid) as watch:
        while process.poll() is None and not first:
            if next(out.rglob("*.png"), None) is not None:
                first = time.monotonic() - began
            time.sleep(0.05)
        ended = end_of(process, began)
    bench.expect(ended.code == 0, f"exit code {ended.code}: {ended.said}")
    images, failures = rows_of(out)
    bench.expect(len(images) + len(failures) == files, f"{len(images)} and {len(failures)} rows of {files} files")
    again = bench.convert([source], out, "--jobs", "2")
    bench.expect(again.code == 0, f"again: exit code {again.code}: {again.said}")
    return Run(watch.parent_peak, watch.workers_peak, first, ended.seconds, again.seconds)


def compare(bench: Bench, name: str, originals: list[Path], spread: bool) -> None:
    """A tenth of the files against all of them."""
    all_files, runs = 5_000 if bench.short else 100_000, list[Run]()
    for files in (all_files // 10, all_files):
        source = bench.folder / f"{name} {files}"
        make(source, originals, files, spread)
        run = convert(bench, source, bench.folder / f"out {name} {files}", files)
        bench.say(
            f"{name}, {files} files: command {run.parent / MIB:.1f} MiB, workers {run.workers / MIB:.1f} MiB, "
            f"first picture after {run.first:.2f} s, all after {run.seconds:.1f} s, nothing to do {run.again:.1f} s"
        )
        bench.expect(run.first < FIRST_PICTURE_SECONDS, f"the first picture took {run.first:.1f} s")
        runs.append(run)
    growth = runs[1].parent / runs[0].parent
    bench.say(f"{name}: the command's memory is {growth:.3f} times as large with ten times the files")
    grown = runs[1].parent - runs[0].parent
    # the short form begins with so few files that caches of a fixed size are still filling
    is_flat = grown < CACHES if bench.short else growth < GROWTH
    bench.expect(is_flat, f"{name}: memory has grown by {100 * growth - 100:.0f} %")


def trial(bench: Bench) -> None:
    """Both layouts."""
    originals = bench.folder / "originals"
    originals.mkdir()
    films = list(demo_films(48, 40).values())[:4]
    paths = []
    for number, content in enumerate([*films, *([b"no film " * 20] * 4)]):
        paths.append(originals / f"{number}")
        paths[-1].write_bytes(content)
    compare(bench, "spread over folders", paths, spread=True)
    compare(bench, "in one folder", paths, spread=False)


if __name__ == "__main__":
    run_trial(__doc__, trial)
