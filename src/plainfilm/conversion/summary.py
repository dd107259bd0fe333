# SPDX-License-Identifier: MIT
"""Summarise a run for its user and in OUT/run.json, and fingerprint what its images depend on."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version

from plainfilm.conversion.pseudonyms import Key
from plainfilm.encode.table import encoder_status
from plainfilm.findings import FindingCode
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.options.field import options_of
from plainfilm.options.options import Options
from plainfilm.options.redaction_list import Redactions
from plainfilm.options.selection import SelectionOptions
from plainfilm.output.tables import Rows
from plainfilm.records import Failure, Record
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


@dataclass(frozen=True, slots=True)
class Run:
    """The contents of OUT after a run.

    counts: all rows in OUT, also those of the earlier runs that this run has resumed.
    seconds: the duration of this run alone.
    interrupted: whether the run was stopped before all sources were converted.
    notes: lines for the user.
    """

    counts: Counts
    seconds: float
    interrupted: bool = False
    notes: tuple[str, ...] = ()

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
        """0 if every image was converted; 1 if some failed or there was none."""
        return 1 if self.failed or not self.converted else 0


class PatientPathCounter:
    """Passes rows on to the tables, and counts the images whose path names the patient."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._images = 0

    def records(self) -> Iterator[Record]:
        """Yield the rows of the images; each call counts anew."""
        self._images = 0
        for record in self._rows.records():
            self._images += FindingCode.PATIENT_IN_PATH.value in record.findings.split(";")
            yield record

    def failures(self) -> Iterator[Failure]:
        """Return the rows of the failures."""
        return self._rows.failures()

    def notes(self) -> list[str]:
        """Return a warning for the summary if a path names the patient."""
        if not self._images:
            return []
        return [f"{self._images} images lie under paths that name their patient: OUT holds these names too"]


def changed_selection_notes(changed_options: Collection[str]) -> Iterator[str]:
    """Yield a line for the summary if the options of selection differ from those of the earlier run in the same OUT."""
    flags = [item.flag for item in options_of(SelectionOptions()) if item.name in changed_options]
    if flags:
        yield (
            f"the selection ({', '.join(flags)}) is not that of the earlier run: "
            "what was left out was judged again, and images that were made before stay"
        )


def fingerprint_run(
    options: Options, key: Key, redactions: Redactions, presentation: str | None = None
) -> RunFingerprint:
    """Return what the images and tables of a run depend on: all options but those of the run itself.

    presentation: the fingerprint of the presentation state of `--presentation`.
    """
    # the contents of these files count, and not their paths
    values = options.to_mapping()
    values |= {"redact_from": redactions.fingerprint[:16] or None, "presentation": presentation}
    declared = list(Options.declared())
    fixed = {option.name: values[option.name] for option in declared if not option.resume.may_change}
    limits = {option.name: values[option.name] for option in declared if option.resume.retry is not None}
    return RunFingerprint(fixed, versions_of_pictures(), key.fingerprint, limits)


def run_json(run: Run, options: Options, key: Key, started_at: datetime) -> bytes:
    """Return the content of run.json, which `--config` reads; it holds no SOURCE, no OUT and no key.

    started_at: the time at which the run started, in UTC.
    """
    values = options.to_mapping()
    content = {
        "options": {option.name: values[option.name] for option in Options.declared() if option.is_recorded},
        "versions": versions(),
        "counts": asdict(run.counts),
        "times": {"started": started_at.isoformat(timespec="seconds"), "seconds": round(run.seconds, 3)},
        "interrupted": run.interrupted,
        "notes": list(run.notes),
        "key_fingerprint": key.fingerprint,
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
