# SPDX-License-Identifier: MIT
"""A folder that changes while it is read: each file has its outcome, none is lost, and the same command mends OUT.

    python -m trials.changing_folder [--short]

The first pictures in OUT show that work has begun. The command is then stopped for a moment (SIGSTOP), and of the files
that are still to come some are deleted, cut, emptied, replaced, made unreadable, or turned into folders, links that
lead nowhere and pipes; others are added. It then goes on. Every file has its row (P16), and when the folder is whole
again, the same command ends with the OUT of a run over the whole folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from trials.bench import Bench, end_of, run_trial
from trials.checking import differences, pictures_of, reasons_in, rows_of, sources_in, tree_of, untruths
from trials.seeds import seed_films

KINDS = ("deleted", "cut", "emptied", "replaced", "unreadable", "folder", "link", "pipe", "untouched")


def make(folder: Path, films: int) -> None:
    """Films in folders, and a pipe."""
    seeds = [content for name, content in seed_films().items() if name != "frames"]
    for number in range(films):
        path = folder / f"{number // 50:02}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[number % len(seeds)])
    os.mkfifo(folder / "00" / "pipe")


def change(path: Path, kind: str, seeds: dict[str, bytes]) -> None:
    """Do to one file what its kind says."""
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


def start_and_change(bench: Bench, source: Path, out: Path, films: int) -> tuple[int, set[str]]:
    """Run, with changes in its midst; its exit code and the sources that were changed."""
    seeds, changed = seed_films(), set[str]()
    process, began = bench.start([source], out, "--jobs", "2"), time.monotonic()
    while not pictures_of(out) and time.monotonic() < began + 60:
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
    bench.say(f"{len(changed)} of {films} files changed when {len(done)} pictures were there")
    return end_of(process, began, 300).code, changed


def mend(source: Path, films: int) -> None:
    """Have the folder as it was."""
    shutil.rmtree(source)
    make(source, films)


def trial(bench: Bench) -> None:
    """Change, look, mend, compare."""
    films = 200 if bench.short else 2_000
    source, out = bench.folder / "in", bench.folder / "out"
    make(source, films)
    whole = bench.convert([source], bench.folder / "whole", "--jobs", "2")
    expected = tree_of(bench.folder / "whole")
    code, changed = start_and_change(bench, source, out, films)
    bench.say(f"exit code {code}; {dict(reasons_in(out))}")
    bench.expect(code == 1, f"exit code {code}")
    for untruth in untruths(out):
        bench.expect(False, untruth)
    seen = sources_in(out)
    # whole folders that had not been listed yet have no file any more where one was deleted or a folder made
    gone = {name for name in changed if not (source / name).is_file() and not os.path.lexists(source / name)}
    lost = {f"{number // 50:02}/{number:04}.dcm" for number in range(films)} - seen
    bench.say(f"{len(lost)} files were gone before their folder was listed")
    bench.expect(lost <= gone | {name for name in changed if (source / name).is_dir()}, f"lost: {sorted(lost)}")
    bench.expect(len(rows_of(out)[0]) > 0, "there are no pictures")
    shutil.rmtree(source / "added")
    mend(source, films)
    again = bench.convert([source], out, "--jobs", "2")
    bench.expect(again.code == whole.code, f"mended: exit code {again.code}: {again.said}")
    other = set(differences(expected, tree_of(out))) - {"added/new.png"}
    bench.say(f"after the folder was mended {len(other)} of {len(expected)} files differ: {sorted(other)[:5]}")
    bench.expect(other <= {"metadata.csv", "run.json"}, f"after it was mended others are {sorted(other)}")


if __name__ == "__main__":
    run_trial(__doc__, trial)
