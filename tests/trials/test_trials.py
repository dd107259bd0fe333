# SPDX-License-Identifier: MIT
"""Every trial passes in its short form; a trial is a command that checks a promise (docs/promises.md)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.component]

ROOT = Path(__file__).resolve().parents[2]
TRIALS = (
    *("mutants", "kills", "full_disk", "many_files", "changing_folder", "soak", "stops", "native_decoders"),
    *("ledger_rows", "shards"),
)
BY_HAND = ("offline_installation",)
"""Trials that download packages, or take too long for CI."""


@pytest.mark.skipif(sys.platform != "linux", reason="trials need POSIX signals and /proc")
@pytest.mark.parametrize("trial", TRIALS)
def test_a_trial_finds_no_fault(trial: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("PLAINFILM_TEST_DATA", None)
    command = [sys.executable, "-m", f"trials.{trial}", "--short", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if "skipped:" in done.stdout:
        pytest.skip(done.stdout.partition("skipped: ")[2].splitlines()[0])


def test_every_trial_is_listed() -> None:
    scripts = {path.stem for path in (ROOT / "trials").glob("*.py") if "run_trial(__doc__" in path.read_text("utf-8")}
    assert scripts == {*TRIALS, *BY_HAND}
