# SPDX-License-Identifier: MIT
"""What was odd about an image: a closed list of codes. The tables carry the codes, `explain` the details."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingCode(StrEnum):
    """The closed list; docs/findings.md has a heading for each."""

    ASSUMED_PHOTOMETRIC_INTERPRETATION = "assumed_photometric_interpretation"
    ASSUMED_SAMPLES_PER_PIXEL = "assumed_samples_per_pixel"
    ASSUMED_BITS_STORED = "assumed_bits_stored"
    ASSUMED_HIGH_BIT = "assumed_high_bit"
    ASSUMED_PIXEL_REPRESENTATION = "assumed_pixel_representation"
    ASSUMED_PLANAR_CONFIGURATION = "assumed_planar_configuration"
    ASSUMED_NUMBER_OF_FRAMES = "assumed_number_of_frames"
    ASSUMED_TRANSFER_SYNTAX = "assumed_transfer_syntax"
    ASSUMED_PATIENT = "assumed_patient"
    ATTRIBUTE_INVALID = "attribute_invalid"
    BITS_STORED_INVALID = "bits_stored_invalid"
    HIGH_BIT_INVALID = "high_bit_invalid"
    BITS_ABOVE_STORED = "bits_above_stored"
    BITS_STORED_WIDENED = "bits_stored_widened"
    CODESTREAM_DISAGREES = "codestream_disagrees"
    EXCESS_PIXEL_DATA = "excess_pixel_data"
    OFFSET_TABLE_IGNORED = "offset_table_ignored"
    SEQUENCE_DELIMITER_MISSING = "sequence_delimiter_missing"
    SECOND_DECODER = "second_decoder"
    REDUCED_DECODE = "reduced_decode"
    TRUNCATED_FILLED = "truncated_filled"
    VERIFIED = "verified"
    NOT_VERIFIED = "not_verified"
    COLOR_TRANSFORM_DISAGREES = "color_transform_disagrees"
    ICC_PROFILE_INVALID = "icc_profile_invalid"
    PALETTE_LUT_DISAGREES = "palette_lut_disagrees"
    PADDING_IMPLAUSIBLE = "padding_implausible"
    SHUTTER_INVALID = "shutter_invalid"
    OVERLAY_INVALID = "overlay_invalid"
    OVERLAY_OUTSIDE = "overlay_outside"
    PRESENTATION_NOT_APPLIED = "presentation_not_applied"
    PRESENTATION_SEVERAL = "presentation_several"
    PRESENTATION_INCOMPLETE = "presentation_incomplete"
    PRESENTATION_GRAPHICS = "presentation_graphics"
    DISPLAYED_AREA_INVALID = "displayed_area_invalid"
    BORDER_CROPPED = "border_cropped"
    BORDER_NOT_FOUND = "border_not_found"
    ORIENTATION_UNKNOWN = "orientation_unknown"
    ORIENTATION_CONFLICT = "orientation_conflict"
    MODALITY_LUT_AND_RESCALE = "modality_lut_and_rescale"
    MODALITY_LUT_INVALID = "modality_lut_invalid"
    MODALITY_NOT_APPLIED = "modality_not_applied"
    RESCALE_SLOPE_ZERO = "rescale_slope_zero"
    RESCALE_NOT_IDENTITY = "rescale_not_identity"
    LUT_DATA_SHORT = "lut_data_short"
    VOI_NOT_FOUND = "voi_not_found"
    VOI_INDEX_MISSING = "voi_index_missing"
    VOI_LUT_BITS = "voi_lut_bits"
    VOI_FUNCTION_UNKNOWN = "voi_function_unknown"
    VOI_DEGENERATE = "voi_degenerate"
    WINDOW_COUNT_MISMATCH = "window_count_mismatch"
    WINDOW_LINEAR_EXACT = "window_linear_exact"
    POLARITY_CONFLICT = "polarity_conflict"
    RECIPE_IGNORES = "recipe_ignores"
    PIXEL_SPACING_IMPLAUSIBLE = "pixel_spacing_implausible"
    FOR_PROCESSING = "for_processing"
    PATIENT_IN_PATH = "patient_in_path"
    BURNED_IN_ANNOTATION = "burned_in_annotation"
    BURNED_IN_LIKELY = "burned_in_likely"
    REDACTED = "redacted"
    REDACTION_MISSED = "redaction_missed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity: its code and, for `explain`, a sentence with the numbers (never text of the data set)."""

    code: FindingCode
    detail: str = ""


def codes_of(findings: tuple[Finding, ...]) -> str:
    """The codes joined by `;`, each once, in the order found: a table's `findings` column."""
    return ";".join(dict.fromkeys(finding.code.value for finding in findings))
