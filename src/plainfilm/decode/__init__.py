# SPDX-License-Identifier: MIT
"""Encoded frames in, cells out: one named decoder a transfer syntax, each codestream checked before and after."""

from plainfilm.decode.codecs import CodecStatus, codec_status
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.frame import decode_frame, decode_reduced

__all__ = ["CodecStatus", "DecodedFrame", "codec_status", "decode_frame", "decode_reduced"]
