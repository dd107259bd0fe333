# SPDX-License-Identifier: MIT
"""Decode damaged codestreams that pass the checks of plainfilm under valgrind, and report each invalid memory access.

    python -m trials.native_decoders [--short]

The inputs are small files in JPEG, JPEG-LS, JPEG 2000 and HTJ2K whose marker segments (SIZ, COD, QCD, SOT, POC, PPM,
PLT; SOF, DHT, DRI, SOS; LSE), tile-parts, packets and scans are false, or that are spliced from two files. Only those
count that the checks of plainfilm let through to a native decoder. An invalid read or write inside a decoder, or a
decision there that depends on memory that nothing has written, is a fault: it needs a guard in front of the decoder and
a row in tests/decode/test_bundled_libraries.py. The trial needs valgrind (Debian package valgrind).
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from plainfilm.decode.codestream import check_size, read_jpeg
from plainfilm.decode.jpeg import checked_header
from plainfilm.decode.jpeg2000 import checked_codestream
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError
from trials.codestream_damages import (
    CODESTREAM_DAMAGES,
    codestream_of,
    codestreams_spliced,
    with_codestream,
)
from trials.harness import SkippedError, Trial, run_trial
from trials.samples import sample_files

SEED = 5
INPUTS, INPUTS_SHORT = 500, 40
_ATTEMPTS = 200
_FAMILIES = ("jpeg", "htj2k")
_VALGRIND = ("--quiet", "--leak-check=no", "--error-limit=no", "--num-callers=16", "--log-fd=2")
# the heads of messages about invalid accesses, and about decisions on memory that was never written
_ERROR = re.compile(
    r"==\d+== (Invalid (?:read|write)[^\n]*|Conditional jump[^\n]*|Use of uninit[^\n]*|Process terminating[^\n]*)"
)
_DECODERS = re.compile(r"openjp2|_openjpeg|libjpeg|_jpeg|charls|openjph|opj_|jpeg_|tj[A-Z]")


def originals() -> dict[str, bytes]:
    """Return the sample files whose codestreams native decoders read, by name."""
    files = sample_files()
    return {name: content for name, content in files.items() if name.startswith(_FAMILIES) and name != "jpeg-xl"}


def inputs(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of damaged files that pass the checks in front of the decoders."""
    files, generator = originals(), random.Random(SEED)
    names = sorted(name for name in files if "xl" not in name)
    number = 0
    for _ in range(count * _ATTEMPTS):
        name, other = generator.choice(names), generator.choice(names)
        content = _damaged(files, name, other, generator)
        if content not in files.values() and reaches_decoder(content):
            yield f"{number:05}-{name}", content
            number += 1
        if number == count:
            return


def _damaged(files: Mapping[str, bytes], name: str, other: str, generator: random.Random) -> bytes:
    damage = generator.choice((*CODESTREAM_DAMAGES, None))
    if damage is None:
        return codestreams_spliced(files[name], files[other], generator)
    return with_codestream(files[name], damage(codestream_of(files[name]), generator))


def reaches_decoder(content: bytes) -> bool:
    """Whether the checks of plainfilm, which are written in Python, let a codestream through to a native decoder."""
    try:
        pixel, frame = read_instance(content, max_pixels=1 << 20).pixel, FrameBytes(codestream_of(content))
        if frame.data.startswith(b"\xff\x4f"):
            checked_codestream(pixel, frame, accepts_exchanged_sides=True)
        elif b"\xff\xf7" in frame.data[:64]:
            check_size(read_jpeg(frame.data).size, pixel, accepts_exchanged_sides=True)
        else:
            checked_header(pixel, frame, accepts_exchanged_sides=True)
    except ConversionError:
        return False
    return True


def errors_by_input(log: str) -> Iterator[tuple[str, str]]:
    """Yield the input and the first line of each message of valgrind whose stack has a decoder in it."""
    for part in log.split("input ")[1:]:
        name = part.split("\n", 1)[0]
        for block in re.split(r"\n==\d+== *\n", part):
            error = _ERROR.search(block)
            if error is not None and _DECODERS.search(block):
                yield name, f"{error[1]}: {_function_of(block)}"


def _function_of(block: str) -> str:
    """Return the innermost function that valgrind names, or the object file that holds it."""
    frame = re.search(r"(?:at|by) 0x[0-9A-F]+: (\S+)(?: \((?:in )?(\S+?)\))?", block)
    return "" if frame is None else f"{frame[1]} {Path(frame[2] or '').name}".strip()


def run(trial: Trial) -> None:
    """Write the inputs, decode them under valgrind, and report the messages."""
    if shutil.which("valgrind") is None:
        raise SkippedError("valgrind is not installed (Debian package valgrind)")
    folder = trial.folder / "inputs"
    folder.mkdir()
    kinds: Counter[str] = Counter()
    for name, content in inputs(INPUTS_SHORT if trial.short else INPUTS):
        (folder / name).write_bytes(content)
        kinds[name.split("-", 1)[1]] += 1
    trial.report(f"{kinds.total()} inputs that pass the checks: {dict(sorted(kinds.items()))}")
    command = ["valgrind", *_VALGRIND, sys.executable, "-m", "trials.fuzz.decode_inputs", str(folder)]
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    finished = ended.stderr.count("input ")
    trial.report(f"exit code {ended.returncode}, {finished} inputs were begun")
    trial.expect(
        ended.returncode == 0 and finished == kinds.total(), f"the decoders ended early: {ended.stderr[-2000:]}"
    )
    errors = list(errors_by_input(ended.stderr))
    for message, count in Counter(message for _, message in errors).most_common():
        names = [name for name, other in errors if other == message]
        trial.expect(False, f"{count} x {message}, first in {names[0]}")


if __name__ == "__main__":
    run_trial(__doc__, run)
