# SPDX-License-Identifier: MIT
"""Convert 20,000 files, and 10,000 files in one worker, some of them damaged: memory does not grow.

    python -m trials.soak [--short]

The files are hard links to small files in every transfer syntax; damaged files are truncated. First the command
converts them (one in twenty is damaged) with its usual replacement of workers, and the rows are compared with the list
of files (P1). Then a single worker that is never replaced converts complete and damaged files alternately. The memory
of the processes is sampled. The slope of a line through the samples after the first quarter is the growth per file
(P27). The short form has 400 and 200 files and no limit for the slope, because start-up dominates it.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from plainfilm.conversion.job import ConvertJob, EncodedImage, RunContext
from plainfilm.conversion.pseudonyms import load_key
from plainfilm.options.options import Options
from plainfilm.records import Failure
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import Job, TaskResult, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import TASK
from trials.checks import rows_of
from trials.harness import SOME_FAILED, MemorySampler, Sample, Trial, run_trial, wait_for_end
from trials.samples import sample_files

DAMAGED_INTERVAL = 20
MAX_BYTES_PER_FILE = 5_000
MIB = 1024**2


def write_sources(folder: Path, originals: Path, files: int) -> tuple[set[str], set[str]]:
    """Write complete and damaged files, a thousand in each folder; return the sources of both."""
    originals.mkdir()
    whole, cut = [], []
    for name, content in sample_files().items():
        if name != "frames":
            whole.append(originals / name)
            cut.append(originals / f"{name}-cut")
            whole[-1].write_bytes(content)
            cut[-1].write_bytes(content[: len(content) - 700])
    good, bad = set[str](), set[str]()
    for number in range(files):
        source = f"{number // 1000:03}/{number:06}.dcm"
        damaged = number % DAMAGED_INTERVAL == 7
        (bad if damaged else good).add(source)
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        os.link((cut if damaged else whole)[number % len(whole)], folder / source)
    return good, bad


def slope(samples: list[Sample], part: str, files: int) -> float:
    """Return the growth in bytes per file, by least squares, after the first quarter of the time.

    The files are assumed to be converted at a constant rate.
    """
    total = samples[-1].seconds
    later = [sample for sample in samples if sample.seconds > total / 4]
    done = np.array([sample.seconds / total * files for sample in later])
    size = np.array([getattr(sample, part) for sample in later], float)
    return float(np.polyfit(done, size, 1)[0])


def convert(trial: Trial, source: Path, good: set[str], bad: set[str]) -> None:
    """Convert with the command, and check the rows and the memory."""
    files, out = len(good) + len(bad), trial.folder / "out"
    process = trial.start([source], out, "--jobs", "2")
    with MemorySampler(process.pid, 0.05 if trial.short else 0.5) as sampler:
        ended = wait_for_end(process, 0.0)
    trial.expect(ended.code == SOME_FAILED, f"exit code {ended.code}: {ended.stderr}")
    images, failures = rows_of(out)
    trial.expect({row["source"] for row in images} == good, "the images are not those of the complete files")
    trial.expect({row["source"] for row in failures} == bad, "the failures are not those of the damaged files")
    trial.expect(len(images) + len(failures) == files, f"{len(images)} and {len(failures)} rows of {files} files")
    trial.report(f"{files} files, {len(bad)} damaged: {len(images)} images, {len(failures)} failures")
    for part, peak in (("parent", sampler.parent_peak), ("workers", sampler.workers_peak)):
        check_memory(trial, f"command, {part}", peak, slope(sampler.samples, part, files))


def never_replaced(trial: Trial, originals: Path) -> None:
    """Convert in one worker that is never replaced; half of the files are damaged."""
    paths, files = sorted(originals.iterdir()), 200 if trial.short else 10_000
    key = load_key(trial.folder / "key")
    context = RunContext(Options(), key, None).to_bytes()
    jobs = (ConvertJob(Reference(path, path.name, path.name), context) for path in islice(cycle(paths), files))
    settings = WorkerSettings(workers=1, recycle_after=files + 1, recycle_growth=1 << 40)
    outcomes: Counter[str] = Counter()
    with (
        WorkerPool(TASK, map(Job, jobs), settings) as pool,
        MemorySampler(os.getpid(), 0.05 if trial.short else 0.5) as sampler,
    ):
        for event in pool.events():
            if isinstance(event, TaskResult):
                outcomes[type(event.value).__name__] += 1
    trial.report(f"{files} files, one worker that is never replaced: {dict(outcomes)}")
    trial.expect(outcomes.total() == files, f"{outcomes.total()} outcomes of {files} files")
    trial.expect(outcomes[Failure.__name__] == outcomes[EncodedImage.__name__], "half of the files should fail")
    check_memory(trial, "worker", sampler.workers_peak, slope(sampler.samples, "workers", files))


def check_memory(trial: Trial, process: str, peak: int, bytes_per_file: float) -> None:
    """Report the memory of a process, and check its growth per file."""
    trial.report(f"{process}: peak {peak / MIB:.1f} MiB, {bytes_per_file:.0f} bytes per file")
    trial.expect(
        trial.short or bytes_per_file < MAX_BYTES_PER_FILE, f"{process} grows by {bytes_per_file:.0f} bytes per file"
    )


def run(trial: Trial) -> None:
    """Run both parts."""
    source, originals = trial.folder / "in", trial.folder / "originals"
    good, bad = write_sources(source, originals, 400 if trial.short else 20_000)
    convert(trial, source, good, bad)
    never_replaced(trial, originals)


if __name__ == "__main__":
    run_trial(__doc__, run)
