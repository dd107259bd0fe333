# SPDX-License-Identifier: MIT
"""Each frame gets its attributes from the nearest level that has them, and shared tables are read once."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from tests.support.dicom_files import image_dataset, lut_item, read_dataset, sequence_item
from tests.support.memory import call_within

from plainfilm.dicom.functional_groups import read_frame_attributes
from plainfilm.dicom.instance import FrameAttributes, ImagePixel, ModalityLevel, Shutter, VoiLevel, WindowItem
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.dicom.values import Values
from plainfilm.findings import codes_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
every_syntax = pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])


def group(*, rescale: Any = None, window: Any = None, spacing: Any = None) -> Dataset:
    """One item of a functional groups sequence."""
    macros: dict[str, Any] = {}
    if rescale is not None:
        item = sequence_item(RescaleSlope=rescale[0], RescaleIntercept=rescale[1], RescaleType="US")
        macros["PixelValueTransformationSequence"] = [item]
    if window is not None:
        macros["FrameVOILUTSequence"] = [sequence_item(WindowCenter=window[0], WindowWidth=window[1])]
    if spacing is not None:
        macros["PixelMeasuresSequence"] = [sequence_item(PixelSpacing=spacing)]
    return sequence_item(**macros)


def frames(syntax: str = EXPLICIT_LITTLE, **changes: Any) -> tuple[FrameAttributes, ...]:
    count = changes.setdefault("NumberOfFrames", 2)
    dataset = image_dataset(PixelData=bytes(48 * count), **changes)
    return tuple(read_dataset(dataset, syntax).frames)


def window(center: float, width: float) -> VoiLevel:
    return VoiLevel((), (WindowItem(center, width),))


@every_syntax
def test_the_per_frame_level_precedes_the_shared_and_the_top_level(syntax: str) -> None:
    own = [group(rescale=(n, -n), window=(n, 10), spacing=[n / 10, 0.5]) for n in (1, 2)]
    first, second, rest = frames(
        syntax,
        PerFrameFunctionalGroupsSequence=own,
        SharedFunctionalGroupsSequence=[group(rescale=(3, -3), window=(3, 10), spacing=[0.3, 0.5])],
        RescaleSlope=4,
        RescaleIntercept=-4,
        WindowCenter=4,
        WindowWidth=10,
    )
    assert [frame.modality for frame in (first, second, rest)] == [ModalityLevel(None, n, -n) for n in (1, 2, 3)]
    assert first.voi_levels == (window(1, 10), window(3, 10), window(4, 10))
    assert second.voi_levels == (window(2, 10), window(3, 10), window(4, 10))
    assert rest.voi_levels == (window(3, 10), window(4, 10))
    assert [frame.pixel_spacing for frame in (first, second, rest)] == [(0.1, 0.5), (0.2, 0.5), (0.3, 0.5)]


def test_each_kind_of_attribute_has_its_own_nearest_level() -> None:
    (first, _) = frames(
        NumberOfFrames=1,
        PerFrameFunctionalGroupsSequence=[group(window=(1, 10))],
        SharedFunctionalGroupsSequence=[group(spacing=[0.3, 0.5])],
        RescaleSlope=4,
    )
    assert first.modality == ModalityLevel(None, 4.0, None)
    assert first.voi_levels == (window(1, 10), VoiLevel())
    assert first.pixel_spacing == (0.3, 0.5)


def test_without_functional_groups_all_frames_share_the_top_level() -> None:
    (shared,) = frames(NumberOfFrames=3, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400)
    assert shared == FrameAttributes(ModalityLevel(None, None, -1024.0), (window(40, 400),))


def test_absent_attributes_give_empty_frame_attributes() -> None:
    assert frames() == (FrameAttributes(voi_levels=(VoiLevel(),)),)


def test_frames_without_an_item_have_the_shared_attributes() -> None:
    dataset = image_dataset(
        NumberOfFrames=3,
        PixelData=bytes(144),
        PerFrameFunctionalGroupsSequence=[group(window=(1, 10))],
        SharedFunctionalGroupsSequence=[group(window=(3, 10))],
    )
    instance = read_dataset(dataset)
    assert [instance.frame_attributes(frame).voi_levels[0] for frame in range(3)] == [
        window(1, 10),
        window(3, 10),
        window(3, 10),
    ]


def test_items_beyond_the_frames_are_ignored() -> None:
    own = [group(window=(n, 10)) for n in range(1, 6)]
    assert len(frames(NumberOfFrames=2, PerFrameFunctionalGroupsSequence=own)) == 3


@pytest.mark.parametrize("keyword", ["PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"])
@pytest.mark.parametrize("macro", ["PixelValueTransformationSequence", "FrameVOILUTSequence", "PixelMeasuresSequence"])
def test_an_empty_or_wrong_sequence_counts_as_absent(keyword: str, macro: str) -> None:
    expected = window(4, 10)
    for content in (
        [],
        [sequence_item()],
        [sequence_item(**{macro: []})],
        [sequence_item(**{macro: [sequence_item()]})],
    ):
        first, *_ = frames(WindowCenter=4, WindowWidth=10, **{keyword: content})
        assert first.voi_levels[-1] == expected
        assert (first.modality, first.pixel_spacing) == (ModalityLevel(), None)
    instance = read_dataset(image_dataset(WindowCenter=4, WindowWidth=10), odd={keyword: ("LO", b"text")})
    assert instance.frames[0].voi_levels == (expected,)
    assert codes_of(instance.findings) == "attribute_invalid;attribute_unusable"


@pytest.mark.parametrize(
    ("centers", "widths", "pairs"),
    [
        ([1, 2, 3], [10, 20], [(1, 10), (2, 20)]),
        ([1], [10, 20], [(1, 10)]),
        ([1, 2], None, []),
        (None, [10], []),
    ],
)
@pytest.mark.parametrize("place", ["top", "shared", "own"])
def test_unequal_counts_of_centers_and_widths_use_the_common_prefix(
    place: str, centers: Any, widths: Any, pairs: list[tuple[float, float]]
) -> None:
    attributes = {"WindowCenter": centers, "WindowWidth": widths}
    given = {keyword: value for keyword, value in attributes.items() if value is not None}
    groups = [sequence_item(FrameVOILUTSequence=[sequence_item(**given)])]
    where = {"shared": "SharedFunctionalGroupsSequence", "own": "PerFrameFunctionalGroupsSequence"}
    first, *_ = frames(NumberOfFrames=1, **(given if place == "top" else {where[place]: groups}))
    assert [(each.center, each.width) for each in first.voi_levels[0].windows] == pairs
    assert codes_of(first.findings) == "window_count_mismatch"
    assert len(first.findings) == 1


@every_syntax
def test_windows_have_their_function_and_explanations(syntax: str) -> None:
    changes = {"WindowCenter": [1, 2, 3], "WindowWidth": [10, 20, 30], "VOILUTFunction": "sigmoid"}
    (shared,) = frames(syntax, **changes, WindowCenterWidthExplanation=["BONE", "SOFT"])
    assert shared.voi_levels[0].windows == (
        WindowItem(1.0, 10.0, "SIGMOID", "BONE"),
        WindowItem(2.0, 20.0, "SIGMOID", "SOFT"),
        WindowItem(3.0, 30.0, "SIGMOID", None),
    )


def test_an_empty_voi_lut_function_counts_as_absent() -> None:
    dataset = image_dataset(WindowCenter=1, WindowWidth=10)
    assert read_dataset(dataset).frames[0].voi_levels[0].windows[0].function is None
    empty = read_dataset(dataset, odd={"VOILUTFunction": ("CS", b"")})
    assert empty.frames[0].voi_levels[0].windows[0].function is None


@pytest.mark.parametrize("spoilt", [b"1A2 ", b"1,5,5 ", b"NaN ", b"inf ", b"abc "])
def test_an_unreadable_window_is_left_out_with_its_findings(spoilt: bytes) -> None:
    instance = read_dataset(image_dataset(WindowWidth=10), odd={"WindowCenter": ("DS", spoilt)})
    (shared,) = instance.frames
    assert shared.voi_levels == (VoiLevel(),)
    assert codes_of(instance.findings) == "attribute_invalid;voi_invalid"
    assert codes_of(shared.findings) == "window_count_mismatch"


@pytest.mark.parametrize("spoilt", [b"1A2 ", b"1,5,5 ", b"NaN ", b"inf ", b"abc "])
@pytest.mark.parametrize(
    ("damaged", "other"), [("RescaleSlope", "RescaleIntercept"), ("RescaleIntercept", "RescaleSlope")]
)
def test_a_rescale_with_an_unreadable_part_is_reset_as_a_whole(damaged: str, other: str, spoilt: bytes) -> None:
    instance = read_dataset(image_dataset(**{other: -5}), odd={damaged: ("DS", spoilt)})
    assert instance.frames[0].modality == ModalityLevel(None, 1.0, 0.0)
    assert codes_of(instance.findings) == "attribute_invalid;rescale_invalid"
    assert all(damaged in finding.detail for finding in instance.findings)


@every_syntax
def test_tables_of_all_levels_are_read_in_order(syntax: str) -> None:
    top = [lut_item(1, 258, syntax=syntax, explanation="FIRST"), lut_item(3, 4, syntax=syntax)]
    own = sequence_item(FrameVOILUTSequence=[sequence_item(VOILUTSequence=[lut_item(5, 6, syntax=syntax)])])
    changes = {"VOILUTSequence": top, "PerFrameFunctionalGroupsSequence": [own]}
    modality = lut_item(7, 8, syntax=syntax)
    modality.ModalityLUTType = "US"
    first, _ = frames(syntax, NumberOfFrames=1, ModalityLUTSequence=[modality], RescaleSlope=2, **changes)
    assert [lut.data for level in first.voi_levels for lut in level.luts] == [
        struct.pack("<2H", 5, 6),
        struct.pack("<2H", 1, 258),
        struct.pack("<2H", 3, 4),
    ]
    assert [lut.explanation for lut in first.voi_levels[1].luts] == ["FIRST", None]
    assert first.modality.lut is not None
    assert (first.modality.lut.data, first.modality.slope) == (struct.pack("<2H", 7, 8), 2.0)
    assert first.findings == ()


def test_an_unreadable_voi_lut_is_left_out_and_the_next_is_first() -> None:
    broken = sequence_item(LUTDescriptor=[2, 0, 16])
    instance = read_dataset(image_dataset(VOILUTSequence=[broken, lut_item(1, 2)]))
    assert [lut.data for lut in instance.frames[0].voi_levels[0].luts] == [struct.pack("<2H", 1, 2)]
    assert codes_of(instance.findings) == "attribute_invalid;voi_invalid"


def test_the_next_level_replaces_an_unreadable_modality_lut() -> None:
    transformation = sequence_item(ModalityLUTSequence=[sequence_item(LUTDescriptor=[2, 0, 16])])
    own = sequence_item(PixelValueTransformationSequence=[transformation])
    changes = {"RescaleSlope": 2, "RescaleIntercept": 1, "PerFrameFunctionalGroupsSequence": [own]}
    first, _ = frames(NumberOfFrames=1, **changes)
    assert first.modality == ModalityLevel(None, 2.0, 1.0)
    assert codes_of(first.findings) == "attribute_invalid;modality_lut_invalid"


@pytest.mark.parametrize("spacing", [[0, 0.5], [-1, 1], 0.5])
def test_the_next_level_replaces_an_invalid_spacing(spacing: Any) -> None:
    changes = {
        "PerFrameFunctionalGroupsSequence": [group(spacing=spacing)],
        "SharedFunctionalGroupsSequence": [group(spacing=[0.3, 0.5])],
    }
    first, _ = frames(NumberOfFrames=1, **changes)
    assert first.pixel_spacing == (0.3, 0.5)


def test_a_finding_in_a_functional_group_belongs_only_to_its_frame() -> None:
    own = [group(window=(1, 10)), group(window=([1, 2], 10)), group(window=(1, 10))]
    *each, shared = frames(NumberOfFrames=3, PerFrameFunctionalGroupsSequence=own)
    assert [codes_of(frame.findings) for frame in (*each, shared)] == ["", "window_count_mismatch", "", ""]


def test_shared_attributes_are_read_once() -> None:
    lut = sequence_item(LUTDescriptor=[16384, 0, 16])
    dataset = image_dataset(
        NumberOfFrames=300,
        SharedFunctionalGroupsSequence=[sequence_item(FrameVOILUTSequence=[sequence_item(VOILUTSequence=[lut])])],
        PerFrameFunctionalGroupsSequence=[group(spacing=[0.1, 0.1]) for _ in range(300)],
        VOILUTSequence=[sequence_item(LUTDescriptor=[16384, 0, 16])],
    )
    for item in (dataset, dataset.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0]):
        item.VOILUTSequence[0].add_new("LUTData", "US", list(range(16384)))
    pixel = ImagePixel(4, 6, 1, "MONOCHROME2", 0, 16, 12, 11, False, 300)
    found = call_within(8_000_000, read_frame_attributes, Values(dataset, []), pixel)
    assert len(found) == 301
    assert found[0].voi_levels[1].luts[0].data is found[299].voi_levels[1].luts[0].data


@every_syntax
def test_the_macros_of_x_ray_frames_are_read(syntax: str) -> None:
    """Shutter, laterality, orientation and detector spacing come from the frame's own group before the shared one."""
    circle = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [1, 2], "RadiusOfCircularShutter": 1}
    own = sequence_item(
        FrameDisplayShutterSequence=[sequence_item(**circle)],
        FrameAnatomySequence=[sequence_item(FrameLaterality="R")],
        PatientOrientationInFrameSequence=[sequence_item(PatientOrientation=["a", "F"])],
        PlaneOrientationSequence=[sequence_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        FramePixelDataPropertiesSequence=[sequence_item(ImagerPixelSpacing=[0.2, 0.3])],
    )
    shared = sequence_item(FrameAnatomySequence=[sequence_item(FrameLaterality="L")])
    first, second, rest = frames(
        syntax,
        PerFrameFunctionalGroupsSequence=[own, sequence_item()],
        SharedFunctionalGroupsSequence=[shared],
        PatientOrientation=["P", "F"],
    )
    assert (first.shutter, second.shutter) == (Shutter(circle=(1, 2, 1)), None)
    assert [frame.laterality for frame in (first, second, rest)] == ["R", "L", "L"]
    assert [frame.patient_orientation for frame in (first, second)] == [("A", "F"), ("P", "F")]
    assert (first.image_orientation, second.image_orientation) == ((1, 0, 0, 0, 1, 0), None)
    assert (first.pixel_spacing, second.pixel_spacing) == ((0.2, 0.3), None)


@pytest.mark.parametrize(("top", "sides", "expected"), [("", "RR", "R"), ("", "RL", ""), ("L", "RR", "L")])
def test_the_instance_has_the_laterality_on_which_its_frames_agree(top: str, sides: str, expected: str) -> None:
    own = [sequence_item(FrameAnatomySequence=[sequence_item(FrameLaterality=side)]) for side in sides]
    changes = {"NumberOfFrames": 2, "PixelData": bytes(96), "PerFrameFunctionalGroupsSequence": own}
    assert read_dataset(image_dataset(ImageLaterality=top, **changes)).description.laterality == expected


def test_unassigned_functional_groups_have_no_effect() -> None:
    stray = sequence_item(WindowCenter=1, WindowWidth=2, RescaleSlope=3)
    for level in ("Shared", "PerFrame"):
        unassigned = sequence_item(**{f"Unassigned{level}ConvertedAttributesSequence": [stray]})
        (first, *_) = frames(**{f"{level}FunctionalGroupsSequence": [unassigned]})
        assert (first.voi_levels, first.modality, first.findings) == ((VoiLevel(),), ModalityLevel(), ())


ENHANCED = (
    "fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/MOVEKNEE.dcm",
    "fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/mr_brucker.dcm",
    "pydicom+pydicom-data/data_store/data/eCT_Supplemental.dcm",
)


@pytest.mark.parametrize("name", ENHANCED)
def test_real_enhanced_files_have_the_values_that_pydicom_reads(film_folder: Path, name: str) -> None:
    """The same values looked up with pydicom: per frame, then shared, then at the top level."""
    path = film_folder / name
    dataset, instance = pydicom.dcmread(path), read_instance(path.read_bytes(), 500_000_000)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for number, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        found = {}
        for macro in ("FrameVOILUT", "PixelValueTransformation", "PixelMeasures", "PlaneOrientation"):
            group = next((one for one in (own, shared) if f"{macro}Sequence" in one), None)
            found[macro] = dataset if group is None else group[f"{macro}Sequence"][0]
        frame = instance.frame_attributes(number)
        windows = next((level.windows for level in frame.voi_levels if level.windows), ())
        center = found["FrameVOILUT"].get("WindowCenter")
        assert (windows[0].center if windows else None) == center
        assert frame.modality.slope == found["PixelValueTransformation"].get("RescaleSlope")
        assert frame.modality.intercept == found["PixelValueTransformation"].get("RescaleIntercept")
        assert frame.pixel_spacing == tuple(found["PixelMeasures"].PixelSpacing)
        assert frame.image_orientation == tuple(found["PlaneOrientation"].ImageOrientationPatient)
