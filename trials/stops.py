# SPDX-License-Identifier: MIT
"""Stop runs with signals, start a second run into the same OUT, change options, and vary the environment.

    python -m trials.stops [--short]

The checks are: a run ends within five seconds of a signal, with exit code 130 or 143, and its tables name exactly the
existing files, also if it only skips finished files, and if a second signal follows (P4). A second run into the same
OUT ends at once with exit code 3 and changes nothing (P13), and after SIGKILL nothing is locked. Other options end
with exit code 3, and a source with other bytes is converted again (P12). OUT does not depend on the number of workers,
the order in which the sources were written, PYTHONHASHSEED and LC_ALL (P11).
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from trials.checks import differences, file_hashes, inconsistencies, pictures_of
from trials.harness import RUN_ERROR, SOME_FAILED, Trial, kill_group, run_trial, wait_for_end
from trials.samples import sample_files

SECONDS = 5.0
CONVERTED = "metadata.csv"


def write_sources(folder: Path, films: int, seed: int | None = None) -> None:
    """Write copies of the sample files, in an order that the seed shuffles."""
    seeds = list(sample_files().values())
    numbers = list(range(films))
    if seed is not None:
        random.Random(seed).shuffle(numbers)
    for number in numbers:
        path = folder / f"{number % 5}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[number % len(seeds)])
    (folder / "cut.dcm").write_bytes(seeds[0][:-500])


def wait_for(path: Path, pattern: str, seconds: float = 60) -> None:
    """Wait until a file matches the pattern below the path."""
    deadline = time.monotonic() + seconds
    while next(path.rglob(pattern), None) is None and time.monotonic() < deadline:
        time.sleep(0.01)


def stop(trial: Trial, source: Path, out: Path, numbers: tuple[int, ...], pattern: str = "*.png") -> None:
    """Start or resume a run, send the signals when a file matches the pattern, and check OUT."""
    process = trial.start([source], out, "--jobs", "2")
    wait_for(out, pattern)
    started = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.05)
    ended = wait_for_end(process, started)
    name = "+".join(signal.Signals(number).name for number in numbers)
    trial.report(f"{name}: exit code {ended.code} after {ended.seconds:.2f} s, {len(pictures_of(out))} pictures")
    trial.expect(ended.code == 128 + numbers[0], f"{name}: exit code {ended.code}: {ended.stderr}")
    trial.expect(ended.seconds < SECONDS, f"{name}: it took {ended.seconds:.1f} s")
    for inconsistency in inconsistencies(out):
        trial.expect(False, f"{name}: {inconsistency}")


def check_signals(trial: Trial, source: Path, expected: dict[str, str]) -> None:
    """Stop runs with SIGINT and SIGTERM, and resume them (P4)."""
    for numbers in ((signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)):
        out = trial.folder / f"stopped {len(numbers)} {numbers[0]}"
        stop(trial, source, out, numbers)
        ended = trial.convert([source], out)
        trial.expect(ended.code == SOME_FAILED, f"resumed: exit code {ended.code}: {ended.stderr}")
        other = differences(expected, file_hashes(out))
        trial.expect(not other, f"resumed after a stop, these files differ: {other}")


def check_stop_while_skipping(trial: Trial) -> None:
    """Stop a run that only skips finished files (P4)."""
    source, out = trial.folder / "many", trial.folder / "many out"
    (source / "a").mkdir(parents=True)
    for number in range(2_000 if trial.short else 40_000):
        (source / "a" / f"{number:06}").write_bytes(b"no film")
    (source / "one.dcm").write_bytes(sample_files()["frames"])
    done = trial.convert([source], out)
    process, started = trial.start([source], out, "--progress", "json"), time.monotonic()
    time.sleep(1.0 if trial.short else 2.0)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    ended = wait_for_end(process, sent)
    trial.report(f"SIGINT {sent - started:.1f} s into a run that skips what took {done.seconds:.1f} s: {ended}")
    trial.expect(ended.seconds < SECONDS, f"it took {ended.seconds:.1f} s to stop while skipping")
    trial.expect(ended.code in (0, 130), f"exit code {ended.code}")
    for inconsistency in inconsistencies(out):
        trial.expect(False, f"while skipping: {inconsistency}")


def check_second_run(trial: Trial, source: Path, expected: dict[str, str]) -> None:
    """Start a second run into the same OUT (P13)."""
    out = trial.folder / "shared"
    first, started = trial.start([source], out, "--jobs", "1"), time.monotonic()
    wait_for(out, "*.png")
    os.killpg(first.pid, signal.SIGSTOP)
    second = trial.convert([source], out, "--jobs", "1")
    os.killpg(first.pid, signal.SIGCONT)
    ended = wait_for_end(first, started)
    trial.report(f"a second run: exit code {second.code} in {second.seconds:.2f} s: {second.stderr.strip()}")
    trial.expect(second.code == RUN_ERROR, f"a second run ended with {second.code}")
    trial.expect(ended.code == SOME_FAILED and not differences(expected, file_hashes(out)), "the first run was changed")
    again = trial.start([source], trial.folder / "killed", "--jobs", "1")
    wait_for(trial.folder / "killed", "*.png")
    kill_group(again)
    after = trial.convert([source], trial.folder / "killed")
    trial.expect(after.code == SOME_FAILED, f"after kill -9: exit code {after.code}: {after.stderr}")


def check_other_options(trial: Trial, source: Path, expected: dict[str, str]) -> None:
    """Run again with other options and with a changed source (P12)."""
    out = trial.folder / "shared"
    ended = trial.convert([source], out, "--bits", "16")
    trial.report(f"another bit depth: exit code {ended.code} in {ended.seconds:.2f} s")
    trial.expect(ended.code == RUN_ERROR and "--bits" in ended.stderr, f"{ended.code}: {ended.stderr}")
    trial.expect(not differences(expected, file_hashes(out)), "another bit depth changed OUT")
    changed = source / "0" / "0000.dcm"
    before = changed.read_bytes()
    changed.write_bytes(sample_files()["implicit"] + b"\0")
    ended = trial.convert([source], out)
    other = differences(expected, file_hashes(out))
    trial.expect("1 file has changed" in ended.stderr, f"the change was not noted: {ended.stderr}")
    trial.expect({"0/0000.png", CONVERTED} <= set(other), f"the changed files are {other}")
    changed.write_bytes(before)


def check_environments(trial: Trial, films: int, expected: dict[str, str]) -> None:
    """Compare runs in different environments (P11)."""
    write_sources(trial.folder / "shuffled" / "in", films, seed=4)
    environments = {
        "two workers": (["--jobs", "2"], {}),
        "four workers, hash seed 1": (["--jobs", "4"], {"PYTHONHASHSEED": "1"}),
        "hash seed 77, LC_ALL=C": (["--jobs", "2"], {"PYTHONHASHSEED": "77", "LC_ALL": "C", "TZ": "Asia/Kolkata"}),
    }
    for name, (words, environment) in environments.items():
        out = trial.folder / name
        trial.convert([trial.folder / "shuffled" / "in"], out, *words, environment=environment)
        other = differences(expected, file_hashes(out))
        trial.report(f"{name}, sources written in another order: {len(other)} of {len(expected)} files differ")
        trial.expect(not other, f"{name}: these files differ: {other}")


def run(trial: Trial) -> None:
    """Run all checks."""
    source, films = trial.folder / "in", 60 if trial.short else 400
    write_sources(source, films)
    trial.convert([source], trial.folder / "whole", "--jobs", "1")
    expected = file_hashes(trial.folder / "whole")
    check_signals(trial, source, expected)
    check_stop_while_skipping(trial)
    check_second_run(trial, source, expected)
    check_environments(trial, films, expected)
    check_other_options(trial, source, expected)


if __name__ == "__main__":
    run_trial(__doc__, run)
