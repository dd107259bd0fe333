# SPDX-License-Identifier: MIT
"""What is known of each output image and of each input that gave none: the rows of the two tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plainfilm.errors import Reason, Stage
from plainfilm.pickling import FastPickle


class Status(StrEnum):
    """How an input, frame or image ended."""

    OK = "ok"
    REPAIRED = "repaired"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Record(FastPickle):
    """One output image: the columns of metadata.csv in their order.

    Two fields are no columns: `stored_hash` (of the stored pixels) finds duplicates and stays private; `carried` has
    the values of the attributes that the user asked for, whose columns follow after all others.
    """

    file_name: str
    source: str
    sop_instance: str
    patient: str
    study: str
    series: str
    frame: int
    frames: int
    status: Status
    findings: str
    width: int
    height: int
    bits: int
    look: str
    voi: str
    voi_center: float | None
    voi_width: float | None
    voi_function: str
    low: float | None
    high: float | None
    inverted: bool
    decoder: str
    transfer_syntax: str
    modality: str
    body_part: str
    view_position: str
    laterality: str
    patient_sex: str
    patient_age: float | None
    manufacturer: str
    model: str
    photometric_interpretation: str
    bits_stored: int
    rows: int
    columns: int
    spacing_x_mm: float | None
    spacing_y_mm: float | None
    affine: tuple[float, float, float, float, float, float]
    presentation_intent: str
    burned_in_annotation: str
    padding_fraction: float
    black_fraction: float | None
    white_fraction: float | None
    mean: float | None
    entropy: float | None
    polarity_suspect: bool
    duplicate_of: str
    sha256: str
    look_version: int = 1
    voi_available: str = ""
    overlay_files: str = ""
    stored_hash: str = ""
    carried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure(FastPickle):
    """One instance, or one frame of it, that gave no image: the columns of failures.csv in their order."""

    source: str
    frame: int | None
    status: Status
    reason: Reason
    stage: Stage
    message: str
