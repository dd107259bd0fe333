# SPDX-License-Identifier: MIT
"""Measure the stages of the conversion of one file, and the floor of each step.

A floor is the time of a library, or of one pass over the same bytes, for the same step without anything around it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import imagecodecs
import numpy as np
import xxhash
from openjpeg.utils import decode as decode_openjpeg
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import HTJ2KLossless, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless
from rle.rle import decode_frame as decode_rle

from plainfilm.conversion.job import ConvertJob, RunContext
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.rows import record_of, source_context
from plainfilm.conversion.task import convert_source
from plainfilm.encode.compression import BACKEND, choose_compression
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.scanlines import row_bytes
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import Job

WHOLE, FLOORS, SHARE = "a worker on the file", "all floors", "worker to floors"
_BAND = 1 << 18
_DECODERS: dict[str, Callable[[bytes], object]] = {
    JPEGLosslessSV1: imagecodecs.jpeg8_decode,
    JPEGLSLossless: imagecodecs.jpegls_decode,
    JPEG2000Lossless: lambda data: decode_openjpeg(data, 0),
    HTJ2KLossless: lambda data: decode_openjpeg(data, 0),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step to measure. kind: `stage` of plainfilm, `floor`, `aside` (not part of a worker) or `whole`."""

    kind: str
    name: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class StageTime:
    """The median time of a step; for the kind `ratio` the number is a ratio."""

    kind: str
    step: str
    milliseconds: float


def stages(path: Path, rounds: int) -> list[StageTime]:
    """Return the median times of the stages, of the floors, and of a worker."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
        steps = [*_stages(path, FolderOutput(Path(folder))), *_floors(path, Path(folder, "floor"))]
        steps.append(Step("whole", WHOLE, _worker(path, FolderOutput(Path(folder, "whole")))))
        times = [StageTime(step.kind, step.name, _milliseconds(step.run, rounds)) for step in steps]
    floors = sum(time.milliseconds for time in times if time.kind == "floor")
    ratio = times[-1].milliseconds / floors
    return [*times, StageTime("whole", FLOORS, floors), StageTime("ratio", SHARE, ratio)]


def _stages(path: Path, sink: FolderOutput) -> Iterator[Step]:
    options, key = Options(), Key(b"k" * 32)
    opened = open_instance(path.read_bytes(), options)
    planned = plan_frame(survey_instance(opened, [0]), 0)
    rendered = render_frame(planned)
    png = encode_png(rendered.image, Ancillary("x"))
    context = source_context(Reference(path, path.name, path.stem), opened.instance, key)
    yield Step("stage", "read and parse", lambda: open_instance(path.read_bytes(), options))
    yield Step("stage", "decode", lambda: opened.load(0))
    yield Step("stage", "decode, survey and plan", lambda: plan_frame(survey_instance(opened, [0]), 0))
    yield Step("stage", "render, statistics, hash", lambda: render_frame(planned))
    yield Step("stage", "encode", lambda: encode_png(rendered.image, Ancillary("x")))
    yield Step("stage", "row, with its SHA-256", lambda: record_of(context, rendered, "x.png", png))
    yield Step("stage", "write without a name", lambda: sink.discard([sink.stage([png])]))


def _floors(path: Path, target: Path) -> Iterator[Step]:
    options = Options()
    planned = plan_frame(survey_instance(open_instance(path.read_bytes(), options), [0]), 0)
    image, samples = render_frame(planned).image, planned.loaded.decoded.samples.view(np.uint16)
    png, table = encode_png(image, Ancillary("x")), np.zeros(65_536, np.uint8)
    choice, step = choose_compression(image), max(1, _BAND // row_bytes(image))
    bands = [range(first, min(first + step, len(image))) for first in range(0, len(image), step)]
    lines = [BACKEND.filter_rows(image, band, choice.filter) for band in bands]
    yield Step("floor", "read the file", path.read_bytes)
    yield Step("floor", "codec", _codec(path))
    yield Step("floor", "histogram", lambda: cv2.calcHist([samples], [0], None, [4096], [0, 4096]))
    yield Step("floor", "look-up", lambda: cv2.LUT(samples, table))
    yield Step("floor", "hash of the samples", lambda: xxhash.xxh3_128(samples).hexdigest())
    yield Step("floor", "filter", lambda: [BACKEND.filter_rows(image, band, choice.filter) for band in bands])
    yield Step("floor", "compressor", lambda: _compress(choice.compressor.open(), lines))
    yield Step("floor", "SHA-256 of the PNG", lambda: hashlib.sha256(png).digest())
    yield Step("floor", "write", lambda: target.write_bytes(png))
    yield Step("aside", "fsync, which the run's own thread does", lambda: _sync(target))


def _codec(path: Path) -> Callable[[], object]:
    """Return a function that decodes the first frame with the library of its codec; it does nothing for native data."""
    dataset = dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return lambda: None
    codestream = next(generate_frames(dataset.PixelData, number_of_frames=1))
    if syntax == RLELossless:
        rows, columns = dataset.Rows, dataset.Columns
        return lambda: decode_rle(codestream, rows * columns, 16, "<")
    return lambda: _DECODERS[syntax](codestream)


def _worker(path: Path, sink: FolderOutput) -> Callable[[], None]:
    """Return a function that does all the work of a worker for a file."""
    sink.out.mkdir()
    context = RunContext(Options(), Key(b"k" * 32), sink.out).to_bytes()
    job = Job(ConvertJob(Reference(path, path.name, path.stem), context))
    staged: list[Any] = []

    def work() -> None:
        convert_source(job, staged.append)
        sink.discard([staged.pop().value.temporary_name])

    return work


def _compress(stream: Any, lines: list[Any]) -> None:
    for band in lines:
        stream.compress(band.data)
    stream.flush()


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())


def _milliseconds(run: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return median(times) * 1e3
