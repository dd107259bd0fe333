# SPDX-License-Identifier: MIT
"""The eight films of `plainfilm demo`: each a vendor's habit that the naive recipe (values / max * 255) gets wrong."""

from __future__ import annotations

from plainfilm.demo.habit import (
    Curve,
    Film,
    Habit,
    Intensity,
    Photometric,
    Response,
    SopClass,
    Tone,
    TransferSyntax,
    Voi,
)
from plainfilm.demo.hand import Collimation, HandParameters, Side


def films() -> tuple[Film, ...]:
    """The eight, in the order of their numbers; always the same."""
    return (
        _monochrome1_without_a_window(),
        _window_below_a_bright_border(),
        _voi_lut_that_declares_too_many_bits(),
        _negative_slope_with_padding(),
        _jpeg_lossless_on_a_pedestal(),
        _jpeg_2000_of_signed_values(),
        _hot_pixels_without_a_window(),
        _window_below_the_pixels(),
    )


def _monochrome1_without_a_window() -> Film:
    return Film(
        number=1,
        name="01-monochrome1-no-window",
        reason="MONOCHROME1: large values mean dark. The naive picture is a negative.",
        hand=HandParameters(seed=1),
        habit=Habit(
            response=Response(offset=980.0, gain=1100.0, least=0.14),
            photometric=Photometric.MONOCHROME1,
            bits_stored=10,
            tone=None,
            voi=Voi.NONE,
        ),
    )


def _window_below_a_bright_border() -> Film:
    return Film(
        number=2,
        name="02-monochrome2-window",
        reason="Border and marker own the range; only the window says where the hand is.",
        hand=HandParameters(seed=2, side=Side.LEFT, rows=1024, columns=832),
        habit=Habit(
            response=Response(offset=250.0, gain=-2600.0),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            bits_stored=14,
            unexposed=16383,
        ),
    )


def _voi_lut_that_declares_too_many_bits() -> Film:
    return Film(
        number=3,
        name="03-voi-lut-declares-16-bits",
        reason="The VOI LUT that spreads this narrow band declares 16 bits and uses 12.",
        hand=HandParameters(seed=3, collimation=Collimation(margin=4.0)),
        habit=Habit(
            response=Response(offset=3420.0, gain=-620.0, least=0.1),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            tone=Tone(curve=Curve.SIGMOID, black=0.86, white=0.27),
            voi=Voi.LUT,
        ),
    )


def _negative_slope_with_padding() -> Film:
    return Film(
        number=4,
        name="04-negative-slope-padding",
        reason="Rescale slope -1 makes it a positive; the padding around it is the largest value.",
        hand=HandParameters(seed=4, side=Side.LEFT, collimation=Collimation(margin=11.0, tilt=3.0)),
        habit=Habit(response=Response(offset=3300.0, gain=2900.0), rescale=(-1.0, 4095.0), padding=4095),
    )


def _jpeg_lossless_on_a_pedestal() -> Film:
    return Film(
        number=5,
        name="05-jpeg-lossless-sigmoid",
        reason="JPEG Lossless of MONOCHROME1 on a pedestal: a pale, flat negative.",
        hand=HandParameters(seed=5, rows=960, columns=768, collimation=Collimation(margin=9.0, tilt=-1.0)),
        habit=Habit(
            response=Response(offset=9000.0, gain=5600.0, intensity=Intensity.LINEAR, least=0.0),
            photometric=Photometric.MONOCHROME1,
            sop_class=SopClass.DX_FOR_PRESENTATION,
            bits_stored=14,
            tone=Tone(curve=Curve.SIGMOID, black=0.8, white=0.22),
            transfer_syntax=TransferSyntax.JPEG_LOSSLESS,
        ),
    )


def _jpeg_2000_of_signed_values() -> Film:
    return Film(
        number=6,
        name="06-jpeg2000-signed",
        reason="JPEG 2000 of signed values: what lies below zero wraps around in 8 bits.",
        hand=HandParameters(seed=6, side=Side.LEFT, collimation=Collimation(margin=4.0)),
        habit=Habit(
            response=Response(offset=-1500.0, gain=-3600.0, least=0.12),
            signed=True,
            transfer_syntax=TransferSyntax.JPEG_2000_LOSSLESS,
        ),
    )


def _hot_pixels_without_a_window() -> Film:
    return Film(
        number=7,
        name="07-hot-pixels-no-window",
        reason="Five hot pixels at 65535 own the range, and there is no window.",
        hand=HandParameters(seed=7),
        habit=Habit(
            response=Response(offset=400.0, gain=-3000.0, least=0.18),
            bits_stored=16,
            tone=None,
            voi=Voi.NONE,
            hot_pixels=5,
        ),
    )


def _window_below_the_pixels() -> Film:
    return Film(
        number=8,
        name="08-window-below-the-pixels",
        reason="The window lies below every pixel: obeyed, it gives white; unread, flat grey.",
        hand=HandParameters(seed=8, side=Side.LEFT, collimation=Collimation(margin=5.0)),
        habit=Habit(
            response=Response(offset=30000.0, gain=-2400.0),
            sop_class=SopClass.DX_FOR_PRESENTATION,
            bits_stored=16,
            tone=None,
            voi=Voi.BELOW_THE_PIXELS,
            unexposed=65535,
        ),
    )
