# SPDX-License-Identifier: MIT
"""The known kinds of disagreement: when each applies, who is right, and how it is undone so that both agree again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from tests.support.cases.spec import DIGITAL_XRAY

from conformance.shown import Ours
from conformance.subjects import Subject

Cells = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """A subject with plainfilm's picture of it."""

    subject: Subject
    ours: Ours

    @cached_property
    def header(self) -> pydicom.Dataset:
        """Its data set, to be read only."""
        return self.subject.read()

    def number(self, keyword: str, otherwise: float) -> float:
        """A number of the header."""
        value = self.header.get(keyword)
        return otherwise if value in (None, "") else float(value)

    @property
    def slope(self) -> float:
        """The Rescale Slope, 1 where a Modality LUT takes its place."""
        return 1.0 if "ModalityLUTSequence" in self.header else self.number("RescaleSlope", 1.0)

    @property
    def inverted(self) -> bool:
        """Whether plainfilm inverts it."""
        return self.ours.plan is not None and self.ours.plan.inverted

    def found(self, *codes: str) -> bool:
        """Whether one of these findings was made."""
        return not self.ours.findings.isdisjoint(codes)


@dataclass(frozen=True, slots=True)
class Undoing:
    """What makes both agree: options and attributes (None: taken out) of plainfilm's, words of DCMTK's, what is done
    to pydicom's values on their way, and how many levels may be left."""

    options: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    words: tuple[str, ...] = ()
    before: Cells | None = None
    between: Cells | None = None
    allowed: float = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of disagreement; `undo` is None where nothing can be done about it on either side."""

    name: str
    peers: tuple[str, ...]
    theirs: str
    here: str
    right: str
    applies: Callable[[Case], bool]
    undo: Callable[[Case], Undoing] | None = None


ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12."
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DCMTK, PYDICOM = ("DCMTK",), ("pydicom",)
BOTH = ("DCMTK", "pydicom")


def _other_polarity(case: Case) -> Undoing:
    return Undoing({"polarity": "monochrome2" if case.inverted else "monochrome1"})


def _without(*keywords: str) -> Callable[[Case], Undoing]:
    return lambda _case: Undoing(attributes=dict.fromkeys(keywords))


def _whole_range(case: Case) -> Undoing:
    """The window that shows the whole range of the modality output."""
    plan = case.ours.plan
    assert plan is not None
    if "ModalityLUTSequence" in case.header:
        low, high = 0.0, 2.0 ** case.header.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    else:
        half = 2 ** (plan.bits_stored - 1)
        ends = (-half, half - 1) if case.number("PixelRepresentation", 0) == 1 else (0, 2 * half - 1)
        low, high = sorted(case.slope * end + case.number("RescaleIntercept", 0) for end in ends)
    return Undoing({"window": ((low + high) / 2, high - low, "linear-exact")})


def _of_whole_numbers(case: Case) -> Undoing:
    """Two units of the modality output, in grey levels; three where its ends are made whole too."""
    if case.ours.voi.startswith("window") and case.ours.plan is not None and case.ours.plan.window is not None:
        return Undoing(allowed=1 + 2 * 255 / max(1, case.ours.plan.window.width - 1))
    return Undoing(allowed=1 + 3 * 255 / (2 ** case.number("BitsStored", 8) * abs(case.slope)))


def _modality_levels(case: Case) -> float:
    """How many whole numbers the modality output can be."""
    if case.ours.plan is None or "ModalityLUTSequence" in case.header:
        return 65536
    return 2**case.ours.plan.bits_stored * abs(case.slope)


def _shifted(case: Case) -> Undoing:
    """What is lost by shifting up to 8 bits, in grey levels."""
    return Undoing(allowed=2 ** (8 - math.ceil(math.log2(_modality_levels(case)))))


def _table_of_signed_values(case: Case) -> bool:
    table = "ModalityLUTSequence" in case.header or case.ours.voi.startswith("lut")
    return table and case.number("PixelRepresentation", 0) == 1


def _in_groups(case: Case) -> bool:
    return any(f"{level}FunctionalGroupsSequence" in case.header for level in ("Shared", "PerFrame"))


def _nearest(values: NDArray[Any]) -> NDArray[Any]:
    return np.floor(values + 0.5).astype(np.int64)


KINDS = (
    Kind(
        "Presentation LUT Shape contradicts Photometric Interpretation",
        DCMTK,
        "the shape decides",
        "Photometric Interpretation decides, `polarity_conflict`",
        "open: C.7.6.3.1.2 and C.11.6 state the same fact twice; known films carry a wrong shape",
        lambda case: case.found("polarity_conflict"),
        _other_polarity,
    ),
    Kind(
        "pixel padding",
        BOTH,
        "windowed and inverted like any value",
        "black, and in no statistic",
        "plainfilm that it is no part of the picture: C.7.5.1.1.2; black is its choice",
        lambda case: "PixelPaddingValue" in case.header,
        _without("PixelPaddingValue", "PixelPaddingRangeLimit"),
    ),
    Kind(
        "no VOI",
        BOTH,
        "the whole range of the modality output",
        "the fallback, from the 0.1 to the 99.9 percentile",
        "the peers by the letter of PS3.4 N.2; here it is a choice, since a film of 12 bits is dark without",
        lambda case: case.ours.voi == "fallback" and case.ours.asked == "fallback",
        _whole_range,
    ),
    Kind(
        "LINEAR_EXACT",
        DCMTK,
        "taken for LINEAR",
        "obeyed",
        "plainfilm: C.11.2.1.3.2; the function is younger than DCMTK 3.6.7",
        lambda case: case.header.get("VOILUTFunction") == "LINEAR_EXACT",
        lambda _case: Undoing(attributes={"VOILUTFunction": "LINEAR"}),
    ),
    Kind(
        "a modality output that is no whole number",
        DCMTK,
        "made whole before the VOI: up to two units off, three without a VOI",
        "kept",
        "plainfilm: C.11.1.1.2 and C.11.2.1.2 round nowhere",
        lambda case: not case.slope.is_integer() or not case.number("RescaleIntercept", 0.0).is_integer(),
        _of_whole_numbers,
    ),
    Kind(
        "fewer than 256 levels of modality output, no VOI",
        DCMTK,
        "shifted up: 1 of a single bit is 128, 6 bits are up to 3 levels off",
        "the largest value is white",
        "plainfilm: the output range of PS3.4 N.2 is that of the P-Values, end to end",
        lambda case: case.ours.voi in ("identity", "fallback") and 1 < _modality_levels(case) < 256,
        _shifted,
    ),
    Kind(
        "a VOI LUT that uses fewer bits than it declares, or has entries above its range",
        DCMTK,
        "the descriptor is believed, unless `+Mv` is given",
        "scaled by the bits used, `voi_lut_bits`",
        "the peers by the letter of C.11.2.1.1; here it is a choice, as other viewers make it",
        lambda case: case.found("voi_lut_bits"),
        lambda _case: Undoing(words=("+Mv",)),
    ),
    Kind(
        "display shutter",
        BOTH,
        "ignored",
        "obeyed",
        "plainfilm: C.7.6.11",
        lambda case: "ShutterShape" in case.header,
        _without("ShutterShape"),
    ),
    Kind(
        "values above Bits Stored that Largest Image Pixel Value announces",
        BOTH,
        "cut off",
        "kept, `bits_stored_widened`",
        "the peers by the letter of C.7.6.3.1; here it is a choice",
        lambda case: case.found("bits_stored_widened"),
        _without("LargestImagePixelValue"),
    ),
    Kind(
        "a window under a negative Rescale Slope",
        PYDICOM,
        "the output range is turned round, so that the picture is inverted",
        "the slope's sign counts once",
        "plainfilm: the output of C.11.2.1.2 runs from its smallest to its largest value",
        lambda case: case.ours.voi.startswith("window") and case.slope < 0,
        _other_polarity,
    ),
    Kind(
        "a VOI LUT after a rescale of fractions",
        PYDICOM,
        "cut towards 0 before the table is read",
        "the nearest whole number",
        "open: the standard gives no rule; the nearest errs by half as much",
        lambda case: case.ours.voi.startswith("lut") and not case.slope.is_integer(),
        lambda _case: Undoing(between=_nearest),
    ),
    Kind(
        "a table of signed values",
        PYDICOM,
        "the difference to the first value mapped wraps in the type of the pixels",
        "no wrap",
        "plainfilm: C.11.1.1.1 and C.11.2.1.1 know no such end",
        _table_of_signed_values,
        lambda _case: Undoing(before=lambda values: values.astype(np.int64)),
    ),
    Kind(
        "the rescale of XA and XRF",
        PYDICOM,
        "applied",
        "not applied",
        "plainfilm, as DCMTK: PS3.4 N.2.5",
        lambda case: str(case.header.get("SOPClassUID")).startswith(ANGIOGRAPHY) and case.slope != 1,
        lambda _case: Undoing(attributes={"SOPClassUID": DIGITAL_XRAY}),
    ),
    Kind(
        "a VOI LUT whose bits used are not those declared",
        PYDICOM,
        "the descriptor is believed",
        "scaled by the bits used, `voi_lut_bits`",
        "pydicom by the letter of C.11.2.1.1; here it is a choice, as other viewers make it",
        lambda case: case.found("voi_lut_bits"),
    ),
    Kind(
        "a modality output of a few units in all",
        DCMTK,
        "made whole: hardly a level is left",
        "kept",
        "plainfilm: C.11.1.1.2 rounds nowhere",
        lambda case: _modality_levels(case) < 8 and not case.slope.is_integer(),
    ),
    Kind(
        "a VOI that shows nothing",
        BOTH,
        "obeyed",
        "replaced, `repaired`",
        "the peers by the letter; here it is a choice, which `--strict` refuses",
        lambda case: case.ours.plan is not None and case.ours.plan.status.value == "repaired",
    ),
    Kind(
        "windows and rescale in functional groups",
        BOTH,
        "not found",
        "used",
        "plainfilm: C.7.6.16.2.9 and C.7.6.16.2.10",
        _in_groups,
    ),
    Kind(
        "32 bits in big endian and VR OW",
        DCMTK,
        "the first of two words is the lower one",
        "the first is the higher one",
        "open: PS3.5 7.3 orders the bytes of a word; the maker of these files and pydicom have it as here",
        lambda case: (
            case.ours.film.instance.data.transfer_syntax == BIG_ENDIAN and case.number("BitsAllocated", 0) == 32
        ),
    ),
    Kind(
        "YBR_FULL without compression",
        DCMTK,
        "greys have a tint of two levels",
        "greys are grey",
        "plainfilm: C.7.6.3.1.2, where equal chrominance of 128 is no colour",
        lambda case: case.header.get("PhotometricInterpretation") == "YBR_FULL" and case.ours.plan is None,
    ),
)
