# SPDX-License-Identifier: MIT
"""Measure the processor time of one film without start-up, and of the start, and compare both with a published recipe.

    python -m benchmarks.films [--rounds N] [--short] [--page docs/benchmarks.md]

The recipe is `pixel_array / max * 255`, and another one, `stretch`, is that of benchmarks/recipe.py. OpenCV writes
both, and resizes them where the images are made smaller. Each program converts the same films in a process of its own,
one program after the other in each round; the first film of each process is not counted. The ratios are those of the
medians. Processor time depends least on what else the machine does. With --page the section of this page is replaced.
The recipes run in the Python of --peers-python, which needs a decoder for each encoding (benchmarks/requirements.txt).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import environment
from benchmarks.sections import write_section

HEADING = "## Processor time of one film"
_PROGRAMS = ("plainfilm", "recipe", "stretch")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. options: of plainfilm. aim: the smallest ratio of the recipe to plainfilm that is wanted."""

    name: str
    films: str
    aim: float
    size: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    files: int = 6


ROWS = (
    Row("uncompressed", "films explicit", 14),
    Row("uncompressed to 512", "films explicit", 15, 512),
    Row("512 x 512", "small films", 5.5, files=60),
    Row("JPEG Lossless", "films jpeg-lossless", 8),
    Row("JPEG-LS", "films jpeg-ls", 3.5, files=3),
    Row("JPEG 2000", "films jpeg2000", 2, files=3),
    Row("HTJ2K", "films htj2k", 1.8, files=3),
    Row("JPEG 2000 to 512, reduced", "films jpeg2000", 25, 512, (("decode", "reduced"),), files=3),
)


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds of processor time for one film, and the bytes of its image."""

    seconds: float
    written: int


def measure(row: Row, folder: Path, rounds: int, peers_python: str) -> dict[str, Time]:
    """Return the median time of each program that can convert the films of a folder."""
    times: dict[str, list[Time]] = {program: [] for program in _PROGRAMS}
    for _ in range(rounds):
        for program in _PROGRAMS:
            python = sys.executable if program == "plainfilm" else peers_python
            command = [python, "-m", "benchmarks.films", "--child", program, json.dumps(_plain(row)), folder]
            done = subprocess.run(command, env=_environment(program), capture_output=True, text=True, check=False)
            if done.returncode == 0:
                times[program].append(Time(**json.loads(done.stdout)))
    return {
        program: Time(median(time.seconds for time in results), results[0].written)
        for program, results in times.items()
        if results
    }


def _plain(row: Row) -> dict[str, Any]:
    return {"size": row.size, "options": row.options}


def _environment(program: str) -> dict[str, str]:
    """One thread for each library; for plainfilm the environment that a run gives its workers."""
    from plainfilm.workers.limits import ONE_THREAD
    from plainfilm.workers.spawn import RETAIN_MEMORY

    one_thread = dict.fromkeys(ONE_THREAD, "1")
    if program == "plainfilm":
        return {**os.environ, **one_thread, **RETAIN_MEMORY, "PYTHONPATH": os.pathsep.join(sys.path)}
    return {**os.environ, **one_thread, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def child(program: str, row: dict[str, Any], folder: Path) -> Time:
    """Convert the films in this process, the first one uncounted."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        convert = {"plainfilm": _plainfilm, "recipe": _recipe, "stretch": _stretch}[program](row, Path(place))
        paths = sorted(folder.iterdir())
        convert(paths[0])
        seconds, written = [], 0
        for path in paths:
            started = time.process_time()
            written = convert(path)
            seconds.append(time.process_time() - started)
    return Time(median(seconds), written)


def _plainfilm(row: dict[str, Any], place: Path) -> Callable[[Path], int]:
    """What a worker does with a film."""
    from plainfilm.conversion.job import ConvertJob, RunContext
    from plainfilm.conversion.pseudonyms import Key
    from plainfilm.conversion.task import convert_source
    from plainfilm.options.options import Options
    from plainfilm.output.ownership import STAGING
    from plainfilm.sources.reference import Reference
    from plainfilm.workers.messages import Job

    size = {} if row["size"] is None else {"size": str(row["size"])}
    out = place / "out"
    out.mkdir()
    context = RunContext(Options.of({**size, **dict(row["options"])}), Key(b"k" * 32), out).to_bytes()
    staged, staging = list[Any](), out / STAGING

    def convert(path: Path) -> int:
        convert_source(Job(ConvertJob(Reference(path, path.name, path.stem), context)), staged.append)
        image = staging / staged.pop().value.temporary_name
        written = image.stat().st_size
        image.unlink()
        return written

    return convert


