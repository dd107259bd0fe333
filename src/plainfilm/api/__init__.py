# SPDX-License-Identifier: MIT
"""The Python functions: render one image, explain it, convert or survey many. They never print and never exit."""

from plainfilm.api.image_file import ImageFile, open_image
from plainfilm.api.looks import compare
from plainfilm.api.many_images import convert, iterate, survey
from plainfilm.api.one_image import explain, explain_isolated, render
from plainfilm.api.source import Image8, Image16, Source
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.summary import PlannedSource, Run
from plainfilm.conversion.survey_result import Survey
from plainfilm.records import Failure, Record
from plainfilm.rendering.explanation import Explanation

open = open_image

__all__ = [
    "Explanation",
    "Failure",
    "Image8",
    "Image16",
    "ImageFile",
    "PlannedSource",
    "Record",
    "Run",
    "RunProgress",
    "Source",
    "Survey",
    "compare",
    "convert",
    "explain",
    "explain_isolated",
    "iterate",
    "open",
    "render",
    "survey",
]
