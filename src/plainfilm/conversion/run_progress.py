# SPDX-License-Identifier: MIT
"""Describe the progress of a run. This module loads no library, so that a display can be shown at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run: of its files on one side, of its images and rows on the other.

    files: input files that need no more work, also those that an earlier run has done. total: all input files; None
    until they are counted. converted, repaired, failed, skipped: rows in OUT, also those of earlier runs.
    reasons: the number of failures of this run by reason. fraction: the part of the files that is done, where a
    multi-frame file counts by its frames, from 0 to 1; None while `total` is None. seconds: since the start.
    new_files, new_images, new_bytes: of this run alone; the bytes are those of the input files. problem: why no file is
    converted at present, such as that a cluster has no worker; '' where the workers are at work.
    """

    files: int = 0
    total: int | None = None
    converted: int = 0
    repaired: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    fraction: float | None = None
    seconds: float = 0.0
    new_files: int = 0
    new_images: int = 0
    new_bytes: int = 0
    problem: str = ""

    @property
    def seconds_left(self) -> float | None:
        """The estimated remaining time by the rate of this run; None where there is no estimate."""
        if self.fraction is None or self.total is None or not self.new_files:
            return None
        remaining_files = self.total * (1 - self.fraction)
        return remaining_files * self.seconds / self.new_files

    def per_second(self, number: float) -> float:
        """A number of this run by the time since its start."""
        return number / self.seconds if self.seconds > 0 else 0.0


ProgressCallback = Callable[[RunProgress], object]
"""Called with the progress of a run. What it returns is ignored."""


def ignore_progress(_progress: RunProgress) -> None:
    """Do nothing with the progress of a run."""
