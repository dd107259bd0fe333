# SPDX-License-Identifier: MIT
"""One film in, where the time of its conversion goes out: each stage of plainfilm, and the floor of each work alone."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from isal import isal_zlib

from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.scanlines import Filter, filtered, padded
from plainfilm.options import Options
from plainfilm.pipeline import frame_planner, open_film, render

Row = tuple[str, str, float]


def stages(path: Path, rounds: int) -> list[Row]:
    """(kind, what, median milliseconds): kind is `stage` for plainfilm's own and `floor` for a work alone."""
    cv2.setNumThreads(1)
    content, options = path.read_bytes(), Options()
    film = open_film(content, options)
    planned = frame_planner(film, options)(0)
    image = render(planned).image
    png = encode_png(image, Ancillary("x"))
    samples, target = planned.decoded.samples, path.with_name("written")
    table = np.zeros(65_536, np.uint8)
    bands = [filtered(padded(image, range(first, first + 64)), Filter.SUB) for first in range(0, len(image) - 64, 64)]
    works: list[tuple[str, str, Callable[[], object]]] = [
        ("stage", "read and parse", lambda: open_film(path.read_bytes(), options)),
        ("stage", "decode", lambda: film.decode(0)),
        ("stage", "decode, survey and plan", lambda: frame_planner(film, options)(0)),
        ("stage", "render with statistics", lambda: render(planned)),
        ("stage", "encode", lambda: encode_png(image, Ancillary("x"))),
        ("floor", "read the file", path.read_bytes),
        ("floor", "copy the samples", samples.copy),
        ("floor", "histogram", lambda: cv2.calcHist([samples.view(np.uint16)], [0], None, [65_536], [0, 65_536])),
        ("floor", "look-up", lambda: cv2.LUT(samples.view(np.uint16), table)),
        ("floor", "SHA-256 of the samples", lambda: hashlib.sha256(samples.data).digest()),
        ("floor", "filter", lambda: filtered(padded(image, range(len(image))), Filter.SUB)),
        ("floor", "igzip", lambda: [isal_zlib.compress(band, 1) for band in bands]),
        ("floor", "SHA-256 of the PNG", lambda: hashlib.sha256(png).digest()),
        ("floor", "write and fsync", lambda: _write(target, png)),
    ]
    return [(kind, what, _milliseconds(work, rounds)) for kind, what, work in works]


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _milliseconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times) * 1e3
