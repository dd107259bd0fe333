# SPDX-License-Identifier: MIT
"""Change a folder while it is read: every file has a row, and the same command repairs OUT afterwards.

    python -m trials.changing_folder [--short]

When the first pictures are in OUT, the command is paused (SIGSTOP). Some of the remaining files are deleted, truncated,
emptied, replaced, made unreadable, or turned into folders, dangling links and pipes; one file is added. Then the
command continues. Every file must have a row (P16). After the folder is restored, the same command must give the OUT of
a run over the unchanged folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from trials.checks import differences, file_hashes, inconsistencies, pictures_of, reasons_in, rows_of, sources_in
from trials.harness import Trial, run_trial, wait_for_end
from trials.samples import sample_files

KINDS = ("deleted", "cut", "emptied", "replaced", "unreadable", "folder", "link", "pipe", "untouched")


def write_sources(folder: Path, films: int) -> None:
    """Write files in folders, and a pipe."""
    seeds = [content for name, content in sample_files().items() if name != "frames"]
    for number in range(films):
        path = folder / f"{number // 50:02}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[number % len(seeds)])
    os.mkfifo(folder / "00" / "pipe")


def change(path: Path, kind: str, seeds: dict[str, bytes]) -> None:
    """Change one file in the way that `kind` names."""
    if kind == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif kind == "emptied":
        os.truncate(path, 0)
    elif kind == "replaced":
        path.with_suffix(".new").write_bytes(seeds["colour"])
        path.with_suffix(".new").replace(path)
    elif kind == "unreadable":
        path.chmod(0)
    elif kind != "untouched":
        path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(path)


def start_and_change(trial: Trial, source: Path, out: Path, films: int) -> tuple[int, set[str]]:
    """Run the command and change files while it is paused; return its exit code and the changed sources."""
    seeds, changed = sample_files(), set[str]()
    process, started = trial.start([source], out, "--jobs", "2"), time.monotonic()
    while not pictures_of(out) and time.monotonic() < started + 60:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGSTOP)
    done = {name.removesuffix(".png") for name in pictures_of(out)}
    for number in range(films):
        name, kind = f"{number // 50:02}/{number:04}", KINDS[number % len(KINDS)]
        if name not in done:
            change(source / f"{name}.dcm", kind, seeds)
            changed |= {f"{name}.dcm"}
    (source / "added").mkdir()
    (source / "added" / "new.dcm").write_bytes(seeds["implicit"])
    os.killpg(process.pid, signal.SIGCONT)
    trial.report(f"{len(changed)} of {films} files changed after {len(done)} pictures")
    return wait_for_end(process, started, 300).code, changed


def restore(source: Path, films: int) -> None:
    """Restore the folder."""
    shutil.rmtree(source)
    write_sources(source, films)


def run(trial: Trial) -> None:
    """Change the folder during a run, check OUT, restore the folder, run again, and compare."""
    films = 200 if trial.short else 2_000
    source, out = trial.folder / "in", trial.folder / "out"
    write_sources(source, films)
    whole = trial.convert([source], trial.folder / "whole", "--jobs", "2")
    expected = file_hashes(trial.folder / "whole")
    code, changed = start_and_change(trial, source, out, films)
    trial.report(f"exit code {code}; {dict(reasons_in(out))}")
    trial.expect(code == 1, f"exit code {code}")
    for inconsistency in inconsistencies(out):
        trial.expect(False, inconsistency)
    seen = sources_in(out)
    # a deleted file, or a file that became a folder, has no row if its folder had not been listed before the change
    vanished = {name for name in changed if not (source / name).is_file() and not os.path.lexists(source / name)}
    lost = {f"{number // 50:02}/{number:04}.dcm" for number in range(films)} - seen
    trial.report(f"{len(lost)} files vanished before their folder was listed")
    trial.expect(lost <= vanished | {name for name in changed if (source / name).is_dir()}, f"lost: {sorted(lost)}")
    trial.expect(len(rows_of(out)[0]) > 0, "OUT has no pictures")
    shutil.rmtree(source / "added")
    restore(source, films)
    again = trial.convert([source], out, "--jobs", "2")
    trial.expect(again.code == whole.code, f"restored: exit code {again.code}: {again.stderr}")
    other = set(differences(expected, file_hashes(out))) - {"added/new.png"}
    trial.report(f"after the folder was restored {len(other)} of {len(expected)} files differ: {sorted(other)[:5]}")
    trial.expect(other <= {"metadata.csv", "run.json"}, f"after it was restored these files differ: {sorted(other)}")


if __name__ == "__main__":
    run_trial(__doc__, run)
