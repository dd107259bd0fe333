# SPDX-License-Identifier: MIT
"""Explain a planned frame: its steps in order, for people as text or HTML and for programs as plain values."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from html import escape

from plainfilm.dicom.instance import Instance
from plainfilm.findings import Finding
from plainfilm.pickling import FastPickle, dataclass
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.plan import PlanColumns
from plainfilm.rendering.steps import Step, decode_step, geometry_steps, output_step, overlay_steps
from plainfilm.version import NOT_FOR_DIAGNOSIS


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(FastPickle):
    """What rendering does to one frame: decoding, plan, overlays, geometry.

    `str()` is for people, and a notebook shows a table. An explanation holds no pixels and no text of the data set that
    could identify a person. It is small and can be pickled.

    frame: the number of the frame, from 1. frames: the number of frames of the image.
    steps: all steps in the order in which they are done. findings: what is unusual.
    plan: the columns of the tables that the plan decides. geometry: the steps from the stored rows and columns to the
    output. The other fields are the columns of their names.
    """

    frame: int
    frames: int
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    plan: PlanColumns
    photometric_interpretation: str
    padding_fraction: float
    transfer_syntax: str
    decoder: str
    geometry: Geometry

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON: the columns of the tables that do not need the rendered image, steps and findings."""
        columns = asdict(self.plan)
        bits_stored = columns.pop("bits_stored")
        return {
            "frame": self.frame,
            "frames": self.frames,
            **columns,
            "status": self.plan.status.value,
            "bits_stored": bits_stored,
            "photometric_interpretation": self.photometric_interpretation,
            "padding_fraction": self.padding_fraction,
            "transfer_syntax": self.transfer_syntax,
            "decoder": self.decoder,
            "rows": self.geometry.rows,
            "columns": self.geometry.columns,
            "width": self.geometry.width,
            "height": self.geometry.height,
            "affine": list(self.geometry.affine),
            "steps": [asdict(step) for step in self.steps],
            "findings": [{"code": finding.code.value, "detail": finding.detail} for finding in self.findings],
        }

    def __str__(self) -> str:
        lines = [line for number, step in enumerate(self.steps, 1) for line in _lines_of(number, step)]
        findings = [f"  {finding.code.value}: {finding.detail}" for finding in self.findings]
        lines += ["findings", *findings] if findings else ["findings: none"]
        return "\n".join([*lines, f"({NOT_FOR_DIAGNOSIS})"])

    def __repr__(self) -> str:
        findings = ";".join(sorted({finding.code.value for finding in self.findings})) or "none"
        return (
            f"<plainfilm.Explanation of frame {self.frame} of {self.frames}: look {self.plan.look}, "
            f"voi {self.plan.voi}, status {self.plan.status.value}, findings {findings}>"
        )

    def _repr_html_(self) -> str:
        """The table that a notebook shows. All text in it is escaped."""
        steps = "".join(
            _html_row(str(number), step.name, step.does, step.attribute, step.reason)
            for number, step in enumerate(self.steps, 1)
        )
        findings = "".join(_html_row(finding.code.value, finding.detail) for finding in self.findings)
        head = _html_row("", "step", "what is done", "from", "because", cell="th")
        unusual = f"<table>{_html_row('finding', 'detail', cell='th')}{findings}</table>" if findings else ""
        return f"<table>{head}{steps}</table>{unusual}<p>{escape(NOT_FOR_DIAGNOSIS)}</p>"


def explanation_of(instance: Instance, planned: PlannedFrame) -> Explanation:
    """Explain a planned frame of an instance."""
    columns, geometry, decoded = planned.plan_columns, planned.geometry, planned.loaded.decoded
    presentation = instance.frame_attributes(planned.frame).presentation
    steps = (
        decode_step(decoded.decoder, planned.frame, instance.data.transfer_syntax),
        *planned.plan.steps,
        *overlay_steps(planned.loaded.setup.overlays),
        *geometry_steps(geometry, presentation),
        output_step(columns.bits, columns.look, columns.look_version, columns.status.value),
    )
    return Explanation(
        frame=planned.frame + 1,
        frames=instance.pixel.number_of_frames,
        steps=steps,
        findings=planned.findings,
        plan=columns,
        photometric_interpretation=instance.pixel.photometric_interpretation,
        padding_fraction=planned.pixels.padding_fraction,
        transfer_syntax=instance.data.transfer_syntax,
        decoder=decoded.decoder,
        geometry=geometry,
    )


def _lines_of(number: int, step: Step) -> list[str]:
    lines = [f"{number}. {step.name}: {step.does}"]
    if step.attribute:
        lines.append(f"   from {step.attribute}")
    if step.reason:
        lines += textwrap.wrap(f"because {step.reason}", 110, initial_indent="   ", subsequent_indent="     ")
    return lines


def _html_row(*texts: str, cell: str = "td") -> str:
    cells = "".join(f'<{cell} style="text-align:left">{escape(text)}</{cell}>' for text in texts)
    return f"<tr>{cells}</tr>"
