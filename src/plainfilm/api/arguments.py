# SPDX-License-Identifier: MIT
"""Check the arguments of the Python functions, and make their errors speak Python."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from plainfilm.api.source import type_name
from plainfilm.errors import ArgumentTypeError, ConversionError, OptionsError, PlainfilmError
from plainfilm.options.field import Scope
from plainfilm.options.keywords import RunKeywords, SurveyKeywords
from plainfilm.options.options import Options
from plainfilm.options.presentation import Overlays
from plainfilm.options.suggestion import did_you_mean
from plainfilm.options.wording import python_wording


@contextmanager
def python_errors(path: str | None = None) -> Iterator[None]:
    """Let the errors of the block spell options as Python does, and those about a source name its path."""
    try:
        yield
    except PlainfilmError as error:
        error.message = python_wording(error.message)
        error.args = (error.message,)
        if isinstance(error, ConversionError):
            error.path = error.path or path
        raise


def options_of(function: str, keywords: Mapping[str, object], keyword_types: type) -> Options:
    """Return the options of a function from its keywords.

    keyword_types: the TypedDict of the keywords that the function accepts.
    Raises ArgumentTypeError for any other keyword, and OptionsError for values that are wrong or contradict each other.
    """
    accepted = keyword_types.__annotations__
    for name in keywords:
        # the types are generated from the declarations, which a new option is in first
        if name not in accepted and name not in _declared_names(keyword_types):
            raise ArgumentTypeError(f"{function}() has no option {name!r}{_advice(name, accepted)}")
    # the defaults need no parsing, which would take a tenth of the time of a small image
    return Options.of(keywords) if keywords else Options()


def _declared_names(keyword_types: type) -> set[str]:
    """Return the names of the options that a function accepts by their scope."""
    if keyword_types is SurveyKeywords:
        return set()
    scopes = (Scope.IMAGE, Scope.RUN) if keyword_types is RunKeywords else (Scope.IMAGE,)
    return {option.name for option in Options.declared(*scopes)}


def check_one_image(options: Options) -> None:
    """Raise OptionsError for options that make further images beside the one that is returned."""
    if options.presentation.overlays is Overlays.MASK:
        raise OptionsError("--overlays mask makes further images: convert into a folder")


def frame_index(frame: object, frames: int) -> int:
    """Return the index from 0 of a frame that is counted from 1.

    Raises ArgumentTypeError if it is no whole number, and OptionsError if there is no such frame.
    """
    try:
        index = operator.index(frame) - 1  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentTypeError(f"frame must be a whole number from 1, not {type_name(frame)}") from None
    if not 0 <= index < frames:
        raise OptionsError(f"there is no frame {index + 1}: the image has {frames}, counted from 1")
    return index


def paths_of(sources: object) -> list[str]:
    """Return the paths and URLs of the sources. Raises ArgumentTypeError, or OptionsError if there is none."""
    if isinstance(sources, (str, PathLike)):
        return [place_argument("sources", sources)]
    if isinstance(sources, (bytes, bytearray, Mapping)) or not isinstance(sources, Iterable):
        raise ArgumentTypeError(f"sources must be a path or several paths, not {type_name(sources)}")
    paths = [place_argument("sources", source) for source in sources]
    if not paths:
        raise OptionsError("sources is empty: give at least one file or folder")
    return paths


def path_argument(name: str, value: object) -> Path:
    """Return an argument that is a path. Raises ArgumentTypeError."""
    return Path(place_argument(name, value))


def place_argument(name: str, value: object) -> str:
    """Return an argument that is a path or a URL, as text. Raises ArgumentTypeError."""
    path = os.fspath(value) if isinstance(value, (str, PathLike)) else None
    if not isinstance(path, str):
        raise ArgumentTypeError(f"{name} must be a path, not {type_name(value)}")
    return path


def _advice(name: str, accepted: Iterable[str]) -> str:
    if name in RunKeywords.__annotations__:
        return ": it is an option of convert()"
    if name in {option.name for option in Options.declared()}:
        return ": it is an option of the command line"
    return did_you_mean(name, accepted)
