# SPDX-License-Identifier: MIT
"""The known kinds of disagreement: when each applies, which side is right, and an adjustment after which both agree."""

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

from conformance.renderers import Change, PlainfilmImage
from conformance.subjects import Subject


@dataclass(frozen=True)
class Case:
    """A subject and its image by plainfilm."""

    subject: Subject
    own: PlainfilmImage

    @cached_property
    def header(self) -> pydicom.Dataset:
        """The data set of the subject; it must not be changed."""
        return self.subject.read()

    def number(self, keyword: str, default: float) -> float:
        """Return a number of the header, or the default where it is absent or empty."""
        value = self.header.get(keyword)
        return default if value in (None, "") else float(value)

    @property
    def slope(self) -> float:
        """The Rescale Slope, 1 where a Modality LUT takes its place."""
        return 1.0 if "ModalityLUTSequence" in self.header else self.number("RescaleSlope", 1.0)

    @property
    def inverted(self) -> bool:
        """Whether plainfilm inverts the image."""
        return self.own.plan is not None and self.own.plan.inverted

    def has_finding(self, *codes: str) -> bool:
        """Whether plainfilm reports one of these findings."""
        return not self.own.findings.isdisjoint(codes)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Changes that remove the cause of a disagreement, so that both images agree.

    options: options of plainfilm. attributes: attributes for plainfilm; None removes one. peer_options: options of
    dcmj2pnm. change_stored, change_output: changes of the stored values and of the modality output for pydicom.
    tolerance: the difference in grey levels that may remain.
    """

    options: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    peer_options: tuple[str, ...] = ()
    change_stored: Change | None = None
    change_output: Change | None = None
    tolerance: float = 1


@dataclass(frozen=True, slots=True)
class DisagreementKind:
    """A kind of disagreement.

    peer_behavior, own_behavior: what the peer and plainfilm do. assessment: which side is right, and why.
    applies: whether the kind can occur in a case. adjustment: None where neither side can be adjusted.
    """

    name: str
    peers: tuple[str, ...]
    peer_behavior: str
    own_behavior: str
    assessment: str
    applies: Callable[[Case], bool]
    adjustment: Callable[[Case], Adjustment] | None = None


ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12."
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DCMTK, PYDICOM = ("DCMTK",), ("pydicom",)
BOTH = ("DCMTK", "pydicom")


def _other_polarity(case: Case) -> Adjustment:
    return Adjustment({"polarity": "monochrome2" if case.inverted else "monochrome1"})


def _without(*keywords: str) -> Callable[[Case], Adjustment]:
    return lambda _case: Adjustment(attributes=dict.fromkeys(keywords))


def _whole_range(case: Case) -> Adjustment:
    """Return the window that shows the whole range of the modality output."""
    plan = case.own.plan
    assert plan is not None
    if "ModalityLUTSequence" in case.header:
        low, high = 0.0, 2.0 ** case.header.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    else:
        half = 2 ** (plan.bits_stored - 1)
        ends = (-half, half - 1) if case.number("PixelRepresentation", 0) == 1 else (0, 2 * half - 1)
        low, high = sorted(case.slope * end + case.number("RescaleIntercept", 0) for end in ends)
    return Adjustment({"window": ((low + high) / 2, high - low, "linear-exact")})


def _rounded_output(case: Case) -> Adjustment:
    """Tolerate two units of the modality output, or three where the peer rounds the ends of the range too."""
    if case.own.voi.startswith("window") and case.own.plan is not None and case.own.plan.window is not None:
        return Adjustment(tolerance=1 + 2 * 255 / max(1, case.own.plan.window.width - 1))
    return Adjustment(tolerance=1 + 3 * 255 / (2 ** case.number("BitsStored", 8) * abs(case.slope)))


def _modality_levels(case: Case) -> float:
    """Return the number of whole numbers in the range of the modality output."""
    if case.own.plan is None or "ModalityLUTSequence" in case.header:
        return 65536
    return float(2**case.own.plan.bits_stored * abs(case.slope))


def _shifted_output(case: Case) -> Adjustment:
    """Tolerate the error of a shift to 8 bits."""
    return Adjustment(tolerance=2 ** (8 - math.ceil(math.log2(_modality_levels(case)))))


def _has_table_of_signed_values(case: Case) -> bool:
    table = "ModalityLUTSequence" in case.header or case.own.voi.startswith("lut")
    return table and case.number("PixelRepresentation", 0) == 1


def _has_functional_groups(case: Case) -> bool:
    return any(f"{level}FunctionalGroupsSequence" in case.header for level in ("Shared", "PerFrame"))


def _nearest(values: NDArray[Any]) -> NDArray[Any]:
    return np.floor(values + 0.5).astype(np.int64)


KINDS = (
    DisagreementKind(
        "Presentation LUT Shape contradicts Photometric Interpretation",
        DCMTK,
        "the shape decides",
        "Photometric Interpretation decides, `polarity_conflict`",
        "open: C.7.6.3.1.2 and C.11.6 state the same fact twice; known files have a wrong shape",
        lambda case: case.has_finding("polarity_conflict"),
        _other_polarity,
    ),
    DisagreementKind(
        "pixel padding",
        BOTH,
        "windowed and inverted like any value",
        "black, and excluded from all statistics",
        "plainfilm: padding is not part of the image (C.7.5.1.1.2); black is its choice",
        lambda case: "PixelPaddingValue" in case.header,
        _without("PixelPaddingValue", "PixelPaddingRangeLimit"),
    ),
    DisagreementKind(
        "no VOI",
        BOTH,
        "the whole range of the modality output",
        "the fallback, from the 0.1 to the 99.9 percentile",
        "the peers, by the text of PS3.4 N.2; plainfilm deviates because a 12-bit image is dark without a VOI",
        lambda case: case.own.voi == "fallback" and case.own.peer_voi == "fallback",
        _whole_range,
    ),
    DisagreementKind(
        "LINEAR_EXACT",
        DCMTK,
        "treated as LINEAR",
        "applied",
        "plainfilm: C.11.2.1.3.2; DCMTK 3.6.7 is older than the function",
        lambda case: case.header.get("VOILUTFunction") == "LINEAR_EXACT",
        lambda _case: Adjustment(attributes={"VOILUTFunction": "LINEAR"}),
    ),
    DisagreementKind(
        "a modality output that is not a whole number",
        DCMTK,
        "rounded before the VOI: up to two units off, or three without a VOI",
        "not rounded",
        "plainfilm: C.11.1.1.2 and C.11.2.1.2 do not round",
        lambda case: not case.slope.is_integer() or not case.number("RescaleIntercept", 0.0).is_integer(),
        _rounded_output,
    ),
    DisagreementKind(
        "fewer than 256 levels of modality output, no VOI",
        DCMTK,
        "shifted to 8 bits: the value 1 of a single bit is 128, 6 bits are up to 3 levels off",
        "the largest value is white",
        "plainfilm: the output range of PS3.4 N.2 is the whole range of the P-Values",
        lambda case: case.own.voi in ("identity", "fallback") and 1 < _modality_levels(case) < 256,
        _shifted_output,
    ),
    DisagreementKind(
        "a VOI LUT that uses fewer bits than it declares, or has entries above its range",
        DCMTK,
        "the bits of the descriptor are used, unless `+Mv` is given",
        "scaled by the bits that the entries use, `voi_lut_bits`",
        "the peers, by the text of C.11.2.1.1; plainfilm deviates as other viewers do",
        lambda case: case.has_finding("voi_lut_bits"),
        lambda _case: Adjustment(peer_options=("+Mv",)),
    ),
    DisagreementKind(
        "display shutter",
        BOTH,
        "ignored",
        "applied",
        "plainfilm: C.7.6.11",
        lambda case: "ShutterShape" in case.header,
        _without("ShutterShape"),
    ),
    DisagreementKind(
        "values above Bits Stored that Largest Image Pixel Value announces",
        BOTH,
        "clipped",
        "used, `bits_stored_widened`",
        "the peers, by the text of C.7.6.3.1; plainfilm deviates",
        lambda case: case.has_finding("bits_stored_widened"),
        _without("LargestImagePixelValue"),
    ),
    DisagreementKind(
        "a window under a negative Rescale Slope",
        PYDICOM,
        "the output range is reversed, so that the image is inverted",
        "the sign of the slope is applied once",
        "plainfilm: the output of C.11.2.1.2 runs from its smallest to its largest value",
        lambda case: case.own.voi.startswith("window") and case.slope < 0,
        _other_polarity,
    ),
    DisagreementKind(
        "a VOI LUT after a rescale of fractions",
        PYDICOM,
        "truncated towards 0 before the table lookup",
        "rounded to the nearest whole number",
        "open: the standard has no rule; rounding has half the error",
        lambda case: case.own.voi.startswith("lut") and not case.slope.is_integer(),
        lambda _case: Adjustment(change_output=_nearest),
    ),
    DisagreementKind(
        "a table of signed values",
        PYDICOM,
        "the difference to the first mapped value wraps in the data type of the pixels",
        "no wrap",
        "plainfilm: C.11.1.1.1 and C.11.2.1.1 do not limit the difference",
        _has_table_of_signed_values,
        lambda _case: Adjustment(change_stored=lambda values: values.astype(np.int64)),
    ),
    DisagreementKind(
        "the rescale of XA and XRF",
        PYDICOM,
        "applied",
        "not applied",
        "plainfilm, as DCMTK: PS3.4 N.2.5",
        lambda case: str(case.header.get("SOPClassUID")).startswith(ANGIOGRAPHY) and case.slope != 1,
        lambda _case: Adjustment(attributes={"SOPClassUID": DIGITAL_XRAY}),
    ),
    DisagreementKind(
        "a VOI LUT whose entries use other bits than its descriptor declares",
        PYDICOM,
        "the bits of the descriptor are used",
        "scaled by the bits that the entries use, `voi_lut_bits`",
        "pydicom, by the text of C.11.2.1.1; plainfilm deviates as other viewers do",
        lambda case: case.has_finding("voi_lut_bits"),
    ),
    DisagreementKind(
        "a modality output with a range of a few units",
        DCMTK,
        "rounded: hardly a level is left",
        "not rounded",
        "plainfilm: C.11.1.1.2 does not round",
        lambda case: _modality_levels(case) < 8 and not case.slope.is_integer(),
    ),
    DisagreementKind(
        "a VOI that shows no contrast",
        BOTH,
        "applied",
        "replaced, `repaired`",
        "the peers, by the text of the standard; plainfilm deviates, unless `--strict` is given",
        lambda case: case.own.plan is not None and case.own.plan.status.value == "repaired",
    ),
    DisagreementKind(
        "windows and rescale in functional groups",
        BOTH,
        "not found",
        "used",
        "plainfilm: C.7.6.16.2.9 and C.7.6.16.2.10",
        _has_functional_groups,
    ),
    DisagreementKind(
        "32 bits in big endian and VR OW",
        DCMTK,
        "the first of two words is the low word",
        "the first is the high word",
        "open: PS3.5 7.3 orders only the bytes of a word; the writer of these files and pydicom agree with plainfilm",
        lambda case: (
            case.own.opened.instance.data.transfer_syntax == BIG_ENDIAN and case.number("BitsAllocated", 0) == 32
        ),
    ),
    DisagreementKind(
        "YBR_FULL without compression",
        DCMTK,
        "grey pixels have a tint of two levels",
        "grey pixels are grey",
        "plainfilm: by C.7.6.3.1.2 a chrominance of 128 is no colour",
        lambda case: case.header.get("PhotometricInterpretation") == "YBR_FULL" and case.own.plan is None,
    ),
)
