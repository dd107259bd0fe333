# SPDX-License-Identifier: MIT
"""The checks of this project, one session each: `nox -l` lists them, `nox -s lint` runs one.

Sessions run in the environment that nox is installed in (`pip install -c lock.txt -e ".[dev]"`), not in new ones.
`.ci/run` runs the README's test command, and then the sessions lint, types and components.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

TORCH_VERSION = "2.13.0"

nox.options.sessions = ["quick", "lint", "types"]
nox.options.default_venv_backend = "none"


def tool(name: str) -> str:
    """The path of a command that is installed beside this Python, or else on the PATH."""
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    return beside or name


@nox.session
def quick(session: nox.Session) -> None:
    """Run the tests that need no more than a second each: an answer in less than a minute."""
    session.run(tool("pytest"), "-m", "not slow", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test that needs only Python packages, like the README's test command."""
    session.run(tool("pytest"), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and layers."""
    session.run(tool("ruff"), "check", ".")
    session.run(tool("ruff"), "format", "--check", ".")
    session.run(tool("lint-imports"))


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.run(tool("mypy"))


@nox.session
def components(session: nox.Session) -> None:
    """Run the short form of the trials, and the tests that need more than the extra `dev`, such as DCMTK or PyTorch."""
    pip = (sys.executable, "-m", "pip", "install", "-q")
    session.run(*pip, "-c", "lock.txt", "-e", ".[dev,components,dask,pacs,remote]")
    session.run(*pip, f"torch=={TORCH_VERSION}")
    session.run(tool("pytest"), "-m", "component", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure line and branch coverage of the test suite, worker processes included, and print the total."""
    coverage_command = tool("coverage")
    session.run(coverage_command, "erase")
    session.run(coverage_command, "run", "-m", "pytest", *session.posargs, success_codes=[0, 1])
    session.run(coverage_command, "combine", "--quiet")
    session.run(coverage_command, "report", "--skip-covered", "--show-missing")
