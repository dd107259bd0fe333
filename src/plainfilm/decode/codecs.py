# SPDX-License-Identifier: MIT
"""The table of codecs: for each transfer syntax the codecs that decode it, in order of preference.

Exactly one codec decodes a codestream. The second codec of a transfer syntax is used only for a complete codestream
that the first codec calls corrupt; it checks codestreams as strictly as the first codec.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from plainfilm.decode.codestream import is_8bit_dct, is_lossless_jpeg
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.dicom.transfer_syntax import transfer_syntax_name
from plainfilm.errors import Reason, Stage, UnsupportedError
from plainfilm.kernels import HAS_CORE
from plainfilm.pickling import dataclass
from plainfilm.version import VERSION

Decode = Callable[[ImagePixel, FrameBytes], DecodedFrame]
DecodeReduced = Callable[[ImagePixel, FrameBytes, tuple[int, int]], DecodedFrame | None]


def _is_any(_frame: FrameBytes) -> bool:
    return True


def _is_8bit_dct(frame: FrameBytes) -> bool:
    return is_8bit_dct(frame.data)


def _is_compiled_lossless(frame: FrameBytes) -> bool:
    return HAS_CORE and is_lossless_jpeg(frame.data)


def _is_not_8bit_dct(frame: FrameBytes) -> bool:
    return not is_8bit_dct(frame.data)


@dataclass(frozen=True, slots=True)
class Codec:
    """One decoder: its name, the package and module that it needs, its functions, and the codestreams it accepts.

    The functions are written `module:function`, relative to plainfilm.decode, and are imported when they are used.

    decode_function: decodes a complete frame.
    codec_class: the class of imagecodecs that tells whether imagecodecs was built with this codec; '' for none.
    accepts: whether this codec decodes a given codestream of its transfer syntax.
    truncated_function: decodes a truncated frame; '' where the library returns no part of one.
    verify_function: decodes with a second library (--verify); '' for an encoding without a decoder to verify.
    reduced_function: decodes at a lower resolution (--decode reduced); '' where only the full resolution exists.
    """

    name: str
    package: str
    module: str
    decode_function: str
    codec_class: str = ""
    accepts: Callable[[FrameBytes], bool] = _is_any
    truncated_function: str = ""
    verify_function: str = ""
    reduced_function: str = ""

    @property
    def unmet_requirement(self) -> str:
        """Why the codec cannot be used and how to install what it needs; '' where it can be used."""
        if find_spec(self.module) is None and self.package == _OWN_PACKAGE:
            return "plainfilm was installed without its compiled module: install it where there is a C compiler"
        if find_spec(self.module) is None:
            return f"the package {self.package} is not installed (pip install {self.package})"
        if self.codec_class and not getattr(importlib.import_module(self.module), self.codec_class).available:
            return f"{self.package} was built without {self.codec_class} (pip install {self.package} brings it)"
        return ""

    @property
    def decoder(self) -> str:
        """The name of the codec with the version of its package, as the tables show it."""
        return f"{self.name} {self.package}-{_version_of(self.package)}"

    @staticmethod
    def load(function_path: str) -> Decode:
        """Import a `module:function` of the codec; `load_reduced` imports `reduced_function`."""
        decode: Decode = _load(function_path)
        return decode

    def load_reduced(self) -> DecodeReduced:
        """Import `reduced_function`."""
        decode: DecodeReduced = _load(self.reduced_function)
        return decode


@dataclass(frozen=True, slots=True)
class CodecStatus:
    """One line of `plainfilm codecs`: a transfer syntax and a codec that decodes it.

    row: name of the codec, '' where no codec decodes the transfer syntax. missing: why the codec or the transfer syntax
    cannot be decoded, '' where `available`.
    """

    transfer_syntax: str
    name: str
    kind: str
    row: str
    available: bool
    version: str
    missing: str


_OWN_PACKAGE = "plainfilm"
_NATIVE = Codec(
    "native",
    "numpy",
    "numpy",
    decode_function="native:decode_native",
    truncated_function="truncated_native:decode_truncated_native",
)
_DEFLATED_FRAME = Codec(
    "deflate",
    "numpy",
    "numpy",
    decode_function="native:decode_deflated",
    truncated_function="truncated_native:decode_truncated_deflated",
    verify_function="verify:decode_deflated_isal",
)
_RLE = Codec(
    "rle",
    "pylibjpeg-rle",
    "rle",
    decode_function="rle:decode_rle",
    truncated_function="truncated_native:decode_truncated_rle",
    verify_function="verify:decode_rle_packbits",
)
_JPEG = (
    Codec(
        "jpeg-8bit",
        "simplejpeg",
        "simplejpeg",
        decode_function="jpeg:decode_jpeg",
        accepts=_is_8bit_dct,
        truncated_function="truncated_jpeg:decode_truncated_jpeg",
        reduced_function="reduced:decode_reduced_jpeg",
    ),
    Codec(
        "jpeg-deep",
        "imagecodecs",
        "imagecodecs",
        decode_function="jpeg:decode_jpeg_deep",
        codec_class="JPEG8",
        accepts=_is_not_8bit_dct,
        truncated_function="truncated_jpeg:decode_truncated_jpeg_deep",
        verify_function="verify:decode_jpeg_lossless_jpegsof3",
    ),
)
# It declines every codestream that is not simply whole, which the others then judge.
_JPEG_LOSSLESS = (
    Codec(
        "jpeg-lossless",
        _OWN_PACKAGE,
        "plainfilm.kernels.core",
        decode_function="lossless:decode_jpeg_lossless",
        accepts=_is_compiled_lossless,
        verify_function="verify:decode_jpeg_lossless_libjpeg",
    ),
    *_JPEG,
)
_JPEG_LS = Codec(
    "jpeg-ls",
    "imagecodecs",
    "imagecodecs",
    decode_function="jpeg:decode_jpegls",
    codec_class="JPEGLS",
    truncated_function="truncated_jpeg:decode_truncated_jpegls",
    verify_function="verify:decode_jpegls",
)
_JPEG_2000 = (
    Codec(
        "jpeg-2000",
        "pylibjpeg-openjpeg",
        "openjpeg",
        decode_function="jpeg2000:decode_openjpeg",
        verify_function="verify:decode_jpeg2000_imagecodecs",
        reduced_function="reduced:decode_reduced_jpeg2000",
    ),
    Codec(
        "jpeg-2000-second",
        "imagecodecs",
        "imagecodecs",
        decode_function="jpeg2000:decode_imagecodecs",
        codec_class="JPEG2K",
        verify_function="verify:decode_jpeg2000_alone",
    ),
)
_JPEG_XL = Codec(
    "jpeg-xl",
    "imagecodecs",
    "imagecodecs",
    decode_function="jpegxl:decode_jpegxl",
    codec_class="JPEGXL",
    verify_function="verify:decode_jpegxl",
)

_ROOT = "1.2.840.10008.1.2"
_CODECS: dict[str, tuple[Codec, ...]] = {
    _ROOT: (_NATIVE,),
    f"{_ROOT}.1": (_NATIVE,),
    f"{_ROOT}.2": (_NATIVE,),
    f"{_ROOT}.1.98": (_NATIVE,),
    f"{_ROOT}.1.99": (_NATIVE,),
    f"{_ROOT}.8.1": (_DEFLATED_FRAME,),
    f"{_ROOT}.5": (_RLE,),
    **{f"{_ROOT}.4.{process}": _JPEG for process in (50, 51, 53, 55)},
    **{f"{_ROOT}.4.{process}": _JPEG_LOSSLESS for process in (57, 70)},
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


# The classes of imagecodecs that are used: those of the codecs, those of --verify, and that of ICC profiles.
_IMAGECODECS = ("JPEG8", "JPEGLS", "JPEG2K", "JPEGXL", "JPEGSOF3", "HTJ2K", "PACKBITS", "CMS")
_FUNCTION_MODULES = ("native", "rle", "jpeg", "lossless", "jpeg2000", "jpegxl", "truncated_native", "truncated_jpeg")


def preload_decoders() -> None:
    """Load every decoder library that is installed.

    A worker does so before its memory is limited: a library that cannot be loaded for want of memory looks like one
    that is not installed. A decoder that is absent is reported when an image needs it.
    """
    for module in _FUNCTION_MODULES:
        importlib.import_module(f"plainfilm.decode.{module}")
    for name in sorted({codec.module for codecs in _CODECS.values() for codec in codecs}):
        with suppress(ImportError):
            importlib.import_module("openjpeg.utils" if name == "openjpeg" else name)
    with suppress(ImportError):
        imagecodecs = importlib.import_module("imagecodecs")
        for name in _IMAGECODECS:
            _ = getattr(imagecodecs, name).available


def codecs_of(transfer_syntax: str) -> tuple[Codec, ...]:
    """Return the codecs of a transfer syntax, the preferred one first.

    Raises UnsupportedError (unsupported_transfer_syntax) where the transfer syntax has no codec.
    """
    codecs = _CODECS.get(transfer_syntax)
    if codecs is not None:
        return codecs
    name = transfer_syntax_name(transfer_syntax) or "unknown"
    explanation = _NOT_DECODED.get(transfer_syntax, "no decoder is known for it")
    message = f"transfer syntax {transfer_syntax} ({name}): {explanation}"
    raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE)


def codec_status() -> tuple[CodecStatus, ...]:
    """Return one status for each transfer syntax and codec of this installation, then those that are not decoded."""
    decoded = [_status_of(syntax, codec) for syntax, codecs in _CODECS.items() for codec in codecs]
    not_decoded = [
        CodecStatus(syntax, transfer_syntax_name(syntax), "decode", "", False, "", explanation)
        for syntax, explanation in _NOT_DECODED.items()
        if transfer_syntax_name(syntax)
    ]
    return (*decoded, *not_decoded)


def _status_of(transfer_syntax: str, codec: Codec) -> CodecStatus:
    requirement = codec.unmet_requirement
    return CodecStatus(
        transfer_syntax=transfer_syntax,
        name=transfer_syntax_name(transfer_syntax),
        kind="decode",
        row=codec.name,
        available=not requirement,
        version="" if requirement else f"{codec.package} {_version_of(codec.package)}",
        missing=requirement,
    )


def _load(function_path: str) -> Any:
    module, function = function_path.split(":")
    return getattr(_module_of(module), function)


@cache
def _module_of(name: str) -> ModuleType:
    return importlib.import_module(f"plainfilm.decode.{name}")


@cache
def _version_of(package: str) -> str:
    return VERSION if package == _OWN_PACKAGE else version(package)
