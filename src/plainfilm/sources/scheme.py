# SPDX-License-Identifier: MIT
"""Recognise URLs among SOURCE and OUT, so that none is taken for a path of the file system."""

from __future__ import annotations

import os
import re
from pathlib import Path

from plainfilm.errors import OptionsError

# Two letters or more, because a single letter is a drive of Windows. A Path has joined the two slashes.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def scheme_of(place: str | Path) -> str | None:
    """Return the scheme of a URL in lower case, such as `s3`; None for a path."""
    match = _SCHEME.match(os.fspath(place))
    return match[1].lower() if match else None


def check_local(place: str | Path, role: str) -> None:
    """Raise OptionsError for a URL; role: `SOURCE` or `OUT`. The message does not repeat the URL.

    A URL may hold a password.
    """
    scheme = scheme_of(place)
    if scheme is None:
        return
    if scheme == "file":
        raise OptionsError(f"{role} is a file:// URL: give the path without file://")
    raise OptionsError(
        f"{role} is a {scheme}:// URL, which this version cannot use: copy the files and give a local path "
        f"(a folder of that name is ./{scheme}:)"
    )
