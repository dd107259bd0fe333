# SPDX-License-Identifier: MIT
"""Build an `Instance` from a parsed data set."""

from __future__ import annotations

from pydicom.uid import UID, MediaStorageDirectoryStorage

from plainfilm.dicom.anatomy import read_region_terms
from plainfilm.dicom.colors import read_icc_profile, read_palette, read_supplemental_palette
from plainfilm.dicom.data_set import ParsedDataSet
from plainfilm.dicom.description import annotation_findings, read_description, read_identity, with_frame_laterality
from plainfilm.dicom.functional_groups import read_frame_attributes
from plainfilm.dicom.image_pixel import read_image_pixel
from plainfilm.dicom.instance import ImagePixel, Instance, Padding, PixelData, PixelKind
from plainfilm.dicom.overlays import read_overlays
from plainfilm.dicom.pixel_element import PixelElement
from plainfilm.dicom.pixel_evidence import PixelEvidence, has_native_length
from plainfilm.dicom.shutter import read_shutter
from plainfilm.dicom.transfer_syntax import ResolvedTransferSyntax, resolve_bare_codestream, resolve_transfer_syntax
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError, ConversionError, NotAnImageError, Reason, TruncatedError
from plainfilm.findings import Finding, FindingCode

_PADDING_KEYWORDS = {
    PixelKind.INTEGER: ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    PixelKind.FLOAT: ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    PixelKind.DOUBLE: ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


def build_instance(data_set: ParsedDataSet, max_pixels: int) -> Instance:
    """Return the Instance of a data set. max_pixels: the limit of Rows x Columns x Samples per Pixel.

    Raises NotAnImageError, AttributeValueError, LimitError and TruncatedError.
    """
    findings: list[Finding] = [*data_set.findings]
    values = Values(data_set.dataset, findings)
    element = data_set.pixel_element
    if element is None:
        raise error_without_pixels(data_set)
    identity = read_identity(values, data_set)
    pixel, syntax = _read_pixel_module(values, data_set, element, max_pixels)
    findings += syntax.findings
    description = read_description(values, identity)
    findings += annotation_findings(values, identity, description)
    frames = read_frame_attributes(values, pixel)
    overlays = read_overlays(values, pixel)
    shutter = read_shutter(values, pixel.rows, pixel.columns, overlays)
    if description.presentation_intent == "FOR PROCESSING":
        findings.append(Finding(FindingCode.FOR_PROCESSING, "Presentation Intent Type is FOR PROCESSING"))
    return Instance(
        identity=identity,
        description=with_frame_laterality(description, frames, findings),
        pixel=pixel,
        data=_build_pixel_data(data_set, element, syntax),
        frames=frames,
        padding=None if pixel.is_color else _read_padding(values, element.kind),
        shutter=shutter,
        palette=read_palette(values),
        supplement=None if pixel.is_color else read_supplemental_palette(values),
        icc_profile=read_icc_profile(values) if pixel.is_color else None,
        presentation_lut_shape=values.code("PresentationLUTShape") or None,
        intensity_relationship_sign=values.integer("PixelIntensityRelationshipSign"),
        pixel_spacing=_read_spacing(values),
        pixel_aspect_ratio=values.pair("PixelAspectRatio"),
        region_terms=read_region_terms(values),
        overlays=tuple(overlay for overlay in overlays if shutter is None or overlay is not shutter.bitmap),
        findings=tuple(findings),
    )


def _read_pixel_module(
    values: Values, data_set: ParsedDataSet, element: PixelElement, max_pixels: int
) -> tuple[ImagePixel, ResolvedTransferSyntax]:
    """Return the Image Pixel module and the transfer syntax; what Pixel Data show decides about both."""
    declared, value, kind = data_set.transfer_syntax, element.value, element.kind
    syntax = resolve_transfer_syntax(declared, value, element.has_undefined_length, data_set.encoding)
    evidence = PixelEvidence(None if syntax.encapsulated else len(value), syntax.codestream)
    bare = None if syntax.encapsulated else resolve_bare_codestream(declared, value)
    if bare is not None and not _is_native(values, kind, max_pixels, evidence):
        syntax, evidence = bare, PixelEvidence(None, bare.codestream)
    pixel = read_image_pixel(values, kind, max_pixels, evidence)
    if syntax.needs_native_length and not has_native_length(pixel, evidence):
        syntax = ResolvedTransferSyntax(declared, False, ())
    return pixel, syntax


def _is_native(values: Values, kind: PixelKind, max_pixels: int, evidence: PixelEvidence) -> bool:
    """Whether Pixel Data have the length of native data. The findings are those of a later reading."""
    try:
        return has_native_length(read_image_pixel(Values(values.dataset, []), kind, max_pixels, evidence), evidence)
    except AttributeValueError:
        return False


def error_without_pixels(data_set: ParsedDataSet) -> ConversionError:
    """Return the error for an object without pixel element: it is not an image, or an image that lost its pixels."""
    values = Values(data_set.dataset, [])
    if len(values.dataset) == 0:
        return TruncatedError("the file ends after the File Meta Information")
    sop_class = read_identity(values, data_set).sop_class_uid
    name = UID(sop_class).name if sop_class else ""
    if "Image Storage" in name or all(values.has(keyword) for keyword in ("Rows", "Columns", "BitsAllocated")):
        return AttributeValueError("PixelData", reason=Reason.MISSING_ATTRIBUTE)
    if sop_class == MediaStorageDirectoryStorage:
        return NotAnImageError(
            "a DICOMDIR, which is the directory of a medium: give the folder that it lies in as SOURCE"
        )
    known_name = name if name != sop_class else ""
    return NotAnImageError(f"an object that is no image{': ' + known_name if known_name else ''}")


def _build_pixel_data(data_set: ParsedDataSet, element: PixelElement, syntax: ResolvedTransferSyntax) -> PixelData:
    """Return the pixel element with its transfer syntax. Pixel Data without a VR are OW (PS3.5 A.1)."""
    return PixelData(
        value=element.value,
        transfer_syntax=syntax.uid,
        encapsulated=syntax.encapsulated,
        big_endian=data_set.encoding.big_endian or syntax.has_big_endian_words,
        extended_offsets=element.extended_offsets,
        vr=element.vr or ("OW" if data_set.encoding.implicit else ""),
        has_items=syntax.has_items,
    )


def _read_padding(values: Values, kind: PixelKind) -> Padding | None:
    """Return Pixel Padding Value and Range Limit (PS3.3 C.7.5.1.1.2), or those of float pixels (C.7.6.24, C.7.6.25)."""
    value_keyword, limit_keyword = _PADDING_KEYWORDS[kind]
    value = values.number(value_keyword)
    return None if value is None else Padding(value, values.number(limit_keyword))


def _read_spacing(values: Values) -> tuple[float, float] | None:
    """Return the distance between rows and between columns in mm, from the first attribute that has a value.

    These are Pixel Spacing (PS3.3 10.7), Imager Pixel Spacing (C.8.11.4) and Nominal Scanned Pixel Spacing (C.8.6.2).
    """
    keywords = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    for keyword in keywords:
        if values.has(keyword) and (pair := values.pair(keyword)) is not None:
            return pair
    return None
