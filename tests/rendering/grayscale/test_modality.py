# SPDX-License-Identifier: MIT
"""The Modality LUT or the rescale is applied as PS3.3 C.11.1 defines it, and not where it is not for display."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.grayscale import finding_codes, grayscale_instance, lut_item, rules_of_16_bits

from plainfilm.dicom.instance import ModalityLevel
from plainfilm.rendering.grayscale.lut import LookupTable
from plainfilm.rendering.grayscale.modality import ModalityTransform, modality_of, rescale_of

DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12.1"
TABLE = LookupTable(np.array([5, 6, 7], np.uint16), 0, 16)


def test_rescale_is_slope_times_value_plus_intercept() -> None:
    output = ModalityTransform(2.5, -1024.0).apply(np.array([[0, 10], [4095, 1]], np.uint16))
    assert output.dtype == np.float64
    assert output.tolist() == [[-1024.0, -999.0], [9213.5, -1021.5]]


def test_a_negative_slope_keeps_its_sign() -> None:
    assert ModalityTransform(-1.0, 4095.0).apply(np.array([0, 4095], np.uint16)).tolist() == [4095.0, 0.0]


def test_a_table_replaces_the_rescale() -> None:
    modality = ModalityTransform(2.0, 3.0, TABLE)
    assert modality.apply(np.array([0, 1, 9], np.uint16)).tolist() == [5.0, 6.0, 7.0]
    assert not modality.is_identity


@pytest.mark.parametrize(
    ("level", "slope", "intercept"),
    [
        (ModalityLevel(), 1.0, 0.0),
        (ModalityLevel(slope=2.0), 2.0, 0.0),
        (ModalityLevel(intercept=-5.0), 1.0, -5.0),
        (ModalityLevel(slope=0.5, intercept=3.0), 0.5, 3.0),
    ],
)
def test_a_missing_slope_is_1_and_a_missing_intercept_0(level: ModalityLevel, slope: float, intercept: float) -> None:
    assert rescale_of(level) == (slope, intercept, ())


def test_a_slope_of_0_becomes_1_and_the_intercept_stays() -> None:
    slope, intercept, findings = rescale_of(ModalityLevel(slope=0.0, intercept=-7.0))
    assert (slope, intercept) == (1.0, -7.0)
    assert finding_codes(findings) == ["rescale_slope_zero"]


def test_a_frame_with_a_slope_of_0_has_the_slope_1() -> None:
    modality, findings = modality_of(grayscale_instance(), ModalityLevel(slope=0.0, intercept=2.0), rules_of_16_bits())
    assert modality == ModalityTransform(1.0, 2.0)
    assert finding_codes(findings) == ["rescale_slope_zero"]


def test_a_rescale_of_1_and_0_is_the_identity() -> None:
    modality, findings = modality_of(grayscale_instance(), ModalityLevel(slope=1.0, intercept=0.0), rules_of_16_bits())
    assert modality.is_identity
    assert findings == ()


def test_a_modality_lut_is_preferred_to_a_rescale() -> None:
    level = ModalityLevel(lut_item([5, 6, 7]), slope=2.0, intercept=1.0)
    modality, findings = modality_of(grayscale_instance(), level, rules_of_16_bits())
    assert modality.apply(np.array([0, 2], np.uint16)).tolist() == [5.0, 7.0]
    assert finding_codes(findings) == ["modality_lut_and_rescale"]


def test_a_table_and_a_rescale_of_1_and_0_give_no_finding() -> None:
    level = ModalityLevel(lut_item([5, 6, 7]), slope=1.0, intercept=0.0)
    assert modality_of(grayscale_instance(), level, rules_of_16_bits())[1] == ()


def test_findings_of_a_table_are_reported() -> None:
    level = ModalityLevel(lut_item([5, 6, 7], count=9))
    assert finding_codes(modality_of(grayscale_instance(), level, rules_of_16_bits())[1]) == ["lut_data_short"]


@pytest.mark.parametrize("signed", [True, False])
def test_the_first_input_mapped_is_signed_where_stored_values_are_signed(signed: bool) -> None:
    level = ModalityLevel(lut_item([5, 6, 7], first=-2))
    modality, _ = modality_of(grayscale_instance(), level, rules_of_16_bits(16, signed))
    assert modality.lut is not None
    assert modality.lut.first == (-2 if signed else 65534)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("has_table", [True, False])
def test_xa_and_xrf_images_are_displayed_without_the_modality_lut(number: int, has_table: bool) -> None:
    """PS3.4 N.2.5: the Modality LUT and the rescale of these SOP classes are not for display."""
    instance = grayscale_instance(sop_class=f"1.2.840.10008.5.1.4.1.1.12.{number}")
    level = ModalityLevel(lut_item([5, 6]) if has_table else None, slope=2.0)
    modality, findings = modality_of(instance, level, rules_of_16_bits())
    assert modality.is_identity
    assert finding_codes(findings) == ["modality_not_applied"]


def test_xa_without_a_modality_lut_gives_no_finding() -> None:
    level = ModalityLevel(slope=1.0, intercept=0.0)
    assert modality_of(grayscale_instance(sop_class=ANGIOGRAPHY), level, rules_of_16_bits()) == (
        ModalityTransform(),
        (),
    )


@pytest.mark.parametrize("number", ["1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"])
def test_a_rescale_of_dx_mg_and_io_images_is_applied_and_reported(number: str) -> None:
    """PS3.3 C.8.11.3 allows only the identity; another rescale is applied all the same."""
    instance = grayscale_instance(sop_class=f"1.2.840.10008.5.1.4.1.1.{number}")
    modality, findings = modality_of(instance, ModalityLevel(slope=-1.0, intercept=4095.0), rules_of_16_bits())
    assert modality == ModalityTransform(-1.0, 4095.0)
    assert finding_codes(findings) == ["rescale_not_identity"]


def test_dx_with_the_identity_gives_no_finding() -> None:
    level = ModalityLevel(slope=1.0, intercept=0.0)
    assert modality_of(grayscale_instance(sop_class=DIGITAL_XRAY), level, rules_of_16_bits())[1] == ()


@pytest.mark.parametrize(
    ("modality", "signed_pixels", "signed_output"),
    [
        (ModalityTransform(), True, True),
        (ModalityTransform(), False, False),
        (ModalityTransform(1.0, -1024.0), False, True),
        (ModalityTransform(1.0, -1024.0), True, True),
        (ModalityTransform(1.0, 2048.0), True, False),
        (ModalityTransform(-1.0, 4095.0), False, False),
        (ModalityTransform(-1.0, 4094.0), False, True),
        (ModalityTransform(lut=TABLE), True, False),
    ],
)
def test_the_output_is_signed_where_the_range_of_bits_stored_includes_negative_output(
    modality: ModalityTransform, signed_pixels: bool, signed_output: bool
) -> None:
    assert modality.output_is_signed(rules_of_16_bits(12, signed_pixels)) is signed_output
