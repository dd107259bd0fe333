# SPDX-License-Identifier: MIT
"""A planned frame -> what would be done to it and why, in words for people and as JSON for programs."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.orientation import Turn
from plainfilm.findings import FindingCode
from plainfilm.options.geometry import Box
from plainfilm.options.presentation import Overlays
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.grayscale.plan import LOOK_VERSIONS
from plainfilm.rendering.grayscale.steps import Step, shutter_step
from plainfilm.version import NOT_FOR_DIAGNOSIS


@dataclass(frozen=True, slots=True)
class Explanation:
    """What rendering does to one frame: how it is decoded, its plan, its geometry. `str()` is for people."""

    instance: Instance
    planned: PlannedFrame

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step in its order: decoding, the plan's own, and geometry."""
        decoded = Step(
            "decode",
            f"{self.planned.decoded.decoder}, frame {self.planned.frame + 1}",
            "Transfer Syntax UID",
            self._syntax,
        )
        shutter = () if self.planned.shutter is None else (shutter_step(self.planned.shutter),)
        overlays = overlay_steps(self.instance, self.planned)
        placing = placing_steps(self.instance, self.planned)
        steps = (decoded, *self.planned.plan.steps, *shutter, *overlays, self._geometry_step, *placing)
        return (*steps, self._output_step)

    @property
    def _syntax(self) -> str:
        return self.instance.data.transfer_syntax

    @property
    def _geometry_step(self) -> Step:
        geometry = self.planned.geometry
        width, height = geometry.squared_size
        size = f"{width} x {height}"
        if (height, width) == (geometry.rows, geometry.columns):
            return Step(
                "geometry", f"as stored, {size}", "", "the pixels are square, or nothing says that they are not"
            )
        does = f"pixels made square: {geometry.columns} x {geometry.rows} to {size}"
        return Step("geometry", does, "Pixel Spacing or Pixel Aspect Ratio")

    @property
    def _output_step(self) -> Step:
        plan = self.planned.plan
        does = f"{plan.bits} bits, look {plan.look} version {LOOK_VERSIONS[plan.look]}"
        return Step("output", does, "", f"status {plan.status}")

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        plan, geometry = self.planned.plan, self.planned.geometry
        window = plan.window
        return {
            "frame": self.planned.frame + 1,
            "frames": self.instance.pixel.number_of_frames,
            "status": plan.status.value,
            "look": plan.look.value,
            "look_version": LOOK_VERSIONS[plan.look],
            "bits": plan.bits,
            "voi": plan.voi,
            "voi_available": plan.available,
            "voi_center": window.center if window is not None else None,
            "voi_width": window.width if window is not None else None,
            "voi_function": window.function.dicom if window is not None else "",
            "low": plan.line[0] if plan.line is not None else None,
            "high": plan.line[1] if plan.line is not None else None,
            "inverted": plan.inverted,
            "bits_stored": plan.bits_stored,
            "photometric_interpretation": self.instance.pixel.photometric_interpretation,
            "padding_fraction": self.planned.padding_fraction,
            "transfer_syntax": self._syntax,
            "decoder": self.planned.decoded.decoder,
            "rows": geometry.rows,
            "columns": geometry.columns,
            "width": geometry.width,
            "height": geometry.height,
            "affine": list(geometry.affine),
            "steps": [
                {"name": step.name, "does": step.does, "attribute": step.attribute, "reason": step.reason}
                for step in self.steps
            ],
            "findings": [{"code": finding.code.value, "detail": finding.detail} for finding in self.planned.findings],
        }

    def __str__(self) -> str:
        lines = [line for number, step in enumerate(self.steps, 1) for line in _lines_of(number, step)]
        found = [f"  {finding.code.value}: {finding.detail}" for finding in self.planned.findings]
        lines += ["findings", *found] if found else ["findings: none"]
        return "\n".join([*lines, f"({NOT_FOR_DIAGNOSIS})"])


def overlay_steps(instance: Instance, planned: PlannedFrame) -> tuple[Step, ...]:
    """What becomes of the overlay planes that the frame has, if it has any."""
    presented = instance.frame_attributes(planned.frame).presentation
    overlays = instance.overlays if presented is None else presented.overlays
    if not overlays:
        return ()
    names = ", ".join(f"{one.group:04X} ({'region of interest' if one.is_region else 'graphics'})" for one in overlays)
    does = {
        Overlays.OFF: "not drawn",
        Overlays.BURN: "painted at the display maximum, or black where that would not be seen; of a region the edge",
        Overlays.MASK: "each an image of its own beside the picture",
    }
    return (Step("overlays", f"{names}: {does[planned.overlays.mode]}", "Overlay Plane", "--overlays"),)


def placing_steps(instance: Instance, planned: PlannedFrame) -> tuple[Step, ...]:
    """What is kept, the turn, and the size, where there are any, and who asks for them."""
    geometry, presented = planned.geometry, instance.frame_attributes(planned.frame).presentation
    steps, kept, placed = [], geometry.kept, geometry.placed
    if kept is not None and (kept.width, kept.height) != geometry.squared_size:
        does = f"{kept.width} x {kept.height} from column {kept.x}, row {kept.y}"
        steps.append(
            Step("crop", does, *_crop_reason(geometry, has_area=presented is not None and bool(presented.area)))
        )
    if not geometry.turn.is_identity:
        steps.append(_turn_step(geometry.turn, is_presented=presented is not None))
    if placed is not None and kept is not None:
        steps += _size_steps(geometry, geometry.turn.size(kept.width, kept.height), placed)
    return tuple(steps)


def _crop_reason(geometry: Geometry, *, has_area: bool) -> tuple[str, str]:
    """The attribute, and the reason, for which a part is kept."""
    if any(finding.code is FindingCode.BORDER_CROPPED for finding in geometry.findings):
        return "Pixel Data", "the rest is margin: --crop border"
    return ("Displayed Area Selection Sequence", "the presentation state says so") if has_area else ("", "--crop")


def _turn_step(turn: Turn, *, is_presented: bool) -> Step:
    does = f"{90 * (turn.quarters % 4)} degrees clockwise{', then left and right are flipped' if turn.flipped else ''}"
    if is_presented:
        return Step("turn", does, "Image Rotation, Image Horizontal Flip", "the presentation state says so")
    attribute = "Patient Orientation or Image Orientation (Patient)"
    return Step("turn", does, attribute, "so it is hung: --orient viewer")


def _size_steps(geometry: Geometry, kept: tuple[int, int], placed: Box) -> list[Step]:
    steps = []
    if (placed.width, placed.height) != kept:
        steps.append(Step("size", f"{kept[0]} x {kept[1]} to {placed.width} x {placed.height}", "", "--size"))
    if (placed.width, placed.height) != (geometry.width, geometry.height):
        steps.append(Step("fit", f"filled up with black, or cut, to {geometry.width} x {geometry.height}", "", "--fit"))
    return steps


def _lines_of(number: int, step: Step) -> list[str]:
    lines = [f"{number}. {step.name}: {step.does}"]
    if step.attribute:
        lines.append(f"   from {step.attribute}")
    if step.reason:
        lines += textwrap.wrap(f"because {step.reason}", 110, initial_indent="   ", subsequent_indent="     ")
    return lines
