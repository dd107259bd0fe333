# SPDX-License-Identifier: MIT
"""Print the list of `--dry-run`: what a run would do with each source."""

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
    """Print a line for each source. The name and the first bytes of a source decide; nothing is written.

    Raises RunError if a run could not begin.
    """
    for reference, is_done in dry_run(sources, out, options):
        if is_done:
            line = f"done\t{reference.source}"
        elif isinstance(reference, Failure):
            line = f"{reference.status}\t{reference.source}\t{reference.reason}"
        else:
            try:
                is_dicom = find_first_element(read_head(reference.path)) is not None
                action, name = ("convert", reference.name) if is_dicom else ("not_dicom", "")
                line = f"{action}\t{reference.source}\t{name}"
            except SourceError as error:
                line = f"failed\t{reference.source}\t{error.reason}"
        write_text(line.rstrip("\t") + "\n")
    return 0
