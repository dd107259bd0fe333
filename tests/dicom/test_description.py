# SPDX-License-Identifier: MIT
"""A finding says if the pixels contain text about the patient, or are likely to."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.dicom_files import MAX_PIXELS, encode_file, image_dataset

from plainfilm.dicom.read import read_instance
from plainfilm.findings import codes_of

SC = "1.2.840.10008.5.1.4.1.1.7"


def codes(**changes: Any) -> str:
    content = encode_file(image_dataset(**changes))
    return codes_of(read_instance(content, MAX_PIXELS).findings)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"BurnedInAnnotation": "YES"}, "burned_in_annotation"),
        ({"BurnedInAnnotation": "YES "}, "burned_in_annotation"),
        ({"BurnedInAnnotation": "NO"}, ""),
        ({"BurnedInAnnotation": "MAYBE"}, ""),
        ({"Modality": "US"}, "burned_in_likely"),
        ({"Modality": "US", "BurnedInAnnotation": ""}, "burned_in_likely"),
        ({"Modality": "US", "BurnedInAnnotation": "MAYBE"}, "burned_in_likely"),
        ({"Modality": "US", "BurnedInAnnotation": "YES"}, "burned_in_annotation"),
        ({"Modality": "US", "BurnedInAnnotation": "NO"}, ""),
        ({"SOPClassUID": SC}, "burned_in_likely"),
        ({"SOPClassUID": f"{SC}.2"}, "burned_in_likely"),
        ({"SOPClassUID": f"{SC}7.1.1"}, ""),
        ({"SOPClassUID": SC, "BurnedInAnnotation": "NO"}, ""),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "burned_in_likely"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66"}, ""),
        ({"SOPClassUID": "1.2.840.10008.5.1.1.29"}, "burned_in_likely"),
        *(({"ConversionType": kind}, "burned_in_likely") for kind in ("DF", "DV", "SD", "SI", "WSD")),
        *(({"ConversionType": kind}, "") for kind in ("DI", "SYN", "DRW")),
        ({"ConversionType": "DF", "BurnedInAnnotation": "NO"}, ""),
    ],
)
def test_burned_in_text_is_a_finding_if_declared_or_likely(changes: dict[str, str], expected: str) -> None:
    assert codes(**changes) == expected
