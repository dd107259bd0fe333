# SPDX-License-Identifier: MIT
"""DICOM radiographs as ordinary pictures that look as they do on a radiologist's viewer. Not for diagnostic use.

The public names; the heavy ones are imported when they are first used.
"""

import logging
from typing import TYPE_CHECKING, Any

from plainfilm.errors import ConversionError, OptionsError, PlainfilmError, Reason, RunError, Stage
from plainfilm.version import VERSION as __version__

if TYPE_CHECKING:
    from plainfilm.api import Explanation, Run, convert, explain, render

# a library says nothing unless it is listened to
logging.getLogger(__name__).addHandler(logging.NullHandler())

_LAZY = ("Explanation", "Run", "convert", "explain", "render")

__all__ = [
    "ConversionError",
    "Explanation",
    "OptionsError",
    "PlainfilmError",
    "Reason",
    "Run",
    "RunError",
    "Stage",
    "__version__",
    "convert",
    "explain",
    "render",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from plainfilm import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
