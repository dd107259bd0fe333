# SPDX-License-Identifier: MIT
"""The options of the grayscale and colour pipeline: look, window, VOI, polarity, depth."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import (
    option,
    optional,
    parse_count,
    parse_flag,
    parse_member,
    parse_number,
    split_parts,
    words,
)

# the options of which each names a look
LOOK_OPTIONS = ("look", "window", "stretch", "clahe")


class Look(StrEnum):
    """The named looks; `VERSIONS` holds the version of each."""

    VIEWER = "viewer"
    STRETCH = "stretch"
    WINDOW = "window"
    MINMAX = "minmax"
    EQUALIZE = "equalize"
    CLAHE = "clahe"
    STORED = "stored"


class VoiFunction(StrEnum):
    """VOI LUT Function (PS3.3 C.11.2.1.3), spelled as the standard's rendered resources do (PS3.18 8.3.5.1.4)."""

    LINEAR = "linear"
    LINEAR_EXACT = "linear-exact"
    SIGMOID = "sigmoid"

    @property
    def dicom(self) -> str:
        """The value of VOI LUT Function."""
        return self.value.upper().replace("-", "_")


class Polarity(StrEnum):
    """What grey images are taken for."""

    AUTO = "auto"
    MONOCHROME1 = "monochrome1"
    MONOCHROME2 = "monochrome2"


class Icc(StrEnum):
    """What becomes of the ICC Profile of a colour image."""

    EMBED = "embed"
    SRGB = "srgb"
    DROP = "drop"


class VoiKind(StrEnum):
    """By what a VOI of the file is chosen."""

    AUTO = "auto"
    NONE = "none"
    LUT = "lut"
    WINDOW = "window"
    EXPLANATION = "explanation"


@dataclass(frozen=True, slots=True)
class UserWindow:
    """A window center and width given by the user, on the modality output."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width)):
            raise OptionsError("--window: center and width must be finite numbers")
        least = 1.0 if self.function is VoiFunction.LINEAR else 0.0
        if self.width < least or self.width <= 0:
            wanted = "1 or more" if least else "more than 0"
            raise OptionsError(f"--window: a {self.function} window is {wanted} wide, not {self.width:g}")

    def __str__(self) -> str:
        tail = "" if self.function is VoiFunction.LINEAR else f",{self.function}"
        return f"{self.center!r},{self.width!r}{tail}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The percentiles of the look `stretch`, and whether the smallest and largest values count too."""

    low: float = 0.1
    high: float = 99.9
    all_values: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise OptionsError(f"--stretch: percentiles must be 0 <= LOW < HIGH <= 100, not {self.low:g},{self.high:g}")

    def __str__(self) -> str:
        return f"{self.low!r},{self.high!r}{',all' if self.all_values else ''}"


@dataclass(frozen=True, slots=True)
class Clahe:
    """The look `clahe`: how steep it may get, in multiples of an even histogram, and the tiles along each side."""

    clip: float = 2.0
    tiles: int = 8

    def __post_init__(self) -> None:
        # beyond these there is nothing left to gain: a tile's own table takes up to 128 KiB
        if not (0 < self.clip <= 100 and 1 <= self.tiles <= 32):
            raise OptionsError(f"--clahe: 0 < CLIP <= 100 and TILES from 1 to 32, not {self.clip:g},{self.tiles}")

    def __str__(self) -> str:
        return f"{self.clip!r},{self.tiles}"


@dataclass(frozen=True, slots=True)
class VoiChoice:
    """Which VOI of the file exists for this run."""

    kind: VoiKind = VoiKind.AUTO
    index: int | None = None
    text: str = ""

    def __str__(self) -> str:
        if self.kind is VoiKind.EXPLANATION:
            return self.text
        return self.kind.value if self.index is None else f"{self.kind}:{self.index}"


def parse_window(value: object) -> UserWindow:
    """`C,W[,linear|linear-exact|sigmoid]`, or a pair or triple."""
    if isinstance(value, UserWindow):
        return value
    parts = split_parts(value)
    if len(parts) not in (2, 3):
        raise OptionsError(f"--window: CENTER,WIDTH[,linear|linear-exact|sigmoid], not {value!r}")
    function = (
        parse_member(VoiFunction, "window")(parts[2].replace("_", "-")) if len(parts) == 3 else VoiFunction.LINEAR
    )
    return UserWindow(parse_number("window", parts[0]), parse_number("window", parts[1]), function)


def parse_stretch(value: object) -> Stretch:
    """`LOW,HIGH[,all]`, or a pair or triple."""
    if isinstance(value, Stretch):
        return value
    parts = split_parts(value)
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2].lower() != "all"):
        raise OptionsError(f"--stretch: LOW,HIGH[,all], not {value!r}")
    return Stretch(parse_number("stretch", parts[0]), parse_number("stretch", parts[1]), len(parts) == 3)


def parse_clahe(value: object) -> Clahe:
    """`CLIP,TILES`, or a pair."""
    if isinstance(value, Clahe):
        return value
    parts = split_parts(value)
    if len(parts) != 2:
        raise OptionsError(f"--clahe: CLIP,TILES, not {value!r}")
    return Clahe(parse_number("clahe", parts[0]), parse_count("clahe")(parts[1]))


def parse_voi(value: object) -> VoiChoice:
    """`auto`, `none`, `lut[:N]`, `window[:N]`, or the Explanation of one."""
    if isinstance(value, VoiChoice):
        return value
    text = str(value).strip()
    if text.lower() in ("auto", "none"):
        return VoiChoice(VoiKind(text.lower()))
    if match := re.fullmatch(r"(lut|window)(?::(\d+))?", text, re.IGNORECASE):
        return VoiChoice(VoiKind(match[1].lower()), int(match[2]) if match[2] else None)
    if not text:
        raise OptionsError("--voi: auto, none, lut[:N], window[:N] or an Explanation, not an empty text")
    return VoiChoice(VoiKind.EXPLANATION, text=text)


def parse_bits(value: object) -> int:
    """8 or 16."""
    if str(value) not in ("8", "16"):
        raise OptionsError(f"--bits: 8 or 16, not {value!r}")
    return int(str(value))


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
