# SPDX-License-Identifier: MIT
"""Fuzz the reader and the decoders with atheris, guided by code coverage.

    python -m trials.fuzz.fuzz CORPUS [--seconds N] [--seed N]

CORPUS is a folder for the inputs that reach new code. The first inputs are the synthetic radiographs of the demo and,
if PLAINFILM_TEST_DATA is set, links to its smaller files. Every exception other than ConversionError is a finding, and
so is a hang: the process ends and writes the input to the working directory.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["plainfilm", "pydicom"]):
    from plainfilm.demo.catalog import demo_radiographs
    from plainfilm.demo.dataset import write_radiograph
    from plainfilm.errors import ConversionError
    from plainfilm.options.limits import LimitOptions
    from plainfilm.options.options import Options
    from plainfilm.rendering.opened_instance import open_instance

_MAX_SEED_BYTES = 64 * 1024
_OPTIONS = Options(limits=LimitOptions(max_pixels=4_000_000))


def read_and_decode(content: bytes) -> None:
    """Read a file and decode its first and its last frame; only ConversionError is allowed."""
    try:
        opened = open_instance(content, _OPTIONS)
        opened.load(0)
        opened.load(opened.instance.pixel.number_of_frames - 1)
    except ConversionError:
        return


def real_files() -> list[Path]:
    """Return the real files that are small enough to mutate."""
    folder = os.environ.get("PLAINFILM_TEST_DATA")
    paths = [] if folder is None else [path for path in Path(folder).rglob("*") if path.is_file()]
    return sorted(path for path in paths if path.stat().st_size <= _MAX_SEED_BYTES)


def main() -> None:
    """Run until the time is over or a finding occurs."""
    parser = argparse.ArgumentParser(description="Fuzz plainfilm's reader and decoders.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=int, default=1200, help="time limit (default: 1200)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the mutations (default: 1)")
    arguments = parser.parse_args()
    arguments.corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for number, path in enumerate(real_files()):
            (Path(seeds) / f"{number}").symlink_to(path)
        for radiograph in demo_radiographs():
            small = replace(radiograph, acquisition=replace(radiograph.acquisition, rows=60, columns=48))
            write_radiograph(small, Path(seeds) / radiograph.name)
        options = ["-timeout=10", "-rss_limit_mb=3000", f"-max_len={_MAX_SEED_BYTES}", "-print_final_stats=1"]
        options += [f"-max_total_time={arguments.seconds}", f"-seed={arguments.seed}", str(arguments.corpus), seeds]
        atheris.Setup([sys.argv[0], *options], read_and_decode)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
