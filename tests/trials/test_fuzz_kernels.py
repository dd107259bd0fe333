# SPDX-License-Identifier: MIT
"""The compiled loops over pixels stay within their memory for mutated inputs, in the short form of the fuzz target."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trials.fuzz.kernels import compiler

pytestmark = [pytest.mark.slow, pytest.mark.component]

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(compiler() is None or sys.platform != "linux", reason="it needs clang or gcc, and their sanitizers")
def test_no_sanitizer_reports_a_fault() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "trials.fuzz.kernels", "--rounds", "20"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
