# SPDX-License-Identifier: MIT
"""Tell whether a file that arrives in a folder is whole: nobody writes to it any more.

A file system does not say when a file is finished. These signs together are taken for it: the name is not one that
programs give to unfinished files, size and time have not changed for some seconds, and, where the system can tell, no
process has the file open for writing.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from plainfilm.pickling import dataclass

if sys.platform == "linux":
    import fcntl

# browsers, rsync (`.name.Xy12Zw`), WinSCP, editors and network file systems
_UNFINISHED_NAME = re.compile(
    r"\.(?:part|partial|filepart|tmp|temp|crdownload|download|incomplete|swp)\Z"
    r"|~\Z|\A\..+\.[a-z0-9]{6}\Z|\A\.(?:nfs|smb|fuse_hidden)|\A~\$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class FileState:
    """The properties of a file that change when it is written, replaced or renamed."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState | None:
        """Return the state of a file, None where it cannot be read."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    @property
    def age_seconds(self) -> float:
        """The seconds since the content was changed, by the clock of this system."""
        return time.time() - self.mtime_ns / 1e9


def has_unfinished_name(name: str) -> bool:
    """Whether a file has a name that programs give to a file until it is finished, such as `x.dcm.part`."""
    return _UNFINISHED_NAME.search(name) is not None


def is_open_for_writing(path: Path) -> bool:
    """Whether a process on this machine has a file open for writing; False where the system does not tell.

    Linux grants a read lease on a file only if nobody has it open for writing. It grants none on files of other users,
    and on most network file systems.
    """
    if sys.platform != "linux":
        return False
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            # a writer that comes in between sends this signal, which is ignored unless there is a handler
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False
