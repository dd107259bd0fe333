# SPDX-License-Identifier: MIT
"""A disk that fills up: exit code 3, whole pictures, true tables, and with more room the same command ends the work.

    python -m trials.full_disk [--short]

OUT lies on a small file system in memory that is mounted for this process alone (`unshare -Urm`; where the system does
not let users make name spaces this part is skipped). Each size is tried, from one that hardly holds the ledger to one
that holds most of the pictures; then the file system is made large and the same command given again. The other part
sets the largest file that the command may write (RLIMIT_FSIZE), as some systems ration space.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trials.bench import CANNOT_GO_ON, Bench, SkippedError, run_trial
from trials.checking import differences, leftovers, pictures_of, tree_of, untruths
from trials.seeds import demo_films

INSIDE = "PLAINFILM_TRIAL_MOUNTS"
SIZES = ("60k", "100k", "150k", "200k", "250k", "300k", "400k", "600k", "800k", "1m", "1500k", "2m", "3m", "4m", "5m")
SIZES_SHORT = ("300k", "1m")
FILE_SIZES = (4_096, 16_384, 65_536, 262_144)


def make(folder: Path, films: int) -> None:
    """Copies of the demo's films, of pictures of some 15 kB."""
    folder.mkdir()
    seeds = list(demo_films(200, 160).values())
    for number in range(films):
        (folder / f"{number:04}.dcm").write_bytes(seeds[number % len(seeds)])


def look(bench: Bench, out: Path, said: str, name: str) -> None:
    """What a run that could not go on has to leave."""
    bench.expect("make room and run again" in said, f"{name}: it does not say what to do: {said!r}")
    bench.expect("Traceback" not in said, f"{name}: {said}")
    if (out / "metadata.csv").exists():
        for untruth in untruths(out):
            bench.expect(False, f"{name}: {untruth}")
    else:
        bench.expect(not pictures_of(out), f"{name}: pictures without a table")
    for left in leftovers(out):
        bench.expect(False, f"{name}: {left} is left")


def mounted(bench: Bench, source: Path, expected: dict[str, str], size: str) -> None:
    """Fill a file system of this size, make it larger, and go on."""
    place = bench.folder / f"disk of {size}"
    place.mkdir()
    _run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)])
    out = place / "out"
    ended = bench.convert([source], out, "--jobs", "2")
    bench.say(f"{size}: exit code {ended.code} in {ended.seconds:.1f} s, {len(pictures_of(out))} pictures")
    bench.expect(ended.code == CANNOT_GO_ON, f"{size}: exit code {ended.code}")
    look(bench, out, ended.said, size)
    again = bench.convert([source], out, "--jobs", "2")
    bench.expect(again.code == CANNOT_GO_ON, f"{size}, again: exit code {again.code}")
    look(bench, out, again.said, f"{size}, again")
    _run(["mount", "-o", "remount,size=100m", str(place)])
    ended = bench.convert([source], out, "--jobs", "2")
    bench.expect(ended.code == 0, f"{size}, then 100m: exit code {ended.code}: {ended.said}")
    other = differences(expected, tree_of(out))
    bench.expect(not other, f"{size}, then 100m: others are {other}")
    _run(["umount", str(place)])


def rationed(bench: Bench, source: Path, expected: dict[str, str], size: int) -> None:
    """Let the command write no file beyond this size (bytes), then any, and go on."""
    out = bench.folder / f"rationed {size}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        process = bench.start([source], out, "--jobs", "2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = process.communicate()[1]
    bench.say(f"files of at most {size} bytes: exit code {process.returncode}, {len(pictures_of(out))} pictures")
    bench.expect(process.returncode == CANNOT_GO_ON, f"{size} bytes: exit code {process.returncode}")
    look(bench, out, said, f"{size} bytes")
    ended = bench.convert([source], out, "--jobs", "2")
    bench.expect(ended.code == 0, f"{size} bytes, then any: exit code {ended.code}: {ended.said}")
    other = differences(expected, tree_of(out))
    bench.expect(not other, f"{size} bytes, then any: others are {other}")


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"{command[0]}: {done.stderr.strip()}")


def enter_own_mounts() -> None:
    """Begin anew in a name space of mounts of our own, where the system allows it."""
    apart = shutil.which("unshare")
    if INSIDE not in os.environ and apart is not None:
        tried = subprocess.run([apart, "-Urm", "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            os.environ[INSIDE] = "1"
            os.execv(apart, [apart, "-Urm", sys.executable, *sys.argv])


def trial(bench: Bench) -> None:
    """Both parts."""
    source, films = bench.folder / "in", 120 if bench.short else 400
    make(source, films)
    bench.convert([source], bench.folder / "whole", "--jobs", "2")
    expected = tree_of(bench.folder / "whole")
    for size in FILE_SIZES[::2] if bench.short else FILE_SIZES:
        rationed(bench, source, expected, size)
    if INSIDE not in os.environ:
        raise SkippedError("no file system may be mounted here (`unshare -Urm`)")
    for disk in SIZES_SHORT if bench.short else SIZES:
        mounted(bench, source, expected, disk)


if __name__ == "__main__":
    enter_own_mounts()
    run_trial(__doc__, trial)
