# SPDX-License-Identifier: MIT
"""Read the Image Pixel module, with defaults for absent and invalid attributes (PS3.3 C.7.6.3)."""

from __future__ import annotations

from plainfilm.dicom.instance import ImagePixel, PixelKind
from plainfilm.dicom.interpretation import read_interpretation
from plainfilm.dicom.pixel_evidence import FrameShape, PixelEvidence
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError, LimitError, Reason
from plainfilm.findings import Finding, FindingCode

_BITS_ALLOCATED = {PixelKind.INTEGER: (1, 8, 16, 32, 64), PixelKind.FLOAT: (32,), PixelKind.DOUBLE: (64,)}
# Words that some writers describe by the bits that are stored in them, and the bits that can be packed as well.
_BITS_OF_WORDS, _PACKED_BITS = (10, 12, 14), 12
_OVERLAY_BIT_POSITION_TAGS = frozenset(range(0x60000102, 0x61000000, 0x20000))
NO_EVIDENCE = PixelEvidence()


def read_image_pixel(
    values: Values, kind: PixelKind, max_pixels: int, evidence: PixelEvidence = NO_EVIDENCE
) -> ImagePixel:
    """Return the Image Pixel module (PS3.3 C.7.6.3). Absent attributes get defaults, each with a finding.

    max_pixels: the limit of Rows x Columns x Samples per Pixel, which is checked first. evidence: decides between
    attributes that contradict one another.

    Raises AttributeValueError (missing_attribute, unsupported_value) and LimitError (too_large).
    """
    rows, columns = _read_positive(values, "Rows"), _read_positive(values, "Columns")
    _check_size(rows, columns, 1, max_pixels)
    declared_bits = _read_required(values, "BitsAllocated")
    shape = FrameShape(rows, columns, _read_number_of_frames(values))
    bit_counts = _possible_bits(values, declared_bits, kind, evidence)

    def fits(samples: int, is_halved: bool) -> bool:
        return any(shape.fits(evidence, samples, bits, halved=is_halved) for bits in bit_counts)

    interpretation = read_interpretation(values, evidence, fits)
    samples = interpretation.samples
    _check_size(rows, columns, samples, max_pixels)
    fitting = [bits for bits in bit_counts if shape.fits(evidence, samples, bits)]
    allocated = _choose_bits(values, declared_bits, kind, fitting)
    stored = _read_bits_stored(values, allocated, kind)
    return ImagePixel(
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        photometric_interpretation=interpretation.photometric,
        planar_configuration=_read_planar_configuration(values, samples),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_read_high_bit(values, allocated, stored, kind),
        signed=_read_sign(values, kind),
        number_of_frames=shape.frames,
        kind=kind,
        largest_pixel_value=values.integer("LargestImagePixelValue"),
        overlay_bit_positions=_read_overlay_bit_positions(values),
    )


def _check_size(rows: int, columns: int, samples: int, max_pixels: int) -> None:
    if rows * columns * samples > max_pixels:
        raise LimitError(f"Rows x Columns x Samples per Pixel = {rows} x {columns} x {samples} is above {max_pixels}")


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


def _read_planar_configuration(values: Values, samples: int) -> int:
    """Return Planar Configuration (PS3.3 C.7.6.3.1.3), which only images of several samples per pixel have."""
    if samples == 1:
        return 0
    planar = values.integer("PlanarConfiguration")
    if planar not in (0, 1):
        _add_assumed(values, FindingCode.ASSUMED_PLANAR_CONFIGURATION, "PlanarConfiguration", 0)
        return 0
    return planar


def _possible_bits(values: Values, declared: int, kind: PixelKind, evidence: PixelEvidence) -> tuple[int, ...]:
    """Return Bits Allocated, and what it may stand for if the size of Pixel Data says so (the first that fits is used).

    Words of 16 bits are often described by the bits that they store, and bytes by 16 bits.
    """
    if kind is not PixelKind.INTEGER:
        return (declared,)
    findings_before = len(values.findings)
    stored, high_bit = values.integer("BitsStored"), values.integer("HighBit")
    del values.findings[findings_before:]  # both are read again
    if declared in _BITS_OF_WORDS:
        return (16,) if evidence.components is not None or declared != _PACKED_BITS else (declared, 16)
    if declared == 8 and stored is not None and stored > 8:
        return (8, 16)
    if declared == 16 and stored is not None and high_bit is not None and max(stored, high_bit + 1) <= 8:
        return (16, 8)
    return (declared,)


def _choose_bits(values: Values, declared: int, kind: PixelKind, fitting: list[int]) -> int:
    """Return Bits Allocated (PS3.5 8.1.1), or the first value that Pixel Data fit.

    Raises AttributeValueError if the kind of pixel element cannot have it.
    """
    allocated = declared if declared in fitting or not fitting else fitting[0]
    is_packed = kind is PixelKind.INTEGER and allocated == _PACKED_BITS and allocated in fitting
    if allocated not in _BITS_ALLOCATED[kind] and not is_packed:
        allowed = ", ".join(str(bits) for bits in _BITS_ALLOCATED[kind])
        raise AttributeValueError("BitsAllocated", allocated, message=f"known for {kind.value}: {allowed}")
    if allocated != declared:
        note = f"BitsAllocated is {declared}, but Pixel Data have the length of {allocated} bits; taken for {allocated}"
        values.findings.append(Finding(FindingCode.ASSUMED_BITS_ALLOCATED, note))
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
        note = f"BitsStored {stored} does not fit Bits Allocated {allocated}; taken for {allocated}"
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
        note = f"HighBit {high_bit} does not fit Bits Stored {stored} of {allocated}; taken for {stored - 1}"
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
        if values.has_value("PixelRepresentation"):
            values.add_unusable("PixelRepresentation", "is neither 0 nor 1; the stored values are taken for unsigned")
    return representation == 1


def _read_number_of_frames(values: Values) -> int:
    """Return Number of Frames (PS3.3 C.7.6.6.1.1), or 1 if it is absent or invalid."""
    frames = values.integer("NumberOfFrames")
    if values.raw("NumberOfFrames") is not None and (frames is None or frames < 1):
        _add_assumed(values, FindingCode.ASSUMED_NUMBER_OF_FRAMES, "NumberOfFrames", 1)
    return frames if frames is not None and frames >= 1 else 1


def _read_overlay_bit_positions(values: Values) -> tuple[int, ...]:
    """Return Overlay Bit Position of each overlay that is stored in the pixel cells (PS3.5 8.1.2, retired)."""
    tags = sorted([tag for tag in values.tags if tag in _OVERLAY_BIT_POSITION_TAGS])
    return tuple([position for tag in tags if (position := values.integer(tag)) is not None])
