# SPDX-License-Identifier: MIT
"""Build grayscale instances by parameter and render their cells without a file or a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import (
    Description,
    FrameAttributes,
    ImagePixel,
    Instance,
    InstanceIdentity,
    LutItem,
    ModalityLevel,
    PixelData,
    VoiLevel,
    WindowItem,
)
from plainfilm.findings import Finding
from plainfilm.options.render import RenderOptions
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.plan import GrayscalePlan, render_levels
from plainfilm.rendering.grayscale.planner import grayscale_planner
from plainfilm.rendering.grayscale.stored import Cells, StoredRules, stored_rules, stored_values
from plainfilm.rendering.grayscale.survey import FrameHistograms, GrayscaleSurvey, survey_grayscale
from plainfilm.rendering.masks import NO_MASKS, FrameMasks
from plainfilm.rendering.shutter import outside_shutter

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """The plan of one frame and the image that it renders."""

    plan: GrayscalePlan
    image: Array

    @property
    def codes(self) -> set[str]:
        return {finding.code.value for finding in self.plan.findings}


def lut_item(entries: Sequence[int], first: int = 0, bits: int = 12, **attributes: Any) -> LutItem:
    """A LUT item of 16-bit words; `attributes` may set `count`, the declared number of entries, and `explanation`."""
    count = attributes.get("count", len(entries)) % 65536
    data = np.array(entries, "<u2").tobytes()
    return LutItem((count, first % 65536, bits), data, attributes.get("explanation"))


def frame_attributes(*voi: WindowItem | LutItem, **modality: Any) -> FrameAttributes:
    """The attributes of a frame with these VOI items at one level; `modality` may set lut, slope and intercept."""
    luts = tuple(item for item in voi if isinstance(item, LutItem))
    windows = tuple(item for item in voi if isinstance(item, WindowItem))
    return FrameAttributes(ModalityLevel(**modality), (VoiLevel(luts, windows),))


def image_pixel(**attributes: Any) -> ImagePixel:
    """The Image Pixel module: 12 unsigned bits of 16 by default; High Bit follows Bits Stored."""
    bits = attributes.get("bits_stored", 12)
    defaults = {
        "rows": 1,
        "columns": 1,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "planar_configuration": 0,
        "bits_allocated": 16,
        "bits_stored": bits,
        "high_bit": bits - 1,
        "signed": False,
        "number_of_frames": 1,
    }
    return ImagePixel(**{**defaults, **attributes})


def grayscale_instance(*frames: FrameAttributes, sop_class: str = "", rest: Any = None, **pixel: Any) -> Instance:
    """An instance without pixel data; `rest` holds further fields of Instance."""
    data = PixelData(b"", "1.2.840.10008.1.2.1", encapsulated=False)
    number = pixel.pop("number_of_frames", max(1, len(frames)))
    module = image_pixel(number_of_frames=number, **pixel)
    attributes = frames or (FrameAttributes(),)
    return Instance(InstanceIdentity(sop_class_uid=sop_class), Description(), module, data, attributes, **(rest or {}))


def rules_of_16_bits(bits_stored: int = 12, signed: bool = False) -> StoredRules:
    """The rules for stored values in pixel cells of 16 bits."""
    return StoredRules(0, bits_stored, signed, np.dtype("i2" if signed else "u2"))


def stored_of_cells(
    cells: Array, precision: int | None = None, codestream_signed: bool | None = None, **pixel: Any
) -> tuple[StoredRules, Array, list[str]]:
    """The rules, the stored values and the finding codes of one frame; `precision` is that of the codestream."""
    rules = stored_rules(image_pixel(**pixel), (Cells(histogram_of(cells), precision, codestream_signed),))
    return rules, stored_values(rules, cells), [finding.code.value for finding in rules.findings]


def survey_cells(instance: Instance, *frames: Array) -> GrayscaleSurvey:
    """GrayscaleSurvey the cells of every frame of an instance."""
    return survey_grayscale(instance, tuple(_cells(instance, number, cells) for number, cells in enumerate(frames)))


def show(instance: Instance, *frames: Array, frame: int = 0, **options: Any) -> Shown:
    """Plan one frame from the cells of all frames and render it."""
    surveyed = survey_cells(instance, *frames)
    plan = grayscale_planner(instance, surveyed, RenderOptions(**options)).plan(surveyed.frames[frame])
    stored = stored_values(plan.rules, frames[frame])
    return Shown(plan, render_levels(plan, stored, masks_of_plan(plan, stored)))


def masks_of_plan(plan: GrayscalePlan, stored: Array) -> FrameMasks:
    """The masks of a whole frame: the shutter of its plan."""
    if plan.shutter is None:
        return NO_MASKS
    return FrameMasks(outside_shutter=outside_shutter(plan.shutter, *stored.shape))


def finding_codes(findings: tuple[Finding, ...]) -> list[str]:
    """The codes of findings, in order."""
    return [finding.code.value for finding in findings]


def _cells(instance: Instance, number: int, cells: Array) -> FrameHistograms:
    every = histogram_of(cells)
    if instance.shutter is None:
        return FrameHistograms(number, Cells(every), every)
    return FrameHistograms(number, Cells(every), histogram_of(cells[~outside_shutter(instance.shutter, *cells.shape)]))
