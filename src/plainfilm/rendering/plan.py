# SPDX-License-Identifier: MIT
"""The plan of a frame: the one description of its rendering, for grayscale and for colour images."""

from __future__ import annotations

from typing import Protocol

from plainfilm.findings import Finding
from plainfilm.options.render import Look
from plainfilm.pickling import dataclass
from plainfilm.records import Status
from plainfilm.rendering.steps import Step

# The version of a look increases with every change of its output for the same file.
LOOK_VERSIONS = {
    Look.VIEWER: 1,
    Look.STRETCH: 1,
    Look.WINDOW: 1,
    Look.MINMAX: 1,
    Look.EQUALIZE: 1,
    Look.CLAHE: 1,
    Look.STORED: 1,
}


@dataclass(frozen=True, slots=True)
class PlanColumns:
    """The columns of the tables that a plan decides, by their names.

    The defaults are the values of an image to which VOI and polarity do not apply.
    """

    status: Status
    look: str
    look_version: int
    bits: int
    bits_stored: int
    voi: str = "none"
    voi_available: str = ""
    voi_center: float | None = None
    voi_width: float | None = None
    voi_function: str = ""
    low: float | None = None
    high: float | None = None
    inverted: bool = False


class Plan(Protocol):
    """Everything that is done to the pixel values of one frame, and why.

    `explain` prints it, the tables store it, and rendering runs it. `steps` are in the order in which they are done.
    """

    @property
    def look(self) -> Look:
        """The look."""

    @property
    def bits(self) -> int:
        """The depth of the output: 8 or 16."""

    @property
    def status(self) -> Status:
        """Whether the plan repairs something."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in words."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about the instance and the values of the frame."""

    @property
    def ymax(self) -> int:
        """The largest output level: 255 or 65535."""

    @property
    def columns(self) -> PlanColumns:
        """The columns of the tables."""
