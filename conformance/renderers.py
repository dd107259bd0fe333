# SPDX-License-Identifier: MIT
"""Render the first frame of a subject with plainfilm, the oracle, DCMTK and pydicom."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from tests.support.oracle import oracle

from conformance.subjects import Subject
from plainfilm.api import render as render_picture
from plainfilm.errors import ConversionError
from plainfilm.options.options import Options
from plainfilm.records import Status
from plainfilm.rendering.grayscale.plan import GrayscalePlan
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import OpenedInstance, open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame

Array = NDArray[Any]
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = ("4.90", "4.91", "4.92", "4.93", "4.201", "4.202", "4.203")
# the exceptions of pydicom for an object that it cannot read or decode
PYDICOM_ERRORS = (AttributeError, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, TypeError, ValueError)


class NotShownError(Exception):
    """A renderer cannot show a subject; the message is the reason."""


@dataclass(frozen=True, slots=True)
class PlainfilmImage:
    """The 8-bit image of plainfilm, with its plan (None for colour) and the codes of its findings."""

    image: Array
    plan: GrayscalePlan | None
    findings: frozenset[str]
    opened: OpenedInstance

    @property
    def voi(self) -> str:
        """The label of the VOI that was used; `none` for colour."""
        return "none" if self.plan is None else self.plan.voi

    @property
    def peer_voi(self) -> str:
        """The label of the VOI that the peers use: the first VOI of the file where plainfilm replaced it."""
        if self.plan is None or self.plan.status is not Status.REPAIRED or not self.plan.voi_available:
            return self.voi
        return self.plan.voi_available.split()[0]


def render_with_plainfilm(subject: Subject) -> PlainfilmImage:
    """Render with the `viewer` look and pixels as stored. Raises NotShownError."""
    options = Options.of({"pixels": "stored", "voi": subject.voi})
    try:
        opened = open_instance(subject.content, options)
        planned = plan_frame(survey_instance(opened, [0]), 0)
        image = render_frame(planned).image
    except ConversionError as error:
        raise NotShownError(f"plainfilm: `{error.reason.value}`") from None
    plan = planned.plan if isinstance(planned.plan, GrayscalePlan) else None
    return PlainfilmImage(image, plan, frozenset(finding.code.value for finding in planned.findings), opened)


def render_changed(subject: Subject, options: dict[str, Any], attributes: dict[str, Any]) -> Array:
    """Render with plainfilm with other options and attributes; the value None removes an attribute."""
    dataset = subject.read()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    return render_picture(dataset, **{"pixels": "stored", "voi": subject.voi, **options})


def render_with_oracle(subject: Subject, own: PlainfilmImage) -> oracle.Result:
    """Render with the oracle, from the samples of the decoders of plainfilm. Raises NotShownError."""
    pixel = own.opened.instance.pixel
    if own.plan is None or own.opened.instance.supplement is not None:
        raise NotShownError("colour, which the oracle does not render")
    try:
        decoded = [own.opened.load(frame).decoded for frame in range(pixel.number_of_frames)]
        dataset = subject.read()
        codestream = None if decoded[0].precision is None else (decoded[0].precision, decoded[0].signed)
        samples = np.stack([frame.samples for frame in decoded])
        return oracle.render(dataset, samples, voi=subject.voi, codestream=codestream)
    except ConversionError:
        raise NotShownError("a frame cannot be decoded, and the oracle needs all frames") from None
    except PYDICOM_ERRORS as error:
        raise NotShownError(
            f"pydicom, with which the oracle reads, cannot read the file ({type(error).__name__})"
        ) from None


def render_with_dcmtk(subject: Subject, own: PlainfilmImage, *more_options: str) -> Array:
    """Render with DCMTK, through the same VOI of the file as plainfilm. Raises NotShownError."""
    kind, _, rest = own.peer_voi.partition(":")
    number = str(int(rest.split(":")[0]) + 1) if rest else ""
    voi_options = {"window": ("+Wi", number), "lut": ("+Wl", number)}.get(kind, ())
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.dcm"), Path(folder, "target.png")
        source.write_bytes(subject.content)
        tool = "dcml2pnm" if own.opened.instance.data.transfer_syntax in JPEG_LS else "dcmj2pnm"
        command = [shutil.which(tool) or tool, "-O", *voi_options, *more_options, "+on", str(source), str(target)]
        run = subprocess.run(command, capture_output=True, check=False, timeout=120)
        syntax = own.opened.instance.data.transfer_syntax.removeprefix("1.2.840.10008.1.2.")
        if not target.exists() and syntax in JPEG_2000:
            raise NotShownError("JPEG 2000, which DCMTK does not decode")
        if not target.exists():
            raise NotShownError(_reason(run.stderr.decode("latin-1")))
        image = np.asarray(cv2.imread(str(target), cv2.IMREAD_UNCHANGED))
    return image if image.ndim == 2 else image[:, :, 2::-1]


def _reason(stderr: str) -> str:
    """Return the last error message, without the parts that depend on the file."""
    lines = [line for line in stderr.splitlines() if line.startswith(("E:", "F:"))]
    text = lines[-1][2:].split(": ")[-1].strip() if lines else "no image and no message"
    return "the file cannot be opened" if text.endswith("source.dcm") else text


Change = Callable[[Array], Array]


def render_with_pydicom(
    subject: Subject, own: PlainfilmImage, change_stored: Change | None = None, change_output: Change | None = None
) -> Array:
    """Render with the functions of pydicom, whose output range is scaled to 0 to 255. Raises NotShownError.

    change_stored, change_output: functions that change the stored values and the modality output. MONOCHROME1 is
    inverted here: pydicom has no function for Photometric Interpretation.
    """
    if own.plan is None:
        raise NotShownError("colour, which these functions do not change")
    dataset = subject.read()
    kind, _, rest = own.peer_voi.partition(":")
    index = int(rest.split(":")[0]) if rest else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stored = dataset.pixel_array
            stored = stored if int(dataset.get("NumberOfFrames") or 1) == 1 else stored[0]
            output = apply_modality_lut(stored if change_stored is None else change_stored(stored), dataset)
            output = output if change_output is None else change_output(output)
            if kind in ("window", "lut"):
                output = apply_voi_lut(output, dataset, index=index, prefer_lut=kind == "lut")
            low, high = _range(dataset, kind, index)
        except RuntimeError:
            raise NotShownError("RuntimeError: a decoder is missing or fails") from None
        except PYDICOM_ERRORS as error:
            raise NotShownError(
                f"{type(error).__name__}: floating pixels, no file meta information, or a damaged header"
            ) from None
    levels = np.clip(np.floor((output.astype(float) - low) / (high - low) * 255 + 0.5), 0, 255).astype(np.uint8)
    return 255 - levels if own.plan.inverted else levels


def _range(dataset: pydicom.Dataset, kind: str, index: int) -> tuple[float, float]:
    """Return the smallest and the largest value of the output range that `apply_windowing` documents."""
    if kind == "lut":
        return 0, 2 ** dataset.VOILUTSequence[index].LUTDescriptor[2] - 1
    if "ModalityLUTSequence" in dataset:
        return 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    signed, bits = dataset.PixelRepresentation == 1, dataset.BitsStored
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    lowest, highest = sorted(slope * end + intercept for end in ends)
    return lowest, highest
