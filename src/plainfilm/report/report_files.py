# SPDX-License-Identifier: MIT
"""The names of the files of a report, and how an older report is removed."""

from __future__ import annotations

import re
from pathlib import Path

from plainfilm.output.folder import FolderOutput
from plainfilm.report.script_text import MARK

REPORT = "report.html"
_SCRIPT = re.compile(r"report-(?:page|(?:index|data)-\d{4,})\.js")


def is_report_file(name: str) -> bool:
    """Whether a file at the top of OUT has the name of a file of the report."""
    return name == REPORT or _SCRIPT.fullmatch(name) is not None


def remove_report(output: FolderOutput) -> None:
    """Remove the report of an earlier run, whose rows may differ. Raises StorageFullError and RunError."""
    scripts = sorted(path.name for path in output.out.glob("report-*.js"))
    output.remove([REPORT] if (output.out / REPORT).exists() else [])
    output.remove(name for name in scripts if _SCRIPT.fullmatch(name) and _is_of_report(output.out / name))


def _is_of_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except OSError:
        return False
