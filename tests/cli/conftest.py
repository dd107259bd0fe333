# SPDX-License-Identifier: MIT
"""The real command in a process of its own, with a configuration folder of its own, and films to give it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes

Completed = subprocess.CompletedProcess[Any]


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that stands for the user's home and configuration, so that no key is made in the real ones."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def surroundings(configuration: Path) -> dict[str, str]:
    """The environment of the command: this one's, less what speaks to plainfilm or changes what Python does."""
    ours = ("PLAINFILM_", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "NO_COLOR", "FORCE_COLOR")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "HOME": str(configuration), "XDG_CONFIG_HOME": str(configuration)}


@pytest.fixture(scope="session")
def plainfilm(surroundings: dict[str, str]) -> Callable[..., Completed]:
    """Run `plainfilm WORDS...`; what it prints is text unless `text=False`. `environment` adds to its surroundings."""

    def run(*words: str | Path, environment: dict[str, str] | None = None, **settings: Any) -> Completed:
        command = [sys.executable, "-m", "plainfilm", *map(str, words)]
        given = {"capture_output": True, "text": True, "timeout": 120, **settings}
        return subprocess.run(command, env={**surroundings, **(environment or {})}, check=False, **given)

    return run


@pytest.fixture(scope="session")
def write_film() -> Callable[..., Path]:
    """Write the film that the parameters of `build_case` describe; its folder is made."""

    def write(path: Path, **parameters: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_bytes(build_case(**parameters)[0]))
        return path

    return write
