# SPDX-License-Identifier: MIT
"""What is done to the colours of one frame, as a value: samples to RGB, then to the output range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Instance
from plainfilm.errors import EncodeError
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Icc, Look, RenderOptions
from plainfilm.records import Status
from plainfilm.rendering.color import Rgb, to_rgb
from plainfilm.rendering.color.profile import ProfileError, rebuilt_profile, to_srgb
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.polarity import output_maximum, output_type
from plainfilm.rendering.grayscale.steps import Step
from plainfilm.rendering.grayscale.stored import Cells, stored_rules, stored_values

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ColorPlan:
    """Everything that is done to the colours of one frame: window, VOI and polarity do not apply to them.

    `rgb` holds the samples as red, green and blue, not yet scaled to the output range; `profile` is what they mean by
    the file, written into the picture or, where `icc` says so, taken to sRGB.
    """

    look: Look
    bits: int
    bits_stored: int
    rgb: Rgb
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]
    profile: bytes | None = None
    icc: Icc = Icc.DROP
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

    @property
    def embedded_profile(self) -> bytes | None:
        """The ICC profile that goes into the picture."""
        return self.profile if self.icc is Icc.EMBED else None

    def apply(self) -> Array:
        """The output image: n-bit samples times ymax / (2^n - 1), to nearest; for the look `stored` as they are."""
        levels = self._levels()
        return levels if self.icc is not Icc.SRGB or self.profile is None else to_srgb(levels, self.profile)

    def _levels(self) -> Array:
        if self.look is Look.STORED:
            stored: Array = self.rgb.samples.astype(np.uint16)
            return stored
        full = (1 << self.rgb.bits) - 1
        if full == self.ymax:
            same: Array = self.rgb.samples.astype(output_type(self.ymax), copy=False)
            return same
        scaled: Array = np.floor(self.rgb.samples.astype(np.float64) * self.ymax / full + 0.5)
        return scaled.astype(output_type(self.ymax))


def color_plan(instance: Instance, decoded: DecodedFrame, options: RenderOptions) -> ColorPlan:
    """The plan of a colour frame. Raises EncodeError where the look `stored` cannot hold its samples."""
    look = options.effective_look
    pixel = replace(instance.pixel, signed=False)
    rules = stored_rules(pixel, (Cells(histogram_of(decoded.samples), decoded.precision),))
    stored = replace(decoded, samples=stored_values(rules, decoded.samples))
    rgb = to_rgb(stored, replace(pixel, bits_stored=rules.bits_stored), instance.palette)
    if look is Look.STORED and rgb.bits > 16:
        raise EncodeError(f"the look stored holds samples of up to 16 bits; these are {rgb.bits}")
    bits = 16 if look is Look.STORED else options.bits
    does = f"{decoded.photometric_interpretation} to RGB, {rgb.bits} bits a sample, scaled to {bits}"
    step = Step("color", does, "Photometric Interpretation", instance.pixel.photometric_interpretation)
    icc = Icc.DROP if look is Look.STORED else options.icc
    profile, odd = _profile(instance, icc)
    findings = (*instance.findings, *rules.findings, *rgb.findings, *odd)
    steps = (step, *_profile_steps(profile, icc))
    return ColorPlan(look, bits, rules.bits_stored, rgb, findings, steps, profile=profile, icc=icc)


def _profile(instance: Instance, icc: Icc) -> tuple[bytes | None, tuple[Finding, ...]]:
    """The instance's ICC profile, its colours alone; None where it has none that can be used, or none is asked for."""
    if instance.icc_profile is None or icc is Icc.DROP:
        return None, ()
    try:
        return rebuilt_profile(instance.icc_profile), ()
    except ProfileError as error:
        return None, (Finding(FindingCode.ICC_PROFILE_INVALID, f"the ICC Profile is left out: {error}"),)


def _profile_steps(profile: bytes | None, icc: Icc) -> tuple[Step, ...]:
    if profile is None:
        return ()
    does = "converted to sRGB" if icc is Icc.SRGB else "put into the picture, without its text"
    return (Step("profile", does, "ICC Profile", f"--icc {icc}"),)
