# SPDX-License-Identifier: MIT
"""The twelve radiographs of the demo cover all profile parameters, and plainfilm shows their reference images."""

from __future__ import annotations

import io
from operator import attrgetter

import numpy as np
import pytest

import plainfilm
from plainfilm.demo.catalog import demo_radiographs, fluoroscopy_radiograph
from plainfilm.demo.dataset import build_dataset
from plainfilm.demo.radiograph import SyntheticRadiograph, reference_image
from plainfilm.demo.vendor import BurnedIn, Curve, Photometric, SopClass, TransferSyntax, Voi

NAME = attrgetter("name")


def test_the_twelve_radiographs_are_numbered_in_order() -> None:
    assert [radiograph.number for radiograph in demo_radiographs()] == list(range(1, 13))
    assert [radiograph.name[:3] for radiograph in demo_radiographs()] == [f"{number:02d}-" for number in range(1, 13)]
    assert demo_radiographs() == demo_radiographs()


def test_names_are_safe_file_names() -> None:
    assert all(
        radiograph.name.replace("-", "").isalnum() and radiograph.name.isascii() for radiograph in demo_radiographs()
    )


def test_reasons_have_one_or_two_sentences_in_one_line() -> None:
    assert all(radiograph.reason.endswith(".") and radiograph.reason.isprintable() for radiograph in demo_radiographs())


def test_no_two_radiographs_have_the_same_subject() -> None:
    assert len({radiograph.acquisition.subject for radiograph in demo_radiographs()}) == 12
    assert {radiograph.acquisition.laterality for radiograph in demo_radiographs()} == {"L", "R", "B", "U"}


def test_the_twelve_radiographs_cover_every_parameter_of_the_profiles() -> None:
    vendors = [radiograph.vendor for radiograph in demo_radiographs()]
    assert {vendor.photometric for vendor in vendors} == set(Photometric)
    assert {vendor.sop_class for vendor in vendors} == set(SopClass) - {SopClass.RF}
    assert {vendor.storage.transfer_syntax for vendor in vendors} == set(TransferSyntax)
    assert {vendor.voi for vendor in vendors} == set(Voi)
    assert {vendor.display.curve for vendor in vendors if vendor.display is not None} == set(Curve)
    assert any(vendor.storage.signed for vendor in vendors)
    assert any(vendor.shutter for vendor in vendors)
    assert any(vendor.storage.burned_in is BurnedIn.HIGH_BITS for vendor in vendors)
    assert any(vendor.rescale is not None and vendor.padding is not None for vendor in vendors)
    assert [vendor.hot_pixels for vendor in vendors] == [0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("radiograph", demo_radiographs(), ids=NAME)
def test_plainfilm_shows_the_reference_image(radiograph: SyntheticRadiograph) -> None:
    shown = plainfilm.render(build_dataset(radiograph))
    assert np.abs(shown.astype(int) - reference_image(radiograph)).max() <= 1


def test_plainfilm_shows_the_reference_image_of_each_frame() -> None:
    radiograph, content = fluoroscopy_radiograph(3), io.BytesIO()
    build_dataset(radiograph).save_as(content, enforce_file_format=True)
    for frame in (1, 2, 3):
        shown = plainfilm.render(content.getvalue(), frame=frame)
        assert np.abs(shown.astype(int) - reference_image(radiograph, frame - 1)).max() <= 1
