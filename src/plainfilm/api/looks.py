# SPDX-License-Identifier: MIT
"""Compare looks side by side in one picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import IOBase
from os import PathLike
from pathlib import Path
from typing import Unpack, cast

from pydicom.dataset import Dataset

from plainfilm.api.arguments import options_of, python_errors
from plainfilm.api.source import Image8, Source, content_of
from plainfilm.options.keywords import ImageKeywords
from plainfilm.options.run import available_cpus

_SINGLE = (str, PathLike, bytes, bytearray, memoryview, Dataset, IOBase)


def compare(
    sources: Source | Iterable[Source],
    *,
    looks: str | Sequence[str] = "naive,viewer,stretch",
    frame: int = 1,
    **options: Unpack[ImageKeywords],
) -> Image8:
    """Compare looks in one picture, as `plainfilm compare` does: a row for each image, a column for each look.

    looks: names of looks, or `naive` for `pixel_array / max * 255`. options: as for `render`; the parameters of a look
    (window, stretch, clahe) apply to this look alone. The images are decoded in worker processes.

    Returns an RGB array (rows, columns, 3), uint8. Raises the ConversionError of the first source that gives no image,
    OptionsError if the options are wrong, and ArgumentTypeError, which is a TypeError, for arguments of a wrong type.
    """
    from plainfilm.report.comparison import compare_looks
    from plainfilm.report.look_panels import options_of_looks, parse_looks

    with python_errors():
        values = options_of("compare", options, ImageKeywords).to_mapping()
        several = sources if isinstance(sources, Iterable) and not isinstance(sources, _SINGLE) else [sources]
        content = [_isolated_source(source) for source in several]
        comparison = compare_looks(content, options_of_looks(parse_looks(looks), values), frame, available_cpus())
        for error in comparison.errors.values():
            raise error
        return comparison.image


def _isolated_source(source: object) -> Path | bytes | Dataset:
    """Return a source as a value that a worker can get. Raises ArgumentTypeError."""
    if isinstance(source, (str, PathLike)):
        return Path(cast("str | PathLike[str]", source)).absolute()
    return source if isinstance(source, Dataset) else content_of(source)
