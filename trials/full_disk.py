# SPDX-License-Identifier: MIT
"""Fill the disk during a run: exit code 3, complete pictures, consistent tables; with more space the run resumes.

    python -m trials.full_disk [--short]

OUT is on a small file system in memory that only this process sees (`unshare -Urm`; without user namespaces this part
is skipped). The sizes range from one that hardly fits the ledger to one that fits most pictures. Then the file system
is enlarged and the same command is run again. The other part limits the size of the files that the command may write
(RLIMIT_FSIZE), which some systems use as a quota. Fewer sizes are tried with split folders, tar
files and Parquet files.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trials.checks import (
    contradictions,
    differences,
    file_hashes,
    incomplete_shards,
    inconsistencies,
    pictures_of,
    temporary_files,
)
from trials.forms import FOLDER, OTHER_FORMS, Form
from trials.harness import RUN_ERROR, SkippedError, Trial, run_trial
from trials.samples import demo_files

IN_NAMESPACE = "PLAINFILM_TRIAL_MOUNTS"
SIZES = ("60k", "100k", "150k", "200k", "250k", "300k", "400k", "600k", "800k", "1m", "1500k", "2m", "3m", "4m", "5m")
SIZES_SHORT = ("300k", "1m")
FILE_SIZES = (4_096, 16_384, 65_536, 262_144)


def write_sources(folder: Path, films: int) -> None:
    """Write copies of the demo radiographs, whose pictures have about 15 kB."""
    folder.mkdir()
    seeds = list(demo_files(200, 160).values())
    for number in range(films):
        (folder / f"{number:04}.dcm").write_bytes(seeds[number % len(seeds)])


def check_stopped_run(trial: Trial, out: Path, form: Form, stderr: str, name: str) -> None:
    """Check the message, the tables and the files of a run that stopped."""
    trial.expect("make room and run again" in stderr, f"{name}: the message does not say what to do: {stderr!r}")
    trial.expect("Traceback" not in stderr, f"{name}: {stderr}")
    if form == FOLDER and (out / "failures.csv").exists():
        of_tables = inconsistencies(out)
    else:
        of_tables = contradictions(out, form)
    for inconsistency in (*of_tables, *incomplete_shards(out)):
        trial.expect(False, f"{name}: {inconsistency}")
    for left in temporary_files(out):
        trial.expect(False, f"{name}: {left} is left")


def fill_disk(trial: Trial, source: Path, form: Form, expected: dict[str, str], size: str) -> None:
    """Fill a file system of this size, enlarge it, and resume the run."""
    name = f"{form.name} on {size}"
    place = trial.folder / f"disk of {name}"
    place.mkdir()
    _run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)])
    out = place / "out"
    ended = trial.convert([source], out, *form.words, "--jobs", "2")
    trial.report(f"{name}: exit code {ended.code} in {ended.seconds:.1f} s, {len(pictures_of(out))} pictures")
    trial.expect(ended.code == RUN_ERROR, f"{name}: exit code {ended.code}")
    check_stopped_run(trial, out, form, ended.stderr, name)
    again = trial.convert([source], out, *form.words, "--jobs", "2")
    trial.expect(again.code == RUN_ERROR, f"{name}, again: exit code {again.code}")
    check_stopped_run(trial, out, form, again.stderr, f"{name}, again")
    _run(["mount", "-o", "remount,size=100m", str(place)])
    ended = trial.convert([source], out, *form.words, "--jobs", "2")
    trial.expect(ended.code == 0, f"{name}, then 100m: exit code {ended.code}: {ended.stderr}")
    other = differences(expected, file_hashes(out))
    trial.expect(not other, f"{name}, then 100m: these files differ: {other}")
    _run(["umount", str(place)])


def limit_file_size(trial: Trial, source: Path, form: Form, expected: dict[str, str], size: int) -> None:
    """Limit the size in bytes of the files that the command may write, remove the limit, and resume the run."""
    name = f"{form.name}, {size} bytes"
    out = trial.folder / f"limited: {name}"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        process = trial.start([source], out, *form.words, "--jobs", "2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    stderr = process.communicate()[1]
    trial.report(f"{name} at most: exit code {process.returncode}, {len(pictures_of(out))} pictures")
    trial.expect(process.returncode == RUN_ERROR, f"{name}: exit code {process.returncode}")
    check_stopped_run(trial, out, form, stderr, name)
    ended = trial.convert([source], out, *form.words, "--jobs", "2")
    trial.expect(ended.code == 0, f"{name}, then any: exit code {ended.code}: {ended.stderr}")
    other = differences(expected, file_hashes(out))
    trial.expect(not other, f"{name}, then any: these files differ: {other}")


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"{command[0]}: {done.stderr.strip()}")


def enter_own_mounts() -> None:
    """Restart this process in its own mount namespace, if the system allows it."""
    unshare = shutil.which("unshare")
    if IN_NAMESPACE not in os.environ and unshare is not None:
        attempt = subprocess.run([unshare, "-Urm", "true"], capture_output=True, check=False)
        if attempt.returncode == 0:
            os.environ[IN_NAMESPACE] = "1"
            os.execv(unshare, [unshare, "-Urm", sys.executable, "-m", "trials.full_disk", *sys.argv[1:]])


def run(trial: Trial) -> None:
    """Limit the file size, then fill disks of several sizes, for each form of OUT."""
    source, films = trial.folder / "in", 120 if trial.short else 400
    write_sources(source, films)
    has_mounts = IN_NAMESPACE in os.environ
    for form in (FOLDER, *OTHER_FORMS):
        whole = trial.folder / f"whole: {form.name}"
        trial.convert([source], whole, *form.words, "--jobs", "2")
        expected = file_hashes(whole)
        file_sizes = FILE_SIZES[::2] if trial.short else FILE_SIZES
        for size in file_sizes if form == FOLDER else () if trial.short else file_sizes[1:2]:
            limit_file_size(trial, source, form, expected, size)
        disks = SIZES_SHORT if trial.short else SIZES
        for disk in () if not has_mounts else disks if form == FOLDER else disks[:: 2 if trial.short else 4]:
            fill_disk(trial, source, form, expected, disk)
    if not has_mounts:
        raise SkippedError("this system does not allow a private mount (`unshare -Urm`)")


if __name__ == "__main__":
    enter_own_mounts()
    run_trial(__doc__, run)
