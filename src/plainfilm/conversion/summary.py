# SPDX-License-Identifier: MIT
"""Summarise a run for its user and in OUT/run.json, and fingerprint what its images depend on."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

from plainfilm.conversion.pseudonyms import Key
from plainfilm.encode.table import encoder_status
from plainfilm.errors import Reason
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.options.field import options_of
from plainfilm.options.options import Options
from plainfilm.options.output import Table
from plainfilm.options.selection import SelectionOptions
from plainfilm.options.share import Share
from plainfilm.output.tables import read_failures, read_records
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Record, Status
from plainfilm.version import VERSION

RUN_FILE = "run.json"
_LIBRARIES = (
    "pydicom",
    "numpy",
    "opencv-python-headless",
    "imagecodecs",
    "simplejpeg",
    "pylibjpeg-rle",
    "pylibjpeg-openjpeg",
    "pillow",
    "isal",
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Images written (repaired ones among them), and frames or instances failed and skipped."""

    converted: int
    repaired: int
    failed: int
    skipped: int


def counts_of(rows: Mapping[str, int]) -> Counts:
    """Return the counts from the number of rows of each status."""
    ok, repaired, failed, skipped = (rows.get(status.value, 0) for status in Status)
    return Counts(ok + repaired, repaired, failed, skipped)


NO_COUNTS = Counts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """What a run would do with a source.

    action: `convert`, `done` (the images are up to date), `not_dicom`, `skipped` or `failed`.
    name: the name of its images without frame number and suffix, for `convert`.
    reason: why it is skipped or fails.
    """

    source: str
    action: str
    name: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The contents of OUT after a run.

    counts: all rows in OUT, also those of the earlier runs that this run has resumed.
    seconds: the duration of this run alone.
    interrupted: whether the run was stopped before all sources were converted.
    notes: lines for the user.
    planned: what a run would do with each source, in a dry run, which converts nothing; otherwise None.
    reasons: the number of rows of failures.csv by status and reason, such as `failed: timeout`.
    out: the folder OUT.
    table: the format of its tables. splits: the splits that have a table of their own.
    share: the share of the sources that this run has converted, without tables; None for all sources.
    """

    counts: Counts
    seconds: float
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    planned: tuple[PlannedSource, ...] | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    out: Path = Path()
    table: Table = Table.CSV
    splits: tuple[str, ...] = ()
    share: Share | None = None

    def records(self) -> Iterator[Record]:
        """Yield the images in OUT, with typed values, by source and frame, as the metadata table has them now.

        Raises OSError, and RunError where the table is damaged.
        """
        return read_records(self.out, self.table, self.splits)

    def failures(self) -> Iterator[Failure]:
        """Yield the frames and instances without an image, as the table has them now. Raises as `records`."""
        return read_failures(self.out, self.table)

    @property
    def converted(self) -> int:
        """Images written."""
        return self.counts.converted

    @property
    def repaired(self) -> int:
        """Images for which something in the file had to be replaced; they are among the images written."""
        return self.counts.repaired

    @property
    def failed(self) -> int:
        """Frames or instances that gave no image."""
        return self.counts.failed

    @property
    def skipped(self) -> int:
        """Inputs that are no images or that the options exclude."""
        return self.counts.skipped

    @property
    def exit_code(self) -> int:
        """0 if every image was converted, or for a dry run; 1 if some failed or there was none.

        A share of the sources may have none.
        """
        has_images = self.converted or self.share is not None
        return 1 if self.planned is None and (self.failed or not has_images) else 0


def changed_selection_notes(changed_options: Collection[str]) -> Iterator[str]:
    """Yield a line for the summary if the options of selection differ from those of the earlier run in the same OUT."""
    flags = [item.flag for item in options_of(SelectionOptions()) if item.name in changed_options]
    if flags:
        yield (
            f"the selection ({', '.join(flags)}) is not that of the earlier run: "
            "what was left out was judged again, and images that were made before stay"
        )


def fingerprint_run(options: Options, key: Key, contents: Mapping[str, str | None] | None = None) -> RunFingerprint:
    """Return what the images and tables of a run depend on: all options but those of the run itself.

    contents: for each option that names a file, a hash of the content, which counts instead of the path.
    """
    values = options.effective_mapping() | dict(contents or {})
    declared = list(Options.declared())
    fixed = {option.name: values[option.name] for option in declared if not option.resume.may_change}
    limits = {option.name: values[option.name] for option in declared if option.resume.retry is not None}
    return RunFingerprint(fixed, versions_of_pictures(), key.fingerprint, limits, recorded_values(options))


def recorded_values(options: Options) -> dict[str, object]:
    """Return the options that run.json and the ledger record, as values of JSON."""
    values = options.to_mapping()
    return {option.name: values[option.name] for option in Options.declared() if option.is_recorded}


def recorded_options(fingerprint: RunFingerprint) -> Options:
    """Return the options of the newest run, as a ledger has recorded them."""
    names = {option.name for option in Options.declared()}
    values = fingerprint.recorded.items()
    return Options.of({name: value for name, value in values if name in names and value is not None})


def run_json(run: Run, options: Options, key_fingerprint: str, started_at: datetime) -> bytes:
    """Return the content of run.json, which `--config` reads; it holds no SOURCE, no OUT and no key.

    started_at: the time at which the run started, in UTC.
    """
    content = {
        "options": recorded_values(options),
        "versions": versions(),
        "counts": asdict(run.counts),
        "times": {"started": started_at.isoformat(timespec="seconds"), "seconds": round(run.seconds, 3)},
        "interrupted": run.interrupted,
        "notes": list(run.notes),
        "key_fingerprint": key_fingerprint,
    }
    return (json.dumps(content, indent=2) + "\n").encode()


@cache
def versions_of_pictures() -> dict[str, str]:
    """Return the versions of plainfilm and of the libraries that the bytes of an image file depend on."""
    encoders = {f"{status.format} encoder": status.library for status in encoder_status()}
    return {"plainfilm": VERSION, **encoders, **{name: version(name) for name in _LIBRARIES}}


def versions() -> dict[str, str]:
    """Return the versions of `versions_of_pictures` and of Python."""
    return {"python": platform.python_version(), **versions_of_pictures()}
