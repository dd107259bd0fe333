# SPDX-License-Identifier: MIT
"""The options of a run that leave its images as they are."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path

from plainfilm.errors import OptionsError
from plainfilm.options.field import FREE, Scope, ValueType, option
from plainfilm.options.share import Share, parse_share
from plainfilm.options.value_types import SWITCH, members, parse_count, path_type
from plainfilm.pickling import dataclass

MAX_JOBS = 1024


class EngineName(StrEnum):
    """Where the jobs of a run are done."""

    LOCAL = "local"
    DASK = "dask"


class Progress(StrEnum):
    """How the progress of a run is shown."""

    AUTO = "auto"
    NONE = "none"
    JSON = "json"


def parse_jobs(value: object) -> int:
    """A whole number from 1 to 1024. Raises OptionsError."""
    jobs = parse_count(value)
    if jobs > MAX_JOBS:
        raise OptionsError(f"at most {MAX_JOBS} worker processes, not {value!r}")
    return jobs


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_address(value: object) -> str:
    """The address of a scheduler: `tcp://host:port`. Raises OptionsError."""
    address = str(value).strip()
    if not _ADDRESS_FORM.fullmatch(address):
        raise OptionsError("an address such as tcp://host:8786, with the scheme tcp, tls, ws or wss")
    return address


_JOBS = ValueType(parse_jobs, "N", "int")
_ADDRESS_FORM = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?[^\s/@]+:[0-9]{1,5}")
_ADDRESS = ValueType(parse_address, "ADDRESS", "str")
_SHARE = ValueType(parse_share, "I/N", "str | tuple[int, int]")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run works and what it reports, which leaves its images as they are."""

    jobs: int | None = option(
        None,
        _JOBS,
        "the number of worker processes (default: the CPUs that this process may use)",
        scope=Scope.RUN,
        resume=FREE,
    )
    engine: EngineName = option(
        EngineName.LOCAL,
        members(EngineName),
        "do the work in processes of this machine (local) or on a Dask cluster (dask, which needs `pip install "
        "'plainfilm[dask]'`)",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    scheduler: str | None = option(
        None,
        _ADDRESS,
        "the address of the scheduler of a Dask cluster, whose workers see the SOURCEs and OUT under the same paths "
        "(default: a cluster on this machine)",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    key_file: Path | None = option(
        None,
        path_type(),
        "the file with the secret of every keyed hash (default: a file in your configuration directory, made on first "
        "use)",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    shard: Share | None = option(
        None,
        _SHARE,
        "convert share I of N of the sources, I from 1; the other shares are converted by other processes, here or on "
        "other machines, and `plainfilm merge OUT` joins them; needs --key-file",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    shard_members: bool = option(
        False,
        SWITCH,
        "with --shard, share out the members of archives, and not archives as a whole",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    overwrite: bool = option(
        False,
        SWITCH,
        "convert everything again into an OUT that already holds files",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    prune: bool = option(
        False,
        SWITCH,
        "remove the images and rows of sources that are gone since earlier runs into OUT",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    watch: bool = option(
        False,
        SWITCH,
        "keep converting the files that arrive in the SOURCE folders, until Ctrl-C or SIGTERM",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    dry_run: bool = option(
        False,
        SWITCH,
        "list what would be done and do nothing",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    no_report: bool = option(
        False, SWITCH, "write no report.html, and keep no small images for it", scope=Scope.RUN, resume=FREE
    )
    log: Path | None = option(
        None,
        path_type("FILE"),
        "append the events of the run to FILE as lines of JSON",
        scope=Scope.RUN,
        resume=FREE,
        is_recorded=False,
    )
    verbose: bool = option(
        False,
        SWITCH,
        "print the tracebacks of failures (they may quote the data set)",
        scope=Scope.COMMAND,
        resume=FREE,
        is_recorded=False,
    )
    progress: Progress = option(
        Progress.AUTO,
        members(Progress),
        "auto shows a bar on a terminal, json writes one line of status a second to standard error",
        scope=Scope.COMMAND,
        resume=FREE,
    )
    quiet: bool = option(
        False,
        SWITCH,
        "print errors only: no progress, no summary, no warnings",
        scope=Scope.COMMAND,
        resume=FREE,
        is_recorded=False,
    )

    @property
    def workers(self) -> int:
        """The number of worker processes."""
        return self.jobs or available_cpus()
