# SPDX-License-Identifier: MIT
"""Encoded frames in, cells out: one named decoder a transfer syntax, each codestream checked before and after."""

from plainfilm.decode.decoded import Decoded
from plainfilm.decode.decoding import decode_frame, decode_reduced
from plainfilm.decode.table import CodecStatus, codec_status

__all__ = ["CodecStatus", "Decoded", "codec_status", "decode_frame", "decode_reduced"]
