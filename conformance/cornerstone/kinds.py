# SPDX-License-Identifier: MIT
"""The known kinds of disagreement with cornerstone3D, in the form of `conformance.kinds`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.kinds import BIG_ENDIAN, KINDS, Adjustment, Case, DisagreementKind
from conformance.renderers import JPEG_LS

Array = NDArray[Any]
JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
CORNERSTONE = "cornerstone3D"
# kinds of the other peers that apply to cornerstone3D too
SHARED = (
    "pixel padding",
    "display shutter",
    "values above Bits Stored that Largest Image Pixel Value announces",
    "windows and rescale in functional groups",
    "the rescale of XA and XRF",
)


def _as_read(case: Case) -> Array:
    """Return the stored values as cornerstone3D reads them: 8 bits without a sign, more bits with their sign."""
    samples: Array = case.own.opened.load(0).decoded.samples
    if case.number("BitsAllocated", 16) == 8:
        return samples.view(np.uint8)
    if case.number("PixelRepresentation", 0) == 1 and samples.itemsize == 2:
        half = 1 << int(case.number("BitsStored", 16)) - 1
        return ((samples.astype(np.int64) & 2 * half - 1) ^ half) - half
    return samples


def _smallest_to_largest(case: Case) -> Adjustment:
    """Return the window from the smallest to the largest modality output that cornerstone3D sees."""
    values = _as_read(case)
    slope, intercept = case.slope, case.number("RescaleIntercept", 0.0)
    low, high = sorted(slope * float(end) + intercept for end in (values.min(), values.max()))
    return Adjustment({"window": ((low + high + 1) / 2, high - low + 1, "linear")}, tolerance=2)


def _without_modality_lut(case: Case) -> Adjustment:
    """Remove the Modality LUT; a window of the file is applied even where it then shows nothing."""
    options = {"window": _first_window(case)} if case.own.voi.startswith("window") else None
    return Adjustment(options, {"ModalityLUTSequence": None})


def _without_voi_lut(case: Case) -> Adjustment:
    return Adjustment({"window": _first_window(case)}) if "WindowCenter" in case.header else _smallest_to_largest(case)


def _first_window(case: Case) -> tuple[float, float, str]:
    center, width = (_first(case.header[name].value) for name in ("WindowCenter", "WindowWidth"))
    return center, width, "linear"


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float, str)) else value[0])


def _syntax(case: Case) -> str:
    return case.own.opened.instance.data.transfer_syntax


def _is_deep_lossy_jpeg(case: Case) -> bool:
    return _syntax(case) == JPEG_EXTENDED and case.number("BitsAllocated", 8) > 8


def _is_color(case: Case) -> bool:
    return case.own.plan is None


def _is_color_by_plane(case: Case) -> bool:
    """Whether a JPEG-LS codestream has a scan for each component; no entropy-coded data hold this marker (T.87 C.1)."""
    return _syntax(case) in JPEG_LS and _is_color(case) and case.subject.content.count(b"\xff\xda") >= 3


def _is_color_of_odd_length(case: Case) -> bool:
    if not _is_color(case) or case.own.opened.instance.data.encapsulated:
        return False
    pixel = case.own.opened.instance.pixel
    is_subsampled = pixel.photometric_interpretation == "YBR_FULL_422"
    return is_subsampled or pixel.rows * pixel.columns * pixel.samples_per_pixel % 2 == 1


OWN = (
    DisagreementKind(
        "Modality LUT Sequence",
        (CORNERSTONE,),
        "ignored",
        "applied",
        "plainfilm: C.11.1",
        lambda case: "ModalityLUTSequence" in case.header,
        _without_modality_lut,
    ),
    DisagreementKind(
        "VOI LUT Sequence",
        (CORNERSTONE,),
        "ignored: the window, or else the smallest to the largest value",
        "applied",
        "plainfilm: C.11.2.1.1",
        lambda case: case.own.voi.startswith("lut"),
        _without_voi_lut,
    ),
    DisagreementKind(
        "no VOI",
        (CORNERSTONE,),
        "the smallest to the largest value",
        "the fallback, from the 0.1 to the 99.9 percentile; identity for 8 bits",
        "open: a marker or a border ruins the range from the smallest to the largest value",
        lambda case: case.own.voi in ("fallback", "identity") and case.own.plan is not None,
        _smallest_to_largest,
    ),
    DisagreementKind(
        "SIGMOID",
        (CORNERSTONE,),
        "taken for LINEAR in CPU rendering",
        "applied",
        "plainfilm: C.11.2.1.3.1",
        lambda case: case.header.get("VOILUTFunction") == "SIGMOID",
        lambda _case: Adjustment(attributes={"VOILUTFunction": "LINEAR"}),
    ),
    DisagreementKind(
        "LINEAR_EXACT",
        (CORNERSTONE,),
        "taken for LINEAR in CPU rendering",
        "applied",
        "plainfilm: C.11.2.1.3.2",
        lambda case: case.header.get("VOILUTFunction") == "LINEAR_EXACT",
        lambda _case: Adjustment(attributes={"VOILUTFunction": "LINEAR"}),
    ),
    DisagreementKind(
        "another window than the first",
        (CORNERSTONE,),
        "the first window",
        "the window that `--voi` names",
        "no disagreement: the viewport has no option for it",
        lambda case: case.own.voi.startswith("window") and case.own.voi != "window:0",
        lambda _case: Adjustment({"voi": "window:0"}),
    ),
    DisagreementKind(
        "signed values of 8 bits",
        (CORNERSTONE,),
        "read without their sign",
        "read with their sign",
        "plainfilm: C.7.6.3.1.1",
        lambda case: case.number("PixelRepresentation", 0) == 1 and case.number("BitsAllocated", 16) == 8,
        lambda _case: Adjustment(attributes={"PixelRepresentation": 0, "BitsStored": 8, "HighBit": 7}),
    ),
    DisagreementKind(
        "a modality output that is not a whole number",
        (CORNERSTONE,),
        "a table of whole numbers is read at a fraction",
        "not rounded",
        "plainfilm: C.11.1.1.2 does not round",
        lambda case: not case.slope.is_integer() or not case.number("RescaleIntercept", 0.0).is_integer(),
    ),
    DisagreementKind(
        "a negative Rescale Slope",
        (CORNERSTONE,),
        "the table of grey levels has the wrong length, or there is no image",
        "applied",
        "plainfilm: C.11.1.1.2",
        lambda case: case.slope < 0,
    ),
    DisagreementKind(
        "lossy JPEG of 12 bits",
        (CORNERSTONE,),
        "the values have an offset, or are those of 8 bits",
        "decoded as DCMTK does",
        "plainfilm, as DCMTK",
        _is_deep_lossy_jpeg,
    ),
    DisagreementKind(
        "lossy codestreams",
        (CORNERSTONE,),
        "decoded by another library, some levels off",
        "decoded by libjpeg-turbo or OpenJPEG",
        "open: decoders of lossy codestreams may differ",
        lambda case: case.header.get("LossyImageCompression") == "01",
        lambda _case: Adjustment(tolerance=12),
    ),
    DisagreementKind(
        "colour of more than 8 bits",
        (CORNERSTONE,),
        "each sample is clipped to 255, or not read at all",
        "scaled to 8 bits",
        "plainfilm: C.7.6.3.1.2",
        lambda case: _is_color(case) and case.number("BitsAllocated", 8) > 8,
    ),
    DisagreementKind(
        "colour JPEG-LS with a scan for each component",
        (CORNERSTONE,),
        "the planes are taken for pixels",
        "the planes are the components",
        "plainfilm: T.87 C.2.3",
        _is_color_by_plane,
    ),
    DisagreementKind(
        "uncompressed colour of an odd length, or subsampled",
        (CORNERSTONE,),
        "black",
        "shown",
        "plainfilm: PS3.5 8.1.1, C.7.6.3.1.2",
        _is_color_of_odd_length,
    ),
    DisagreementKind(
        "RGB in a baseline JPEG without an Adobe segment",
        (CORNERSTONE,),
        "converted as if it were YCbCr",
        "the header decides",
        "open: T.871 and the header contradict each other; DCMTK and pydicom agree with plainfilm",
        lambda case: _syntax(case) == JPEG_BASELINE and case.header.get("PhotometricInterpretation") == "RGB",
    ),
    DisagreementKind(
        "8 bits in big endian and VR OW",
        (CORNERSTONE,),
        "the bytes of each word are not exchanged",
        "exchanged",
        "plainfilm: PS3.5 7.3 and 8.1.2",
        lambda case: _syntax(case) == BIG_ENDIAN and case.number("BitsAllocated", 16) == 8,
    ),
    DisagreementKind(
        "32 bits",
        (CORNERSTONE,),
        "the low bits are taken, or the image is white",
        "shown",
        "plainfilm: PS3.5 8.1.1",
        lambda case: not _is_color(case) and case.number("BitsAllocated", 16) == 32,
    ),
    DisagreementKind(
        "bits above Bits Stored",
        (CORNERSTONE,),
        "taken for a part of the value",
        "ignored",
        "plainfilm: PS3.5 8.1.1",
        lambda case: case.has_finding("bits_above_stored"),
    ),
    DisagreementKind(
        "a codestream whose sign is not that of the header",
        (CORNERSTONE,),
        "the header decides",
        "the codestream decides, `codestream_disagrees`",
        "plainfilm: the codestream is what the decoder reads (PS3.5 8.2.4)",
        lambda case: case.has_finding("codestream_disagrees"),
    ),
    DisagreementKind(
        "a window that shows nothing",
        (CORNERSTONE,),
        "applied",
        "replaced, `voi_degenerate` or `repaired`",
        "cornerstone3D, by the text of the standard; plainfilm deviates, unless `--strict` is given",
        lambda case: (
            case.has_finding("voi_degenerate")
            or (case.own.plan is not None and case.own.plan.status.value == "repaired")
        ),
    ),
)

CORNERSTONE_KINDS = (
    *OWN,
    *(
        DisagreementKind(
            kind.name,
            (CORNERSTONE,),
            kind.peer_behavior,
            kind.own_behavior,
            kind.assessment,
            kind.applies,
            kind.adjustment,
        )
        for kind in KINDS
        if kind.name in SHARED
    ),
)
