# SPDX-License-Identifier: MIT
"""The subjects of the comparison: the real files of a folder, and images with a generated matrix of headers."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
from tests.support.cases.build import XRAY_ANGIOGRAPHY, GroupSpec, LutSpec, ShutterSpec, build_case, to_bytes

PHOTOMETRIC = ("MONOCHROME1", "MONOCHROME2")
SHAPES = (None, "IDENTITY", "INVERSE")
# the VOIs of the file, the value of --voi, and the functions of its windows
VOIS: tuple[tuple[str, str, tuple[str | None, ...]], ...] = (
    ("none", "auto", (None,)),
    ("window", "auto", (None, "LINEAR_EXACT", "SIGMOID")),
    ("LUT", "auto", (None,)),
    ("LUT and window", "auto", (None,)),
    ("LUT and window, the window", "window:0", (None, "LINEAR_EXACT", "SIGMOID")),
    ("two windows, the second", "window:1", (None, "LINEAR_EXACT", "SIGMOID")),
    ("two LUTs, the second", "lut:1", (None,)),
)
SIGNS = (0, 1)
DEPTHS = ((8, 6), (8, 8), (16, 10), (16, 12), (16, 16))
PADDINGS = (False, True)
RESCALES = ("none", "positive", "negative", "fraction", "Modality LUT")


@dataclass(frozen=True, slots=True)
class Subject:
    """A DICOM object to render. voi: the value of --voi. real: whether it is a file of the folder of real files."""

    name: str
    content: bytes
    voi: str = "auto"
    real: bool = False

    def read(self) -> pydicom.Dataset:
        """Return a new data set, which may be changed. Raises the errors of pydicom."""
        return pydicom.dcmread(io.BytesIO(self.content), force=True)


def combinations() -> list[tuple[Any, ...]]:
    """Return every combination of the matrix: the parameters of `generated_subject`."""
    vois = [(kind, voi, function) for kind, voi, functions in VOIS for function in functions]
    return list(itertools.product(PHOTOMETRIC, SHAPES, vois, SIGNS, DEPTHS, PADDINGS, RESCALES))


def sample_combinations(count: int) -> list[tuple[Any, ...]]:
    """Return a fixed random sample of the combinations, in their order."""
    population = combinations()
    indices = sorted(random.Random(20_260_101).sample(range(len(population)), count))
    return [population[index] for index in indices]


def generated_subject(combination: tuple[Any, ...]) -> Subject:
    """Return the subject of one combination."""
    photometric, shape, (kind, voi, function), sign, (allocated, stored), padded, rescale = combination
    half = 2 ** (stored - 1)
    low, high = (-half, half - 1) if sign else (0, 2 * half - 1)
    first, last = output_range(rescale, low, high)
    content = to_bytes(
        build_case(
            rows=24,
            columns=32,
            photometric=photometric,
            presentation_lut_shape=shape,
            pixel_representation=sign,
            bits_allocated=allocated,
            bits_stored=stored,
            content="border",
            padding=int(low + 0.03 * (high - low)) if padded else None,
            **modality_of(rescale, low, high),
            **voi_of(kind, first, last),
            voi_function=function,
        )[0]
    )
    words = (photometric, shape or "no shape", kind, function or "", "signed" if sign else "unsigned")
    name = ", ".join((*filter(None, words), f"{stored} of {allocated} bits", f"rescale: {rescale}"))
    return Subject(name + (", padding" if padded else ""), content, voi)


def rare_subjects() -> Iterator[Subject]:
    """Yield one subject for each rare feature that is not in the matrix."""
    window: dict[str, Any] = {"centers": (2000,), "widths": (3000,)}
    features: dict[str, dict[str, Any]] = {
        "a VOI LUT of 12 bits that declares 16": {"voi_luts": (lut(0, 4096, 16, 4095),)},
        "a VOI LUT of 12 bits that declares 10": {"voi_luts": (lut(0, 4096, 10, 4095),)},
        "a circular shutter": {**window, "shutter": ShutterSpec(("CIRCULAR",))},
        "values above Bits Stored, announced": {
            "largest": 9000,
            "ends": (0, 9000),
            "centers": (4500,),
            "widths": (9000,),
        },
        "junk above Bits Stored": {**window, "above": "all"},
        "a sign that is not extended": {"above": "zero", "pixel_representation": 1, "centers": (0,), "widths": (3000,)},
        "a window beyond all values": {"centers": (60000,), "widths": (10,)},
        "a window in a shared functional group": {"shared": GroupSpec((2000,), (3000,))},
        "a rescale that does not apply to XA": {**window, "slope": 2, "intercept": -100, "sop_class": XRAY_ANGIOGRAPHY},
        "32 bits": {"bits_allocated": 32, "bits_stored": 32, "centers": (2**31,), "widths": (2**31,)},
    }
    for name, parameters in features.items():
        yield Subject(name, to_bytes(build_case(**parameters)[0]))


def output_range(rescale: str, low: int, high: int) -> tuple[float, float]:
    """Return the smallest and the largest modality output of the stored values from low to high."""
    if rescale == "Modality LUT":
        return 0, 65535
    slope, intercept = line_of(rescale, low, high)
    ends = (slope * low + intercept, slope * high + intercept)
    return min(ends), max(ends)


def line_of(rescale: str, low: int, high: int) -> tuple[float, float]:
    """Return slope and intercept; the negative slope maps the range of the stored values onto itself."""
    return {"positive": (1, -1024), "negative": (-1, low + high), "fraction": (0.3, -0.5)}.get(rescale, (1, 0))


def modality_of(rescale: str, low: int, high: int) -> dict[str, Any]:
    """Return the parameters of a rescale or of a falling Modality LUT."""
    if rescale == "none":
        return {}
    if rescale == "Modality LUT":
        return {"modality_lut": lut(low, high - low + 1, 16, 65535, falling=True)}
    slope, intercept = line_of(rescale, low, high)
    return {"slope": slope, "intercept": intercept}


def voi_of(kind: str, first: float, last: float) -> dict[str, Any]:
    """Return the parameters of the VOIs of one kind, for modality outputs from first to last."""
    middle, span = (first + last) / 2, last - first
    parameters: dict[str, Any] = {}
    if "LUT" in kind:
        start = max(-32768, round(first))
        count = round(last) - start + 1
        # pydicom writes no signed descriptor of 32,768 to 65,535 entries; 65,536 are written as 0
        count = 65536 if count >= 32768 else count
        parameters["voi_luts"] = (lut(start, count, 12, 4095), lut(start, count, 16, 65535, falling=True))
        parameters["voi_luts"] = parameters["voi_luts"][: 2 if kind.startswith("two") else 1]
    if "window" in kind:
        count = 2 if kind.startswith("two") else 1
        parameters["centers"] = (round(middle + 0.05 * span, 2), round(middle - 0.1 * span, 2))[:count]
        parameters["widths"] = (round(0.6 * span + 1, 2), round(0.8 * span + 1, 2))[:count]
    return parameters


@cache
def lut(first: int, count: int, bits: int, largest: int, *, falling: bool = False) -> LutSpec:
    """Return a linear table from 0 to its largest entry, or from the largest entry to 0."""
    entries = [round(number / max(1, count - 1) * largest) for number in range(count)]
    return LutSpec(
        tuple(reversed(entries) if falling else entries), first, bits, descriptor_vr="SS" if first < 0 else "US"
    )


def real_subjects(folder: Path) -> Iterator[Subject]:
    """Yield every file that the catalogue of the folder names, in the order of the catalogue."""
    with open(folder / "catalog.csv", newline="", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    for name in names:
        yield Subject(name, (folder / name).read_bytes(), real=True)
