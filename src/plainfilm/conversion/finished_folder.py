# SPDX-License-Identifier: MIT
"""Give the commands that work with the OUT of an earlier run a folder, also where OUT is a URL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from plainfilm.conversion.remote_files import bring_files, lacks_previews, naming_url, needs_content
from plainfilm.conversion.verification import Verification, verify_output
from plainfilm.options.local_path import scheme_of
from plainfilm.output.placeholder import LEAST_SIZE, read_placeholder
from plainfilm.output.remote_out import RemoteOut, open_remote_out
from plainfilm.output.remote_put import put_changes
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import parse_url, public_text

_READS = 8


@dataclass(frozen=True, slots=True)
class FinishedFolder:
    """The folder of an OUT. out: OUT as the user gave it, without secrets. remote: the OUT of a URL, else None."""

    out: str
    folder: Path
    remote: RemoteOut | None = None

    @contextmanager
    def with_images(self, paths: Iterable[Path]) -> Iterator[None]:
        """Let files of the folder have their bytes in the block, also those of images in a store. Raises RunError."""
        if self.remote is None:
            yield
            return
        names = [path.relative_to(self.folder).as_posix() for path in paths if read_placeholder(path) is not None]
        with self.remote.with_content(names):
            yield


@contextmanager
def open_finished_folder(out: str, *, is_changed: bool = False) -> Iterator[FinishedFolder]:
    """Give the folder of an OUT, or a folder of this machine that has what a URL has, while no other run uses the URL.

    is_changed: whether the block changes OUT; what it has changed is put into the store at its end.

    Raises LedgerError where a URL has shards that are not merged, OutputLockedError, OptionsError and RunError.
    """
    if scheme_of(out) is None:
        yield FinishedFolder(str(Path(out)), Path(out))
        return
    remote = open_remote_out(out)
    with naming_url(remote), remote.lock():
        is_current = remote.fetch_ledgers()
        remote.check_merged()
        # a removal writes files that hold many images anew, and a report may need thumbnails
        keeps_files = needs_content(remote, ("shards",))
        with_content = is_changed and (keeps_files or lacks_previews(remote))
        bring_files(remote, is_current=is_current, with_content=with_content)
        yield FinishedFolder(public_text(out).rstrip("/"), remote.folder, remote)
        if is_changed:
            put_changes(remote, keeps_files=keeps_files)


def verify_out(out: str) -> Verification:
    """Verify an OUT, as `verify_output`; that of a URL is read as it is in the store. Raises as `verify_output`."""
    if scheme_of(out) is None:
        return verify_output(Path(out))
    url = parse_url(out)
    with tempfile.TemporaryDirectory(prefix="plainfilm-") as state:
        # not the folder of other runs: it may differ from what is in the store
        remote = RemoteOut(url, Path(state))
        with naming_url(remote), remote.lock():
            remote.fetch_ledgers()
            remote.check_merged()
            small = [name for name in remote.public_objects() if remote.objects[name].size < LEAST_SIZE]
            remote.fetch(small)
            for name in set(remote.public_objects()).difference(small):
                remote.stand_in(name)
            with ThreadPoolExecutor(_READS, thread_name_prefix="plainfilm-verify") as executor:
                return verify_output(remote.folder, lambda paths: executor.map(remote.sha256, paths))
