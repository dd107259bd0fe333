# SPDX-License-Identifier: MIT
"""Remove the images and rows of sources that are gone (`--prune`). The listing of the run must be complete."""

from __future__ import annotations

from collections.abc import Sequence

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.ledger.ledger import Ledger
from plainfilm.options.counting import counted
from plainfilm.output.folder import FolderOutput


def prune(output: FolderOutput, ledger: Ledger, committer: ResultCommitter, urls: Sequence[str] = ()) -> str:
    """Remove what belongs to files that are gone; return a note for the summary, '' for none.

    urls: the URLs among the SOURCEs.

    Raises StorageFullError and RunError.
    """
    assert ledger.listed is not None
    committer.flush()
    images = sources = 0
    for names in ledger.listed.gone(urls):
        file_names = ledger.delete_sources(names)
        committer.remove(file_names)
        ledger.commit()
        # an empty folder would be a class without images
        output.remove_empty_folders(file_names)
        images += len(file_names)
        sources += len(names)
    if not sources:
        return ""
    gone = counted(sources, "source is gone: its rows", "sources are gone: their rows")
    return f"{gone} and {counted(images, 'file')} were removed (--prune)"
