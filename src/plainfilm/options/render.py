# SPDX-License-Identifier: MIT
"""The options of the grayscale and colour pipeline: look, window, VOI, polarity, depth and ICC profile."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import ValueType, option
from plainfilm.options.value_types import SWITCH, members, parse_count, parse_number, split_parts
from plainfilm.pickling import dataclass


class Look(StrEnum):
    """The named looks. `VERSIONS` holds the version of each look.

    An option of RenderOptions that has the name of a look holds the parameters of this look and implies it.
    """

    VIEWER = "viewer"
    STRETCH = "stretch"
    WINDOW = "window"
    MINMAX = "minmax"
    EQUALIZE = "equalize"
    CLAHE = "clahe"
    STORED = "stored"


SCALED_LOOKS = tuple(look for look in Look if look is not Look.STORED)
"""The looks whose output depth is that of `--bits`; images of the look `stored` always have 16 bits."""


class VoiFunction(StrEnum):
    """VOI LUT Function (PS3.3 C.11.2.1.3), spelled as in the standard's rendered resources (PS3.18 8.3.5.1.4)."""

    LINEAR = "linear"
    LINEAR_EXACT = "linear-exact"
    SIGMOID = "sigmoid"

    @property
    def dicom(self) -> str:
        """The value of the attribute VOI LUT Function."""
        return self.value.upper().replace("-", "_")


class Polarity(StrEnum):
    """The Photometric Interpretation of grayscale images: that of the data set, or one set by the user."""

    AUTO = "auto"
    MONOCHROME1 = "monochrome1"
    MONOCHROME2 = "monochrome2"


class Icc(StrEnum):
    """What is done with the ICC profile of a colour image."""

    EMBED = "embed"
    SRGB = "srgb"
    DROP = "drop"


class VoiKind(StrEnum):
    """How a VOI of the data set is chosen."""

    AUTO = "auto"
    NONE = "none"
    LUT = "lut"
    WINDOW = "window"
    EXPLANATION = "explanation"


@dataclass(frozen=True, slots=True)
class UserWindow:
    """A window center and window width of the user, in output values of the Modality LUT."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width)):
            raise OptionsError("center and width must be finite numbers")
        least = 1.0 if self.function is VoiFunction.LINEAR else 0.0
        if self.width < least or self.width <= 0:
            bound = "1 or more" if least else "more than 0"
            raise OptionsError(f"the width of a {self.function} window must be {bound}, not {self.width:g}")

    def __str__(self) -> str:
        tail = "" if self.function is VoiFunction.LINEAR else f",{self.function}"
        return f"{self.center!r},{self.width!r}{tail}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The percentiles of the look `stretch`.

    all_values: whether the smallest and the largest value of the image count as well.
    """

    low: float = 0.1
    high: float = 99.9
    all_values: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise OptionsError(f"percentiles must be 0 <= LOW < HIGH <= 100, not {self.low:g},{self.high:g}")

    def __str__(self) -> str:
        return f"{self.low!r},{self.high!r}{',all' if self.all_values else ''}"


@dataclass(frozen=True, slots=True)
class Clahe:
    """The parameters of the look `clahe`.

    clip: the contrast limit, as a multiple of the height of a uniform histogram.
    tiles: the number of tiles along each side of the image.
    """

    clip: float = 2.0
    tiles: int = 8

    def __post_init__(self) -> None:
        # larger values change nothing that can be seen, and the lookup table of each tile takes up to 128 KiB
        if not (0 < self.clip <= 100 and 1 <= self.tiles <= 32):
            raise OptionsError(f"0 < CLIP <= 100 and TILES from 1 to 32, not {self.clip:g},{self.tiles}")

    def __str__(self) -> str:
        return f"{self.clip!r},{self.tiles}"


@dataclass(frozen=True, slots=True)
class VoiChoice:
    """Which VOI of the data set is used.

    index: the index of a LUT or window, from 0; None: the first that can be used. text: the wanted Explanation.
    """

    kind: VoiKind = VoiKind.AUTO
    index: int | None = None
    text: str = ""

    def __str__(self) -> str:
        if self.kind is VoiKind.EXPLANATION:
            return self.text
        return self.kind.value if self.index is None else f"{self.kind}:{self.index}"


def parse_window(value: object) -> UserWindow:
    """`C,W[,linear|linear-exact|sigmoid]`, or two or three values. Raises OptionsError."""
    if isinstance(value, UserWindow):
        return value
    parts = split_parts(value)
    if len(parts) not in (2, 3):
        raise OptionsError(f"CENTER,WIDTH[,linear|linear-exact|sigmoid], not {value!r}")
    function = members(VoiFunction).parse(parts[2].replace("_", "-")) if len(parts) == 3 else VoiFunction.LINEAR
    return UserWindow(parse_number(parts[0]), parse_number(parts[1]), function)


def parse_stretch(value: object) -> Stretch:
    """`LOW,HIGH[,all]`, or two or three values. Raises OptionsError."""
    if isinstance(value, Stretch):
        return value
    parts = split_parts(value)
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2].lower() != "all"):
        raise OptionsError(f"LOW,HIGH[,all], not {value!r}")
    return Stretch(parse_number(parts[0]), parse_number(parts[1]), len(parts) == 3)


