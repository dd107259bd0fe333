# SPDX-License-Identifier: MIT
"""The values that options take: text or numbers in, checked frozen values out; `str()` writes each as it was given."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from plainfilm.errors import OptionsError

E = TypeVar("E", bound=StrEnum)


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


class Pixels(StrEnum):
    """Whether pixels that are not square are made so."""

    SQUARE = "square"
    STORED = "stored"


class Icc(StrEnum):
    """What becomes of the ICC Profile of a colour image."""

    EMBED = "embed"
    SRGB = "srgb"
    DROP = "drop"


class Names(StrEnum):
    """How output files are named."""

    KEEP = "keep"
    UID = "uid"
    HASH = "hash"


class Progress(StrEnum):
    """How the run shows where it is."""

    AUTO = "auto"
    NONE = "none"
    JSON = "json"


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


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """Which frames of a multi-frame instance: all, first, middle, or the number of one from 1."""

    which: str = "all"

    def __post_init__(self) -> None:
        if self.which not in ("all", "first", "middle") and not (self.which.isdecimal() and int(self.which) >= 1):
            raise OptionsError(f"--frames: all, first, middle or a number from 1, not {self.which!r}")

    def select(self, number_of_frames: int) -> range:
        """The chosen frames, counted from 0; empty when the instance has no such frame."""
        if self.which == "all":
            return range(number_of_frames)
        index = {"first": 0, "middle": number_of_frames // 2}.get(self.which)
        index = int(self.which) - 1 if index is None else index
        return range(index, index + 1) if index < number_of_frames else range(0)

    def __str__(self) -> str:
        return self.which


def parse_window(value: object) -> UserWindow:
    """`C,W[,linear|linear-exact|sigmoid]`, or a pair or triple."""
    if isinstance(value, UserWindow):
        return value
    parts = _parts(value)
    if len(parts) not in (2, 3):
        raise OptionsError(f"--window: CENTER,WIDTH[,linear|linear-exact|sigmoid], not {value!r}")
    function = (
        parse_member(VoiFunction, "window")(parts[2].replace("_", "-")) if len(parts) == 3 else VoiFunction.LINEAR
    )
    return UserWindow(_number("window", parts[0]), _number("window", parts[1]), function)


def parse_stretch(value: object) -> Stretch:
    """`LOW,HIGH[,all]`, or a pair or triple."""
    if isinstance(value, Stretch):
        return value
    parts = _parts(value)
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2].lower() != "all"):
        raise OptionsError(f"--stretch: LOW,HIGH[,all], not {value!r}")
    return Stretch(_number("stretch", parts[0]), _number("stretch", parts[1]), len(parts) == 3)


def parse_clahe(value: object) -> Clahe:
    """`CLIP,TILES`, or a pair."""
    if isinstance(value, Clahe):
        return value
    parts = _parts(value)
    if len(parts) != 2:
        raise OptionsError(f"--clahe: CLIP,TILES, not {value!r}")
    return Clahe(_number("clahe", parts[0]), parse_count("clahe")(parts[1]))


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


def parse_size(value: object) -> int:
    """Bytes: a number, with K, M, G or T and an optional B or iB; powers of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", str(value).strip(), re.IGNORECASE)
    if match is None:
        raise OptionsError(f"--memory: a size such as 4GiB, not {value!r}")
    size = float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")
    if not 1 <= size < math.inf:
        raise OptionsError(f"--memory: a size of 1 byte or more, not {value!r}")
    return int(size)


def parse_count(name: str) -> Callable[[object], int]:
    """A parser of whole numbers from 1, also written as 5e8."""

    def parse(value: object) -> int:
        number = _number(name, value)
        if not 1 <= number < math.inf or number != int(number):
            raise OptionsError(f"--{name}: a whole number from 1, not {value!r}")
        return int(number)

    return parse


def parse_seconds(value: object) -> float:
    """Seconds above 0, with an optional s."""
    seconds = _number("timeout", str(value).strip().removesuffix("s"))
    if seconds <= 0 or not math.isfinite(seconds):
        raise OptionsError(f"--timeout: seconds above 0, not {value!r}")
    return seconds


def parse_bits(value: object) -> int:
    """8 or 16."""
    if str(value) not in ("8", "16"):
        raise OptionsError(f"--bits: 8 or 16, not {value!r}")
    return int(str(value))


def parse_flag(value: object) -> bool:
    """True or False; in text: 1, true, yes, on and their opposites."""
    if isinstance(value, bool):
        return value
    word, yes, no = str(value).lower(), ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
    if word not in (*yes, *no):
        raise OptionsError(f"a switch is true or false, not {value!r}")
    return word in yes


def parse_member(kind: type[E], name: str) -> Callable[[object], E]:
    """A parser of one of an enumeration's words, in any case."""

    def parse(value: object) -> E:
        word = str(value).strip().lower()
        if word not in [member.value for member in kind]:
            raise OptionsError(f"--{name}: one of {', '.join(member.value for member in kind)}, not {value!r}")
        return kind(word)

    return parse


def _parts(value: object) -> list[str]:
    if isinstance(value, (tuple, list)):
        return [str(part) for part in value]
    return [part.strip() for part in str(value).split(",")]


def _number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise OptionsError(f"--{name}: {value!r} is not a number") from None