def small_film_conversion(place: Path) -> Callable[[Path], int]:
    """Return a function that converts a film at its full size with the default options."""
    return _plainfilm(_plain(ROWS[0]), place)


def _recipe(row: dict[str, Any], place: Path) -> Callable[[Path], int]:
    """The published recipe."""
    import cv2
    import numpy as np
    from pydicom import dcmread

    target = place / "image.png"

    def convert(path: Path) -> int:
        pixels = dcmread(path).pixel_array
        image = (pixels / pixels.max() * 255).astype(np.uint8)
        if row["size"] is not None:
            scale = row["size"] / max(image.shape)
            rows, columns = (round(length * scale) for length in image.shape)
            image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(target), image)
        return target.stat().st_size

    return convert


def _stretch(row: dict[str, Any], place: Path) -> Callable[[Path], int]:
    """The recipe that benchmarks.run measures."""
    from benchmarks.recipe import convert

    def convert_one(path: Path) -> int:
        convert("recipe", path, place, row["size"] or 0)
        return (place / f"{path.stem}_0.png").stat().st_size

    return convert_one


def starts(folder: Path, rounds: int) -> Iterator[str]:
    """Yield the lines of the start: a command for one film, and for a folder of one film, start-up included."""
    film = sorted(folder.iterdir())[0]
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        for name, target in (("one film to one image", "image.png"), ("one film to a folder", "out")):
            command = [sys.executable, "-m", "plainfilm", "convert", str(film), f"{place}/{target}", "--quiet"]
            processor, wall = [], []
            names = environment(Path(place), os.pathsep.join(sys.path))
            for _ in range(rounds):
                subprocess.run(["rm", "-rf", f"{place}/{target}"], check=True)
                before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                subprocess.run(command, env=names, check=True)
                wall.append(time.perf_counter() - started)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            yield f"| {name} | {median(processor):.2f} | {median(wall):.2f} |"


def section(place: Path, rounds: int, short: bool, peers_python: str = sys.executable) -> Iterator[str]:
    """Yield the lines of the section."""
    yield HEADING
    yield ""
    yield "Written by `python -m benchmarks.films --page docs/benchmarks.md`. Start-up is left out: a process that has"
    yield "converted a film converts others. In the same run: the recipe `pixel_array / max * 255` with `cv2.imwrite`,"
    yield "and the published recipe of the tables above, which stretches between percentiles. Only plainfilm shows what"
    yield "a viewer shows, and computes a row with checksums. Milliseconds of processor time are medians; what else the"
    yield "machine did affects all programs. Sizes are relative to those of the first recipe."
    yield ""
    yield "| films | plainfilm | / max | stretch | / max to plainfilm | stretch to plainfilm | aim | size |"
    yield "|---|---|---|---|---|---|---|---|"

    # the Python of the peers, which runs this module too, lacks what this module needs
    from benchmarks.workloads import MissingToolError, workloads, write_workload

    films = {workload.films: workload for workload in workloads(short) if workload.size is None}
    for row in ROWS:
        folder = place / row.films.replace(" ", "-")
        try:
            if not folder.exists():
                write_workload(replace(films[row.films], files=row.files), folder)
        except MissingToolError as error:
            yield f"| {row.name} | {error} | | | | | {row.aim:g} | |"
            continue
        times = measure(row, folder, rounds, peers_python)
        if len(times) < len(_PROGRAMS):
            yield f"| {row.name} | failed: {', '.join(sorted(set(_PROGRAMS) - set(times)))} | | | | | {row.aim:g} | |"
            continue
        own, peer, stretch = (times[program] for program in _PROGRAMS)
        milliseconds = " | ".join(f"{time.seconds * 1e3:.2f}" for time in (own, peer, stretch))
        ratios = f"{peer.seconds / own.seconds:.1f} | {stretch.seconds / own.seconds:.1f}"
        yield f"| {row.name} | {milliseconds} | {ratios} | {row.aim:g} | {own.written / peer.written:.2f} |"
    yield ""
    yield "Seconds of whole commands for a film of 512 x 512, start-up and all processes included:"
    yield ""
    yield "| command | processor | wall |"
    yield "|---|---|---|"
    yield from starts(place / "small-films", rounds)
    yield ""


def main() -> None:
    """Measure and print the section; with --page also write it."""
    if sys.argv[1:2] == ["--child"]:
        program, row, folder = sys.argv[2:5]
        result = child(program, json.loads(row), Path(folder))
        print(json.dumps({"seconds": result.seconds, "written": result.written}))
        return
    write_section(__doc__, HEADING, section)


if __name__ == "__main__":
    main()
