# SPDX-License-Identifier: MIT
"""Run `plainfilm remove` in this process, which kills itself before a step: `killed_removal OUT HASH NUMBER`.

A step is a commit of the ledger, its last rewriting, the moment before the new ledger takes the place of the old one, a
new name of a file, or the removal of a file. The exit code is that of the command where it has fewer steps.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from plainfilm.cli.main import main
from plainfilm.ledger import database
from plainfilm.ledger.database import Database
from plainfilm.output.directory import OutputDirectory

STEPS = (
    *((Database, "commit"), (Database, "compact"), (database, "_replace")),
    *((OutputDirectory, "move_from"), (OutputDirectory, "remove")),
)


def kill_before(number: int) -> None:
    """Make this process kill itself before its step with this number, counted from 0."""
    steps = count()

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            if next(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments)

        return step

    for owner, name in STEPS:
        setattr(owner, name, counting(getattr(owner, name)))


if __name__ == "__main__":
    out, patient, number = sys.argv[1:]
    kill_before(int(number))
    sys.exit(main(["remove", out, "--patient", patient]))
