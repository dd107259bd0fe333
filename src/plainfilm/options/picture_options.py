# SPDX-License-Identifier: MIT
"""What a picture depends on besides its film: one frozen dataclass a stage, and how a field becomes an option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from plainfilm.errors import OptionsError
from plainfilm.options.choices import (
    Clahe,
    Icc,
    Look,
    Pixels,
    Polarity,
    Stretch,
    UserWindow,
    VoiChoice,
    parse_bits,
    parse_clahe,
    parse_flag,
    parse_member,
    parse_stretch,
    parse_voi,
    parse_window,
)
from plainfilm.options.framing import Border, Box, Fit, OutputSize, Resolution, parse_crop, parse_output_size
from plainfilm.options.showing import Orient, Overlays, PresentationSource, parse_presentation

T = TypeVar("T")
# the options of which each names a look
LOOK_OPTIONS = ("look", "window", "stretch", "clahe")


def option(default: Any, parse: Callable[[object], Any], metavar: str, meaning: str, joined_by: str = "") -> Any:
    """A field that is an option: its default, parser, placeholder on the command line ('' for a switch) and meaning.

    joined_by: what stands between the values of one that may be given several times; '' where the last one counts.
    """
    told = {"parse": parse, "metavar": metavar, "meaning": meaning, "joined_by": joined_by}
    return field(default=default, metadata=told)


def words(kind: type[StrEnum]) -> str:
    return "|".join(member.value for member in kind)


def optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else parse(value)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How stored values become grey levels: everything a plan depends on besides the image itself."""

    look: Look | None = option(None, optional(parse_member(Look, "look")), words(Look), "what the picture looks like")
    window: UserWindow | None = option(
        None,
        optional(parse_window),
        "C,W[,FUNCTION]",
        "your own window, on the modality output; implies --look window. FUNCTION: linear, linear-exact or sigmoid",
    )
    stretch: Stretch | None = option(
        None,
        optional(parse_stretch),
        "LOW,HIGH[,all]",
        "percentiles of the look stretch (default 0.1,99.9); all: the extreme values count too; implies --look stretch",
    )
    clahe: Clahe | None = option(
        None,
        optional(parse_clahe),
        "CLIP,TILES",
        "contrast limit and tiles along each side of the look clahe (default 2,8); implies --look clahe",
    )
    voi: VoiChoice = option(
        VoiChoice(),
        parse_voi,
        "auto|none|lut[:N]|window[:N]|TEXT",
        "which VOI of the file: by kind, kind and index from 0, or its Explanation",
    )
    polarity: Polarity = option(
        Polarity.AUTO,
        parse_member(Polarity, "polarity"),
        words(Polarity),
        "what grey images are taken for, whatever their header says",
    )
    bits: int = option(8, parse_bits, "8|16", "output depth")
    icc: Icc = option(
        Icc.EMBED,
        parse_member(Icc, "icc"),
        words(Icc),
        "the ICC Profile of a colour image: into the picture, its colours converted to sRGB, or left out",
    )
    strict: bool = option(False, parse_flag, "", "a VOI that would have to be replaced fails the image instead")

    def __post_init__(self) -> None:
        implied = self._implied_looks
        if len(implied) > 1:
            raise OptionsError(f"--{implied[0]} and --{implied[1]} contradict each other: each is a look of its own")
        if implied and self.look not in (None, implied[0]):
            raise OptionsError(f"--{implied[0]} contradicts --look {self.look}")
        if self.look is Look.WINDOW and self.window is None:
            raise OptionsError("--look window needs --window CENTER,WIDTH")

    @property
    def _implied_looks(self) -> list[Look]:
        """The looks whose own option is given."""
        own = {Look.WINDOW: self.window, Look.STRETCH: self.stretch, Look.CLAHE: self.clahe}
        return [look for look, given in own.items() if given is not None]

    @property
    def effective_look(self) -> Look:
        """The look after what --window, --stretch and --clahe imply."""
        return next(iter(self._implied_looks), self.look or Look.VIEWER)

    @property
    def percentiles(self) -> Stretch:
        """The percentiles of the look `stretch`."""
        return self.stretch or Stretch()


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How the bytes of a frame become its cells."""

    decode: Resolution = option(
        Resolution.FULL,
        parse_member(Resolution, "decode"),
        words(Resolution),
        "reduced: of JPEG 2000 and 8-bit JPEG only the resolution that --size needs; fast, a little different",
    )
    allow_truncated: bool = option(
        False, parse_flag, "", "what is missing of a short image is painted as padding, instead of failing it"
    )
    verify: bool = option(False, parse_flag, "", "decode lossless codestreams with a second library too, and compare")


@dataclass(frozen=True, slots=True)
class GeometryOptions:
    """How P-Values become the output's rows and columns."""

    pixels: Pixels = option(
        Pixels.SQUARE, parse_member(Pixels, "pixels"), words(Pixels), "whether pixels that are not square are made so"
    )
    crop: Box | Border | None = option(
        None,
        parse_crop,
        "none|border|X,Y,W,H",
        "the part of the image, after square pixels, that is kept; border: all but its margin (default none)",
    )
    size: OutputSize = option(
        OutputSize(), parse_output_size, "none|N|WxH", "size in pixels; N: the longest side. Never enlarges"
    )
    enlarge: bool = option(False, parse_flag, "", "--size may enlarge")
    fit: Fit = option(Fit.KEEP, parse_member(Fit, "fit"), words(Fit), "how WxH is met: within, filled up, or cut")

    def __post_init__(self) -> None:
        if self.fit is not Fit.KEEP and self.size.box is None:
            raise OptionsError(f"--fit {self.fit} needs --size WxH")


@dataclass(frozen=True, slots=True)
class PresentationOptions:
    """What a viewer adds to the grey levels."""

    overlays: Overlays = option(
        Overlays.OFF,
        parse_member(Overlays, "overlays"),
        words(Overlays),
        "overlay planes: burn paints them into the picture, mask writes each as a picture of its own",
    )
    presentation: PresentationSource | None = option(
        None,
        optional(parse_presentation),
        "PATH|auto",
        "a grayscale softcopy presentation state for the images that it refers to; auto: found among the sources",
    )
    orient: Orient = option(
        Orient.STORED, parse_member(Orient, "orient"), words(Orient), "viewer: turned and flipped as films are hung"
    )
