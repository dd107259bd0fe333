# SPDX-License-Identifier: MIT
"""Test the oracle with examples worked by hand: polarity, output, looks; and its random cases."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_voi_lut
from tests.support.cases.build import LutSpec, build_case, random_cases, to_bytes
from tests.support.oracle.notes import Notes
from tests.support.oracle.oracle import READINGS, OracleError, render
from tests.support.oracle.recipes import voi_values
from tests.support.oracle.stored import stored_values
from tests.support.oracle.values import Array, levels_of_row, render_values
from tests.support.oracle.voi import Choice


@pytest.mark.parametrize(
    ("photometric", "shape", "polarity", "inverted", "conflict"),
    [
        ("MONOCHROME1", "INVERSE", "auto", True, False),
        ("MONOCHROME1", "IDENTITY", "auto", True, True),
        ("MONOCHROME2", "INVERSE", "auto", False, True),
        ("MONOCHROME2", None, "auto", False, False),
        ("MONOCHROME2", None, "monochrome1", True, False),
        ("MONOCHROME1", "INVERSE", "monochrome2", False, False),
    ],
)
def test_polarity_is_applied_once(
    photometric: str, shape: str | None, polarity: str, inverted: bool, conflict: bool
) -> None:
    result = render_values([[0, 4095]], photometric=photometric, presentation_lut_shape=shape, polarity=polarity)
    assert (result.inverted, "polarity_conflict" in result.findings) == (inverted, conflict)
    assert result.image[0].tolist() == ([255, 0] if inverted else [0, 255])


def test_16_bits_are_computed_at_16_bits() -> None:
    assert levels_of_row([0, 1, 4095], centers=(2048,), widths=(4096,), bits=16) == [0, 16, 65535]


def test_users_window_is_never_repaired() -> None:
    result = render_values([np.arange(300)], window=(1e6, 10), look="window")
    assert (result.voi, result.status, int(result.image.max())) == ("user", "ok", 0)


def literal_stretch(v: Array, low: float, high: float) -> Array:
    """The recipe as it is published, 8 bits."""
    t = v.copy()
    t[v == np.min(v)] = np.median(v)
    t[v == np.max(v)] = np.median(v)
    lo, hi = np.percentile(t, (low, high))
    return np.clip((v - lo) * (255 / (hi - lo)), 0, 255).astype(np.uint8)


def test_stretch_is_the_published_recipe() -> None:
    values = np.random.default_rng(1).integers(0, 4096, (20, 21))
    assert (render_values(values, look="stretch").image == literal_stretch(values.astype(np.uint16), 0.1, 99.9)).all()
    black = render_values(values, look="stretch", stretch=(5, 90, False), photometric="MONOCHROME1").image
    assert (black == 255 - literal_stretch(values.astype(np.uint16), 5, 90)).all()


def test_stretch_casts_the_median_to_whole_numbers() -> None:
    result = render_values([[10, 20, 25, 40]], look="stretch", stretch=(0, 100, False))
    assert (result.low, result.high) == (20, 25)  # the median 22.5 becomes 22


def test_stretch_of_meeting_percentiles_is_128() -> None:
    assert levels_of_row([1, 2], look="stretch") == [128, 128]
    assert levels_of_row([1, 2], look="stretch", photometric="MONOCHROME1") == [127, 127]
    assert levels_of_row([1, 2], look="stretch", photometric="MONOCHROME1", bits=16) == [32767, 32767]
    assert levels_of_row([1, 2], look="stretch", stretch=(0, 100, True)) == [0, 255]


def test_recipes_start_from_the_output_of_pydicom() -> None:
    parameters = {"slope": 2, "intercept": -100, "rows": 8, "columns": 9}
    lut = LutSpec(tuple(range(0, 4096, 4)), first=50, bits=12, layout="us")
    for one in ({"centers": (1000.5,), "widths": (700,)}, {"voi_luts": (lut,)}, {}):
        dataset, raw = build_case(content="noise", **one, **parameters)
        notes = Notes()
        v, _ = voi_values(dataset, stored_values(dataset, raw, None, notes), 0, Choice(), notes)
        expected = apply_voi_lut(dataset.pixel_array, dataset)
        assert v.dtype == expected.dtype
        assert (v == expected).all()


def test_minmax_never_wraps() -> None:
    values = [[-32768, 0, 32767]]
    signed = {"bits_stored": 16, "pixel_representation": 1, "look": "minmax"}
    assert render_values(values, **signed).image[0].tolist() == [0, int(32768 / 65535 * 255), 255]
    assert render_values(values, photometric="MONOCHROME1", **signed).image[0].tolist() == [255, 127, 0]
    assert levels_of_row([9, 9], look="minmax", photometric="MONOCHROME1") == [0, 0]


def test_recipes_note_ignored_attributes() -> None:
    assert "recipe_ignores" in render_values([[1, 2]], look="minmax", padding=5).findings
    assert "recipe_ignores" in render_values([[1, 2]], look="stretch", slope=2, intercept=0).findings
    assert "recipe_ignores" not in render_values([[1, 2]], look="stretch", slope=1, intercept=0).findings


def test_stored_look_offsets_signed_data() -> None:
    result = render_values([[-2048, 0, 2047]], look="stored", pixel_representation=1)
    assert (str(result.image.dtype), result.image[0].tolist(), result.low) == ("uint16", [0, 2048, 4095], -2048)


def test_stored_look_refuses_more_than_16_bits() -> None:
    with pytest.raises(OracleError) as refused:
        render_values([[1, 2]], look="stored", bits_allocated=32, bits_stored=17)
    assert refused.value.reason == "encode_unsupported"


def test_values_that_are_not_finite_are_padding() -> None:
    dataset, raw = build_case(floating=32, bits_allocated=32, content="gradient", ends=(-1, 1))
    raw[0, 0, :3] = [np.nan, np.inf, -np.inf]
    result = render(dataset, raw, polarity="monochrome1")
    assert result.image[0, :3].tolist() == [0, 0, 0]
    assert result.padding_fraction == 3 / raw.size


@pytest.mark.slow
def test_random_cases_read_from_a_file_are_the_same_and_reach_every_finding() -> None:
    findings: set[str] = set()
    readings: set[str] = set()
    refused = 0
    for case in random_cases(7, 400):
        try:
            result = render(case.dataset, case.stored_raw, **case.options)
        except OracleError:
            refused += 1
            continue
        again = render(pydicom.dcmread(BytesIO(to_bytes(case.dataset))), case.stored_raw, **case.options)
        assert (result.image == again.image).all(), case.name
        assert (result.voi, result.status, result.findings) == (again.voi, again.status, again.findings), case.name
        findings |= result.findings
        readings |= result.readings
    assert readings <= READINGS.keys()
    assert 0 < refused < 40  # `stored` of more than 16 bits
    assert findings >= {
        "bits_above_stored",
        "bits_stored_widened",
        "codestream_disagrees",
        "excess_pixel_data",
        "padding_implausible",
        "polarity_conflict",
        "recipe_ignores",
        "voi_lut_bits",
    }
