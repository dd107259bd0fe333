# SPDX-License-Identifier: MIT
"""The options of a run that leave its images as they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from plainfilm.options.field import option, optional, parse_count, parse_flag, parse_member, words


class Progress(StrEnum):
    """How the run shows where it is."""

    AUTO = "auto"
    NONE = "none"
    JSON = "json"


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the run goes, which leaves the pictures as they are."""

    jobs: int | None = option(
        None, optional(parse_count("jobs")), "N", "worker processes (default: the CPUs this process may use)"
    )
    key_file: Path | None = option(
        None,
        optional(lambda value: Path(str(value))),
        "PATH",
        "the secret of every keyed hash (default: one in your configuration directory, made on first use)",
    )
    overwrite: bool = option(False, parse_flag, "", "do everything again, in an OUT that holds files already")
    dry_run: bool = option(False, parse_flag, "", "list what would be done, and do nothing")
    log: Path | None = option(
        None,
        optional(lambda value: Path(str(value))),
        "FILE",
        "what happens, as it happens, in lines of JSON at the end of FILE",
    )
    verbose: bool = option(False, parse_flag, "", "tracebacks of what fails (they may quote the data set)")
    progress: Progress = option(
        Progress.AUTO,
        parse_member(Progress, "progress"),
        words(Progress),
        "a bar on a terminal; json: one line of status a second on standard error",
    )

    @property
    def workers(self) -> int:
        """The number of worker processes."""
        return self.jobs or available_cpus()
