# SPDX-License-Identifier: MIT
"""Check the argument OUT of the commands that read a finished run."""

from __future__ import annotations

from pathlib import Path

from plainfilm.errors import OptionsError
from plainfilm.sources.scheme import check_local


def existing_out(text: str) -> Path:
    """The path of an existing folder. Raises OptionsError, which does not quote a URL: it may have a password."""
    check_local(text, "OUT")
    out = Path(text)
    if not out.is_dir():
        raise OptionsError(f"{out} is not a folder")
    return out
