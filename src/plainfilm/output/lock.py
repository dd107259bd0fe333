# SPDX-License-Identifier: MIT
"""A lock file's descriptor -> the lock, held until that is closed or the process ends in whatever way: never stale."""

from __future__ import annotations

import errno
import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK})


def try_lock(descriptor: int) -> bool:
    """Take the lock at once, or say that another has it. Raises OSError where the file system has no locks.

    The lock belongs to the open file: it keeps out a second run in the same process too, and a process that is forked
    meanwhile shares it (workers are started afresh, not forked).
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True
