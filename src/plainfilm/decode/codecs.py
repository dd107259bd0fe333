# SPDX-License-Identifier: MIT
"""Transfer syntax -> the codec rows that decode it, in order of preference, and what each installation lacks.

Exactly one row decodes a codestream. A second one, as strict as the first, may serve one that is complete and that the
first refuses.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from plainfilm.decode.codestream import is_shallow_dct
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.dicom.transfer_syntax import transfer_syntax_name
from plainfilm.errors import Reason, Stage, UnsupportedError

Decode = Callable[[ImagePixel, FrameBytes], DecodedFrame]
Reduce = Callable[[ImagePixel, FrameBytes, tuple[int, int]], DecodedFrame | None]


def _every(_frame: FrameBytes) -> bool:
    return True


def _shallow_dct(frame: FrameBytes) -> bool:
    return is_shallow_dct(frame.data)


def _no_shallow_dct(frame: FrameBytes) -> bool:
    return not is_shallow_dct(frame.data)


@dataclass(frozen=True, slots=True)
class CodecRow:
    """One decoder: its name, the package and the module it comes from, and which of a syntax's codestreams it serves.

    function: `module:function` within plainfilm.decode, imported only when the row is used. part: the name under which
    imagecodecs says whether it was built with the codec. cut: the function for a frame that is cut short, '' where the
    library gives nothing of one. second: the function of --verify, '' where there is nothing to decode. reduced: that
    of --decode reduced, '' where there is only the whole frame.
    """

    name: str
    package: str
    module: str
    function: str
    part: str = ""
    accepts: Callable[[FrameBytes], bool] = _every
    cut: str = ""
    second: str = ""
    reduced: str = ""

    @property
    def missing(self) -> str:
        """Why the row cannot be used and what to do about it, or '' where it can."""
        if find_spec(self.module) is None:
            return f"the package {self.package} is not installed (pip install {self.package})"
        if self.part and not getattr(importlib.import_module(self.module), self.part).available:
            return f"{self.package} was built without {self.part} (pip install {self.package} brings it)"
        return ""

    @property
    def decoder(self) -> str:
        """The row's name with its package's version, as the tables have it."""
        return f"{self.name} {self.package}-{_version_of(self.package)}"

    @staticmethod
    def load(function_of_module: str) -> Decode:
        """One of the row's functions, `module:function`, but for `reduced`."""
        loaded: Decode = _loaded(function_of_module)
        return loaded

    def load_reduced(self) -> Reduce:
        """The function `reduced`."""
        loaded: Reduce = _loaded(self.reduced)
        return loaded


@dataclass(frozen=True, slots=True)
class CodecStatus:
    """One line of `plainfilm codecs`: a transfer syntax, a row that serves it, and what is missing and why."""

    transfer_syntax: str
    name: str
    kind: str
    row: str
    available: bool
    version: str
    missing: str


_NATIVE = CodecRow("native", "numpy", "numpy", "native:decode_native", cut="truncated_native:decode_cut_native")
_DEFLATED_FRAME = CodecRow(
    "deflate",
    "numpy",
    "numpy",
    "native:decode_deflated",
    cut="truncated_native:decode_cut_deflated",
    second="verify:second_deflated",
)
_RLE = CodecRow(
    "rle", "pylibjpeg-rle", "rle", "rle:decode_rle", cut="truncated_native:decode_cut_rle", second="verify:second_rle"
)
_JPEG = (
    CodecRow(
        "jpeg-8bit",
        "simplejpeg",
        "simplejpeg",
        "jpeg:decode_jpeg",
        accepts=_shallow_dct,
        cut="truncated_jpeg:decode_cut_jpeg",
        reduced="reduced:reduced_jpeg",
    ),
    CodecRow(
        "jpeg-deep",
        "imagecodecs",
        "imagecodecs",
        "jpeg:decode_jpeg_deep",
        "JPEG8",
        _no_shallow_dct,
        "truncated_jpeg:decode_cut_jpeg_deep",
        "verify:second_jpeg",
    ),
)
_JPEG_LS = CodecRow(
    "jpeg-ls",
    "imagecodecs",
    "imagecodecs",
    "jpeg:decode_jpegls",
    "JPEGLS",
    cut="truncated_jpeg:decode_cut_jpegls",
    second="verify:second_jpegls",
)
_JPEG_2000 = (
    CodecRow(
        "jpeg-2000",
        "pylibjpeg-openjpeg",
        "openjpeg",
        "jpeg2000:decode_openjpeg",
        second="verify:second_jpeg2000",
        reduced="reduced:reduced_jpeg2000",
    ),
    CodecRow("jpeg-2000-second", "imagecodecs", "imagecodecs", "jpeg2000:decode_imagecodecs", "JPEG2K"),
)
_JPEG_XL = CodecRow(
    "jpeg-xl", "imagecodecs", "imagecodecs", "jpegxl:decode_jpegxl", "JPEGXL", second="verify:second_jpegxl"
)

