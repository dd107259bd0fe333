# SPDX-License-Identifier: MIT
"""The compiled loops take no more instructions than their baseline, and a small film no more Python calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trials.fuzz.kernels import compiler

pytestmark = [pytest.mark.slow, pytest.mark.component]

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(compiler() is None or shutil.which("valgrind") is None, reason="it needs valgrind and a C compiler")
def test_no_count_has_grown() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "benchmarks.instructions"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
