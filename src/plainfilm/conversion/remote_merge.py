# SPDX-License-Identifier: MIT
"""Join the shards of an OUT that is a URL (`plainfilm merge s3://...`).

The ledgers are fetched and joined in a folder of this machine, in which placeholders stand for the images. What has
changed is put when the merge is complete; an image that has got another name is copied by the store. The ledgers of the
shards are removed from the store after the joined ledger was put, so that a merge may be killed at any moment.
"""

from __future__ import annotations

from pathlib import Path

from plainfilm.conversion.merging import Merge, MergeFiles
from plainfilm.conversion.remote_files import bring_files, lacks_previews, naming_url, needs_content
from plainfilm.conversion.summary import Run
from plainfilm.ledger.database import open_copy
from plainfilm.ledger.schema import has_tables
from plainfilm.ledger.share_state import read_share
from plainfilm.options.local_path import scheme_of
from plainfilm.output.ownership import shares_of
from plainfilm.output.remote_out import open_remote_out
from plainfilm.output.remote_put import put_changes


class RemoteMerge:
    """One merge into a URL, as `Merge`. Raises OptionsError for a URL that cannot be used."""

    def __init__(self, out: str, files: MergeFiles) -> None:
        self._out = open_remote_out(out)
        self._merge = Merge(self._out.folder, files)

    def stop(self, grace_seconds: float = 0.0) -> None:
        """End after the rows that are being joined."""
        self._merge.stop(grace_seconds)

    def run(self) -> Run:
        """Join all shards, and return the summary when all objects are in the store. Raises as `Merge.run`."""
        out = self._out
        with naming_url(out), out.lock():
            is_current = out.fetch_ledgers()
            # files that hold many images are written anew without the removed patients
            with_content = needs_content(out) or (self._has_report() and lacks_previews(out))
            bring_files(out, is_current=is_current, with_content=with_content)
            run = self._merge.run()
            if not shares_of(out.folder):
                put_changes(out, keeps_files=needs_content(out, ("shards",)))
        return run

    def _has_report(self) -> bool:
        """Whether the shards ask for a report. Raises LedgerError and RunError."""
        for ledger in self._out.ledgers():
            with open_copy(self._out.folder / ledger) as database:
                if has_tables(database) and (state := read_share(database)) is not None:
                    return not state.options.get("no_report")
        return False


def merge_into(out: str, files: MergeFiles) -> Merge | RemoteMerge:
    """Return the merge of a folder or a URL. Raises OptionsError for a URL that cannot be used."""
    return Merge(Path(out), files) if scheme_of(out) is None else RemoteMerge(out, files)
