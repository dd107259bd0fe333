# SPDX-License-Identifier: MIT
"""The fixture `grey` builds grey instances from parameters and renders them, without a file or a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

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
from plainfilm.rendering.grayscale.padding import outside_shutter
from plainfilm.rendering.grayscale.plan import GrayscalePlan, render_levels
from plainfilm.rendering.grayscale.planner import grayscale_planner
from plainfilm.rendering.grayscale.stored import Cells, StoredRules, stored_rules, stored_values
from plainfilm.rendering.grayscale.survey import FrameCells, Survey, survey
from plainfilm.rendering.masks import NO_MASKS, FrameMasks

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """The plan of one frame and the image that it gives."""

    plan: GrayscalePlan
    image: Array

    @property
    def codes(self) -> set[str]:
        return {finding.code.value for finding in self.plan.findings}


class Grey:
    """Builds grey instances: unsigned, 12 bits stored of 16 allocated, unless parameters say otherwise."""

    def lut(self, entries: Sequence[int], first: int = 0, bits: int = 12, **more: Any) -> LutItem:
        """A LUT item in words; more: `count`, the declared number of entries where it differs, and `explanation`."""
        count = more.get("count", len(entries)) % 65536
        data = np.array(entries, "<u2").tobytes()
        return LutItem((count, first % 65536, bits), data, more.get("explanation"))

    def frame(self, *voi: WindowItem | LutItem, **modality: Any) -> FrameAttributes:
        """The attributes of a frame whose only level has these VOIs; modality: lut, slope, intercept."""
        luts = tuple(item for item in voi if isinstance(item, LutItem))
        windows = tuple(item for item in voi if isinstance(item, WindowItem))
        return FrameAttributes(ModalityLevel(**modality), (VoiLevel(luts, windows),))

    def pixel(self, **given: Any) -> ImagePixel:
        """The Image Pixel module; High Bit follows Bits Stored."""
        bits = given.get("bits_stored", 12)
        known = {"rows": 1, "columns": 1, "samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2"}
        more = {"planar_configuration": 0, "bits_allocated": 16, "bits_stored": bits, "high_bit": bits - 1}
        return ImagePixel(**{**known, **more, "signed": False, "number_of_frames": 1, **given})

    def instance(self, *frames: FrameAttributes, sop_class: str = "", rest: Any = None, **pixel: Any) -> Instance:
        """An instance without Pixel Data; rest: further fields of Instance."""
        data = PixelData(b"", "1.2.840.10008.1.2.1", encapsulated=False)
        number = pixel.pop("number_of_frames", max(1, len(frames)))
        module = self.pixel(number_of_frames=number, **pixel)
        attributes = frames or (FrameAttributes(),)
        return Instance(
            InstanceIdentity(sop_class_uid=sop_class), Description(), module, data, attributes, **(rest or {})
        )

    def rules(self, bits_stored: int = 12, signed: bool = False) -> StoredRules:
        """The rules of 16-bit cells."""
        return StoredRules(0, bits_stored, signed, np.dtype("i2" if signed else "u2"))

    def stored(self, cells: Array, precision: int | None = None, says_signed: bool | None = None, **pixel: Any) -> Any:
        """Rules, stored values and finding codes of the cells of one frame."""
        rules = stored_rules(self.pixel(**pixel), (Cells(histogram_of(cells), precision, says_signed),))
        return rules, stored_values(rules, cells), [finding.code.value for finding in rules.findings]

    def survey(self, instance: Instance, *frames: Array) -> Survey:
        """The survey of an instance over the cells of its frames."""
        return survey(instance, tuple(self._cells(instance, number, cells) for number, cells in enumerate(frames)))

    def show(self, instance: Instance, *frames: Array, frame: int = 0, **options: Any) -> Shown:
        """Plan one frame by the cells of all frames, and render it."""
        surveyed = self.survey(instance, *frames)
        plan = grayscale_planner(instance, surveyed, RenderOptions(**options)).plan(surveyed.frames[frame])
        stored = stored_values(plan.rules, frames[frame])
        return Shown(plan, render_levels(plan, stored, self.masks(plan, stored)))

    def masks(self, plan: GrayscalePlan, stored: Array) -> FrameMasks:
        """The masks of a whole frame with the shutter of its plan."""
        if plan.shutter is None:
            return NO_MASKS
        return FrameMasks(outside_shutter=outside_shutter(plan.shutter, *stored.shape))

    def codes(self, findings: tuple[Finding, ...]) -> list[str]:
        """The codes of findings."""
        return [finding.code.value for finding in findings]

    def _cells(self, instance: Instance, number: int, cells: Array) -> FrameCells:
        every = histogram_of(cells)
        if instance.shutter is None:
            return FrameCells(number, Cells(every), every)
        return FrameCells(number, Cells(every), histogram_of(cells[~outside_shutter(instance.shutter, *cells.shape)]))


@pytest.fixture(scope="session")
def grey() -> Grey:
    """The builder."""
    return Grey()
