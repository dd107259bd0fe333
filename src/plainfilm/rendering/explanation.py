# SPDX-License-Identifier: MIT
"""Explain a planned frame: its steps in order, for people as text and for programs as plain values."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass

from plainfilm.dicom.instance import Instance
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.steps import Step, decode_step, geometry_steps, output_step, overlay_steps
from plainfilm.version import NOT_FOR_DIAGNOSIS


@dataclass(frozen=True, slots=True)
class Explanation:
    """What rendering does to one frame: decoding, plan, overlays, geometry. `str()` is for people."""

    instance: Instance
    planned: PlannedFrame

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in the order in which they are done."""
        planned, columns = self.planned, self.planned.plan.columns
        presentation = self.instance.frame_attributes(planned.frame).presentation
        return (
            decode_step(planned.loaded.decoded.decoder, planned.frame, self.instance.data.transfer_syntax),
            *planned.plan.steps,
            *overlay_steps(planned.loaded.setup.overlays),
            *geometry_steps(planned.geometry, presentation),
            output_step(columns.bits, columns.look, columns.look_version, columns.status.value),
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON: the columns of the tables that do not need the rendered image, steps and findings."""
        planned, instance, geometry = self.planned, self.instance, self.planned.geometry
        columns = asdict(planned.plan.columns)
        bits_stored = columns.pop("bits_stored")
        return {
            "frame": planned.frame + 1,
            "frames": instance.pixel.number_of_frames,
            **columns,
            "status": planned.plan.status.value,
            "bits_stored": bits_stored,
            "photometric_interpretation": instance.pixel.photometric_interpretation,
            "padding_fraction": planned.pixels.padding_fraction,
            "transfer_syntax": instance.data.transfer_syntax,
            "decoder": planned.loaded.decoded.decoder,
            "rows": geometry.rows,
            "columns": geometry.columns,
            "width": geometry.width,
            "height": geometry.height,
            "affine": list(geometry.affine),
            "steps": [asdict(step) for step in self.steps],
            "findings": [{"code": finding.code.value, "detail": finding.detail} for finding in planned.findings],
        }

    def __str__(self) -> str:
        lines = [line for number, step in enumerate(self.steps, 1) for line in _lines_of(number, step)]
        findings = [f"  {finding.code.value}: {finding.detail}" for finding in self.planned.findings]
        lines += ["findings", *findings] if findings else ["findings: none"]
        return "\n".join([*lines, f"({NOT_FOR_DIAGNOSIS})"])


def _lines_of(number: int, step: Step) -> list[str]:
    lines = [f"{number}. {step.name}: {step.does}"]
    if step.attribute:
        lines.append(f"   from {step.attribute}")
    if step.reason:
        lines += textwrap.wrap(f"because {step.reason}", 110, initial_indent="   ", subsequent_indent="     ")
    return lines
