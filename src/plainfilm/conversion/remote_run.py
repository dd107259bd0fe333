# SPDX-License-Identifier: MIT
"""Run a conversion whose OUT is a URL: convert into a folder of this machine, and put what has changed in the store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.remote_files import bring_files, lacks_previews, naming_url
from plainfilm.conversion.run_inputs import check_share
from plainfilm.conversion.run_progress import ProgressCallback, ignore_progress
from plainfilm.conversion.stored_images import check_images_in_store
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OptionsError, RunError
from plainfilm.options.local_path import scheme_of
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.output.remote_out import open_remote_out
from plainfilm.output.remote_put import put_changes
from plainfilm.sources.remote_file import public_text
from plainfilm.workers.pool import GRACE_SECONDS
from plainfilm.workers.spawn import PrestartedWorkers


class RemoteConversion:
    """One run into a URL, as `Conversion`. Raises OptionsError for a URL and for options that cannot be used."""

    def __init__(
        self,
        sources: Sequence[str | Path],
        out: str,
        options: Options,
        prestarted: PrestartedWorkers | None = None,
    ) -> None:
        if options.run.watch:
            raise OptionsError(
                "--watch needs an OUT on this machine: what it converts is put into a store only at its end"
            )
        check_share(options)
        if options.run.scheduler is not None:
            check_images_in_store(out, options)
        self._out = open_remote_out(out, options.run.shard)
        place = f"{self._out.url}/".replace("//", "/")
        if any(place.startswith(f"{public_text(str(source))}/".replace("//", "/")) for source in sources):
            raise OptionsError("OUT lies in one of the SOURCEs: choose a URL of its own for the images")
        self._is_overwrite = options.run.overwrite
        self._has_report = options.run.shard is None and not options.run.no_report
        # the images of these are read again when a later run packs them anew
        self._keeps_files = options.output.layout is not Layout.FOLDER
        store = None if options.run.scheduler is None else self._out.url
        self._conversion = Conversion(sources, self._out.folder, options, prestarted=prestarted, store=store)

    @property
    def folder(self) -> Path:
        """The folder of this machine that the run works in."""
        return self._out.folder

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more jobs; what is done is put into the store."""
        self._conversion.stop(grace_seconds)

    def run(self, progress: ProgressCallback = ignore_progress) -> Run:
        """Convert, and return the summary when all objects are in the store. Raises RunError."""
        started = time.monotonic()
        with naming_url(self._out), self._out.lock():
            self._fetch()
            is_finished = False
            try:
                run = self._conversion.run(progress)
                is_finished = True
            finally:
                if not is_finished:
                    with suppress(RunError):
                        self._put()
            self._put()
        return replace(run, seconds=time.monotonic() - started)

    def _fetch(self) -> None:
        """Make the folder the same as OUT in the store, as far as the run needs it. Raises RunError."""
        out = self._out
        is_current = out.fetch_ledgers(overwrite=self._is_overwrite)
        if not self._is_overwrite:
            out.check_merged()
        with_content = not self._is_overwrite and (self._keeps_files or (self._has_report and lacks_previews(out)))
        try:
            bring_files(out, is_current=is_current, with_content=with_content)
        except LedgerError:
            # the run says why a ledger cannot be used, or replaces it
            if not self._is_overwrite:
                raise
        if out.names.share is not None:
            out.begin_share()

    def _put(self) -> None:
        put_changes(self._out, keeps_files=self._keeps_files)


def conversion_into(
    sources: Sequence[str | Path], out: str, options: Options, prestarted: PrestartedWorkers | None = None
) -> Conversion | RemoteConversion:
    """Return the run into a folder or a URL. Raises OptionsError for a URL that cannot be used."""
    if scheme_of(out) is None:
        return Conversion(sources, Path(out), options, prestarted=prestarted)
    return RemoteConversion(sources, out, options, prestarted)
