# SPDX-License-Identifier: MIT
"""The second row decodes only what the first calls corrupt, and the result of every decoder is checked."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.codestreams import describe_image

from plainfilm.decode.codecs import Codec
from plainfilm.decode.frame import decode_with_codecs
from plainfilm.dicom.frames import FrameBytes
from plainfilm.errors import DecodeError, Reason, TruncatedError
from plainfilm.findings import FindingCode

NATIVE = Codec("native", "numpy", "numpy", "native:decode_native")
DEFLATE = Codec("deflate", "numpy", "numpy", "native:decode_deflated")
MISSING = Codec("other", "no-such-package", "no_such_module", "native:decode_native")
CELLS = b"\xff" * 6


def test_the_second_row_decodes_what_the_first_calls_corrupt_and_adds_a_finding() -> None:
    pixel = describe_image(np.zeros((2, 3), np.uint8), 8)
    decoded = decode_with_codecs((DEFLATE, NATIVE), pixel, FrameBytes(CELLS))
    assert decoded.samples.tolist() == [[255] * 3] * 2
    assert decoded.decoder.startswith("native numpy-")
    (finding,) = decoded.findings
    assert finding.code is FindingCode.SECOND_DECODER
    assert "the deflated frame is damaged" in finding.detail


def test_a_truncated_codestream_is_not_given_to_the_second_row() -> None:
    pixel = describe_image(np.zeros((2, 3), np.uint8), 8)
    with pytest.raises(TruncatedError):
        decode_with_codecs((NATIVE, NATIVE), pixel, FrameBytes(CELLS[:-1]))


@pytest.mark.parametrize("second", [DEFLATE, MISSING])
def test_the_error_of_the_first_row_is_raised_if_the_second_row_fails_too(second: Codec) -> None:
    pixel = describe_image(np.zeros((2, 3), np.uint8), 8)
    with pytest.raises(DecodeError, match="the deflated frame is damaged") as caught:
        decode_with_codecs((DEFLATE, second), pixel, FrameBytes(CELLS))
    assert caught.value.reason is Reason.CORRUPT_CODESTREAM


def test_a_row_decodes_only_codestreams_that_it_accepts() -> None:
    pixel = describe_image(np.zeros((2, 3), np.uint8), 8)
    never = Codec("deflate", "numpy", "numpy", "native:decode_deflated", accepts=lambda _codestream: False)
    decoded = decode_with_codecs((never, NATIVE), pixel, FrameBytes(CELLS))
    assert decoded.findings == ()
