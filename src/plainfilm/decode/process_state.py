# SPDX-License-Identifier: MIT
"""Record whether a native decoder may have damaged the memory of this process.

OpenJPEG has written past its buffers before it refused a codestream. The structure of a codestream is checked before
OpenJPEG sees it, and a process in which OpenJPEG still refuses a codestream is replaced before the next image.
"""

from __future__ import annotations

_refusals: list[str] = []


def record_refusal(library: str) -> None:
    """Record that a native library which is not safe from damaged codestreams has refused one."""
    _refusals.append(library)


def is_memory_suspect() -> bool:
    """Whether a library that is not safe has refused a codestream, and may have damaged the memory of this process."""
    return bool(_refusals)
