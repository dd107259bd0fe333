# SPDX-License-Identifier: MIT
"""kill -9 at random moments: no half picture ever, and OUT ends as that of a run that nothing stopped, to the byte.

    python -m trials.kills [--short]

A run over 400 films and some files that are none is killed with its process group 20 times (short: 4 times, 60 films),
at moments drawn with a fixed seed, each time gone on with by the same command, and begun anew where it was faster than
the kill. After each kill every picture that has its name is parsed, chunk by chunk, to its end. The last
command is left alone, with another number of workers; what it leaves is compared with an uninterrupted run.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from trials.bench import SOME_FAILED, Bench, kill_group, run_trial
from trials.checking import differences, halves, leftovers, pictures_of, tree_of, untruths
from trials.seeds import seed_films

SEED = 9


def make(folder: Path, films: int) -> None:
    """Copies of the seed films in three folders, two of them cut, and a text."""
    seeds = list(seed_films().values())
    for number in range(films):
        path = folder / f"series {number % 3}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[number % len(seeds)])
    (folder / "cut.dcm").write_bytes(seeds[0][:-500])
    (folder / "cut too.dcm").write_bytes(seeds[-1][:-50])
    (folder / "notes.txt").write_text("no film")


def kill_once(bench: Bench, source: Path, out: Path, delay: float) -> bool:
    """Start the run, kill it after a delay (seconds), look at what it left; whether it was still running then."""
    process = bench.start([source], out, "--jobs", "2")
    time.sleep(delay)
    running = process.poll() is None
    kill_group(process)
    for name in halves(out):
        bench.expect(False, f"after a kill at {delay:.2f} s {name} is no whole picture")
    return running


def finish(bench: Bench, source: Path, out: Path, expected: dict[str, str]) -> None:
    """Go on with the run, alone, and compare what it leaves."""
    ended = bench.convert([source], out, "--jobs", "3")
    bench.expect(ended.code == SOME_FAILED, f"the run that went on ended with {ended.code}: {ended.said}")
    other = differences(expected, tree_of(out))
    bench.expect(not other, f"after kills others are {other}")
    for untruth in (*untruths(out), *leftovers(out)):
        bench.expect(False, untruth)


def trial(bench: Bench) -> None:
    """Kill, go on, compare."""
    source, chance = bench.folder / "in", random.Random(SEED)
    films, wanted = (60, 4) if bench.short else (400, 20)
    make(source, films)
    whole = bench.convert([source], bench.folder / "whole", "--jobs", "1")
    expected = tree_of(bench.folder / "whole")
    bench.say(f"{films} films uninterrupted, one worker: {whole.seconds:.1f} s, {len(expected)} files")
    kills, outs, amid = 0, 1, list[int]()
    while kills < wanted:
        out = bench.folder / f"out{outs}"
        if kill_once(bench, source, out, chance.uniform(0.4, 0.4 + 0.5 * whole.seconds)):
            kills += 1
            amid.append(len(pictures_of(out)))
        else:
            finish(bench, source, out, expected)
            outs += 1
    finish(bench, source, bench.folder / f"out{outs}", expected)
    bench.say(f"{kills} kills, with {amid} pictures there; {outs} folders gone on with to the same bytes")


if __name__ == "__main__":
    run_trial(__doc__, trial)
