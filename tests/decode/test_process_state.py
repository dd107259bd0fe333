# SPDX-License-Identifier: MIT
"""A process in which OpenJPEG refused a codestream is suspect; one that was refused before OpenJPEG saw it is not."""

from __future__ import annotations

from contextlib import suppress

import imagecodecs
import pytest
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.decode import process_state
from plainfilm.errors import ConversionError

JPEG_2000 = "1.2.840.10008.1.2.4.90"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_state, "_refusals", [])


def test_a_refusal_of_openjpeg_makes_the_process_suspect() -> None:
    image = synthetic_image((64, 64), 12)
    codestream = bytearray(imagecodecs.jpeg2k_encode(image, codecformat="j2k", reversible=True))
    decode_codestream(describe_image(image, 12), bytes(codestream), JPEG_2000)
    assert not process_state.is_memory_suspect()
    # a code-block width that COD cannot declare: only the decoder reads it
    codestream[codestream.index(b"\xff\x52") + 10] = 20
    with suppress(ConversionError):
        decode_codestream(describe_image(image, 12), bytes(codestream), JPEG_2000)
    assert process_state.is_memory_suspect()


@pytest.mark.parametrize("damage", ["cut", "tile", "size"])
def test_what_is_refused_before_openjpeg_sees_it_leaves_the_process_as_it_is(damage: str) -> None:
    image = synthetic_image((64, 64), 12)
    codestream = bytearray(imagecodecs.jpeg2k_encode(image, codecformat="j2k", reversible=True))
    if damage == "cut":
        del codestream[-40:]
    elif damage == "tile":
        codestream[codestream.index(b"\xff\x90") + 5] = 7
    else:
        codestream[11] = 63
    with pytest.raises(ConversionError):
        decode_codestream(describe_image(image, 12), bytes(codestream), JPEG_2000)
    assert not process_state.is_memory_suspect()
