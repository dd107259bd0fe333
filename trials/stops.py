# SPDX-License-Identifier: MIT
"""SIGINT and SIGTERM, a second run into the same OUT, other options, and what must not matter to the result.

    python -m trials.stops [--short]

Shown are: a run ends within five seconds of a signal, with 130 or 143, and its tables name exactly the files that are
there, also where it is only skipping what is done, and where a second signal follows (P4); a second run into that OUT
leaves with 3 at once and harms nothing (P13), and after kill -9 nothing is locked; other options leave with 3, and a
source with other bytes is converted again (P12); and OUT is the same whatever the number of workers, the order in which
the sources were made, PYTHONHASHSEED and LC_ALL (P11).
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from trials.bench import CANNOT_GO_ON, SOME_FAILED, Bench, end_of, kill_group, run_trial
from trials.checking import differences, pictures_of, tree_of, untruths
from trials.seeds import seed_films

SECONDS = 5.0
CONVERTED = "metadata.csv"


def make(folder: Path, films: int, seed: int | None = None) -> None:
    """Copies of the seed films, each with a name of its own, made in an order that the seed shuffles."""
    seeds = list(seed_films().values())
    numbers = list(range(films))
    if seed is not None:
        random.Random(seed).shuffle(numbers)
    for number in numbers:
        path = folder / f"{number % 5}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[number % len(seeds)])
    (folder / "cut.dcm").write_bytes(seeds[0][:-500])


def wait_for(path: Path, pattern: str, seconds: float = 60) -> None:
    """Until there is a file of this pattern below the path."""
    deadline = time.monotonic() + seconds
    while next(path.rglob(pattern), None) is None and time.monotonic() < deadline:
        time.sleep(0.01)


def stop(bench: Bench, source: Path, out: Path, numbers: tuple[int, ...], pattern: str = "*.png") -> None:
    """Start or go on, send the signals once there is a file of the pattern, and look at what is left."""
    process = bench.start([source], out, "--jobs", "2")
    wait_for(out, pattern)
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.05)
    ended = end_of(process, began)
    name = "+".join(signal.Signals(number).name for number in numbers)
    bench.say(f"{name}: exit code {ended.code} after {ended.seconds:.2f} s, {len(pictures_of(out))} pictures")
    bench.expect(ended.code == 128 + numbers[0], f"{name}: exit code {ended.code}: {ended.said}")
    bench.expect(ended.seconds < SECONDS, f"{name}: it took {ended.seconds:.1f} s")
    for untruth in untruths(out):
        bench.expect(False, f"{name}: {untruth}")


def signals(bench: Bench, source: Path, expected: dict[str, str]) -> None:
    """P4."""
    for numbers in ((signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)):
        out = bench.folder / f"stopped {len(numbers)} {numbers[0]}"
        stop(bench, source, out, numbers)
        ended = bench.convert([source], out)
        bench.expect(ended.code == SOME_FAILED, f"gone on with: exit code {ended.code}: {ended.said}")
        other = differences(expected, tree_of(out))
        bench.expect(not other, f"gone on with after a stop, others are {other}")


def while_skipping(bench: Bench) -> None:
    """P4, of a run that finds everything done."""
    source, out = bench.folder / "many", bench.folder / "many out"
    (source / "a").mkdir(parents=True)
    for number in range(2_000 if bench.short else 40_000):
        (source / "a" / f"{number:06}").write_bytes(b"no film")
    (source / "one.dcm").write_bytes(seed_films()["frames"])
    done = bench.convert([source], out)
    process, began = bench.start([source], out, "--progress", "json"), time.monotonic()
    time.sleep(1.0 if bench.short else 2.0)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    ended = end_of(process, sent)
    bench.say(f"SIGINT {sent - began:.1f} s into a run that skips what took {done.seconds:.1f} s: {ended}")
    bench.expect(ended.seconds < SECONDS, f"it took {ended.seconds:.1f} s to stop while skipping")
    bench.expect(ended.code in (0, 130), f"exit code {ended.code}")
    for untruth in untruths(out):
        bench.expect(False, f"while skipping: {untruth}")


def second_run(bench: Bench, source: Path, expected: dict[str, str]) -> None:
    """P13."""
    out = bench.folder / "shared"
    first, began = bench.start([source], out, "--jobs", "1"), time.monotonic()
    wait_for(out, "*.png")
    os.killpg(first.pid, signal.SIGSTOP)
    second = bench.convert([source], out, "--jobs", "1")
    os.killpg(first.pid, signal.SIGCONT)
    ended = end_of(first, began)
    bench.say(f"a second run: exit code {second.code} in {second.seconds:.2f} s: {second.said.strip()}")
    bench.expect(second.code == CANNOT_GO_ON, f"a second run ended with {second.code}")
    bench.expect(ended.code == SOME_FAILED and not differences(expected, tree_of(out)), "the first run was harmed")
    again = bench.start([source], bench.folder / "killed", "--jobs", "1")
    wait_for(bench.folder / "killed", "*.png")
    kill_group(again)
    after = bench.convert([source], bench.folder / "killed")
    bench.expect(after.code == SOME_FAILED, f"after kill -9: exit code {after.code}: {after.said}")


def other_options(bench: Bench, source: Path, expected: dict[str, str]) -> None:
    """P12."""
    out = bench.folder / "shared"
    ended = bench.convert([source], out, "--bits", "16")
    bench.say(f"another bit depth: exit code {ended.code} in {ended.seconds:.2f} s")
    bench.expect(ended.code == CANNOT_GO_ON and "--bits" in ended.said, f"{ended.code}: {ended.said}")
    bench.expect(not differences(expected, tree_of(out)), "another bit depth has changed something")
    changed = source / "0" / "0000.dcm"
    before = changed.read_bytes()
    changed.write_bytes(seed_films()["implicit"] + b"\0")
    ended = bench.convert([source], out)
    other = differences(expected, tree_of(out))
    bench.expect("1 files have changed" in ended.said, f"the change was not noted: {ended.said}")
    bench.expect({"0/0000.png", CONVERTED} <= set(other), f"changed are {other}")
    changed.write_bytes(before)


def conditions(bench: Bench, films: int, expected: dict[str, str]) -> None:
    """P11."""
    make(bench.folder / "shuffled" / "in", films, seed=4)
    ways = {
        "two workers": (["--jobs", "2"], {}),
        "four workers, hash seed 1": (["--jobs", "4"], {"PYTHONHASHSEED": "1"}),
        "hash seed 77, LC_ALL=C": (["--jobs", "2"], {"PYTHONHASHSEED": "77", "LC_ALL": "C", "TZ": "Asia/Kolkata"}),
    }
    for name, (words, environment) in ways.items():
        out = bench.folder / name
        bench.convert([bench.folder / "shuffled" / "in"], out, *words, environment=environment)
        other = differences(expected, tree_of(out))
        bench.say(f"{name}, sources made in another order: {len(other)} of {len(expected)} files differ")
        bench.expect(not other, f"{name}: others are {other}")


def trial(bench: Bench) -> None:
    """One after the other."""
    source, films = bench.folder / "in", 60 if bench.short else 400
    make(source, films)
    bench.convert([source], bench.folder / "whole", "--jobs", "1")
    expected = tree_of(bench.folder / "whole")
    signals(bench, source, expected)
    while_skipping(bench)
    second_run(bench, source, expected)
    conditions(bench, films, expected)
    other_options(bench, source, expected)


if __name__ == "__main__":
    run_trial(__doc__, trial)
