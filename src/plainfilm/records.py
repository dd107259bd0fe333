# SPDX-License-Identifier: MIT
"""The rows of the two tables: a `Record` for each output image, a `Failure` for each input without one."""

from __future__ import annotations

from enum import StrEnum

from plainfilm.errors import Reason, Stage
from plainfilm.pickling import FastPickle, dataclass

ONE_LEVEL = "flat:"
"""How the hash of stored pixels begins that are all equal."""


class Status(StrEnum):
    """The result for an input, a frame or an image.

    repaired: the image was made, but a part of the file that decides its pixels was replaced or is missing.
    """

    OK = "ok"
    REPAIRED = "repaired"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Record(FastPickle):
    """One output image. The fields are the columns of the metadata table in their order, with these exceptions.

    frame: the number of the frame from 1; None for a projection of all frames.
    stored_hash: a private hash of the stored pixels, by which duplicates are found; it is not written to tables. If all
    pixels are equal it begins with `ONE_LEVEL`.
    label_key: a private keyed hash of what identifies the image in the file of `--labels`; not written either.
    carried: the values of the attributes of `--columns`; their columns follow after all others.
    split: the split of the image, '' without splits; labels: the labels of the image in the order of `--label`. Their
    columns are written where they are asked for.
    """

    file_name: str
    source: str
    sop_instance: str
    patient: str
    study: str
    series: str
    frame: int | None
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
    label_key: str = ""
    split: str = ""
    labels: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the image among those of its source, from 1."""
        return self.frame or 1


@dataclass(frozen=True, slots=True)
class Failure(FastPickle):
    """One instance or frame without an image. The fields are the columns of the table of failures in their order.

    frame: the number of the frame from 1; None if the instance as a whole has no image.
    """

    source: str
    frame: int | None
    status: Status
    reason: Reason
    stage: Stage
    message: str
