# SPDX-License-Identifier: MIT
"""The books of a run -> what its user is told at the end, and OUT/run.json."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from importlib.metadata import version

from plainfilm.conversion.pseudonyms import Key
from plainfilm.encode.table import encoder_status
from plainfilm.findings import FindingCode
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.options.options import Options, RunOptions
from plainfilm.options.redaction import Redactions
from plainfilm.output.tables import Rows
from plainfilm.records import Failure, Record
from plainfilm.version import VERSION

RUN_FILE = "run.json"
_LIMITS = ("timeout", "memory")
# what a run that is repeated from run.json must not do of itself, and paths that may name a person
_OF_ONE_RUN = frozenset({"overwrite", "dry_run", "log", "verbose", "key_file"})
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
    """What an OUT holds after a run, and what the user should know.

    Where a run has gone on with the work of another, all of it counts. `seconds` are those of this run alone.
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
        """Images in which something was put in place of what the file says."""
        return self.counts.repaired

    @property
    def failed(self) -> int:
        """Frames or instances that gave no image."""
        return self.counts.failed

    @property
    def skipped(self) -> int:
        """Files that are no images."""
        return self.counts.skipped

    @property
    def exit_code(self) -> int:
        """0 where every image was converted; 1 where some failed or there was none."""
        return 1 if self.failed or not self.converted else 0


class SummaryRows:
    """Rows on their way into the tables, looked at for what the user should know."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._under_names = 0

    def records(self) -> Iterator[Record]:
        """The images."""
        self._under_names = 0
        for record in self._rows.records():
            self._under_names += FindingCode.PATIENT_IN_PATH.value in record.findings.split(";")
            yield record

    def failures(self) -> Iterator[Failure]:
        """What gave no image."""
        return self._rows.failures()

    def notes(self) -> list[str]:
        """A line each; of the images that went by last."""
        if not self._under_names:
            return []
        return [f"{self._under_names} images lie under paths that name their patient: OUT holds these names too"]


def identity_of(options: Options, key: Key, redactions: Redactions, presentation: str | None = None) -> RunFingerprint:
    """What the pictures and tables of a run depend on: every option but how the run goes.

    presentation: the fingerprint of what --presentation names.
    """
    # what is in the files counts, and not where they lie
    every = options.to_mapping()
    every |= {"redact_from": redactions.fingerprint[:16] or None, "presentation": presentation}
    limits = {name: every.pop(name) for name in _LIMITS}
    for field in fields(RunOptions):
        del every[field.name]
    return RunFingerprint(every, versions_of_pictures(), key.fingerprint, limits)


def run_json(run: Run, options: Options, key: Key, begun: datetime) -> bytes:
    """The file that says how an OUT was made, and may be given back; no SOURCE, no OUT and no key are in it."""
    content = {
        "options": {name: value for name, value in options.to_mapping().items() if name not in _OF_ONE_RUN},
        "versions": versions(),
        "counts": asdict(run.counts),
        "times": {"started": begun.isoformat(timespec="seconds"), "seconds": round(run.seconds, 3)},
        "interrupted": run.interrupted,
        "key_fingerprint": key.fingerprint,
    }
    return (json.dumps(content, indent=2) + "\n").encode()


@cache
def versions_of_pictures() -> dict[str, str]:
    """Versions of plainfilm and the libraries that decide what a picture looks like, and its file's bytes."""
    encoders = {f"{one.format} encoder": one.library for one in encoder_status()}
    return {"plainfilm": VERSION, **encoders, **{name: version(name) for name in _LIBRARIES}}


def versions() -> dict[str, str]:
    """Those, and Python's."""
    return {"python": platform.python_version(), **versions_of_pictures()}
