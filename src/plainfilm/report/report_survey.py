# SPDX-License-Identifier: MIT
"""Survey the images of a run for its report: the counts of its summary, and what usual images look like.

A run surveys its rows while it writes its tables, so that they are read once less.
"""

from __future__ import annotations

from dataclasses import field

from plainfilm.pickling import dataclass
from plainfilm.records import Record
from plainfilm.report.suspects import Baselines
from plainfilm.report.tallies import Tallies


@dataclass(frozen=True, slots=True)
class ReportSurvey:
    """What a report must know of all images before it shows the first."""

    baselines: Baselines = field(default_factory=Baselines)
    tallies: Tallies = field(default_factory=Tallies)

    def add(self, record: Record) -> None:
        """Survey an image."""
        self.baselines.add(record)
        self.tallies.add_image(record)
