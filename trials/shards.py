# SPDX-License-Identifier: MIT
"""Kill shards and merges with SIGKILL at random times: the merged folder is that of one run.

    python -m trials.shards [--short]

Four shards (short: two) over 400 files (short: 60) are killed in their process groups at times from a generator with a
fixed seed and started again, two at the same time in one OUT. Then the merge is killed 20 times (short: 5) and started
again. After each kill every picture is parsed to its end. At the end OUT is compared with that of an uninterrupted run.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from trials.checks import differences, file_hashes, incomplete_pictures, temporary_files
from trials.harness import SOME_FAILED, Trial, kill_group, run_trial, wait_for_end
from trials.kills import write_sources

SEED = 11
NAMES = ("--names", "uid", "--split", "train=0.7,test=0.3")


def start_shard(trial: Trial, out: Path, shard: str) -> subprocess.Popen[str]:
    """Start a shard."""
    return trial.start([trial.folder / "in"], out, *NAMES, "--jobs", "1", "--shard", shard)


def convert_shards(trial: Trial, out: Path, shards: int, kills: int, times: random.Random) -> None:
    """Convert two shards at a time; kill both several times, and let them end after that."""
    names = [f"{number}/{shards}" for number in range(1, shards + 1)]
    for first in range(0, shards, 2):
        for _ in range(kills):
            running = [start_shard(trial, out, name) for name in names[first : first + 2]]
            time.sleep(times.uniform(0.5, 4))
            for process in running:
                kill_group(process)
            for picture in incomplete_pictures(out):
                trial.expect(False, f"after a kill {picture} is not a complete picture")
        running = [start_shard(trial, out, name) for name in names[first : first + 2]]
        for process in running:
            ended = wait_for_end(process, time.monotonic())
            trial.expect(ended.code in (0, SOME_FAILED), f"a shard ended with {ended.code}: {ended.stderr}")


def merge(trial: Trial, out: Path, kills: int, times: random.Random) -> int:
    """Kill the merge several times, and let it end after that; return how many kills came before its end."""
    command = [sys.executable, "-m", "plainfilm", "merge", str(out), "-q"]
    early = 0
    for _ in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        time.sleep(times.uniform(0.05, 2))
        early += process.poll() is None
        kill_group(process)
        for picture in incomplete_pictures(out):
            trial.expect(False, f"after a kill of the merge {picture} is not a complete picture")
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    trial.expect(done.returncode == 0, f"the merge ended with {done.returncode}: {done.stderr[-400:]}")
    return early


def run(trial: Trial) -> None:
    """Convert once as a whole and once in shards, and compare."""
    times, out = random.Random(SEED), trial.folder / "out"
    files, shards, shard_kills, merge_kills = (60, 2, 2, 5) if trial.short else (400, 4, 6, 20)
    write_sources(trial.folder / "in", files)
    trial.convert([trial.folder / "in"], trial.folder / "whole", *NAMES)
    convert_shards(trial, out, shards, shard_kills, times)
    early = merge(trial, out, merge_kills, times)
    other = differences(file_hashes(trial.folder / "whole"), file_hashes(out))
    trial.expect(not other, f"after the kills these files differ: {other}")
    for name in temporary_files(out):
        trial.expect(False, f"{name} is left")
    kills = f"{shard_kills * shards} kills of shards, {early} of the merge"
    trial.report(f"{files} files, {shards} shards, {kills}: {len(other)} differences")


if __name__ == "__main__":
    run_trial(__doc__, run)
