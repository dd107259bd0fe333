# SPDX-License-Identifier: MIT
"""A data set -> Instance: where DICOM keywords stand, and the repairs for what real files leave out or get wrong."""

from __future__ import annotations

import re
from dataclasses import replace

from pydicom.dataset import Dataset
from pydicom.uid import UID

from plainfilm.dicom.colors import icc_profile_of, palette_of, supplement_of
from plainfilm.dicom.description import annotation_findings, description_of, identity_of
from plainfilm.dicom.functional_groups import frames_of
from plainfilm.dicom.instance import (
    ImagePixel,
    Instance,
    InstanceIdentity,
    Padding,
    PixelData,
    PixelKind,
)
from plainfilm.dicom.overlays import overlays_of
from plainfilm.dicom.shutter import shutter_of
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError, LimitError, NotAnImageError, Reason, TruncatedError
from plainfilm.findings import Finding, FindingCode

_BITS_ALLOCATED = {PixelKind.INTEGER: (1, 8, 16, 32, 64), PixelKind.FLOAT: (32,), PixelKind.DOUBLE: (64,)}
_YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")
_SAMPLES = {**dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1), **dict.fromkeys(("RGB", *_YBR), 3)}
_BIT_POSITIONS = frozenset(range(0x60000102, 0x61000000, 0x20000))
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")


def instance_of(
    dataset: Dataset, data: PixelData | None, known: tuple[PixelKind, int, str], findings: tuple[Finding, ...]
) -> Instance:
    """The frozen Instance; known: the kind of pixel element, the limit of pixels a frame, the SOP class of file meta.

    Raises NotAnImageError, AttributeValueError, LimitError and TruncatedError.
    """
    kind, max_pixels, media_storage_sop_class = known
    notes = list(findings)
    values = Values(dataset, notes)
    identity = identity_of(values, media_storage_sop_class)
    if data is None:
        raise _without_pixels(values, identity)
    pixel = _image_pixel(values, kind, max_pixels)
    description = description_of(values)
    notes += annotation_findings(values, identity, description)
    frames = frames_of(values, pixel)
    if not description.laterality and len(sides := {frame.laterality for frame in frames} - {""}) == 1:
        description = replace(description, laterality=sides.pop())
    overlays = overlays_of(values, pixel)
    shutter = shutter_of(values, (pixel.rows, pixel.columns), overlays)
    if description.presentation_intent == "FOR PROCESSING":
        notes.append(Finding(FindingCode.FOR_PROCESSING, "Presentation Intent Type is FOR PROCESSING"))
    return Instance(
        identity=identity,
        description=description,
        pixel=pixel,
        data=data,
        frames=frames,
        padding=None if pixel.is_color else _padding(values, kind),
        shutter=shutter,
        palette=palette_of(values),
        supplement=None if pixel.is_color else supplement_of(values),
        icc_profile=icc_profile_of(values) if pixel.is_color else None,
        presentation_lut_shape=values.code("PresentationLUTShape") or None,
        pixel_spacing=_spacing(values),
        pixel_aspect_ratio=values.pair("PixelAspectRatio"),
        overlays=tuple(overlay for overlay in overlays if shutter is None or overlay is not shutter.bitmap),
        findings=tuple(notes),
    )


def _without_pixels(values: Values, identity: InstanceIdentity) -> Exception:
    """What an object without Pixel Data is: no image at all, or an image that lost its pixels."""
    if len(values.dataset) == 0:
        return TruncatedError("there is nothing after the file meta information")
    name = UID(identity.sop_class_uid).name if identity.sop_class_uid else ""
    if "Image Storage" in name or all(values.has(keyword) for keyword in ("Rows", "Columns", "BitsAllocated")):
        return AttributeValueError("PixelData", reason=Reason.MISSING_ATTRIBUTE)
    known = name if name != identity.sop_class_uid else ""
    return NotAnImageError(f"an object that is no image{': ' + known if known else ''}")


def _image_pixel(values: Values, kind: PixelKind, max_pixels: int) -> ImagePixel:
    """The Image Pixel module (PS3.3 C.7.6.3), its size held against the limit before anything else."""
    rows, columns = _required(values, "Rows"), _required(values, "Columns")
    samples, photometric = _claimed_interpretation(values)
    if rows * columns * max(samples, 1) > max_pixels:
        raise LimitError(f"Rows x Columns x Samples per Pixel = {rows} x {columns} x {samples} is above {max_pixels}")
    _check_interpretation(samples, photometric)
    allocated = _bits_allocated(values, kind)
    stored = _bits_stored(values, allocated, kind)
    return ImagePixel(
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        photometric_interpretation=photometric,
        planar_configuration=_planar_configuration(values, samples),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_high_bit(values, allocated, stored, kind),
        signed=_signed(values, kind),
        number_of_frames=_number_of_frames(values),
        kind=kind,
        largest_pixel_value=values.integer("LargestImagePixelValue"),
        overlay_bit_positions=_overlay_bit_positions(values),
    )


def _whole_number(values: Values, keyword: str) -> int:
    """A number that an image cannot do without."""
    noted = len(values.findings)
    number = values.integer(keyword)
    if number is None:
        if len(values.findings) == noted:
            raise AttributeValueError(keyword, reason=Reason.MISSING_ATTRIBUTE)
        raise AttributeValueError(keyword, values.number(keyword), message="a whole number is needed")
    return number


