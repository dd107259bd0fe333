# SPDX-License-Identifier: MIT
"""Kill a run with SIGKILL at random times: no incomplete picture exists, and the resumed run is identical.

    python -m trials.kills [--short]

The process group of a run over 400 DICOM files and some other files is killed 20 times (short: 4 times, 60 files), at
times from a generator with a fixed seed. Runs into split folders, tar files and Parquet files are killed 8 times each
(short: once). After each kill the same command resumes the run; if a run ends before the
kill, another one is started in a new folder. After each kill every picture and shard is parsed to its end. The
last command is not killed and has another number of workers; its OUT is compared with that of an uninterrupted run.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from plainfilm.conversion.verification import verify_output
from trials.checks import (
    contradictions,
    differences,
    file_hashes,
    incomplete_pictures,
    incomplete_shards,
    inconsistencies,
    pictures_of,
    temporary_files,
)
from trials.forms import FOLDER, OTHER_FORMS, Form
from trials.harness import SOME_FAILED, Trial, kill_group, run_trial
from trials.samples import sample_files

SEED = 9


def write_sources(folder: Path, files: int) -> None:
    """Write copies of the sample files to three folders, two truncated files, and a text file."""
    seeds = list(sample_files().values())
    for number in range(files):
        path = folder / f"series {number % 3}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[number % len(seeds)])
    (folder / "cut.dcm").write_bytes(seeds[0][:-500])
    (folder / "cut too.dcm").write_bytes(seeds[-1][:-50])
    (folder / "notes.txt").write_text("no film")


def kill_once(trial: Trial, source: Path, out: Path, form: Form, delay: float) -> bool:
    """Start the run, kill it after a delay in seconds, and check its files; return whether it was still running."""
    process = trial.start([source], out, *form.words, "--jobs", "2")
    time.sleep(delay)
    running = process.poll() is None
    kill_group(process)
    for name in (*incomplete_pictures(out), *incomplete_shards(out)):
        trial.expect(False, f"{form.name}: after a kill at {delay:.2f} s {name} is not complete")
    return running


def finish(trial: Trial, source: Path, out: Path, form: Form, expected: dict[str, str]) -> None:
    """Resume the run without a kill, and compare OUT with that of the uninterrupted run."""
    ended = trial.convert([source], out, *form.words, "--jobs", "3")
    trial.expect(ended.code == SOME_FAILED, f"the resumed run ended with exit code {ended.code}: {ended.stderr}")
    other = differences(expected, file_hashes(out))
    trial.expect(not other, f"after the kills these files differ: {other}")
    of_tables = inconsistencies(out) if form == FOLDER else contradictions(out, form)
    for inconsistency in (*of_tables, *temporary_files(out)):
        trial.expect(False, f"{form.name}: {inconsistency}")
    trial.expect(not verify_output(out).has_differences, f"{form.name}: `plainfilm verify` finds differences")


def kill_runs(trial: Trial, source: Path, form: Form, wanted_kills: int) -> None:
    """Kill runs into one form of OUT several times, resume them, and compare the result."""
    random_times, place = random.Random(SEED), trial.folder / form.name
    place.mkdir()
    whole = trial.convert([source], place / "whole", *form.words, "--jobs", "1")
    expected = file_hashes(place / "whole")
    trial.report(f"{form.name}: uninterrupted, one worker: {whole.seconds:.1f} s, {len(expected)} files")
    kills, outs, pictures_at_kill = 0, 1, list[int]()
    while kills < wanted_kills:
        out = place / f"out{outs}"
        # with shards, the end of the run is of more interest than its beginning
        earliest = 0.4 if form == FOLDER else 0.3 * whole.seconds
        if kill_once(trial, source, out, form, random_times.uniform(earliest, 0.4 + 0.6 * whole.seconds)):
            kills += 1
            pictures_at_kill.append(len(pictures_of(out)))
        else:
            finish(trial, source, out, form, expected)
            outs += 1
    finish(trial, source, place / f"out{outs}", form, expected)
    trial.report(f"{kills} kills, with {pictures_at_kill} pictures; {outs} resumed folders are identical")


def run(trial: Trial) -> None:
    """Kill runs into each form of OUT."""
    source = trial.folder / "in"
    write_sources(source, 60 if trial.short else 400)
    kill_runs(trial, source, FOLDER, 4 if trial.short else 20)
    for form in OTHER_FORMS:
        kill_runs(trial, source, form, 1 if trial.short else 8)


if __name__ == "__main__":
    run_trial(__doc__, run)
