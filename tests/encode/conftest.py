# SPDX-License-Identifier: MIT
"""The rows of the table of encoders: each has to write what every reader reads alike."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

import pytest

from plainfilm.encode.compression import Row
from plainfilm.encode.compressors import HAS_RUNS


@pytest.fixture(scope="session", params=Row, ids=lambda row: row.name.lower())
def row(request: pytest.FixtureRequest) -> Row:
    """A row of encoders. The compiled one may be missing where there is no C compiler, and there only."""
    if request.param is Row.COMPILED and not HAS_RUNS:
        reason = "plainfilm.encode.runs was not compiled: install plainfilm from its source"
        if os.environ.get("CI") and _can_compile():
            pytest.fail(f"{reason} (here is a C compiler, and under CI it must be used)")
        pytest.skip(reason)
    found: Row = request.param
    return found


def _can_compile() -> bool:
    has_headers = (Path(sysconfig.get_path("include")) / "Python.h").is_file()
    return has_headers and any(map(shutil.which, ("cc", "gcc", "clang", "cl")))
