# SPDX-License-Identifier: MIT
"""The table of encoders names the backend in use, and plainfilm works without a C compiler."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plainfilm.conversion.summary import versions_of_pictures
from plainfilm.encode.compression import BACKEND, Backend
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.table import encoder_status

# runs plainfilm as if it were installed without a compiler
WITHOUT_COMPILER = """
import json, sys
sys.modules["plainfilm.kernels.core"] = None
import numpy as np
from dataclasses import asdict
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.table import encoder_status
from plainfilm.conversion.summary import versions_of_pictures
with open(sys.argv[1], "wb") as file:
    file.write(encode_png(np.load(sys.argv[2]), Ancillary("x")))
print(json.dumps({"encoders": [asdict(one) for one in encoder_status()], "versions": versions_of_pictures()}))
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.npy"
    np.save(path, np.arange(40_000, dtype=np.uint16).reshape(200, 200))
    return path


@pytest.fixture
def uncompiled(tmp_path: Path, image: Path) -> dict[str, Any]:
    """The encoders and versions of an installation without the compiled module, which has written uncompiled.png."""
    command = [sys.executable, "-c", WITHOUT_COMPILER, tmp_path / "uncompiled.png", image]
    process = subprocess.run(command, capture_output=True, check=True)
    status: dict[str, Any] = json.loads(process.stdout)
    return status


def test_without_a_compiler_the_pure_backend_is_used_and_named(
    uncompiled: dict[str, Any], image: Path, tmp_path: Path
) -> None:
    png, *_ = uncompiled["encoders"]
    assert (png["library"], "C compiler" in png["missing"]) == ("isal", True)
    assert (tmp_path / "uncompiled.png").read_bytes() == encode_png(np.load(image), Ancillary("x"), Backend.PURE)


def test_the_backend_in_use_is_named() -> None:
    png, *_ = encoder_status()
    assert png.library == ("plainfilm compiled" if BACKEND is Backend.COMPILED else "isal")
    assert (png.missing is None) == (BACKEND is Backend.COMPILED)


def test_the_versions_of_a_run_differ_where_another_backend_would_write_other_bytes(uncompiled: dict[str, Any]) -> None:
    """A run refuses to resume where these versions differ."""
    differing = {name for name, one in versions_of_pictures().items() if uncompiled["versions"][name] != one}
    assert differing == ({"PNG encoder"} if BACKEND is Backend.COMPILED else set())
