# SPDX-License-Identifier: MIT
"""The notes of a rendering: findings, and readings of ambiguous rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# These may change the image (and with it everything else).
IMAGE_READINGS = {
    "wide_integers": "stored values beyond 2^53 are rounded to float64 before any formula",
    "codestream_shift": "High Bit above Bits Stored - 1 in a codestream: no shift (alternative: as native data)",
    "bits_over_instance": "widening, codestream depth and place of the sign: over all frames (alternative: each)",
    "bits_stored_invalid": "Bits Stored 0 or above Bits Allocated: Bits Allocated (alternative: failure)",
    "signed_widening": "signed and widened: values are two's complement at Bits Allocated",
    "padding_sign": "padding takes its sign from Pixel Representation even where the codestream made the data signed",
    "padding_not_finite": "values that are not finite count in the 95 %, and stay padding when the padding is ignored",
    "padding_modality": "a modality output that is not finite counts as padding as a stored value does",
    "rescale_level": "a near rescale of 1 and 0 hides a farther one (alternative: it counts as none)",
    "xa_identity": "an XA/XRF rescale, not applied, does not bar identity (alternative: fallback)",
    "float_lut": "floating data before a LUT are taken as signed, to the nearest integer",
    "lut_short_packed": "8 bits, neither 1 nor 2 bytes an entry: packed (alternative: words, fewer of them)",
    "lut_too_short": "a LUT without data or descriptor does not exist (alternative: unusable, so repaired)",
    "voi_other_level": "the next VOI is looked for in the same level only (alternative: in farther levels too)",
    "voi_place_missing": "frames without a VOI of that place are left out of its judgement",
    "voi_place_unusable": "so are frames whose VOI of that place is unusable (alternative: unusable for all)",
    "voi_override_level": "what the user leaves out is left out before the nearest level is chosen",
    "voi_text_missing": "an Explanation that is not there leaves no VOI (alternative: auto)",
    "voi_only_index": "lut:N or window:N leaves every other VOI out, also for repairs",
    "one_input_level": "the one input level is that of the modality output, while stored values have several",
    "fallback_percentiles_meet": "0.1 and 99.9 percentile are equal: lo and hi are the smallest and largest of all",
    "nothing_valid": "no valid pixel at all: no VOI is degenerate, low and high of the fallback are empty",
    "polarity_assumed": "a missing Photometric Interpretation, taken as MONOCHROME2, still wins over INVERSE",
    "recipe_frames": "the recipes are judged frame by frame (alternative: over the whole pixel_array)",
    "recipe_modality_lut_range": "a Modality LUT leaves the recipes' output range alone (pydicom: its bits)",
    "recipe_negative_slope": "a negative slope does not turn the recipes' output range round (pydicom: it does)",
    "recipe_slope_zero": "a slope of 0 leaves the recipes' output range as pydicom: one value",
    "recipe_function": "an unknown or empty VOI LUT Function is LINEAR in the recipes too (pydicom refuses it)",
    "recipe_narrow_window": "0 < w < 1 under LINEAR is unusable in the recipes (alternative: LINEAR_EXACT)",
    "recipe_lut_bits": "a LUT of a depth that pydicom refuses (not 8, 10 to 16) is used in the recipes",
    "recipe_voi_choice": "--voi leaves VOIs out of the recipes too; the first one left is used",
    "recipe_float": "the recipes on floating data: NumPy as it comes",
    "recipe_percentile_wraps": "numpy.percentile wraps where signed neighbours lie far apart; reproduced",
    "recipe_range_bits": "window output range from the header's Bits Stored where it is missing or widened",
}

# These change `findings` alone.
FINDING_READINGS = {
    "codestream_deeper": "precision above Bits Stored that no value needs: no finding (alternative: finding)",
    "pad_byte": "the one pad byte that makes an odd length even is a finding too (alternative: only more than that)",
    "polarity_option": "polarity_conflict is a fact of the header, a finding even where the user decides",
}

# These change `low`, `high` or `padding_fraction` alone.
TABLE_READINGS = {
    "padding_ignored": "padding that is ignored is not in padding_fraction (alternative: the share that was found)",
    "fallback_one_level": "one level in all: low and high are that level (alternative: empty)",
    "stored_space_low_high": "low and high in stored space are stored values (alternative: modality outputs)",
    "stored_high": "low of `stored` is the value that became 0; high is low + 65535 (alternative: empty)",
}

READINGS = IMAGE_READINGS | FINDING_READINGS | TABLE_READINGS


@dataclass(slots=True)
class Notes:
    """Findings and readings, collected while one frame is rendered."""

    findings: set[str] = field(default_factory=set)
    readings: set[str] = field(default_factory=set)

    def find(self, code: str) -> None:
        """Note a finding that the contract names."""
        self.findings.add(code)

    def read(self, name: str) -> None:
        """Note that the contract could be read in another way here."""
        if name not in READINGS:
            raise KeyError(name)
        self.readings.add(name)


def nearest(x: Array) -> Array:
    """floor(x + 0.5)."""
    return np.floor(x + 0.5)
