# SPDX-License-Identifier: MIT
"""One film in, where the time of its conversion goes out: plainfilm's stages, and the floor of each work alone.

A floor is what a library, or one plain pass over the same bytes, takes for the work when nothing is done around it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
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
from plainfilm.encode.scanlines import padded_rows, row_bytes
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.rendering.pipeline import frame_planner, render
from plainfilm.rendering.reader import open_reader
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import Job

Row = tuple[str, str, float]
Timed = tuple[str, str, Callable[[], object]]

WHOLE, FLOORS, SHARE = "a worker's work on the film", "all floors", "work over floors"
_BAND = 1 << 18
_DECODERS: dict[str, Callable[[bytes], object]] = {
    JPEGLosslessSV1: imagecodecs.jpeg8_decode,
    JPEGLSLossless: imagecodecs.jpegls_decode,
    JPEG2000Lossless: lambda data: decode_openjpeg(data, 0),
    HTJ2KLossless: lambda data: decode_openjpeg(data, 0),
}


def stages(path: Path, rounds: int) -> list[Row]:
    """(kind, what, median milliseconds): kind is `stage` for plainfilm's own, `floor` for a work alone, `whole`."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
        works = [*_stages(path, FolderOutput(Path(folder))), *_floors(path, Path(folder, "floor"))]
        whole = ("whole", WHOLE, _worker(path, FolderOutput(Path(folder, "whole"))))
        rows = [(kind, what, _milliseconds(work, rounds)) for kind, what, work in (*works, whole)]
    floors = sum(value for kind, _, value in rows if kind == "floor")
    return [*rows, ("whole", FLOORS, floors), ("ratio", SHARE, rows[-1][2] / floors)]


def _stages(path: Path, sink: FolderOutput) -> Iterator[Timed]:
    options, key = Options(), Key(b"k" * 32)
    film = open_reader(path.read_bytes(), options)
    planned = frame_planner(film, options)(0)
    rendered = render(planned)
    png = encode_png(rendered.image, Ancillary("x"))
    known = source_context(Reference(path, path.name, path.stem), film.instance, key)
    yield "stage", "read and parse", lambda: open_reader(path.read_bytes(), options)
    yield "stage", "decode", lambda: film.decode(0)
    yield "stage", "decode, survey and plan", lambda: frame_planner(film, options)(0)
    yield "stage", "render, statistics, hash", lambda: render(planned)
    yield "stage", "encode", lambda: encode_png(rendered.image, Ancillary("x"))
    yield "stage", "row, with its SHA-256", lambda: record_of(known, rendered, "x.png", png)
    yield "stage", "write without a name", lambda: sink.discard([sink.stage([png])])


def _floors(path: Path, target: Path) -> Iterator[Timed]:
    options = Options()
    planned = frame_planner(open_reader(path.read_bytes(), options), options)(0)
    image, samples = render(planned).image, planned.decoded.samples.view(np.uint16)
    png, table = encode_png(image, Ancillary("x")), np.zeros(65_536, np.uint8)
    choice, step = choose_compression(image), max(1, _BAND // row_bytes(image))
    bands = [padded_rows(image, range(first, min(first + step, len(image)))) for first in range(0, len(image), step)]
    lines = [BACKEND.filter_rows(band, choice.filter) for band in bands]
    yield "floor", "read the file", path.read_bytes
    yield "floor", "codec", _codec(path)
    yield "floor", "histogram", lambda: cv2.calcHist([samples], [0], None, [4096], [0, 4096])
    yield "floor", "look-up", lambda: cv2.LUT(samples, table)
    yield "floor", "hash of the samples", lambda: xxhash.xxh3_128(samples).hexdigest()
    yield "floor", "filter", lambda: [BACKEND.filter_rows(band, choice.filter) for band in bands]
    yield "floor", "compressor", lambda: _compress(choice.compressor.open(), lines)
    yield "floor", "SHA-256 of the PNG", lambda: hashlib.sha256(png).digest()
    yield "floor", "write", lambda: target.write_bytes(png)
    yield "aside", "fsync, which the run's own thread does", lambda: _sync(target)


def _codec(path: Path) -> Callable[[], object]:
    """What the codec's library alone does with the first frame; nothing for native pixels."""
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
    """All that a worker does with a film."""
    sink.out.mkdir()
    orders = RunContext(Options(), Key(b"k" * 32), sink.out).to_bytes()
    job = Job(ConvertJob(Reference(path, path.name, path.stem), orders))
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


def _milliseconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times) * 1e3
