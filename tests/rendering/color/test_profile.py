# SPDX-License-Identifier: MIT
"""ICC profiles are embedded without their text, or applied; an unusable profile does not fail the image."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from pydicom.dataset import Dataset
from tests.support.cases.build import build_case

import plainfilm
from plainfilm.dicom.read import instance_from_dataset
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.options.options import Options
from plainfilm.rendering.color.profile import ProfileError, rebuilt_profile, to_srgb
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import opened_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame

Array = npt.NDArray[Any]
NAME = b"Doe^Jane"
XYZ = {b"rXYZ": (0.61, 0.31, 0.02), b"gXYZ": (0.2, 0.63, 0.07), b"bXYZ": (0.15, 0.06, 0.74), b"wtpt": (0.96, 1.0, 0.82)}


def element_of(kind: bytes, *numbers: float) -> bytes:
    return kind + bytes(4) + b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def profile_of(version: int = 2, space: bytes = b"RGB ", text: bytes = NAME) -> bytes:
    """A profile with wide primaries and a gamma of 1.8, with a name in every place that can hold text."""
    tags = {name: element_of(b"XYZ ", *numbers) + text for name, numbers in XYZ.items()}
    curve = b"curv" + NAME[:4] + struct.pack(">IH", 1, round(1.8 * 256)) + text
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags |= {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(80),
        b"cprt": b"text" + bytes(4) + text + b"\0",
        b"priv": b"data" + bytes(4) + text,
    }
    header = bytearray(NAME.ljust(128, b"x"))
    header[8:24] = struct.pack(">I4s4s4s", version << 24, b"mntr", space, b"XYZ ")
    header[36:40], header[64:80] = b"acsp", struct.pack(">IIII", 0, 0xF6D6, 0x10000, 0xD32D)
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, element in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(element))
        body += element + bytes(-len(element) % 4)
    whole = bytes(header[4:]) + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole) + 4) + whole


def colors() -> Array:
    return np.random.default_rng(4).integers(0, 256, (9, 11, 3)).astype(np.uint8)


def image_with_profile(profile: bytes | None, samples: Array, optical_path: bool = False) -> Dataset:
    dataset, _ = build_case(bits_allocated=8, bits_stored=8, rows=samples.shape[0], columns=samples.shape[1])
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.PixelData = samples.tobytes() + b"\0" * (samples.size % 2)
    holder = Dataset() if optical_path else dataset
    if profile is not None:
        holder.ICCProfile = profile + b"\0" * (len(profile) % 2)
    if optical_path:
        dataset.OpticalPathSequence = [Dataset(), holder]
    return dataset


def encoded(dataset: Dataset, **given: Any) -> tuple[bytes, set[str]]:
    """The PNG and the finding codes."""
    options = Options.of(given)
    opened = opened_instance(instance_from_dataset(dataset, 10**8), options)
    planned = plan_frame(survey_instance(opened, [0]), 0)
    rendered = render_frame(planned)
    return encode_png(rendered.image, Ancillary("x", rendered.profile)), {one.code.value for one in rendered.findings}


def by_pillow(image: Array, profile: bytes) -> Array:
    """The image in sRGB by Pillow's own binding of Little CMS."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    shown = ImageCms.profileToProfile(Image.fromarray(image), source, ImageCms.createProfile("sRGB"))
    return np.asarray(shown)


@pytest.mark.parametrize("version", [2, 4])
def test_a_rebuilt_profile_has_the_same_colours_and_no_text(version: int) -> None:
    profile = profile_of(version)
    rebuilt = rebuilt_profile(profile)
    assert profile.count(NAME) > 5
    assert NAME not in rebuilt
    assert NAME[:4] not in rebuilt
    assert np.array_equal(by_pillow(colors(), rebuilt), by_pillow(colors(), profile))
    assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(rebuilt))).strip() == "RGB"


@pytest.mark.parametrize("optical_path", [False, True])
def test_a_profile_is_embedded_without_its_text(optical_path: bool) -> None:
    content, findings = encoded(image_with_profile(profile_of(), colors(), optical_path))
    with Image.open(io.BytesIO(content)) as read:
        embedded = read.info["icc_profile"]
        assert np.array_equal(np.asarray(read), colors())
    assert embedded == rebuilt_profile(profile_of())
    assert NAME not in content + embedded
    assert findings == set()


def test_conversion_to_srgb_gives_the_colours_of_pillow() -> None:
    content, _ = encoded(image_with_profile(profile_of(), colors()), icc="srgb")
    with Image.open(io.BytesIO(content)) as read:
        assert "icc_profile" not in read.info
        shown = np.asarray(read).astype(int)
    assert np.abs(shown - by_pillow(colors(), profile_of())).max() <= 1
    assert np.abs(shown - colors()).max() > 20


def test_conversion_to_srgb_at_16_bits_has_16_bits_of_precision() -> None:
    deep = plainfilm.render(image_with_profile(profile_of(), colors()), icc="srgb", bits=16)
    eight = plainfilm.render(image_with_profile(profile_of(), colors()), icc="srgb")
    assert deep.dtype == np.uint16
    # Little CMS computes 8-bit images with less precision, which is visible in dark colours
    assert np.abs(deep / 257 - eight).mean() < 1
    assert (deep % 257 != 0).any()


@pytest.mark.parametrize("given", [{"icc": "drop"}, {"look": "stored"}])
def test_a_profile_can_be_dropped(given: dict[str, str]) -> None:
    content, findings = encoded(image_with_profile(profile_of(), colors()), **given)
    assert b"iCCP" not in content
    assert findings == set()


@pytest.mark.parametrize("icc", ["embed", "srgb"])
@pytest.mark.parametrize(
    "profile",
    [
        b"x",
        NAME * 40,
        profile_of(space=b"GRAY"),
        profile_of(space=b"CMYK"),
        profile_of()[:200],
        profile_of()[:132] + bytes(400),
    ],
    ids=["a byte", "text", "grey", "CMYK", "cut short", "no tags"],
)
def test_an_unusable_profile_is_left_out_and_reported(profile: bytes, icc: str) -> None:
    content, findings = encoded(image_with_profile(profile, colors()), icc=icc)
    assert b"iCCP" not in content
    assert findings == {"icc_profile_invalid"}
    with Image.open(io.BytesIO(content)) as read:
        assert np.array_equal(np.asarray(read), colors())


def test_a_grey_image_gets_no_profile() -> None:
    dataset, _ = build_case()
    dataset.ICCProfile = profile_of()
    content, findings = encoded(dataset)
    assert b"iCCP" not in content
    assert "icc_profile_invalid" not in findings


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 800))
def test_a_damaged_profile_is_rebuilt_or_refused(changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(profile_of())
    for offset, value in changes:
        damaged[offset % len(damaged)] = value
    try:
        rebuilt = rebuilt_profile(bytes(damaged[: max(length, 200)]))
    except ProfileError:
        return
    assert NAME not in rebuilt
    assert to_srgb(colors(), rebuilt).shape == colors().shape
