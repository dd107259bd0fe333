# SPDX-License-Identifier: MIT
"""The options of encoding: the format of the image files, and the quality of lossy formats."""

from __future__ import annotations

from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import Scope, ValueType, option
from plainfilm.options.value_types import SWITCH, members, parse_count
from plainfilm.pickling import dataclass


class ImageFormat(StrEnum):
    """A format of image files."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    TIFF = "tiff"
    JXL = "jxl"
    NPY = "npy"

    @property
    def suffix(self) -> str:
        """The suffix of the files."""
        return ".jpg" if self is ImageFormat.JPEG else ".tif" if self is ImageFormat.TIFF else f".{self}"

    @property
    def bits(self) -> tuple[int, ...]:
        """The depths that the format holds."""
        return (8,) if self in (ImageFormat.JPEG, ImageFormat.WEBP) else (8, 16)

    @property
    def is_common(self) -> bool:
        """Whether the usual loaders of image folders list files of this format."""
        return self not in (ImageFormat.JXL, ImageFormat.NPY)

    @property
    def holds_profile(self) -> bool:
        """Whether an ICC profile is embedded into files of this format."""
        return self.is_common


LOSSY_FORMATS = (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.JXL)
"""The formats that have a quality."""

_FORMATS = {suffix: item for item in ImageFormat for suffix in (item.suffix, f".{item}")}


def format_of_suffix(suffix: str) -> ImageFormat | None:
    """The format of files with this suffix, such as `.jpg` or `.jpeg`, in any case; None if it is unknown."""
    return _FORMATS.get(suffix.lower())


def parse_quality(value: object) -> int:
    """A whole number from 1 to 100. Raises OptionsError."""
    quality = parse_count(value)
    if quality > 100:
        raise OptionsError(f"a whole number from 1 to 100, not {value!r}")
    return quality


_QUALITY = ValueType(parse_quality, "1..100", "int")


@dataclass(frozen=True, slots=True)
class EncodingOptions:
    """How images are encoded."""

    format: ImageFormat = option(
        ImageFormat.PNG,
        members(ImageFormat),
        "the format of the image files; jpeg and webp hold 8 bits",
        scope=Scope.RUN,
    )
    quality: int = option(90, _QUALITY, "the quality of jpeg, webp and jxl", scope=Scope.RUN)
    lossless: bool = option(False, SWITCH, "encode webp and jxl without loss", scope=Scope.RUN)

    def __post_init__(self) -> None:
        if self.lossless and self.format is ImageFormat.JPEG:
            raise OptionsError("--lossless contradicts --format jpeg, which always loses detail: take png, webp or jxl")
