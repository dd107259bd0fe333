# SPDX-License-Identifier: MIT
"""Say in a few lines what a run has done, where its output is, and what to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plainfilm.options.counting import counted
from plainfilm.options.local_path import scheme_of
from plainfilm.sources.remote_file import public_text

if TYPE_CHECKING:
    from plainfilm.conversion.summary import Run

REPORT_FILE = "report.html"
_MOST_REASONS = 5
_SHARE_ADVICE = ("`plainfilm merge OUT` writes the tables when all shards are done", "give the same command again")


def summary_of_out(run: Run, sources: Sequence[str], out: str) -> list[str]:
    """The lines of the summary of a run into `out`, which is a folder or a URL."""
    folder = run.out or Path(out)
    lines = summary_lines(run, sources, folder)
    if scheme_of(out) is None:
        return lines
    return [line.replace(str(folder), public_text(out).rstrip("/")) for line in lines]


def summary_lines(run: Run, sources: Sequence[str], out: Path) -> list[str]:
    """The lines of the summary of a run into the folder `out`, with the notes of the run at the end."""
    hints = [
        f"{public_text(source)} is the directory of a medium: give the folder that it lies in"
        for source in sources
        if Path(source).name.upper() == "DICOMDIR"
    ]
    return [*_lines(run, out), *hints, *run.notes]


def _lines(run: Run, out: Path) -> Iterator[str]:
    repaired = f" ({run.repaired:,} repaired)" if run.repaired else ""
    seconds = f"{run.seconds:.1f} s" if run.seconds < 120 else f"{int(run.seconds) // 60} min {int(run.seconds) % 60} s"
    images = f"{counted(run.converted, 'image')}{repaired}"
    yield f"{images}, {run.failed:,} failed, {run.skipped:,} skipped in {seconds}: {out}"
    for status in ("failed", "skipped"):
        if reasons := _reasons_text(run, status):
            yield f"{status}: {reasons}"
    if run.share is not None:
        yield f"shard {run.share} is {'not complete' if run.interrupted else 'done'}: {_SHARE_ADVICE[run.interrupted]}"
        return
    if not (run.converted or run.failed or run.skipped):
        yield "the SOURCEs hold no files: check the paths, and whether the medium is mounted"
    else:
        yield f"tables: {_metadata_text(run, out)} and {_table(out, 'failures').name}{_report_text(out)}"
    if advice := _advice(run, out):
        yield f"look first at {advice}"
    if run.interrupted:
        yield "interrupted: the tables list all complete images; give the same command again for the rest"


def _reasons_text(run: Run, status: str) -> str:
    """The most frequent reasons with their numbers: `corrupt_header 2, timeout 1`."""
    start = f"{status}: "
    reasons = [(name.removeprefix(start), number) for name, number in run.reasons.items() if name.startswith(start)]
    shown = ", ".join(f"{name} {number:,}" for name, number in reasons[:_MOST_REASONS])
    return f"{shown}, ..." if len(reasons) > _MOST_REASONS else shown


def _advice(run: Run, out: Path) -> str:
    if run.failed or (run.skipped and not run.converted):
        return f"{_table(out, 'failures')}: the reason and the message of each input without an image"
    if run.converted and (out / REPORT_FILE).exists():
        repaired = ", those with status repaired among them" if run.repaired else ""
        return f"{out / REPORT_FILE}: the images and what was done to them{repaired}"
    if run.repaired:
        return f"the rows with status repaired in {_metadata_text(run, out)}, and at their images"
    return f"some of the images, and at the column findings of {_metadata_text(run, out)}" if run.converted else ""


def _report_text(out: Path) -> str:
    return f"; report: {out / REPORT_FILE}" if (out / REPORT_FILE).exists() else ""


def _metadata_text(run: Run, out: Path) -> str:
    """Where the metadata table is; each split with a folder has one of its own."""
    if not run.splits:
        return str(_table(out, "metadata"))
    return f"{_table(out / run.splits[0], 'metadata').name} in {' and '.join(str(out / name) for name in run.splits)}"


def _table(out: Path, name: str) -> Path:
    """The table of this name, in the format that OUT has."""
    tables = (out / f"{name}.{suffix}" for suffix in ("csv", "jsonl", "parquet"))
    return next((table for table in tables if table.exists()), out / f"{name}.csv")
