# SPDX-License-Identifier: MIT
"""Kill a run with SIGKILL at random times: no incomplete picture exists, and the resumed run is identical.

    python -m trials.kills [--short]

The process group of a run over 400 DICOM files and some other files is killed 20 times (short: 4 times, 60 files), at
times from a generator with a fixed seed. After each kill the same command resumes the run; if a run ends before the
kill, another one is started in a new folder. After each kill every picture is parsed, chunk by chunk, to its end. The
last command is not killed and has another number of workers; its OUT is compared with that of an uninterrupted run.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from trials.checks import differences, file_hashes, incomplete_pictures, inconsistencies, pictures_of, temporary_files
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


def kill_once(trial: Trial, source: Path, out: Path, delay: float) -> bool:
    """Start the run, kill it after a delay in seconds, and check its pictures; return whether it was still running."""
    process = trial.start([source], out, "--jobs", "2")
    time.sleep(delay)
    running = process.poll() is None
    kill_group(process)
    for name in incomplete_pictures(out):
        trial.expect(False, f"after a kill at {delay:.2f} s {name} is not a complete picture")
    return running


def finish(trial: Trial, source: Path, out: Path, expected: dict[str, str]) -> None:
    """Resume the run without a kill, and compare OUT with that of the uninterrupted run."""
    ended = trial.convert([source], out, "--jobs", "3")
    trial.expect(ended.code == SOME_FAILED, f"the resumed run ended with exit code {ended.code}: {ended.stderr}")
    other = differences(expected, file_hashes(out))
    trial.expect(not other, f"after the kills these files differ: {other}")
    for inconsistency in (*inconsistencies(out), *temporary_files(out)):
        trial.expect(False, inconsistency)


def run(trial: Trial) -> None:
    """Kill the run several times, resume it, and compare the result."""
    source, random_times = trial.folder / "in", random.Random(SEED)
    files, wanted_kills = (60, 4) if trial.short else (400, 20)
    write_sources(source, files)
    whole = trial.convert([source], trial.folder / "whole", "--jobs", "1")
    expected = file_hashes(trial.folder / "whole")
    trial.report(f"{files} files uninterrupted, one worker: {whole.seconds:.1f} s, {len(expected)} files")
    kills, outs, pictures_at_kill = 0, 1, list[int]()
    while kills < wanted_kills:
        out = trial.folder / f"out{outs}"
        if kill_once(trial, source, out, random_times.uniform(0.4, 0.4 + 0.5 * whole.seconds)):
            kills += 1
            pictures_at_kill.append(len(pictures_of(out)))
        else:
            finish(trial, source, out, expected)
            outs += 1
    finish(trial, source, trial.folder / f"out{outs}", expected)
    trial.report(f"{kills} kills, with {pictures_at_kill} pictures; {outs} resumed folders are identical")


if __name__ == "__main__":
    run_trial(__doc__, run)