def _required(values: Values, keyword: str) -> int:
    number = _whole_number(values, keyword)
    if number < 1:
        raise AttributeValueError(keyword, number, message="at least 1 is needed")
    return number


def _assumed(values: Values, code: FindingCode, keyword: str, taken: object) -> None:
    values.findings.append(Finding(code, f"{keyword} is missing or unusable; taken for {taken}"))


def _claimed_interpretation(values: Values) -> tuple[int, str]:
    """Samples per Pixel and Photometric Interpretation, each taken from the other where one is missing."""
    samples, photometric = values.integer("SamplesPerPixel"), values.code("PhotometricInterpretation")
    if samples is None:
        samples = _SAMPLES.get(photometric, 1)
        _assumed(values, FindingCode.ASSUMED_SAMPLES_PER_PIXEL, "SamplesPerPixel", samples)
    if not photometric:
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
        _assumed(values, FindingCode.ASSUMED_PHOTOMETRIC_INTERPRETATION, "PhotometricInterpretation", photometric)
    return samples, photometric


def _check_interpretation(samples: int, photometric: str) -> None:
    if photometric not in _SAMPLES:
        # in a damaged file it may be anything, so only what is a code string is quoted
        quoted = photometric if _CODE_STRING.fullmatch(photometric) else None
        raise AttributeValueError("PhotometricInterpretation", quoted, message="no image is drawn from it")
    if samples != _SAMPLES[photometric]:
        raise AttributeValueError("SamplesPerPixel", samples, message=f"{photometric} has {_SAMPLES[photometric]}")


def _planar_configuration(values: Values, samples: int) -> int:
    if samples == 1:
        return 0
    planar = values.integer("PlanarConfiguration")
    if planar not in (0, 1):
        _assumed(values, FindingCode.ASSUMED_PLANAR_CONFIGURATION, "PlanarConfiguration", 0)
        return 0
    return planar


def _bits_allocated(values: Values, kind: PixelKind) -> int:
    allocated = _whole_number(values, "BitsAllocated")
    if allocated not in _BITS_ALLOCATED[kind]:
        allowed = ", ".join(str(bits) for bits in _BITS_ALLOCATED[kind])
        raise AttributeValueError("BitsAllocated", allocated, message=f"known for {kind.value}: {allowed}")
    return allocated


def _bits_stored(values: Values, allocated: int, kind: PixelKind) -> int:
    if kind is not PixelKind.INTEGER:
        return allocated
    stored = values.integer("BitsStored")
    if stored is None:
        _assumed(values, FindingCode.ASSUMED_BITS_STORED, "BitsStored", allocated)
        return allocated
    if not 1 <= stored <= allocated:
        note = f"Bits Stored {stored} does not fit Bits Allocated {allocated}; taken for {allocated}"
        values.findings.append(Finding(FindingCode.BITS_STORED_INVALID, note))
        return allocated
    return stored


def _high_bit(values: Values, allocated: int, stored: int, kind: PixelKind) -> int:
    if kind is not PixelKind.INTEGER:
        return allocated - 1
    high_bit = values.integer("HighBit")
    if high_bit is None:
        _assumed(values, FindingCode.ASSUMED_HIGH_BIT, "HighBit", stored - 1)
        return stored - 1
    if not stored - 1 <= high_bit < allocated:
        note = f"High Bit {high_bit} does not fit Bits Stored {stored} of {allocated}; taken for {stored - 1}"
        values.findings.append(Finding(FindingCode.HIGH_BIT_INVALID, note))
        return stored - 1
    return high_bit


def _signed(values: Values, kind: PixelKind) -> bool:
    if kind is not PixelKind.INTEGER:
        return True
    representation = values.integer("PixelRepresentation")
    if representation not in (0, 1):
        _assumed(values, FindingCode.ASSUMED_PIXEL_REPRESENTATION, "PixelRepresentation", 0)
    return representation == 1


def _number_of_frames(values: Values) -> int:
    frames = values.integer("NumberOfFrames")
    if values.raw("NumberOfFrames") is not None and (frames is None or frames < 1):
        _assumed(values, FindingCode.ASSUMED_NUMBER_OF_FRAMES, "NumberOfFrames", 1)
    return frames if frames is not None and frames >= 1 else 1


def _overlay_bit_positions(values: Values) -> tuple[int, ...]:
    """The bit positions of overlays that lie in the pixel cells (PS3.5 8.1.2, retired)."""
    positions = map(values.integer, sorted(values.tags & _BIT_POSITIONS))
    return tuple(position for position in positions if position is not None)


_PADDING_KEYWORDS = {
    PixelKind.INTEGER: ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    PixelKind.FLOAT: ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    PixelKind.DOUBLE: ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


def _padding(values: Values, kind: PixelKind) -> Padding | None:
    value_keyword, limit_keyword = _PADDING_KEYWORDS[kind]
    value = values.number(value_keyword)
    return None if value is None else Padding(value, values.number(limit_keyword))


def _spacing(values: Values) -> tuple[float, float] | None:
    """The distance between rows and between columns in mm, from the first attribute that has one."""
    keywords = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    return next((pair for keyword in keywords if (pair := values.pair(keyword)) is not None), None)
