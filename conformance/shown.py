# SPDX-License-Identifier: MIT
"""One subject in, one picture out: as plainfilm, the oracle, DCMTK and pydicom show its first frame."""

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
from plainfilm.rendering.grayscale.plan import Plan
from plainfilm.rendering.pipeline import frame_planner, render
from plainfilm.rendering.reader import FrameReader, open_reader

Array = NDArray[Any]
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = ("4.90", "4.91", "4.92", "4.93", "4.201", "4.202", "4.203")
# what pydicom raises where it cannot read or decode an object
REFUSALS = (AttributeError, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, TypeError, ValueError)


class NotShownError(Exception):
    """A peer cannot show a subject; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What plainfilm shows, 8 bits, and what it says of it: the plan (None for colour) and the codes of findings."""

    image: Array
    plan: Plan | None
    findings: frozenset[str]
    film: FrameReader

    @property
    def voi(self) -> str:
        """The label of the VOI that was used; of colour `none`."""
        return "none" if self.plan is None else self.plan.voi

    @property
    def asked(self) -> str:
        """The label of the VOI that a peer is asked for: the file's first one where plainfilm replaced it."""
        if self.plan is None or self.plan.status is not Status.REPAIRED or not self.plan.available:
            return self.voi
        return self.plan.available.split()[0]


def by_plainfilm(subject: Subject) -> Ours:
    """The viewer look, pixels as stored. Raises NotShownError."""
    options = Options.of({"pixels": "stored", "voi": subject.voi})
    try:
        film = open_reader(subject.content, options)
        planned = frame_planner(film, options)(0)
        image = render(planned).image
    except ConversionError as error:
        raise NotShownError(f"plainfilm: `{error.reason.value}`") from None
    plan = planned.plan if isinstance(planned.plan, Plan) else None
    return Ours(image, plan, frozenset(finding.code.value for finding in planned.findings), film)


def changed(subject: Subject, options: dict[str, Any], attributes: dict[str, Any]) -> Array:
    """What plainfilm shows with other options and attributes; None takes an attribute out."""
    dataset = subject.read()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    return render_picture(dataset, **{"pixels": "stored", "voi": subject.voi, **options})


def by_oracle(subject: Subject, ours: Ours) -> oracle.Result:
    """The oracle's picture, from the cells that plainfilm's decoders gave. Raises NotShownError."""
    pixel = ours.film.instance.pixel
    if ours.plan is None or ours.film.instance.supplement is not None:
        raise NotShownError("colour, which the oracle does not know")
    try:
        decoded = [ours.film.decode(frame) for frame in range(pixel.number_of_frames)]
        dataset = subject.read()
        codestream = None if decoded[0].precision is None else (decoded[0].precision, decoded[0].signed)
        cells = np.stack([frame.samples for frame in decoded])
        return oracle.render(dataset, cells, voi=subject.voi, codestream=codestream)
    except ConversionError:
        raise NotShownError("a frame cannot be decoded, and the oracle wants all") from None
    except REFUSALS as error:
        raise NotShownError(f"pydicom, which it reads with, cannot read the file ({type(error).__name__})") from None


def by_dcmtk(subject: Subject, ours: Ours, *more: str) -> Array:
    """DCMTK's picture through the VOI of the file that plainfilm used. Raises NotShownError."""
    kind, _, rest = ours.asked.partition(":")
    number = str(int(rest.split(":")[0]) + 1) if rest else ""
    words = {"window": ("+Wi", number), "lut": ("+Wl", number)}.get(kind, ())
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.dcm"), Path(folder, "made.png")
        given.write_bytes(subject.content)
        tool = "dcml2pnm" if ours.film.instance.data.transfer_syntax in JPEG_LS else "dcmj2pnm"
        command = [shutil.which(tool) or tool, "-O", *words, *more, "+on", str(given), str(made)]
        run = subprocess.run(command, capture_output=True, check=False, timeout=120)
        syntax = ours.film.instance.data.transfer_syntax.removeprefix("1.2.840.10008.1.2.")
        if not made.exists() and syntax in JPEG_2000:
            raise NotShownError("JPEG 2000, which DCMTK does not decode")
        if not made.exists():
            raise NotShownError(_reason(run.stderr.decode("latin-1")))
        picture = np.asarray(cv2.imread(str(made), cv2.IMREAD_UNCHANGED))
    return picture if picture.ndim == 2 else picture[:, :, 2::-1]


def _reason(said: str) -> str:
    """The last complaint, without what is the file's own."""
    lines = [line for line in said.splitlines() if line.startswith(("E:", "F:"))]
    text = lines[-1][2:].split(": ")[-1].strip() if lines else "no picture, no complaint"
    return "the file cannot be opened" if text.endswith("given.dcm") else text


Cells = Callable[[Array], Array]


def by_pydicom(subject: Subject, ours: Ours, before: Cells | None = None, between: Cells | None = None) -> Array:
    """Through pydicom's functions, its output range drawn to 0 to 255. Raises NotShownError.

    `before` and `between` change the stored values and the modality output on their way. MONOCHROME1 is
    inverted here: pydicom has no function that goes by Photometric Interpretation.
    """
    if ours.plan is None:
        raise NotShownError("colour, which these functions do not touch")
    dataset = subject.read()
    kind, _, rest = ours.asked.partition(":")
    index = int(rest.split(":")[0]) if rest else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stored = dataset.pixel_array
            stored = stored if int(dataset.get("NumberOfFrames") or 1) == 1 else stored[0]
            output = apply_modality_lut(stored if before is None else before(stored), dataset)
            output = output if between is None else between(output)
            if kind in ("window", "lut"):
                output = apply_voi_lut(output, dataset, index=index, prefer_lut=kind == "lut")
            low, high = _range(dataset, kind, index)
        except RuntimeError:
            raise NotShownError("RuntimeError: a decoder is missing, or refuses") from None
        except REFUSALS as error:
            raise NotShownError(
                f"{type(error).__name__}: floating pixels, no file meta information, or a damaged header"
            ) from None
    levels = np.clip(np.floor((output.astype(float) - low) / (high - low) * 255 + 0.5), 0, 255).astype(np.uint8)
    return 255 - levels if ours.plan.inverted else levels


def _range(dataset: pydicom.Dataset, kind: str, index: int) -> tuple[float, float]:
    """The ends of pydicom's output range, the smaller one first, as `apply_windowing` documents it."""
    if kind == "lut":
        return 0, 2 ** dataset.VOILUTSequence[index].LUTDescriptor[2] - 1
    if "ModalityLUTSequence" in dataset:
        return 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    signed, bits = dataset.PixelRepresentation == 1, dataset.BitsStored
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    lowest, highest = sorted(slope * end + intercept for end in ends)
    return lowest, highest
