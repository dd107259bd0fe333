# SPDX-License-Identifier: MIT
"""Read the Image Pixel module, with defaults for absent and invalid attributes (PS3.3 C.7.6.3)."""

from __future__ import annotations

from plainfilm.dicom.instance import ImagePixel, PixelKind
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError, LimitError, Reason
from plainfilm.findings import Finding, FindingCode

_BITS_ALLOCATED = {PixelKind.INTEGER: (1, 8, 16, 32, 64), PixelKind.FLOAT: (32,), PixelKind.DOUBLE: (64,)}
_YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")
# Samples per Pixel of each Photometric Interpretation (PS3.3 C.7.6.3.1.2).
_SAMPLES = {**dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1), **dict.fromkeys(("RGB", *_YBR), 3)}
_OVERLAY_BIT_POSITION_TAGS = frozenset(range(0x60000102, 0x61000000, 0x20000))
# Terms of the standard that are not supported; all but the last are retired.
_UNSUPPORTED = ("HSV", "ARGB", "CMYK", "XYB")


def read_image_pixel(values: Values, kind: PixelKind, max_pixels: int) -> ImagePixel:
    """Return the Image Pixel module (PS3.3 C.7.6.3). Absent attributes get defaults, each with a finding.

    max_pixels: the limit of Rows x Columns x Samples per Pixel, which is checked first.

    Raises AttributeValueError (missing_attribute, unsupported_value) and LimitError (too_large).
    """
    rows, columns = _read_positive(values, "Rows"), _read_positive(values, "Columns")
    samples, photometric = _read_interpretation(values)
    if rows * columns * max(samples, 1) > max_pixels:
        raise LimitError(f"Rows x Columns x Samples per Pixel = {rows} x {columns} x {samples} is above {max_pixels}")
    _check_interpretation(samples, photometric)
    allocated = _read_bits_allocated(values, kind)
    stored = _read_bits_stored(values, allocated, kind)
    return ImagePixel(
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        photometric_interpretation=photometric,
        planar_configuration=_read_planar_configuration(values, samples),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_read_high_bit(values, allocated, stored, kind),
        signed=_read_sign(values, kind),
        number_of_frames=_read_number_of_frames(values),
        kind=kind,
        largest_pixel_value=values.integer("LargestImagePixelValue"),
        overlay_bit_positions=_read_overlay_bit_positions(values),
    )


def _read_required(values: Values, keyword: str) -> int:
    """Return an integer that an image must have. Raises AttributeValueError if it is absent or not an integer."""
    findings_before = len(values.findings)
    number = values.integer(keyword)
    if number is None:
        if len(values.findings) == findings_before:
            raise AttributeValueError(keyword, reason=Reason.MISSING_ATTRIBUTE)
        raise AttributeValueError(keyword, values.number(keyword), message="a whole number is needed")
    return number


def _read_positive(values: Values, keyword: str) -> int:
    number = _read_required(values, keyword)
    if number < 1:
        raise AttributeValueError(keyword, number, message="at least 1 is needed")
    return number


def _add_assumed(values: Values, code: FindingCode, keyword: str, default: object) -> None:
    """Add the finding that a default takes the place of an attribute."""
    values.findings.append(Finding(code, f"{keyword} is missing or unusable; taken for {default}"))


def _read_interpretation(values: Values) -> tuple[int, str]:
    """Return Samples per Pixel and Photometric Interpretation. If one is absent, the other determines it."""
    samples, photometric = values.integer("SamplesPerPixel"), values.code("PhotometricInterpretation")
    if samples is None:
        samples = _SAMPLES.get(photometric, 1)
        _add_assumed(values, FindingCode.ASSUMED_SAMPLES_PER_PIXEL, "SamplesPerPixel", samples)
    if not photometric:
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
        _add_assumed(values, FindingCode.ASSUMED_PHOTOMETRIC_INTERPRETATION, "PhotometricInterpretation", photometric)
    return samples, photometric


