# SPDX-License-Identifier: MIT
"""Each codestream has one named decoder, a missing package is named with a remedy, and libraries load on first use."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from tests.support.codestreams import describe_image

from plainfilm.decode import codec_status
from plainfilm.decode.codecs import Codec, codecs_of
from plainfilm.decode.frame import decode_with_codecs
from plainfilm.dicom.frames import FrameBytes
from plainfilm.errors import Reason, UnsupportedError

ROOT = "1.2.840.10008.1.2"


@pytest.mark.parametrize(
    ("syntax", "said"),
    [
        (f"{ROOT}.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1.*video"),
        (f"{ROOT}.4.107", "HEVC.*video"),
        (f"{ROOT}.4.65", "Hierarchical.*hierarchical JPEG"),
        (f"{ROOT}.4.56", "Full Progression.*arithmetic"),
        (f"{ROOT}.4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo.*video"),
        (f"{ROOT}.7.1", "SMPTE ST 2110-20.*not in the file"),
        (f"{ROOT}.6.1", "RFC 2557.*no encoding of images"),
        (f"{ROOT}.4.205", "JPIP HTJ2K Referenced Deflate.*not in the file"),
        (f"{ROOT}.4.94", "JPIP Referenced.*not in the file"),
        ("1.2.3.4", r"1\.2\.3\.4 \(unknown\).*no decoder"),
        ("1.2.840.10008.1.2.4.999", "unknown"),
    ],
)
def test_a_transfer_syntax_without_a_decoder_is_named_with_the_reason(syntax: str, said: str) -> None:
    with pytest.raises(UnsupportedError, match=said) as caught:
        codecs_of(syntax)
    assert caught.value.reason is Reason.UNSUPPORTED_TRANSFER_SYNTAX
    assert syntax in caught.value.message


def test_every_row_of_this_installation_has_a_name_a_version_and_a_function() -> None:
    statuses = codec_status()
    served = [status for status in statuses if status.row]
    assert all(status.available and status.version and not status.missing for status in served)
    assert all(status.missing and not status.available for status in statuses if not status.row)
    assert all(status.name and status.kind == "decode" for status in statuses)
    assert {status.transfer_syntax for status in served} >= {
        *(f"{ROOT}{end}" for end in ("", ".1", ".2", ".1.98", ".1.99", ".5", ".8.1")),
        *(f"{ROOT}.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
    }
    assert all(
        callable(row.load(row.decode_function)) for status in served for row in codecs_of(status.transfer_syntax)
    )


def test_a_row_without_its_package_says_what_to_install() -> None:
    row = Codec("wavelet", "no-such-package", "no_such_module", "native:decode_native")
    assert row.unmet_requirement == "the package no-such-package is not installed (pip install no-such-package)"
    with pytest.raises(UnsupportedError, match=r"wavelet is needed: .*pip install no-such-package") as caught:
        decode_with_codecs((row,), describe_image(np.zeros((1, 1), np.uint8), 8), FrameBytes(b"\0"))
    assert caught.value.reason is Reason.UNSUPPORTED_TRANSFER_SYNTAX


def test_no_codec_library_is_loaded_with_the_package() -> None:
    libraries = ("imagecodecs", "simplejpeg", "openjpeg", "rle", "pydicom")
    script = f"import sys, plainfilm.decode\nprint([name for name in {libraries} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
