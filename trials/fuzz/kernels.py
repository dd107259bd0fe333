# SPDX-License-Identifier: MIT
"""Compile the loops over pixels with sanitizers, and run them on mutated inputs.

    python -m trials.fuzz.kernels [--rounds N] [--seed N]

It needs gcc or clang with the sanitizers for addresses and undefined behaviour. Each of their reports is a finding, and
the command then fails. The seeds are lossless scans with each predictor, with and without restart markers.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
KERNELS = ROOT / "src" / "plainfilm" / "kernels"
SOURCES = ("area.c", "deflate.c", "histogram.c", "lossless.c", "scanlines.c")
FLAGS = ("-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DNO_CLONES", "-pthread")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def compiler() -> str | None:
    """Return the C compiler; None without one."""
    return next(filter(None, map(shutil.which, ("clang", "gcc"))), None)


def build(program: Path) -> None:
    """Compile the functions and their driver. Raises CalledProcessError."""
    files = [KERNELS / name for name in SOURCES]
    command = [compiler() or "cc", *FLAGS, *SANITIZERS, f"-I{KERNELS}", Path(__file__).with_suffix(".c"), *files]
    subprocess.run([*command, "-o", program], check=True)


def seeds() -> Iterator[bytes]:
    """Yield lossless scans in the format of kernels.c."""
    noise = np.random.default_rng(1)
    for predictor in range(1, 8):
        for shape, bits in (((24, 31), 12), ((9, 10, 3), 8), ((16, 16), 16)):
            image = (noise.normal(0.5, 0.05, shape).clip(0, 1) * ((1 << bits) - 1)).astype("u1" if bits == 8 else "u2")
            codestream = imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=bits, predictor=predictor)
            yield seed_of(bytes(codestream), (*shape, 1)[:3], (bits, predictor), 0 if predictor % 2 else 8)


def seed_of(codestream: bytes, shape: tuple[int, ...], coding: tuple[int, int], restart_rows: int = 0) -> bytes:
    """Return the scan of a codestream in the format of kernels.c, with its first Huffman table for all components.

    coding: precision and predictor.
    """
    table = codestream.index(b"\xff\xc4") + 5
    counts = codestream[table : table + 16]
    categories = codestream[table + 16 : table + 16 + sum(counts)].ljust(17, b"\xff")
    scan = codestream.index(b"\xff\xda")
    start = scan + 2 + int.from_bytes(codestream[scan + 2 : scan + 4], "big")
    numbers = struct.pack("=7I", *shape, restart_rows, *coding, 0)
    return numbers + (counts + categories) * shape[2] + codestream[start:-2]


def run(rounds: int, seed: int) -> int:
    """Run the driver on every seed; return its exit code: not 0 for a finding."""
    with tempfile.TemporaryDirectory() as folder:
        program, file = Path(folder, "kernels"), Path(folder, "seed")
        build(program)
        for number, content in enumerate(seeds()):
            file.write_bytes(content)
            done = subprocess.run([program, file, str(rounds), str(seed + number)], check=False)
            if done.returncode:
                print(f"a finding with the scan {number} and the seed {seed + number}", file=sys.stderr)
                return 1
    return 0


def main() -> None:
    """Run until the rounds are over or a finding occurs."""
    parser = argparse.ArgumentParser(description="Run the compiled loops over pixels under sanitizers.")
    parser.add_argument("--rounds", type=int, default=2000, help="rounds for each of the 21 scans (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the mutations (default: 1)")
    arguments = parser.parse_args()
    if compiler() is None:
        parser.error("it needs clang or gcc")
    sys.exit(run(arguments.rounds, arguments.seed))


if __name__ == "__main__":
    main()
