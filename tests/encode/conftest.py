# SPDX-License-Identifier: MIT
"""The fixture `backend`: tests of encoding run with every backend, since all must write valid files."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

import pytest

from plainfilm.encode.compression import Backend
from plainfilm.kernels import HAS_CORE


@pytest.fixture(scope="session", params=Backend, ids=lambda backend: backend.name.lower())
def backend(request: pytest.FixtureRequest) -> Backend:
    """A backend. The compiled one may be missing only where there is no C compiler."""
    if request.param is Backend.COMPILED and not HAS_CORE:
        reason = "plainfilm.kernels.core was not compiled: install plainfilm from its source"
        if os.environ.get("CI") and _can_compile():
            pytest.fail(f"{reason} (under CI it must be, because there is a C compiler)")
        pytest.skip(reason)
    selected: Backend = request.param
    return selected


def _can_compile() -> bool:
    has_headers = (Path(sysconfig.get_path("include")) / "Python.h").is_file()
    return has_headers and any(map(shutil.which, ("cc", "gcc", "clang", "cl")))
