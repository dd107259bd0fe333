# SPDX-License-Identifier: MIT
"""The plainfilm command with a home folder of its own."""

from __future__ import annotations

import pytest
from tests.support.command_line import CommandLine


@pytest.fixture(scope="session")
def plainfilm(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command. Its home folder is not the user's, so no key file is made there."""
    return CommandLine(tmp_path_factory.mktemp("home"))
