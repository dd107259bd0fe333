# SPDX-License-Identifier: MIT
"""Looks for files that the reader or a decoder does not refuse properly, guided by the code that they reach.

    python -m trials.fuzz.fuzz CORPUS [--seconds N] [--seed N]

CORPUS is a folder that keeps what was found to reach new code. It is begun with the synthetic radiographs of the demo, and,
where PLAINFILM_TEST_DATA is set, the smaller ones of the real radiographs, which stay where they are. Whatever is not a
ConversionError is a finding, and so is a hang: the process ends and leaves the input in the folder it runs in.
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
    from plainfilm.options.options import LimitOptions, Options
    from plainfilm.rendering.reader import open_reader

_LARGEST_SEED = 64 * 1024
_OPTIONS = Options(limits=LimitOptions(max_pixels=4_000_000))


def read_and_decode(content: bytes) -> None:
    """Read a radiograph and decode its first frame and the one after its last; only ConversionError may come of it."""
    try:
        radiograph = open_reader(content, _OPTIONS)
        radiograph.decode(0)
        radiograph.decode(radiograph.instance.pixel.number_of_frames - 1)
    except ConversionError:
        return


def real_films() -> list[Path]:
    """The real radiographs that are small enough to mutate, where there are any."""
    folder = os.environ.get("PLAINFILM_TEST_DATA")
    found = [] if folder is None else [path for path in Path(folder).rglob("*") if path.is_file()]
    return sorted(path for path in found if path.stat().st_size <= _LARGEST_SEED)


def main() -> None:
    """Run until the time is over or something is found."""
    parser = argparse.ArgumentParser(description="Fuzz plainfilm's reader and decoders.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=int, default=1200, help="how long (default: 1200)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default: 1)")
    given = parser.parse_args()
    given.corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for number, path in enumerate(real_films()):
            (Path(seeds) / f"{number}").symlink_to(path)
        for radiograph in demo_radiographs():
            small = replace(radiograph, acquisition=replace(radiograph.acquisition, rows=60, columns=48))
            write_radiograph(small, Path(seeds) / radiograph.name)
        words = ["-timeout=10", "-rss_limit_mb=3000", f"-max_len={_LARGEST_SEED}", "-print_final_stats=1"]
        words += [f"-max_total_time={given.seconds}", f"-seed={given.seed}", str(given.corpus), seeds]
        atheris.Setup([sys.argv[0], *words], read_and_decode)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
