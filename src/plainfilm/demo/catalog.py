# SPDX-License-Identifier: MIT
"""The twelve radiographs of `plainfilm demo`: the naive conversion (values / max * 255) shows each of them wrongly."""

from __future__ import annotations

from plainfilm.demo.detector import Collimation, Marker, Opening
from plainfilm.demo.exposure import Acquisition, Beam
from plainfilm.demo.hand import Hand
from plainfilm.demo.phantoms import Phantom
from plainfilm.demo.radiograph import SyntheticRadiograph
from plainfilm.demo.skeleton import Person, Pose, Side
from plainfilm.demo.vendor import (
    BurnedIn,
    Curve,
    DisplayTransform,
    Intensity,
    Photometric,
    Response,
    SopClass,
    Storage,
    TransferSyntax,
    VendorProfile,
    Voi,
)

LEFT, RIGHT = Side.LEFT, Side.RIGHT


def demo_radiographs() -> tuple[SyntheticRadiograph, ...]:
    """Return the twelve radiographs in the order of their numbers."""
    return (
        _monochrome1_without_a_window(),
        _window_below_a_bright_border(),
        _voi_lut_that_declares_too_many_bits(),
        _negative_slope_with_padding(),
        _jpeg_lossless_with_an_offset(),
        _jpeg_2000_of_signed_values(),
        _hot_pixels_without_a_window(),
        _window_below_the_pixels(),
        _several_windows_in_jpeg_ls(),
        _overlay_in_the_high_bits(),
        _chest_behind_a_shutter(),
        _mammogram_of_linear_values(),
    )


def hand_acquisition(
    hand: Hand, marker: Marker, collimation: Collimation | None = None, width: float = 206.0
) -> Acquisition:
    """Return an acquisition of one hand at the size of the demonstration, with the seed of the hand for its noise."""
    beam = Beam(marker=marker, collimation=collimation or Collimation())
    return Acquisition(width=width, subject=(hand,), beam=beam, seed=hand.seed)


def _monochrome1_without_a_window() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=1,
        name="01-monochrome1-no-window",
        reason="MONOCHROME1: large values mean dark. The naive image is a negative.",
        acquisition=hand_acquisition(Hand(Person(RIGHT), Pose(1.1, 2.0), 1), Marker("R", ringed=True, tilt=4.0)),
        vendor=VendorProfile(
            response=Response(offset=980.0, gain=1100.0, least=0.14),
            photometric=Photometric.MONOCHROME1,
            storage=Storage(bits_stored=10),
            display=None,
            voi=Voi.NONE,
        ),
    )


def _window_below_a_bright_border() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=2,
        name="02-monochrome2-window",
        reason="Border and marker take up the range; the window selects the hand.",
        acquisition=hand_acquisition(
            Hand(Person(LEFT, age=64.0, ring=True), Pose(0.8, -3.0), 2), Marker("L", right=False, tilt=-6.0)
        ),
        vendor=VendorProfile(
            response=Response(offset=250.0, gain=-2600.0),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            storage=Storage(bits_stored=14),
            unexposed=16383,
        ),
    )


def _voi_lut_that_declares_too_many_bits() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=3,
        name="03-voi-lut-declares-16-bits",
        reason="The VOI LUT that spreads this narrow band declares 16 bits and uses 12.",
        acquisition=hand_acquisition(
            Hand(Person(RIGHT, age=7.5, size=0.7), Pose(1.6, 1.0), 3), Marker("R"), Collimation(4.0), 154.0
        ),
        vendor=VendorProfile(
            response=Response(offset=3420.0, gain=-620.0, least=0.1),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            display=DisplayTransform(curve=Curve.SIGMOID, black=0.88, white=0.27),
            voi=Voi.LUT,
        ),
    )


def _negative_slope_with_padding() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=4,
        name="04-negative-slope-padding",
        reason="Rescale Slope -1 inverts the values; the padding is the largest value.",
        acquisition=hand_acquisition(
            Hand(Person(LEFT), Pose(1.3, -4.0), 4), Marker("L", right=False, ringed=True), Collimation(9.0, tilt=3.0)
        ),
        vendor=VendorProfile(response=Response(offset=3300.0, gain=2900.0), rescale=(-1.0, 4095.0), padding=4095),
    )


def _jpeg_lossless_with_an_offset() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=5,
        name="05-jpeg-lossless-sigmoid",
        reason="JPEG Lossless of MONOCHROME1 with a large offset: a pale, flat negative.",
        acquisition=hand_acquisition(
            Hand(Person(RIGHT, age=23.0), Pose(0.4, 0.0), 5), Marker("R"), Collimation(9.0, tilt=-1.0)
        ),
        vendor=VendorProfile(
            response=Response(offset=9000.0, gain=5600.0, intensity=Intensity.LINEAR, least=0.0),
            photometric=Photometric.MONOCHROME1,
            sop_class=SopClass.DX_FOR_PRESENTATION,
            storage=Storage(bits_stored=14, transfer_syntax=TransferSyntax.JPEG_LOSSLESS),
            display=DisplayTransform(curve=Curve.SIGMOID, black=0.8, white=0.22),
        ),
    )


def _jpeg_2000_of_signed_values() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=6,
        name="06-jpeg2000-signed",
        reason="JPEG 2000 of signed values: values below zero wrap around in 8 bits.",
        acquisition=hand_acquisition(
            Hand(Person(LEFT, fracture=True), Pose(1.0, 3.0), 6), Marker("L", right=False), Collimation(4.0)
        ),
        vendor=VendorProfile(
            response=Response(offset=-1500.0, gain=-3600.0, least=0.12),
            storage=Storage(signed=True, transfer_syntax=TransferSyntax.JPEG_2000_LOSSLESS),
        ),
    )


