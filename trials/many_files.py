# SPDX-License-Identifier: MIT
"""Convert 100,000 files: memory does not grow with their number, and the first picture exists within seconds.

    python -m trials.many_files [--short]

The files are hard links to a few small DICOM files and to other files; one in fifty is a DICOM file. They are in one
folder, or in folders of 500. Each layout is converted with a tenth of the files and with all of them (short: 500 and
5,000), while the memory of the command and of its workers is sampled. The report has the peaks, the seconds until the
first picture, and the time of a second run, which has nothing to do (P18).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from trials.checks import rows_of
from trials.harness import MemorySampler, Trial, run_trial, wait_for_end
from trials.samples import demo_files

ONE_IN = 50
IN_A_FOLDER = 500
GROWTH = 1.10
FIRST_PICTURE_SECONDS = 10.0
MIB = 1024**2
CACHES = 12 * MIB


@dataclass(frozen=True, slots=True)
class Run:
    """The measurements of one run: peaks in bytes, and seconds."""

    parent: int
    workers: int
    first: float
    seconds: float
    again: float


def write_sources(folder: Path, originals: list[Path], files: int, spread: bool) -> None:
    """Make hard links to several originals, because file systems limit the number of links to one file."""
    for number in range(files):
        subfolder = folder / f"{number // IN_A_FOLDER:04}" if spread else folder
        if number % IN_A_FOLDER == 0:
            subfolder.mkdir(parents=True, exist_ok=True)
        is_dicom = number % ONE_IN == 0
        original = originals[number // ONE_IN % 4] if is_dicom else originals[4 + number % 4]
        os.link(original, subfolder / f"{number:06}{'.dcm' if is_dicom else '.dat'}")


def convert(trial: Trial, source: Path, out: Path, files: int) -> Run:
    """Convert a folder twice and return the measurements."""
    process, started, first = trial.start([source], out, "--jobs", "2"), time.monotonic(), 0.0
    with MemorySampler(process.pid) as sampler:
        while process.poll() is None and not first:
            if next(out.rglob("*.png"), None) is not None:
                first = time.monotonic() - started
            time.sleep(0.05)
        ended = wait_for_end(process, started)
    trial.expect(ended.code == 0, f"exit code {ended.code}: {ended.stderr}")
    images, failures = rows_of(out)
    trial.expect(len(images) + len(failures) == files, f"{len(images)} and {len(failures)} rows of {files} files")
    again = trial.convert([source], out, "--jobs", "2")
    trial.expect(again.code == 0, f"second run: exit code {again.code}: {again.stderr}")
    return Run(sampler.parent_peak, sampler.workers_peak, first, ended.seconds, again.seconds)


def compare(trial: Trial, name: str, originals: list[Path], spread: bool) -> None:
    """Compare a tenth of the files with all of them."""
    all_files, runs = 5_000 if trial.short else 100_000, list[Run]()
    for files in (all_files // 10, all_files):
        source = trial.folder / f"{name} {files}"
        write_sources(source, originals, files, spread)
        run = convert(trial, source, trial.folder / f"out {name} {files}", files)
        trial.report(
            f"{name}, {files} files: command {run.parent / MIB:.1f} MiB, workers {run.workers / MIB:.1f} MiB, "
            f"first picture after {run.first:.2f} s, all after {run.seconds:.1f} s, nothing to do {run.again:.1f} s"
        )
        # the short form is a test, and no test depends on the speed of the machine
        trial.expect(trial.short or run.first < FIRST_PICTURE_SECONDS, f"the first picture took {run.first:.1f} s")
        runs.append(run)
    growth = runs[1].parent / runs[0].parent
    trial.report(f"{name}: the command's memory is {growth:.3f} times as large with ten times the files")
    grown = runs[1].parent - runs[0].parent
    # with the few files of the short form, caches of a fixed size are not yet full
    is_flat = grown < CACHES if trial.short else growth < GROWTH
    trial.expect(is_flat, f"{name}: memory has grown by {100 * growth - 100:.0f} %")


def run(trial: Trial) -> None:
    """Compare both layouts."""
    originals = trial.folder / "originals"
    originals.mkdir()
    films = list(demo_files(48, 40).values())[:4]
    paths = []
    for number, content in enumerate([*films, *([b"no film " * 20] * 4)]):
        paths.append(originals / f"{number}")
        paths[-1].write_bytes(content)
    compare(trial, "spread over folders", paths, spread=True)
    compare(trial, "in one folder", paths, spread=False)


if __name__ == "__main__":
    run_trial(__doc__, run)
