# SPDX-License-Identifier: MIT
"""Lock a file. The lock ends when the file is closed or the process ends in any way, so no lock is ever stale."""

from __future__ import annotations

import errno
import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCKED = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK})


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Lock an open file without waiting; return False if another run holds the lock.

    is_shared: whether other runs may hold a shared lock too. Windows has none: nothing is locked there then.

    The lock belongs to the open file. It therefore keeps out a second run in the same process too. A forked process
    would share it (workers are started afresh, not forked).
    Raises OSError where the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            if is_shared:
                return True
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKED:
            return False
        raise
    return True
