# SPDX-License-Identifier: MIT
"""Compare looks in one picture: one row for each film, one column for each look, with histogram and mapping curve.

Films are decoded in worker processes, so that a damaged file cannot harm the process of the caller.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.errors import ConversionError, Stage
from plainfilm.options.options import Options
from plainfilm.pickling import dataclass
from plainfilm.report.drawing import (
    ACCENT,
    BACKGROUND,
    HAIRLINE,
    QUIET,
    TEXT,
    WARNING,
    draw_chart,
    draw_lines,
    font_of,
    shorten,
    wrap,
)
from plainfilm.report.look_panels import CELL, NAIVE, TASK, FilmPanels, LookPanel, LookRequest
from plainfilm.workers.messages import Job, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import WorkerPool

_MARGIN, _GUTTER, _CHART_HEIGHT = 20, 12, 80
_TITLE_HEIGHT, _LABEL_HEIGHT = 28, 50
_TITLE_SIZE, _LOOK_SIZE, _NOTE_SIZE = 17, 19, 13
_FACTS_SEPARATOR = " \N{MIDDLE DOT} "


@dataclass(frozen=True, slots=True)
class Comparison:
    """A picture that compares looks.

    image: RGB, uint8 (rows, columns, 3). errors: the films without any image, each with its number from 0.
    """

    image: npt.NDArray[np.uint8]
    errors: dict[int, ConversionError]

    def to_png(self) -> bytes:
        """Return the picture as a PNG file."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.image).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


def compare_looks(
    sources: Sequence[object], looks: Sequence[tuple[str, Options]], frame: int, workers: int = 1
) -> Comparison:
    """Render a frame, counted from 1, of each film in several looks in worker processes, and draw the picture.

    sources: paths, the bytes of files, or Datasets.
    looks: the names of the looks with the options of each, from `options_of_looks`.
    A film without any image has its reason in its row. Raises RunError where no worker can be started.
    """
    requests = [LookRequest(number, source, frame, tuple(looks)) for number, source in enumerate(sources)]
    films, errors = dict[int, FilmPanels](), dict[int, ConversionError]()
    for number, result in _results(requests, workers):
        if isinstance(result, FilmPanels):
            films[number] = result
        else:
            errors[number] = result
    rows = [films.get(request.number) or _row_of_error(request, errors[request.number]) for request in requests]
    return Comparison(draw_comparison(rows), dict(sorted(errors.items())))


def _results(requests: Sequence[LookRequest], workers: int) -> Iterator[tuple[int, FilmPanels | ConversionError]]:
    """Yield the result of each film, in the order in which they are done."""
    limits = requests[0].looks[0][1].limits
    # the limit of time is that of a frame, and a film is rendered once for each look
    seconds = limits.timeout * len(requests[0].looks)
    settings = WorkerSettings(min(workers, len(requests)), seconds, limits.memory)
    with WorkerPool(TASK, map(Job, requests), settings) as pool:
        for event in pool.events():
            match event:
                case TaskResult((int() as number, FilmPanels() | ConversionError() as result)):
                    yield number, result
                case WorkerLost(payload=LookRequest(number=number)):
                    yield number, ConversionError(event.message, reason=event.reason, stage=Stage.RUN)


def _row_of_error(request: LookRequest, error: ConversionError) -> FilmPanels:
    panels = tuple(LookPanel(name, f"no image: {error.reason}", None, None) for name, _ in request.looks)
    return FilmPanels(request.number, (), panels)


def draw_comparison(films: Sequence[FilmPanels]) -> npt.NDArray[np.uint8]:
    """Draw the picture of films that have the same looks: RGB, uint8 (rows, columns, 3)."""
    from PIL import Image, ImageDraw

    columns = max(len(film.panels) for film in films)
    row_height = _TITLE_HEIGHT + _LABEL_HEIGHT + CELL + _GUTTER
    width = 2 * _MARGIN - _GUTTER + columns * (CELL + _GUTTER)
    sheet = Image.new("RGB", (width, 2 * _MARGIN - _GUTTER + len(films) * row_height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for row, film in enumerate(films):
        top = _MARGIN + row * row_height
        title = _FACTS_SEPARATOR.join((str(film.number + 1), *film.facts))
        draw.text((_MARGIN, top), shorten(title, width - 2 * _MARGIN, font_of(_TITLE_SIZE)), TEXT, font_of(_TITLE_SIZE))
        for column, panel in enumerate(film.panels):
            _draw_panel(sheet, (_MARGIN + column * (CELL + _GUTTER), top + _TITLE_HEIGHT), panel)
    return np.asarray(sheet)


def _draw_panel(sheet: Any, top_left: tuple[int, int], panel: LookPanel) -> None:
    """Draw one cell: the name of the look, its note, the image, and the chart over the lower part of the image."""
    from PIL import Image, ImageDraw

    draw, (left, top) = ImageDraw.Draw(sheet), top_left
    draw.text((left, top), panel.look, WARNING if panel.look == NAIVE else ACCENT, font_of(_LOOK_SIZE))
    note = wrap(panel.note, CELL, font_of(_NOTE_SIZE))[:1]
    draw_lines(draw, (left, top + 26), [shorten(line, CELL, font_of(_NOTE_SIZE)) for line in note], _NOTE_SIZE, QUIET)
    top += _LABEL_HEIGHT
    # the outline makes a black image visible on the dark background
    draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), "black", HAIRLINE)
    if panel.image is not None:
        rows, columns = panel.image.shape[:2]
        sheet.paste(Image.fromarray(panel.image), (left + (CELL - columns) // 2, top + (CELL - rows) // 2))
    if panel.chart is not None:
        draw_chart(sheet, (left, top + CELL - _CHART_HEIGHT, left + CELL, top + CELL), panel.chart)
