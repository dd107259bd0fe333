# SPDX-License-Identifier: MIT
"""Whether a native decoder may have damaged the memory of this process, and how much memory this process may take.

OpenJPEG has written past its buffers before it refused a codestream. The structure of a codestream is checked before
OpenJPEG sees it, and a process in which OpenJPEG still refuses a codestream is replaced before the next image.
"""

from __future__ import annotations

import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

_STATM = Path("/proc/self/statm")
# The decoders need up to some 30 bytes for a sample (OpenJPEG, libjxl), and some for themselves.
_BYTES_PER_SAMPLE, _BYTES_OF_DECODER = 32, 64 << 20

_refusals: list[str] = []


def record_refusal(library: str) -> None:
    """Record that a native library which is not safe from damaged codestreams has refused one."""
    _refusals.append(library)


def is_memory_suspect() -> bool:
    """Whether a library that is not safe has refused a codestream, and may have damaged the memory of this process."""
    return bool(_refusals)


def is_memory_short(samples: int) -> bool:
    """Whether this process may take less memory than decoding that many samples can need.

    The libraries report a failed allocation as if the codestream were damaged, so that with so little memory a refusal
    says nothing about the codestream. Only Linux tells the size of the address space.
    """
    left = _memory_left()
    return left is not None and left < samples * _BYTES_PER_SAMPLE + _BYTES_OF_DECODER


def require_memory(size: int) -> None:
    """Raise MemoryError unless so many bytes are left, before a library is called that aborts without them."""
    left = _memory_left()
    if left is not None and left < size:
        raise MemoryError


def _memory_left() -> int | None:
    """Return how many bytes the address space of this process may grow; None without a limit."""
    if sys.platform != "linux":
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        size = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return None
    return limit - size
