# SPDX-License-Identifier: MIT
"""Decode the files of a folder in one process, for `trials.native_decoders`; write the name of each file to stderr.

    python -m trials.fuzz.decode_inputs FOLDER

The checks of plainfilm run first, as in a conversion, so that a fault in a native decoder is one that they let through.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from plainfilm.decode.frame import decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError


def decode(content: bytes) -> None:
    """Decode the first frame of a file; what is refused is refused."""
    with suppress(ConversionError):
        instance = read_instance(content, max_pixels=1 << 20)
        table = locate_frames(instance.pixel, instance.data)
        decode_frame(instance.pixel, instance.data, table, 0)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).iterdir()):
        # before the next message of valgrind, which writes to the same descriptor
        os.write(2, f"input {path.name}\n".encode())
        decode(path.read_bytes())