def parse_clahe(value: object) -> Clahe:
    """`CLIP,TILES`, or a pair. Raises OptionsError."""
    if isinstance(value, Clahe):
        return value
    parts = split_parts(value)
    if len(parts) != 2:
        raise OptionsError(f"CLIP,TILES, not {value!r}")
    return Clahe(parse_number(parts[0]), parse_count(parts[1]))


def parse_voi(value: object) -> VoiChoice:
    """`auto`, `none`, `lut[:N]`, `window[:N]`, or an Explanation. Raises OptionsError."""
    if isinstance(value, VoiChoice):
        return value
    text = str(value).strip()
    if text.lower() in ("auto", "none"):
        return VoiChoice(VoiKind(text.lower()))
    if match := re.fullmatch(r"(lut|window)(?::(\d+))?", text, re.IGNORECASE):
        return VoiChoice(VoiKind(match[1].lower()), int(match[2]) if match[2] else None)
    if not text:
        raise OptionsError("auto, none, lut[:N], window[:N] or an Explanation, not an empty text")
    return VoiChoice(VoiKind.EXPLANATION, text=text)


def parse_bits(value: object) -> int:
    """8 or 16. Raises OptionsError."""
    if str(value) not in ("8", "16"):
        raise OptionsError(f"8 or 16, not {value!r}")
    return int(str(value))


_PAIR_OR_TRIPLE = "str | tuple[float, float] | tuple[float, float, str]"
_WINDOW = ValueType(parse_window, "C,W[,FUNCTION]", _PAIR_OR_TRIPLE)
_STRETCH = ValueType(parse_stretch, "LOW,HIGH[,all]", _PAIR_OR_TRIPLE)
_CLAHE = ValueType(parse_clahe, "CLIP,TILES", "str | tuple[float, int]")
_VOI = ValueType(parse_voi, "auto|none|lut[:N]|window[:N]|TEXT", "str")
_BITS = ValueType(parse_bits, "8|16", "Literal[8, 16]")


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How stored values become output levels: all that a plan depends on besides the image itself."""

    look: Look | None = option(None, members(Look), "the look of the image (default: viewer)")
    window: UserWindow | None = option(
        None,
        _WINDOW,
        "a window center and width of your own, in output values of the Modality LUT; FUNCTION is linear, linear-exact "
        "or sigmoid; it implies --look window",
    )
    stretch: Stretch | None = option(
        None,
        _STRETCH,
        "the percentiles of the look stretch (default: 0.1,99.9), where all includes the extreme values; it implies "
        "--look stretch",
    )
    clahe: Clahe | None = option(
        None,
        _CLAHE,
        "the contrast limit of the look clahe and its tiles along each side (default: 2,8); it implies --look clahe",
    )
    voi: VoiChoice = option(
        VoiChoice(), _VOI, "the VOI of the file to use, by its kind, by kind and index from 0, or by its Explanation"
    )
    polarity: Polarity = option(
        Polarity.AUTO, members(Polarity), "treat grayscale images as MONOCHROME1 or MONOCHROME2 whatever the file says"
    )
    bits: int = option(8, _BITS, "the depth of the output in bits")
    icc: Icc = option(
        Icc.EMBED,
        members(Icc),
        "embed the ICC profile of a colour image in the output, convert its colours to sRGB, or drop the profile",
    )
    strict: bool = option(
        False, SWITCH, "fail an image instead of replacing a VOI or another attribute that cannot be used"
    )

    def __post_init__(self) -> None:
        implied = self._implied_looks
        if len(implied) > 1:
            raise OptionsError(f"--{implied[0]} and --{implied[1]} contradict each other: each implies its own look")
        if implied and self.look not in (None, implied[0]):
            raise OptionsError(f"--{implied[0]} contradicts --look {self.look}")
        if self.look is Look.WINDOW and self.window is None:
            raise OptionsError("--look window needs --window CENTER,WIDTH")

    @property
    def _implied_looks(self) -> list[Look]:
        """The looks whose parameters are given."""
        parameters = ((Look.WINDOW, self.window), (Look.STRETCH, self.stretch), (Look.CLAHE, self.clahe))
        return [look for look, parameter in parameters if parameter is not None]

    @property
    def effective_look(self) -> Look:
        """The look of `--look`, or the look that `--window`, `--stretch` or `--clahe` implies."""
        if self.window is None and self.stretch is None and self.clahe is None:
            return self.look or Look.VIEWER
        return self._implied_looks[0]

    @property
    def percentiles(self) -> Stretch:
        """The percentiles of the look `stretch`."""
        return self.stretch or Stretch()

    def effective_values(self) -> dict[str, str | None]:
        """The look and its parameters as if all were given: a default that is written out equals one that is not."""
        look = self.effective_look
        return {
            "look": look.value,
            "stretch": str(self.percentiles) if look is Look.STRETCH else None,
            "clahe": str(self.clahe or Clahe()) if look is Look.CLAHE else None,
        }


LOOK_OPTIONS = tuple(field.name for field in fields(RenderOptions) if field.name in ("look", *Look))
"""The options that select a look: if a stronger source gives one of them, those of weaker sources do not count."""
