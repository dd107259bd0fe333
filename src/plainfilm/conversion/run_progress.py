# SPDX-License-Identifier: MIT
"""Describe the progress of a run. This module loads no library, so that a display can be shown at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is: its input files on one side, its images and the rows of its tables on the other.

    files: input files of this run that are done, also those that were done before and are up to date.
    images: images and instances with a result, in all runs into this folder: `converted` and `failed`.
    converted, failed, skipped: the rows of the tables until now, as in the summary.
    seconds: the time since this run started.
    total: the number of input files; None until they are counted.
    repaired: those of the converted images that are repaired.
    reasons: the number of failures of this run by reason.
    fraction: the part of the files that is done, where a multi-frame file counts by its frames, from 0 to 1; None
        until they are counted.
    new_files, new_images, new_bytes: the files and images that this run has converted, and the bytes of these files.
    """

    files: int = 0
    images: int = 0
    converted: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    total: int | None = None
    repaired: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    fraction: float | None = None
    new_files: int = 0
    new_images: int = 0
    new_bytes: int = 0

    @property
    def seconds_left(self) -> float | None:
        """The estimated remaining time by the rate of this run; None where there is no estimate."""
        if self.fraction is None or self.total is None or not self.new_files:
            return None
        return self.total * (1 - self.fraction) * self.seconds / self.new_files

    def per_second(self, number: float) -> float:
        """A number of this run by the time since its start."""
        return number / self.seconds if self.seconds > 0 else 0.0


ProgressCallback = Callable[[RunProgress], object]
"""Called with the progress of a run. What it returns is ignored."""


def ignore_progress(_progress: RunProgress) -> None:
    """Do nothing with the progress of a run."""
