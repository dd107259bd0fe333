# SPDX-License-Identifier: MIT
"""Describe what is done to the samples of one colour frame, and run it: RGB samples to output levels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Instance, Shutter
from plainfilm.errors import EncodeError
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.render import Icc, Look, RenderOptions
from plainfilm.pickling import dataclass
from plainfilm.records import Status
from plainfilm.rendering.color import Rgb, to_rgb
from plainfilm.rendering.color.profile import ProfileError, rebuilt_profile, to_srgb
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.polarity import output_maximum, output_type
from plainfilm.rendering.grayscale.stored import Cells, StoredRules, stored_rules, stored_values
from plainfilm.rendering.plan import LOOK_VERSIONS, PlanColumns
from plainfilm.rendering.steps import Step, color_step, profile_step, shutter_step

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class RgbFrame:
    """The samples of a colour frame as RGB, not yet scaled to the output, and the rules of its stored values."""

    image: Rgb
    rules: StoredRules


@dataclass(frozen=True, slots=True)
class ColorPlan:
    """Everything that is done to the samples of one colour frame, and why. VOI and polarity do not apply to it.

    sample_bits: bits of the RGB samples before they are scaled to the output range.
    profile: the ICC Profile that defines the colours of the samples; `icc` says whether it is embedded or applied.
    shutter: pixels outside of it are painted its presentation value.
    """

    look: Look
    bits: int
    bits_stored: int
    sample_bits: int
    status: Status = Status.OK
    profile: bytes | None = None
    icc: Icc = Icc.DROP
    shutter: Shutter | None = None
    findings: tuple[Finding, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def ymax(self) -> int:
        """The largest output level: 255 or 65535."""
        return output_maximum(self.bits)

    @property
    def embedded_profile(self) -> bytes | None:
        """The ICC Profile to embed into the image; None where there is none."""
        return self.profile if self.icc is Icc.EMBED else None

    @property
    def columns(self) -> PlanColumns:
        """The columns of the tables."""
        return PlanColumns(
            status=self.status,
            look=self.look.value,
            look_version=LOOK_VERSIONS[self.look],
            bits=self.bits,
            bits_stored=self.bits_stored,
        )

    def apply(self, samples: Array) -> Array:
        """The output levels of RGB samples, (rows, columns, 3), before shutter and redaction.

        n-bit samples become v * ymax / (2^n - 1), to nearest; for the look `stored` they are unchanged.
        """
        levels = self._scaled(samples)
        return levels if self.icc is not Icc.SRGB or self.profile is None else to_srgb(levels, self.profile)

    def _scaled(self, samples: Array) -> Array:
        if self.look is Look.STORED:
            stored: Array = samples.astype(np.uint16)
            return stored
        full = (1 << self.sample_bits) - 1
        if full == self.ymax:
            unscaled: Array = samples.astype(output_type(self.ymax), copy=False)
            return unscaled
        scaled: Array = np.floor(samples.astype(np.float64) * self.ymax / full + 0.5)
        return scaled.astype(output_type(self.ymax))


def rgb_frame(instance: Instance, decoded: DecodedFrame, rule_samples: Array) -> RgbFrame:
    """A decoded colour frame as RGB; rule_samples: the samples from which the rules for stored values
    are decided.

    Raises AttributeValueError as `to_rgb` does.
    """
    pixel = replace(instance.pixel, signed=False)
    rules = stored_rules(pixel, (Cells(histogram_of(np.ascontiguousarray(rule_samples)), decoded.precision),))
    stored = replace(decoded, samples=stored_values(rules, decoded.samples))
    return RgbFrame(to_rgb(stored, replace(pixel, bits_stored=rules.bits_stored), instance.palette), rules)


def color_plan(
    instance: Instance, space: str, frame: RgbFrame, options: RenderOptions, shutter: Shutter | None
) -> ColorPlan:
    """The plan of a colour frame; space: the colour space of its samples as decoded.

    The look `stored` ignores the shutter and the ICC Profile.
    Raises EncodeError where the look `stored` cannot hold its samples.
    """
    look, rgb, rules = options.effective_look, frame.image, frame.rules
    is_stored = look is Look.STORED
    if is_stored and rgb.bits > 16:
        raise EncodeError(f"the look stored holds samples of up to 16 bits; these are {rgb.bits}")
    bits, icc = (16, Icc.DROP) if is_stored else (options.bits, options.icc)
    shutter = None if is_stored else shutter
    profile, profile_findings = _profile(instance, icc)
    return ColorPlan(
        look=look,
        bits=bits,
        bits_stored=rules.bits_stored,
        sample_bits=rgb.bits,
        profile=profile,
        icc=icc,
        shutter=shutter,
        findings=(*instance.findings, *rules.findings, *rgb.findings, *profile_findings),
        steps=(
            color_step(space, rgb.bits, bits, instance.pixel.photometric_interpretation),
            *(() if profile is None else (profile_step(icc),)),
            *(() if shutter is None else (shutter_step(shutter),)),
        ),
    )


def _profile(instance: Instance, icc: Icc) -> tuple[bytes | None, tuple[Finding, ...]]:
    """The rebuilt ICC Profile of the instance; None where it has no usable one, or where `icc` drops it."""
    if instance.icc_profile is None or icc is Icc.DROP:
        return None, ()
    try:
        return rebuilt_profile(instance.icc_profile), ()
    except ProfileError as error:
        return None, (Finding(FindingCode.ICC_PROFILE_INVALID, f"the ICC Profile is left out: {error}"),)
