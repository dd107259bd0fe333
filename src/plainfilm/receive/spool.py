# SPDX-License-Identifier: MIT
"""Keep received instances in a private folder of OUT: each one whole, durable, and under a name of its own.

    .plainfilm-received/3f/3fa9….dcm   an instance; its name is a hash of its bytes
    .plainfilm-incoming/               the files of instances that are being received, and the lock of the listener

An instance that is sent twice with the same bytes is kept once. No text that the sender chooses is part of a path.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from plainfilm.errors import OutputLockedError
from plainfilm.output.directory import open_directory
from plainfilm.output.lock import try_lock
from plainfilm.output.storage import translate_private_errors

RECEIVED = ".plainfilm-received"
INCOMING = ".plainfilm-incoming"
_LOCK = "lock"
_BUFFER = 1 << 20
_NAME_DIGITS = 40


class IncomingFile:
    """The file of one instance while it is received.

    A file that cannot be written, or must not be kept, takes no more bytes; `problem` says why, until the instance is
    complete and the sender can be answered. The attributes `name` and `file` and the methods are those that pynetdicom
    uses of a temporary file.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.problem: Exception | None = None
        self.path = folder / f"{secrets.token_hex(16)}.part"
        self.size = 0
        self._most_bytes = most_bytes
        self._hash = hashlib.sha256()
        self._file = None
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(descriptor, "wb", buffering=_BUFFER)
        except OSError as error:
            self.problem = error

    @property
    def name(self) -> str:
        """The path, as text."""
        return str(self.path)

    @property
    def file(self) -> IncomingFile:
        """This object, whose `flush` is called after each part."""
        return self

    @property
    def is_too_large(self) -> bool:
        """Whether more bytes came than an instance may have."""
        return self.size > self._most_bytes

    def write(self, part: bytes) -> int:
        """Add a part, unless there is a problem."""
        self.size += len(part)
        if self.is_too_large and self.problem is None:
            self.problem = OSError(errno.EFBIG, "it is larger than --max-object")
        if self.problem is None and self._file is not None:
            self._hash.update(part)
            try:
                self._file.write(part)
            except OSError as error:
                self.problem = error
        return len(part)

    def flush(self) -> None:
        """Do nothing: the parts are written when there are enough of them, and at the end."""

    def complete(self) -> str:
        """Make the bytes durable, and return the name of the instance. Raises OSError and the problem."""
        if self.problem is not None:
            raise self.problem
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._hash.hexdigest()[:_NAME_DIGITS]

    def close(self) -> None:
        """Close the file; what it holds may be incomplete."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def discard(self) -> None:
        """Close and remove the file."""
        self.close()
        with suppress(OSError):
            self.path.unlink()


class Spool:
    """The folders of received instances in OUT.

    most_bytes: the largest size of an instance. arrived: set when an instance was kept.
    """

    def __init__(self, out: Path, most_bytes: int) -> None:
        self.received = out / RECEIVED
        self.arrived = threading.Event()
        self.kept = 0
        self._incoming = out / INCOMING
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make the folders and keep other listeners out of them; remove what an earlier process left half received.

        Raises OutputLockedError and RunError.
        """
        for folder in (self.received, self._incoming):
            with translate_private_errors(folder):
                _make_private_folder(folder)
        # OUT may be new; where the folder above it cannot be opened, it is older
        with suppress(OSError):
            _sync_folder(self.received.parent.parent)
        with translate_private_errors(self._incoming), open_directory(self._incoming) as incoming:
            descriptor = incoming.open_file(_LOCK, 0o600)
        try:
            if not try_lock(descriptor):
                message = f"another `plainfilm receive` receives into {self.received.parent}: choose another OUT"
                raise OutputLockedError(message)
            for path in self._incoming.glob("*.part"):
                path.unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)

    def new_file(self) -> IncomingFile:
        """A file for the next instance."""
        return IncomingFile(self._incoming, self._most_bytes)

    def keep(self, file: IncomingFile) -> Path:
        """Make an instance durable under its own name, and return its path. Raises OSError and the file's problem."""
        try:
            name = file.complete()
            folder = self.received / name[:2]
            path = folder / f"{name}.dcm"
            with self._lock:
                _make_durable_folder(folder)
                # the same bytes may be there: that file stays, because a new time would convert it again
                if not path.exists():
                    file.path.rename(path)
                _sync_folder(folder)
                self.kept += 1
        finally:
            file.discard()
        self.arrived.set()
        return path

    def has_instances(self) -> bool:
        """Whether any instance was ever kept here."""
        return any(self.received.glob("*/*.dcm"))


def _make_private_folder(folder: Path) -> None:
    """Make a folder at the top of OUT that only the user may read. Raises OSError, also for a symbolic link."""
    with open_directory(folder.parent, (folder.name,), mode=0o700):
        folder.chmod(0o700)
    _sync_folder(folder.parent)


def _make_durable_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable, where the operating system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