def _check_interpretation(samples: int, photometric: str) -> None:
    """Raise AttributeValueError unless the two attributes agree (PS3.3 C.7.6.3.1.1, C.7.6.3.1.2)."""
    if photometric not in _SAMPLES:
        # the value may be anything, even text of the patient, so only a term of the standard is quoted
        quoted = photometric if photometric in _UNSUPPORTED else None
        raise AttributeValueError("PhotometricInterpretation", quoted, message="this interpretation is not supported")
    if samples != _SAMPLES[photometric]:
        raise AttributeValueError("SamplesPerPixel", samples, message=f"{photometric} has {_SAMPLES[photometric]}")


def _read_planar_configuration(values: Values, samples: int) -> int:
    """Return Planar Configuration (PS3.3 C.7.6.3.1.3), which only images of several samples per pixel have."""
    if samples == 1:
        return 0
    planar = values.integer("PlanarConfiguration")
    if planar not in (0, 1):
        _add_assumed(values, FindingCode.ASSUMED_PLANAR_CONFIGURATION, "PlanarConfiguration", 0)
        return 0
    return planar


def _read_bits_allocated(values: Values, kind: PixelKind) -> int:
    """Return Bits Allocated (PS3.5 8.1.1). Raises AttributeValueError if the kind of pixel element cannot have it."""
    allocated = _read_required(values, "BitsAllocated")
    if allocated not in _BITS_ALLOCATED[kind]:
        allowed = ", ".join(str(bits) for bits in _BITS_ALLOCATED[kind])
        raise AttributeValueError("BitsAllocated", allocated, message=f"known for {kind.value}: {allowed}")
    return allocated


def _read_bits_stored(values: Values, allocated: int, kind: PixelKind) -> int:
    """Return Bits Stored, or Bits Allocated if it is absent or invalid."""
    if kind is not PixelKind.INTEGER:
        return allocated
    stored = values.integer("BitsStored")
    if stored is None:
        _add_assumed(values, FindingCode.ASSUMED_BITS_STORED, "BitsStored", allocated)
        return allocated
    if not 1 <= stored <= allocated:
        note = f"Bits Stored {stored} does not fit Bits Allocated {allocated}; taken for {allocated}"
        values.findings.append(Finding(FindingCode.BITS_STORED_INVALID, note))
        return allocated
    return stored


def _read_high_bit(values: Values, allocated: int, stored: int, kind: PixelKind) -> int:
    """Return High Bit, or Bits Stored - 1 if it is absent or invalid."""
    if kind is not PixelKind.INTEGER:
        return allocated - 1
    high_bit = values.integer("HighBit")
    if high_bit is None:
        _add_assumed(values, FindingCode.ASSUMED_HIGH_BIT, "HighBit", stored - 1)
        return stored - 1
    if not stored - 1 <= high_bit < allocated:
        note = f"High Bit {high_bit} does not fit Bits Stored {stored} of {allocated}; taken for {stored - 1}"
        values.findings.append(Finding(FindingCode.HIGH_BIT_INVALID, note))
        return stored - 1
    return high_bit


def _read_sign(values: Values, kind: PixelKind) -> bool:
    """Whether stored values are signed, from Pixel Representation; unsigned if it is absent or invalid."""
    if kind is not PixelKind.INTEGER:
        return True
    representation = values.integer("PixelRepresentation")
    if representation not in (0, 1):
        _add_assumed(values, FindingCode.ASSUMED_PIXEL_REPRESENTATION, "PixelRepresentation", 0)
    return representation == 1


def _read_number_of_frames(values: Values) -> int:
    """Return Number of Frames (PS3.3 C.7.6.6.1.1), or 1 if it is absent or invalid."""
    frames = values.integer("NumberOfFrames")
    if values.raw("NumberOfFrames") is not None and (frames is None or frames < 1):
        _add_assumed(values, FindingCode.ASSUMED_NUMBER_OF_FRAMES, "NumberOfFrames", 1)
    return frames if frames is not None and frames >= 1 else 1


def _read_overlay_bit_positions(values: Values) -> tuple[int, ...]:
    """Return Overlay Bit Position of each overlay that is stored in the pixel cells (PS3.5 8.1.2, retired)."""
    positions = map(values.integer, sorted(values.tags & _OVERLAY_BIT_POSITION_TAGS))
    return tuple(position for position in positions if position is not None)
