# SPDX-License-Identifier: MIT
"""Tell URLs from paths, and refuse a URL where only a path of this machine can be used.

No message repeats a URL, which may hold a password.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from plainfilm.errors import OptionsError

# Two letters or more, because a single letter is a drive of Windows. A Path has joined the two slashes.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
# the AE title in dicom://AET@host is no secret
_USER_INFO = re.compile(r"\b((?!dicom:)[a-z][a-z0-9+.-]+:/{1,2})[^\s'\"]*@", re.IGNORECASE)


def scheme_of(place: str | os.PathLike[str]) -> str | None:
    """Return the scheme of a URL in lower case, such as `s3`; None for a path."""
    match = _SCHEME.match(os.fspath(place))
    return match[1].lower() if match else None


def check_local(place: str | os.PathLike[str], role: str) -> None:
    """Raise OptionsError for a URL where only a local path can be used. role: such as `OUT` or `--key-file`."""
    scheme = scheme_of(place)
    if scheme is None:
        return
    if scheme == "file":
        raise OptionsError(f"{role} is a URL with file://: give the path without file://")
    kind = "folder" if role == "OUT" else "file"
    raise OptionsError(
        f"{role} is a URL with {scheme}://, and must be a local path here: give a {kind} of this machine (a folder of "
        f"that name is ./{scheme}:)"
    )


def local_path(value: object) -> Path:
    """A path of this machine, from an argument or the value of an option. Raises OptionsError for a URL."""
    text = str(value)
    if (scheme := scheme_of(text)) is not None:
        advice = "write it without file://" if scheme == "file" else "copy the file first"
        raise OptionsError(f"a path of this machine, not a URL with {scheme}://: {advice}")
    return Path(text)


def without_user_info(message: str) -> str:
    """A message without the user names and passwords of the URLs in it."""
    return _USER_INFO.sub(r"\1", message)
