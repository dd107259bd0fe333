# SPDX-License-Identifier: MIT
"""SOURCEs -> a line for each: what would become of it (--dry-run)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.output import write_text
from plainfilm.conversion.dry_run import dry_run
from plainfilm.dicom.encoding import find_first_element
from plainfilm.errors import SourceError
from plainfilm.options.options import Options
from plainfilm.records import Failure
from plainfilm.sources.file_reader import read_head


def list_sources(sources: Sequence[str], out: Path, options: Options) -> int:
    """Print what would become of each source, from its name and first bytes; nothing is written."""
    for reference, is_done in dry_run(sources, out, options):
        if is_done:
            line = f"done\t{reference.source}"
        elif isinstance(reference, Failure):
            line = f"{reference.status}\t{reference.source}\t{reference.reason}"
        else:
            try:
                known = find_first_element(read_head(reference.path)) is not None
                line = f"{'convert' if known else 'not_dicom'}\t{reference.source}\t{reference.name if known else ''}"
            except SourceError as error:
                line = f"failed\t{reference.source}\t{error.reason}"
        write_text(line.rstrip("\t") + "\n")
    return 0
