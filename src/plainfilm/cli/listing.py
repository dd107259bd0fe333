# SPDX-License-Identifier: MIT
"""Print the list of `--dry-run`: what a run would do with each source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.output import write_text
from plainfilm.conversion.dry_run import plan_sources
from plainfilm.options.options import Options


def list_sources(sources: Sequence[str], out: Path, options: Options) -> int:
    """Print a line for each source; nothing is written. Raises RunError if a run could not begin."""
    for planned in plan_sources(sources, out, options):
        words = (planned.action, planned.source, planned.reason or planned.name)
        write_text("\t".join(word for word in words if word) + "\n")
    return 0
