# SPDX-License-Identifier: MIT
"""SOURCEs and OUT -> what a run would find, each with whether it is done already; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from plainfilm.conversion.conversion import fingerprint_of_presentation, renamed
from plainfilm.conversion.pseudonyms import load_key
from plainfilm.conversion.summary import identity_of
from plainfilm.ledger.admission import FileStat
from plainfilm.ledger.snapshot import open_snapshot
from plainfilm.options.options import Options
from plainfilm.options.redaction import load_redactions
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import list_references


def preview(sources: Sequence[str], out: Path, options: Options) -> Iterator[tuple[Reference | Failure, bool]]:
    """What is listed, and whether a run would leave it as it is.

    Raises what a run raises that cannot begin: of options and SOURCEs, of an OUT that another run holds, and of one
    that was made in another way.
    """
    listed = list_references(sources, out)
    sink = FolderOutput(out)
    presentation = fingerprint_of_presentation(options)
    with ExitStack() as stack:
        if options.run.overwrite or not sink.ledger_path.exists():
            yield from ((found, False) for found in listed)
            return
        key = load_key(options.run.key_file)
        identity = identity_of(options, key, load_redactions(options.privacy.redact_from), presentation)
        stack.enter_context(sink.lock())
        glance = stack.enter_context(open_snapshot(sink.ledger_path, identity))
        for found in listed:
            known = renamed(found, options.output.names, key)
            yield found, isinstance(known, Reference) and glance.is_done(known, FileStat.of(known.path))