def _hot_pixels_without_a_window() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=7,
        name="07-hot-pixels-no-window",
        reason="Five hot pixels at 65535 take up the range, and there is no window.",
        acquisition=hand_acquisition(
            Hand(Person(RIGHT, age=12.0, size=0.86), Pose(1.2, 8.0), 7), Marker("R"), width=182.0
        ),
        vendor=VendorProfile(
            response=Response(offset=400.0, gain=-3000.0, least=0.18),
            storage=Storage(bits_stored=16),
            display=None,
            voi=Voi.NONE,
            hot_pixels=5,
        ),
    )


def _window_below_the_pixels() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=8,
        name="08-window-below-the-pixels",
        reason="The window lies below every pixel: with it all is white, without it flat grey.",
        acquisition=hand_acquisition(
            Hand(Person(LEFT, age=31.0), Pose(1.7, -2.0), 8), Marker("L", right=False, ringed=True), Collimation(5.0)
        ),
        vendor=VendorProfile(
            response=Response(offset=30000.0, gain=-2400.0),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            storage=Storage(bits_stored=16),
            display=None,
            voi=Voi.BELOW_THE_PIXELS,
            unexposed=65535,
        ),
    )


def _several_windows_in_jpeg_ls() -> SyntheticRadiograph:
    person = Person(RIGHT, age=58.0)
    hands = (Hand(Person(LEFT, age=58.0), Pose(0.6), 9), Hand(person, Pose(0.6), 10))
    beam = Beam(marker=Marker("R", tilt=3.0), wedge=True)
    return SyntheticRadiograph(
        number=9,
        name="09-jpegls-three-windows",
        reason="JPEG-LS with three windows; the naive recipe reads none of them.",
        acquisition=Acquisition(rows=824, columns=1100, width=340.0, subject=hands, beam=beam, seed=9),
        vendor=VendorProfile(
            response=Response(offset=40.0, gain=-1900.0, least=0.16),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            storage=Storage(bits_stored=15, transfer_syntax=TransferSyntax.JPEG_LS_LOSSLESS),
            voi=Voi.SEVERAL,
            unexposed=32767,
        ),
    )


def _overlay_in_the_high_bits() -> SyntheticRadiograph:
    return SyntheticRadiograph(
        number=10,
        name="10-rle-old-overlay",
        reason="RLE; an old overlay lies above the 12 bits, and the border is at 4095.",
        acquisition=hand_acquisition(
            Hand(Person(RIGHT), Pose(0.9, -7.0), 11), Marker("R", mirrored=True), Collimation(6.0, 2.0)
        ),
        vendor=VendorProfile(
            response=Response(offset=60.0, gain=-650.0),
            unexposed=4095,
            storage=Storage(transfer_syntax=TransferSyntax.RLE_LOSSLESS, burned_in=BurnedIn.HIGH_BITS),
        ),
    )


def _chest_behind_a_shutter() -> SyntheticRadiograph:
    beam = Beam(collimation=Collimation(16.0), scatter=0.12)
    return SyntheticRadiograph(
        number=11,
        name="11-chest-shutter",
        reason="A chest in MONOCHROME1; a display shutter hides the border.",
        acquisition=Acquisition(rows=1000, columns=840, width=350.0, subject=Phantom.CHEST, beam=beam, seed=11),
        vendor=VendorProfile(
            response=Response(offset=3700.0, gain=2900.0, least=0.07),
            photometric=Photometric.MONOCHROME1,
            sop_class=SopClass.DX_FOR_PRESENTATION,
            display=DisplayTransform(black=0.8, white=0.11, curve=Curve.LINEAR_EXACT),
            shutter=True,
        ),
    )


def _mammogram_of_linear_values() -> SyntheticRadiograph:
    beam = Beam(collimation=Collimation(-5.0), photons=300_000.0)
    return SyntheticRadiograph(
        number=12,
        name="12-mammogram-sigmoid",
        reason="A mammogram in MONOCHROME1 with a large offset and a sigmoid window.",
        acquisition=Acquisition(rows=1000, columns=826, width=190.0, subject=Phantom.BREAST, beam=beam, seed=12),
        vendor=VendorProfile(
            response=Response(offset=7000.0, gain=2600.0, least=0.05),
            photometric=Photometric.MONOCHROME1,
            sop_class=SopClass.MG_FOR_PRESENTATION,
            storage=Storage(bits_stored=13),
            display=DisplayTransform(black=0.7, white=0.14, curve=Curve.SIGMOID),
        ),
    )


def fluoroscopy_radiograph(frames: int = 5) -> SyntheticRadiograph:
    """Return a fluoroscopy of a hand, not one of the twelve: round field, few photons, ten frames per second."""
    beam = Beam(collimation=Collimation(3.0, opening=Opening.ROUND), photons=900.0)
    hand = Hand(Person(RIGHT), Pose(0.9), 13)
    return SyntheticRadiograph(
        number=13,
        name="13-fluoroscopy",
        reason="Several frames, which are surveyed together.",
        acquisition=Acquisition(rows=512, columns=512, width=256.0, subject=(hand,), beam=beam, seed=1300),
        vendor=VendorProfile(
            response=Response(offset=3400.0, gain=-3000.0, intensity=Intensity.LINEAR, least=0.0),
            sop_class=SopClass.RF,
            display=DisplayTransform(black=0.9, white=0.2),
            frames=frames,
        ),
    )
