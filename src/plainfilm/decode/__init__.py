# SPDX-License-Identifier: MIT
"""Decode the bytes of one frame into samples: a table names the codec of each transfer syntax."""

from plainfilm.decode.codecs import CodecStatus, codec_status
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.frame import decode_frame, decode_reduced

__all__ = ["CodecStatus", "DecodedFrame", "codec_status", "decode_frame", "decode_reduced"]
