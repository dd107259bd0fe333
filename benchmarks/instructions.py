# SPDX-License-Identifier: MIT
"""Count the instructions of the compiled loops, and the Python calls of a small film, and compare with a baseline.

    python -m benchmarks.instructions [--write]

The counts do not depend on the speed of the machine or on what else it does. valgrind counts the instructions of each
loop on an image of 600 x 500, compiled without the versions for newer processors; cProfile counts the calls for a film
of 512 x 512. A count that is more than 3 % above benchmarks/instructions.json fails the command. Counts of another
compiler or version of Python are printed and not compared. --write replaces the baseline, for a change on purpose.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import platform
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
from trials.fuzz.kernels import KERNELS, SOURCES, compiler, seed_of

from benchmarks.workloads import synthetic_image, workloads, write_workload

BASELINE = Path(__file__).with_suffix(".json")
LOOPS = ("count_values", "filter_rows", "deflate_blocks", "average_area", "decode_scan")
MOST_GROWTH = 1.03


def count_instructions() -> dict[str, int]:
    """Return the instructions of each loop. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        program, seed = Path(folder, "instructions"), Path(folder, "seed")
        image = synthetic_image(300, 250, 1)
        codestream = imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=12, predictor=1)
        seed.write_bytes(seed_of(bytes(codestream), (300, 250, 1), (12, 1)))
        files = [KERNELS / name for name in SOURCES]
        flags = ["-O3", "-std=gnu11", "-DNO_CLONES", f"-I{KERNELS}"]
        command = [compiler() or "cc", *flags, Path(__file__).with_suffix(".c"), *files, "-o", program]
        subprocess.run(command, check=True)
        return {loop: _instructions_of(loop, program, seed) for loop in LOOPS}


def _instructions_of(loop: str, program: Path, seed: Path) -> int:
    """Count only while the function of this name runs."""
    options = ["--tool=callgrind", f"--toggle-collect={loop}", f"--callgrind-out-file={program}.out"]
    command = ["valgrind", *options, program, loop, seed]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if collected is None:
        raise RuntimeError(f"valgrind reports no count: {done.stderr[-500:]}")
    return int(collected[1])


def count_calls() -> int:
    """Return the Python calls of a worker for one film of 512 x 512, the first films left out."""
    from benchmarks.films import small_film_conversion

    small = next(workload for workload in workloads(False) if workload.films == "small films")
    with tempfile.TemporaryDirectory() as folder:
        films = Path(folder, "films")
        write_workload(replace(small, files=3), films)
        first, *others = sorted(films.iterdir())
        convert = small_film_conversion(Path(folder))
        convert(first)
        convert(first)
        profile = cProfile.Profile()
        with profile:
            for film in others:
                convert(film)
    statistics: Any = pstats.Stats(profile)
    return int(statistics.total_calls) // len(others)


def environment() -> dict[str, str]:
    """Return what the counts depend on."""
    name = compiler() or "cc"
    version = subprocess.run([name, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    python = ".".join(platform.python_version_tuple()[:2])
    return {"compiler": f"{Path(name).name} {version}", "machine": platform.machine(), "python": python}


def main() -> int:
    """Count, print, and compare or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="replace the baseline")
    settings = parser.parse_args()
    if shutil.which("valgrind") is None or compiler() is None:
        parser.error("it needs valgrind, and gcc or clang")
    counts, own = {**count_instructions(), "calls": count_calls()}, environment()
    if settings.write:
        BASELINE.write_text(json.dumps({"environment": own, "counts": counts}, indent=2) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    expected = baseline["environment"]
    has_failed = False
    for name, count in counts.items():
        before = baseline["counts"][name]
        keys = ("python",) if name == "calls" else ("compiler", "machine")
        is_comparable = all(own[key] == expected[key] for key in keys)
        is_worse = is_comparable and count > before * MOST_GROWTH
        has_failed |= is_worse
        note = "not compared" if not is_comparable else "MORE" if is_worse else "ok"
        print(f"{name:16} {count:>12,} {count / before:7.3f} of the baseline  {note}")
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
