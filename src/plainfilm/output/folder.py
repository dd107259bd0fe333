# SPDX-License-Identifier: MIT
"""Write complete files into the folder OUT and nowhere else.

A file is first staged in a private folder of OUT under a temporary name. It is then published: its bytes are flushed to
the disk before it gets its name. Before a run starts, OUT is checked and locked (`ownership.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import groupby
from pathlib import Path

from plainfilm.errors import OutputError, PlainfilmError
from plainfilm.options.share import Share
from plainfilm.output.directory import BY_DESCRIPTOR, OutputDirectory, open_directory, temporary_name
from plainfilm.output.ownership import (
    WHOLE,
    PrivateNames,
    check_ownership,
    check_unlocked,
    check_writable,
    has_ledger,
    lock_folder,
    make_folder,
    shares_of,
)
from plainfilm.output.storage import classify_os_error, translate_os_errors, translate_private_errors
from plainfilm.pickling import dataclass

_PRESENTATION_INDEX = "presentations.sqlite"
_RESERVE = "reserve"
# the start of a thread takes as much processor time as the flush of a few files
_MOST_SYNC_THREADS, _FILES_PER_SYNC_THREAD = 8, 4


@dataclass(frozen=True, slots=True)
class FolderOutput:
    """The folder that images are written into. It holds no state, so each worker may have its own instance.

    out: the folder.
    sync: whether `publish` flushes files to the disk (fsync) before they get their names, and the names before it
    returns.
    by_descriptor: whether files are opened relative to open directories.
    names: the names of the private entries of the run.
    """

    out: Path
    sync: bool = True
    by_descriptor: bool = BY_DESCRIPTOR
    names: PrivateNames = WHOLE

    @property
    def ledger_path(self) -> Path:
        """Where the ledger of OUT is, or will be."""
        return self.out / self.names.ledger

    @property
    def presentation_index_path(self) -> Path:
        """Where the index of presentation states is until staging is cleared."""
        return self.out / self.names.staging / _PRESENTATION_INDEX

    def has_ledger(self) -> bool:
        """Whether OUT has a ledger. Raises LedgerError where something else than a file has its name."""
        return has_ledger(self.out, self.names.ledger)

    def lock(self) -> AbstractContextManager[None]:
        """Keep other runs out of OUT, which exists, until the block or the process ends. Raises as `lock_folder`."""
        return lock_folder(self.out, self.names, by_descriptor=self.by_descriptor)

    @contextmanager
    def open_for_run(self, *, overwrite: bool = False) -> Iterator[FolderOutput]:
        """Create OUT if it is missing, lock it for one run, and remove what a killed run left in staging.

        OUT must be empty or have a ledger unless `overwrite` is true. At the end of the block staging is removed.
        Raises LedgerError (OUT is a file, is not writable, or holds other files), OutputLockedError and
        StorageFullError.
        """
        make_folder(self.out)
        # nothing is created in a folder that is refused
        check_ownership(self.out, self.names, overwrite=overwrite)
        with self.lock():
            check_ownership(self.out, self.names, overwrite=overwrite)
            check_writable(self.out, self.names.probe, by_descriptor=self.by_descriptor)
            self.clear_staging()
            try:
                yield self
            finally:
                self._remove_staging()

    @contextmanager
    def open_for_merge(self) -> Iterator[FolderOutput]:
        """Lock OUT, which exists, against all runs and shards. At the end of the block staging is removed.

        Raises LedgerError (OUT is a file or is not writable), OutputLockedError and StorageFullError.
        """
        with self.lock():
            for share in shares_of(self.out):
                check_unlocked(self.out, PrivateNames(share), by_descriptor=self.by_descriptor)
            check_writable(self.out, self.names.probe, by_descriptor=self.by_descriptor)
            self.clear_staging()
            try:
                yield self
            finally:
                self._remove_staging()

    def path_of_share(self, share: Share) -> Path:
        """Return where the ledger of a shard is."""
        return self.out / PrivateNames(share).ledger

    def stage(self, chunks: Iterable[bytes]) -> str:
        """Write a file to staging and return its temporary name, to be given to `publish` or `discard`.

        Raises OutputError (this image cannot be written), StorageFullError and RunError (no image can be written).
        """
        name = temporary_name()
        try:
            with self._open_staging() as staging:
                staging.create(name, chunks)
        except OSError as error:
            raise classify_os_error(error) from error
        return name

    def staged_path(self, temporary_name: str) -> Path:
        """Return where the staged file of this name is, if there is one."""
        return self._staging_path / temporary_name

    def publish(self, names: Mapping[str, str]) -> dict[str, OutputError]:
        """Give staged files their final names. Older files of these names are replaced.

        names: the temporary name of each file -> its name relative to OUT.

        Returns the errors of files that could not get their names, by temporary name; these files are removed. Raises
        StorageFullError and RunError.
        """
        errors = self._sync_staged(names) if self.sync else {}
        synced = (item for item in names.items() if item[0] not in errors)
        in_folders = sorted(synced, key=lambda item: (folder_of(item[1]), item[1]))
        for folder, group in groupby(in_folders, key=lambda item: folder_of(item[1])):
            names_in_folder = dict(group)
            try:
                errors |= self._publish_in_folder(folder, names_in_folder)
            except OutputError as error:
                errors |= dict.fromkeys(names_in_folder, error)
        self.discard(errors)
        return errors

    def discard(self, temporary_names: Iterable[str]) -> None:
        """Remove staged files; those that cannot be removed stay until staging is cleared. Raises RunError."""
        with suppress(OutputError), translate_os_errors(), self._open_staging() as staging:
            for name in temporary_names:
                staging.remove(name)

    def clear_staging(self) -> None:
        """Remove every staged file and the reserve; only the holder of the lock may do that. Raises RunError."""
        with translate_private_errors(self._staging_path), self._open_staging() as staging:
            _remove_access_of_others(staging)
            for name in staging.list_names():
                staging.remove(name)

    def reserve_space(self, size: int) -> None:
        """Occupy `size` bytes of the disk, instead of an earlier reserve, until staging is cleared.

        The space is then free for what must be written when the disk is full. Raises StorageFullError and RunError.
        """
        with translate_private_errors(self._staging_path), self._open_staging() as staging:
            staging.remove(_RESERVE)
            # random bytes, because a file system that compresses would reserve nothing for zeros
            staging.create(_RESERVE, [os.urandom(size)])

    def remove(self, names: Iterable[str]) -> set[str]:
        """Remove published files where they exist; symbolic links are not followed.

        Returns the names of files that may exist and could not be removed. Raises StorageFullError and RunError.
        """
        return {name for name in names if not self._remove(name)}

    def remove_empty_folders(self, names: Iterable[str]) -> None:
        """Remove the folders of these files, and the folders above, where they are empty.

        A shard leaves them: another shard may be about to write into one of them.
        """
        if self.names.share is not None:
            return
        folders = {tuple(components_of(name)[:depth]) for name in names for depth in range(1, name.count("/") + 1)}
        for *parents, folder in sorted(folders, key=len, reverse=True):
            if self.out.joinpath(*parents).is_dir():
                with (
                    suppress(OSError),
                    open_directory(self.out, parents, by_descriptor=self.by_descriptor) as directory,
                ):
                    directory.remove_directory(folder)

    def remove_empty_tree(self, folder: str) -> None:
        """Remove a folder at the top of OUT, and the folders in it, where they hold no file; links are not followed."""
        for path, _, _ in os.walk(self.out / folder, topdown=False):
            with suppress(OSError):
                Path(path).rmdir()

    def write(self, relative_name: str, data: bytes) -> Path:
        """Write one complete file into OUT and return its path. An older file of that name is replaced.

        Raises OutputError (this image cannot be written), StorageFullError and RunError (no image can be written).
        """
        return self.write_chunks(relative_name, [data])

    def write_chunks(self, relative_name: str, chunks: Iterable[bytes]) -> Path:
        """Write one complete file from an iterable of chunks, as `write` does."""
        components_of(relative_name)
        staged = self.stage(chunks)
        for error in self.publish({staged: relative_name}).values():
            raise error
        return self.out / relative_name

    def _remove(self, relative_name: str) -> bool:
        """Remove a file; return whether no file of a run has this name now."""
        *folders, name = components_of(relative_name)
        try:
            if self.out.joinpath(*folders).is_dir():
                with open_directory(self.out, folders, by_descriptor=self.by_descriptor) as directory:
                    directory.remove(name)
        except (NotADirectoryError, IsADirectoryError):
            # a run writes neither folders of this name nor files beyond a symbolic link
            return True
        except OSError as error:
            if not isinstance(classified := classify_os_error(error), OutputError):
                raise classified from error
            return False
        return True

    def _sync_staged(self, names: Iterable[str]) -> dict[str, OutputError]:
        """Flush staged files to the disk, several at a time, because disks combine concurrent flushes.

        Returns the errors of files that could not be flushed. Raises StorageFullError and RunError.
        """
        staged = list(names)
        remaining, threads = iter(staged), min(1 + len(staged) // _FILES_PER_SYNC_THREAD, _MOST_SYNC_THREADS)
        errors: dict[str, OutputError] = {}
        try:
            with translate_os_errors(), self._open_staging() as staging, ThreadPoolExecutor(threads) as pool:
                # each thread takes the next name itself: that is cheaper than one task a file
                for future in [pool.submit(_sync_each, staging, remaining, errors) for _ in range(threads)]:
                    future.result()
        except OutputError as error:
            return dict.fromkeys(names, error)
        return errors

    def _publish_in_folder(self, folder: str, names: Mapping[str, str]) -> dict[str, OutputError]:
        """Publish the files of one folder. Raises OutputError if the folder cannot be created, and run errors."""
        errors: dict[str, OutputError] = {}
        folders = components_of(f"{folder}/x")[:-1] if folder else []
        target = open_directory(self.out, folders, by_descriptor=self.by_descriptor)
        with translate_os_errors(), self._open_staging() as staging, target as directory:
            for temporary, relative_name in names.items():
                try:
                    with translate_os_errors():
                        directory.move_from(staging, temporary, components_of(relative_name)[-1])
                except OutputError as error:
                    errors[temporary] = error
            if self.sync:
                directory.sync()
        if self.sync:
            self.sync_parents(folders)
        return errors

    def sync_parents(self, folders: list[str]) -> None:
        """Flush the names of the folders themselves to the disk."""
        for depth in range(len(folders)):
            with (
                translate_os_errors(),
                open_directory(self.out, folders[:depth], by_descriptor=self.by_descriptor) as directory,
            ):
                directory.sync()

    @property
    def _staging_path(self) -> Path:
        return self.out / self.names.staging

    def _open_staging(self) -> AbstractContextManager[OutputDirectory]:
        return open_directory(self.out, [self.names.staging], mode=0o700, by_descriptor=self.by_descriptor)

    def _remove_staging(self) -> None:
        """Remove the staging folder. What cannot be removed stays for the next run."""
        with suppress(PlainfilmError):
            self.clear_staging()
        with suppress(OSError), open_directory(self.out, by_descriptor=self.by_descriptor) as directory:
            directory.remove_directory(self.names.staging)


def _sync_each(staging: OutputDirectory, names: Iterator[str], errors: dict[str, OutputError]) -> None:
    """Flush files until the iterator, which other threads share, has no more names."""
    for name in names:
        try:
            with translate_os_errors():
                staging.sync_file(name)
        except OutputError as error:
            errors[name] = error


def folder_of(relative_name: str) -> str:
    """Return the folder of a relative name, '' for the top."""
    return relative_name.rpartition("/")[0]


def components_of(relative_name: str) -> list[str]:
    """Split a relative name at `/`. Raises OutputError for a name that could lead out of OUT."""
    components = relative_name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in components):
        raise OutputError("the image's name is no relative path within OUT")
    return components


def _remove_access_of_others(directory: OutputDirectory) -> None:
    """Remove the permissions of other users that another program set."""
    if directory.descriptor is not None and os.fstat(directory.descriptor).st_mode & 0o077:
        os.fchmod(directory.descriptor, 0o700)
