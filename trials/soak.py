# SPDX-License-Identifier: MIT
"""20,000 conversions, one in twenty damaged, and 10,000 by one worker, half of them damaged: memory does not grow.

    python -m trials.soak [--short]

Small films in every transfer syntax, each under hundreds of names; damaged are those that end too early. First the
command converts them, as it is, with workers that are replaced now and then; all rows are counted against a list that
was made with the files (P1). Then a single worker that is never replaced is given whole and damaged films in turn. The
memory of the processes is sampled, and a line is laid through what was sampled after the first quarter: its slope is
how much a file leaves behind (P27; short: 400 and 200, and no slope is demanded, as the start outweighs it).
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from plainfilm.conversion.job import ConvertJob, RunContext
from plainfilm.conversion.pseudonyms import load_key
from plainfilm.options.options import Options
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import Job, TaskResult, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import TASK
from trials.bench import SOME_FAILED, Bench, MemoryWatch, Sample, end_of, run_trial
from trials.checking import rows_of
from trials.seeds import seed_films

DAMAGED_ONE_IN = 20
MOST_BYTES_A_FILE = 5_000
MIB = 1024**2


def make(folder: Path, originals: Path, files: int) -> tuple[set[str], set[str]]:
    """Films and damaged ones, a thousand a folder; the sources of both."""
    originals.mkdir()
    whole, cut = [], []
    for name, content in seed_films().items():
        if name != "frames":
            whole.append(originals / name)
            cut.append(originals / f"{name}-cut")
            whole[-1].write_bytes(content)
            cut[-1].write_bytes(content[: len(content) - 700])
    good, bad = set[str](), set[str]()
    for number in range(files):
        source = f"{number // 1000:03}/{number:06}.dcm"
        damaged = number % DAMAGED_ONE_IN == 7
        (bad if damaged else good).add(source)
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        os.link((cut if damaged else whole)[number % len(whole)], folder / source)
    return good, bad


def slope(samples: list[Sample], part: str, files: int) -> float:
    """Bytes a file, by least squares, after the first quarter of the time; files are done at an even pace."""
    total = samples[-1].seconds
    later = [sample for sample in samples if sample.seconds > total / 4]
    done = np.array([sample.seconds / total * files for sample in later])
    size = np.array([getattr(sample, part) for sample in later], float)
    return float(np.polyfit(done, size, 1)[0])


def convert(bench: Bench, source: Path, good: set[str], bad: set[str]) -> None:
    """The command, as it is."""
    files, out = len(good) + len(bad), bench.folder / "out"
    process = bench.start([source], out, "--jobs", "2")
    with MemoryWatch(process.pid, 0.05 if bench.short else 0.5) as watch:
        ended = end_of(process, 0.0)
    bench.expect(ended.code == SOME_FAILED, f"exit code {ended.code}: {ended.said}")
    images, failures = rows_of(out)
    bench.expect({row["source"] for row in images} == good, "the images are not those of the whole films")
    bench.expect({row["source"] for row in failures} == bad, "the failures are not those of the damaged films")
    bench.expect(len(images) + len(failures) == files, f"{len(images)} and {len(failures)} rows of {files} files")
    bench.say(f"{files} files, {len(bad)} damaged: {len(images)} images, {len(failures)} failures")
    for part, peak in (("parent", watch.parent_peak), ("workers", watch.workers_peak)):
        judge(bench, f"command, {part}", peak, slope(watch.samples, part, files))


def never_replaced(bench: Bench, originals: Path) -> None:
    """One worker for all of them, half of them damaged."""
    paths, files = sorted(originals.iterdir()), 200 if bench.short else 10_000
    key = load_key(bench.folder / "key")
    orders = RunContext(Options(), key, None).to_bytes()
    works = (ConvertJob(Reference(path, path.name, path.name), orders) for path in islice(cycle(paths), files))
    settings = WorkerSettings(workers=1, recycle_after=files + 1, recycle_growth=1 << 40)
    outcomes: Counter[str] = Counter()
    with (
        WorkerPool(TASK, map(Job, works), settings) as supervisor,
        MemoryWatch(os.getpid(), 0.05 if bench.short else 0.5) as watch,
    ):
        for event in supervisor.events():
            if isinstance(event, TaskResult):
                outcomes[type(event.value).__name__] += 1
    bench.say(f"{files} files, one worker that is never replaced: {dict(outcomes)}")
    bench.expect(outcomes.total() == files, f"{outcomes.total()} outcomes of {files} files")
    bench.expect(outcomes["Failure"] == outcomes["Picture"], "not half of the films were refused")
    judge(bench, "worker", watch.workers_peak, slope(watch.samples, "workers", files))


def judge(bench: Bench, what: str, peak: int, bytes_a_file: float) -> None:
    """Say what a process took, and whether a file leaves too much behind."""
    bench.say(f"{what}: peak {peak / MIB:.1f} MiB, {bytes_a_file:.0f} bytes a file")
    bench.expect(bench.short or bytes_a_file < MOST_BYTES_A_FILE, f"{what} grows by {bytes_a_file:.0f} bytes a file")


def trial(bench: Bench) -> None:
    """Both parts."""
    source, originals = bench.folder / "in", bench.folder / "originals"
    good, bad = make(source, originals, 400 if bench.short else 20_000)
    convert(bench, source, good, bad)
    never_replaced(bench, originals)


if __name__ == "__main__":
    run_trial(__doc__, trial)
