# SPDX-License-Identifier: MIT
"""20,000 conversions by the same two workers, one in twenty damaged: memory does not grow, every file has its row.

    python trials/soak.py [--short]

Small films in every transfer syntax, each under hundreds of names; damaged are those that end too early. The memory of
the command and of its workers is sampled with the number of files done, and a line is laid through what was sampled
after the first quarter: its slope is how much a file leaves behind (P27; short: 400 files, and no slope is demanded, as
the start outweighs it). All rows are counted against a list that was made with the files (P1).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from bench import SOME_FAILED, Bench, MemoryWatch, Sample, end_of, run_trial
from checking import rows_of
from seeds import seed_films

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


def trial(bench: Bench) -> None:
    """Convert, sample, count."""
    files, source, out = 400 if bench.short else 20_000, bench.folder / "in", bench.folder / "out"
    good, bad = make(source, bench.folder / "originals", files)
    process = bench.start([source], out, "--jobs", "2")
    with MemoryWatch(process, 0.05 if bench.short else 0.5) as watch:
        ended = end_of(process, 0.0)
    bench.expect(ended.code == SOME_FAILED, f"exit code {ended.code}: {ended.said}")
    images, failures = rows_of(out)
    bench.expect({row["source"] for row in images} == good, "the images are not those of the whole films")
    bench.expect({row["source"] for row in failures} == bad, "the failures are not those of the damaged films")
    bench.expect(len(images) + len(failures) == files, f"{len(images)} and {len(failures)} rows of {files} files")
    bench.say(f"{files} files, {len(bad)} damaged: {len(images)} images, {len(failures)} failures")
    for part, peak in (("parent", watch.parent_peak), ("workers", watch.workers_peak)):
        bytes_a_file = slope(watch.samples, part, files)
        bench.say(f"{part}: peak {peak / MIB:.1f} MiB, {bytes_a_file:.0f} bytes a file")
        bench.expect(bench.short or bytes_a_file < MOST_BYTES_A_FILE, f"{part} grow by {bytes_a_file:.0f} bytes a file")


if __name__ == "__main__":
    run_trial(__doc__, trial)
