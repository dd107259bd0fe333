# SPDX-License-Identifier: MIT
"""The table of encoders. Fear: an installation that writes by another row than it says, or cannot write without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plainfilm.conversion.summary import versions_of_pictures
from plainfilm.encode.compression import ROW, Row
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.table import encoder_status

# plainfilm as it is where there was no compiler
WITHOUT = """
import json, sys
sys.modules["plainfilm.encode.runs"] = None
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
def bare(tmp_path: Path, image: Path) -> dict[str, Any]:
    """What an installation without the compiled row says; it has written bare.png."""
    command = [sys.executable, "-c", WITHOUT, tmp_path / "bare.png", image]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def test_without_a_compiler_it_says_so_and_writes_as_the_pure_row(
    bare: dict[str, Any], image: Path, tmp_path: Path
) -> None:
    (png,) = bare["encoders"]
    assert (png["library"], "C compiler" in png["missing"]) == ("isal", True)
    assert (tmp_path / "bare.png").read_bytes() == encode_png(np.load(image), Ancillary("x"), Row.PURE)


def test_the_row_in_use_is_named() -> None:
    (png,) = encoder_status()
    assert png.library == ("plainfilm compiled" if ROW is Row.COMPILED else "isal")
    assert (png.missing is None) == (ROW is Row.COMPILED)


def test_a_run_does_not_go_on_where_another_row_would_write_other_bytes(bare: dict[str, Any]) -> None:
    """The versions that two runs compare differ by the row alone."""
    differing = {name for name, one in versions_of_pictures().items() if bare["versions"][name] != one}
    assert differing == ({"PNG encoder"} if ROW is Row.COMPILED else set())
