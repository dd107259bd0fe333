# SPDX-License-Identifier: MIT
"""Run the plainfilm command in this process or in a process of its own, with a home folder of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from plainfilm.cli.main import main

INHERITED_NO_MORE = ("PLAINFILM_", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "NO_COLOR", "FORCE_COLOR")


@dataclass(frozen=True, slots=True)
class Finished:
    """The exit code of a command and what it wrote to its standard streams."""

    returncode: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.stdout_bytes.decode()

    @property
    def stderr(self) -> str:
        """Standard error as text."""
        return self.stderr_bytes.decode()


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The plainfilm command whose home and configuration are in the folder `home`."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the command: without variables that change plainfilm or Python, and with one worker."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(INHERITED_NO_MORE)}
        home = str(self.home)
        return {**inherited, "HOME": home, "XDG_CONFIG_HOME": home, "PLAINFILM_JOBS": "1"}

    def run(
        self, *words: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Finished:
        """Run `plainfilm WORDS...` in this process; its workers are processes as always."""
        written = io.BytesIO(), io.BytesIO()
        out, err = (io.TextIOWrapper(buffer, encoding="utf-8", write_through=True) for buffer in written)
        surroundings = mock.patch.dict(os.environ, {**self.environment, **(environment or {})}, clear=True)
        folder = nullcontext() if cwd is None else chdir(cwd)
        with surroundings, folder, redirect_stdout(out), redirect_stderr(err):
            try:
                returncode = main([str(word) for word in words])
            except SystemExit as leaving:
                returncode = int(leaving.code or 0)
        return Finished(returncode, *(buffer.getvalue() for buffer in written))

    def run_process(
        self, *words: str | Path, environment: Mapping[str, str] | None = None, **settings: Any
    ) -> Finished:
        """Run `python -m plainfilm WORDS...` in a process of its own; `settings` go to `subprocess.run`."""
        done = subprocess.run(
            [sys.executable, "-m", "plainfilm", *map(str, words)],
            env={**self.environment, **(environment or {})},
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **settings},
        )
        return Finished(done.returncode, done.stdout or b"", done.stderr or b"")