_ROOT = "1.2.840.10008.1.2"
_ROWS: dict[str, tuple[CodecRow, ...]] = {
    _ROOT: (_NATIVE,),
    f"{_ROOT}.1": (_NATIVE,),
    f"{_ROOT}.2": (_NATIVE,),
    f"{_ROOT}.1.98": (_NATIVE,),
    f"{_ROOT}.1.99": (_NATIVE,),
    f"{_ROOT}.8.1": (_DEFLATED_FRAME,),
    f"{_ROOT}.5": (_RLE,),
    **{f"{_ROOT}.4.{process}": _JPEG for process in (50, 51, 53, 55, 57, 70)},
    **{f"{_ROOT}.4.{number}": (_JPEG_LS,) for number in (80, 81)},
    **{f"{_ROOT}.4.{number}": (_JPEG_XL,) for number in (110, 111, 112)},
    **{f"{_ROOT}.4.{number}": _JPEG_2000 for number in (90, 91, 92, 93, 201, 202, 203)},
}
_VIDEO = (100, 101, 102, 103, 104, 105, 106, 107, 108)
_NOT_DECODED: dict[str, str] = {
    **{f"{_ROOT}.4.{process}": "arithmetic coding is not decoded" for process in (52, 54, 56, 58)},
    **{f"{_ROOT}.4.{process}": "hierarchical JPEG is not decoded" for process in range(59, 67)},
    **{f"{_ROOT}.4.{number}": "the pixels are not in the file" for number in (94, 95, 204, 205)},
    **{f"{_ROOT}.7.{part}": "a stream of video or sound, which is not in the file" for part in (1, 2, 3)},
    **{f"{_ROOT}.6.{part}": "no encoding of images" for part in (1, 2)},
    **{f"{_ROOT}.4.{number}{part}": "video is not decoded" for number in _VIDEO for part in ("", ".1")},
}


def rows_of(transfer_syntax: str) -> tuple[CodecRow, ...]:
    """The rows of a transfer syntax. Raises UnsupportedError (unsupported_transfer_syntax) where there is none."""
    rows = _ROWS.get(transfer_syntax)
    if rows is not None:
        return rows
    name = transfer_syntax_name(transfer_syntax) or "unknown"
    why = _NOT_DECODED.get(transfer_syntax, "no decoder is known for it")
    message = f"transfer syntax {transfer_syntax} ({name}): {why}"
    raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE)


def codec_status() -> tuple[CodecStatus, ...]:
    """What this installation decodes, a line for each transfer syntax and row, and what it does not, and why."""
    served = [
        CodecStatus(
            syntax,
            transfer_syntax_name(syntax),
            "decode",
            row.name,
            not row.missing,
            "" if row.missing else f"{row.package} {_version_of(row.package)}",
            row.missing,
        )
        for syntax, rows in _ROWS.items()
        for row in rows
    ]
    unserved = [
        CodecStatus(syntax, transfer_syntax_name(syntax), "decode", "", False, "", why)
        for syntax, why in _NOT_DECODED.items()
        if transfer_syntax_name(syntax)
    ]
    return (*served, *unserved)


def _loaded(function_of_module: str) -> Any:
    module, function = function_of_module.split(":")
    return getattr(importlib.import_module(f"plainfilm.decode.{module}"), function)


@cache
def _version_of(package: str) -> str:
    return version(package)
