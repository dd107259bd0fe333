# SPDX-License-Identifier: MIT
"""Python's door: a film in, an array, an explanation or a run out. It never prints or exits."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.presentation_index import presentation_of
from plainfilm.conversion.summary import Run
from plainfilm.dicom.read import instance_from_dataset
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.options.output import FrameChoice
from plainfilm.rendering.explanation import Explanation
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.pipeline import frame_planner
from plainfilm.rendering.pipeline import render as render_planned
from plainfilm.rendering.reader import FrameReader, open_reader, reader_of, with_presentation
from plainfilm.sources.file_reader import FileContent, open_source

__all__ = ["Explanation", "Run", "convert", "explain", "render"]

Source: TypeAlias = str | PathLike[str] | bytes | BinaryIO | Dataset
Image: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


class PictureOptions(TypedDict, total=False):
    """What one picture depends on; each as the option of the command with the same name."""

    look: str
    window: str | tuple[float, float] | tuple[float, float, str]
    stretch: str | tuple[float, float] | tuple[float, float, str]
    clahe: str | tuple[float, int]
    voi: str
    polarity: str
    bits: int
    icc: str
    strict: bool
    decode: str
    allow_truncated: bool
    verify: bool
    pixels: str
    redact: str | tuple[float, float, float, float] | list[tuple[float, float, float, float]]
    crop: str | tuple[int, int, int, int]
    size: str | int | tuple[int, int]
    enlarge: bool
    fit: str
    overlays: str
    presentation: str | PathLike[str]
    orient: str
    max_pixels: int


class RunArguments(PictureOptions, total=False):
    """What a run depends on besides its pictures."""

    frames: str | int
    names: str
    redact_from: str | PathLike[str]
    columns: str | list[str]
    jobs: int
    timeout: float
    memory: str | int
    key_file: str | PathLike[str]
    overwrite: bool
    log: str | PathLike[str]


def render(source: Source, *, frame: int = 1, **options: Unpack[PictureOptions]) -> Image:
    """One frame of a film as it is shown: (rows, columns) or (rows, columns, 3), uint8, or uint16 with `bits=16`.

    `source` is a path, the bytes of a file, a binary file or a pydicom Dataset, which is left as it is. `frame` counts
    from 1. The rows and columns are those after square pixels, crop and size.
    Raises ConversionError (see `reason`) where the film cannot be shown and OptionsError for wrong options.
    """
    if options.get("overlays") == "mask":
        raise OptionsError("overlays mask makes further pictures: convert into a folder")
    _, planned = _planned(source, frame, options)
    return render_planned(planned).image


def explain(source: Source, *, frame: int = 1, **options: Unpack[PictureOptions]) -> Explanation:
    """What `render` would do with the same arguments, and why; `str()` of it is for people. Raises as `render` does."""
    film, planned = _planned(source, frame, options)
    return Explanation(film.instance, planned)


def convert(
    sources: str | PathLike[str] | Iterable[str | PathLike[str]],
    out: str | PathLike[str],
    **options: Unpack[RunArguments],
) -> Run:
    """Convert files and folders into the folder `out`, as the command does, and return what came of it.

    Raises RunError where the run cannot go on; an image that fails is a row in `out`/failures.csv and raises nothing.
    """
    given = [sources] if isinstance(sources, (str, PathLike)) else list(sources)
    return Conversion([Path(source) for source in given], Path(out), Options.of(options)).run()


def _planned(source: Source, frame: int, given: Any) -> tuple[FrameReader, PlannedFrame]:
    others = sorted(set(given) - set(PictureOptions.__annotations__))
    if others:
        raise OptionsError(f"{', '.join(others)}: no option of one picture")
    options = Options.of(given)
    if isinstance(source, Dataset):
        instance = instance_from_dataset(source, options.limits.max_pixels)
        return _frame_of(reader_of(instance, options), frame, options)
    with _content_of(source) as content:
        return _frame_of(open_reader(content, options), frame, options)


def _frame_of(film: FrameReader, frame: int, options: Options) -> tuple[FrameReader, PlannedFrame]:
    film = with_presentation(film, presentation_of(options))
    frames = film.instance.pixel.number_of_frames
    chosen = FrameChoice(str(frame)).select(frames)
    if not chosen:
        raise OptionsError(f"there is no frame {frame}: the film has {frames}")
    return film, frame_planner(film, options)(chosen[0])


def _content_of(source: str | PathLike[str] | bytes | BinaryIO) -> AbstractContextManager[bytes | FileContent]:
    if isinstance(source, (str, PathLike)):
        return open_source(Path(source))
    return nullcontext(source if isinstance(source, bytes) else source.read())
