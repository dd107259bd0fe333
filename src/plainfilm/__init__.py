# SPDX-License-Identifier: MIT
"""Convert DICOM radiographs into ordinary images that look as on a radiologist's viewer. Not for diagnostic use.

This module holds the public names. Those that import large libraries are loaded on first use.
"""

import os
import sys

if (
    sys.argv[:1] == ["-m"]
    and not sys.flags.safe_path
    and sys.path[:1] == [os.getcwd()] != [os.path.dirname(os.path.dirname(__file__))]  # noqa: PTH109, PTH120
):
    # `python -m plainfilm` puts the current folder first; it holds the user's files, which must not be imported
    del sys.path[0]

import logging
from typing import TYPE_CHECKING, Any

from plainfilm.errors import (
    ConversionError,
    OptionsError,
    PlainfilmError,
    Reason,
    RunError,
    Stage,
)
from plainfilm.version import VERSION as __version__

if TYPE_CHECKING:
    from plainfilm.api import (
        Explanation,
        Failure,
        ImageFile,
        PlannedSource,
        Record,
        Run,
        RunProgress,
        Survey,
        compare,
        convert,
        explain,
        iterate,
        open,
        render,
        survey,
    )

# without this handler, logging would print warnings to standard error
logging.getLogger(__name__).addHandler(logging.NullHandler())

_LOADED_ON_FIRST_USE = (
    "Explanation",
    "Failure",
    "ImageFile",
    "PlannedSource",
    "Record",
    "Run",
    "RunProgress",
    "Survey",
    "compare",
    "convert",
    "explain",
    "iterate",
    "open",
    "render",
    "survey",
)

__all__ = [
    "ConversionError",
    "Explanation",
    "Failure",
    "ImageFile",
    "OptionsError",
    "PlainfilmError",
    "PlannedSource",
    "Reason",
    "Record",
    "Run",
    "RunError",
    "RunProgress",
    "Stage",
    "Survey",
    "__version__",
    "compare",
    "convert",
    "explain",
    "iterate",
    "open",
    "render",
    "survey",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from plainfilm import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LOADED_ON_FIRST_USE})
