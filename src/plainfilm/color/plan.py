# SPDX-License-Identifier: MIT
"""What is done to the colours of one frame, as a value: samples to RGB, then to the output range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.choices import Look
from plainfilm.color import Rgb, to_rgb
from plainfilm.decode.decoded import Decoded
from plainfilm.dicom.instance import Instance
from plainfilm.errors import EncodeError
from plainfilm.findings import Finding
from plainfilm.grayscale.explaining import Step
from plainfilm.grayscale.levels import levels_of
from plainfilm.grayscale.presentation import output_maximum, output_type
from plainfilm.grayscale.stored import Cells, stored_rules, stored_values
from plainfilm.options import RenderOptions
from plainfilm.record import Status

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ColorPlan:
    """Everything that is done to the colours of one frame: window, VOI and polarity do not apply to them.

    `rgb` holds the samples as red, green and blue, not yet scaled to the output range.
    """

    look: Look
    bits: int
    bits_stored: int
    rgb: Rgb
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]
    status: Status = Status.OK
    voi: str = "none"
    available: str = ""
    inverted: bool = False
    window: None = None
    line: None = None

    @property
    def ymax(self) -> int:
        """The largest output level."""
        return output_maximum(self.bits)

    def apply(self) -> Array:
        """The output image: n-bit samples times ymax / (2^n - 1), to nearest; for the look `stored` as they are."""
        if self.look is Look.STORED:
            stored: Array = self.rgb.samples.astype(np.uint16)
            return stored
        full = (1 << self.rgb.bits) - 1
        if full == self.ymax:
            same: Array = self.rgb.samples.astype(output_type(self.ymax), copy=False)
            return same
        scaled: Array = np.floor(self.rgb.samples.astype(np.float64) * self.ymax / full + 0.5)
        return scaled.astype(output_type(self.ymax))


def color_plan(instance: Instance, decoded: Decoded, options: RenderOptions) -> ColorPlan:
    """The plan of a colour frame. Raises EncodeError where the look `stored` cannot hold its samples."""
    look = options.effective_look
    pixel = replace(instance.pixel, signed=False)
    rules = stored_rules(pixel, (Cells(levels_of(decoded.samples), decoded.precision),))
    stored = replace(decoded, samples=stored_values(rules, decoded.samples))
    rgb = to_rgb(stored, replace(pixel, bits_stored=rules.bits_stored), instance.palette)
    if look is Look.STORED and rgb.bits > 16:
        raise EncodeError(f"the look stored holds samples of up to 16 bits; these are {rgb.bits}")
    bits = 16 if look is Look.STORED else options.bits
    does = f"{decoded.photometric_interpretation} to RGB, {rgb.bits} bits a sample, scaled to {bits}"
    steps = (Step("color", does, "Photometric Interpretation", instance.pixel.photometric_interpretation),)
    findings = (*instance.findings, *rules.findings, *rgb.findings)
    return ColorPlan(look, bits, rules.bits_stored, rgb, findings, steps)
