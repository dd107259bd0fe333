# SPDX-License-Identifier: MIT
"""A value other than the default for every option, as it is typed on the command line and as Python passes it."""

from __future__ import annotations

from pathlib import Path

from plainfilm.options.presentation import PresentationSource
from plainfilm.options.privacy import RedactUnmatched

OPTION_VALUES: dict[str, tuple[str, object]] = {
    "look": ("minmax", "minmax"),
    "window": ("-600,1500,sigmoid", (-600, 1500, "sigmoid")),
    "stretch": ("1,99.5,all", (1, 99.5, "all")),
    "clahe": ("3.5,4", (3.5, 4)),
    "voi": ("window:1", "window:1"),
    "polarity": ("monochrome1", "monochrome1"),
    "bits": ("16", 16),
    "icc": ("srgb", "srgb"),
    "strict": ("", True),
    "decode": ("reduced", "reduced"),
    "allow_truncated": ("", True),
    "verify": ("", True),
    "pixels": ("stored", "stored"),
    "crop": ("1,2,30,40", (1, 2, 30, 40)),
    "size": ("640x480", (640, 480)),
    "spacing": ("0.25", 0.25),
    "enlarge": ("", True),
    "fit": ("keep", "keep"),  # another one needs a size
    "overlays": ("mask", "mask"),
    "presentation": ("auto", PresentationSource()),
    "orient": ("viewer", "viewer"),
    "format": ("tiff", "tiff"),
    "quality": ("75", 75),
    "lossless": ("", True),
    "frames": ("3", 3),
    "names": ("uid", "uid"),
    "source_column": ("path", "path"),
    "null": ("", True),
    "table": ("jsonl", "jsonl"),
    "no_card": ("", True),
    "modality": ("CR,DX", ["CR", "DX"]),
    "body_part": ("HAND", ["hand"]),
    "where": ("view_position=PA;rows!=10", ["view_position=PA", "rows!=10"]),
    "redact": ("-1,2,3,4;5,6,7,8.5", [(-1, 2, 3, 4), (5, 6, 7, 8.5)]),
    "redact_from": ("boxes.csv", Path("boxes.csv")),
    "redact_unmatched": ("ignore", RedactUnmatched.IGNORE),
    "columns": ("StudyDate,KVP", ["StudyDate", "KVP"]),
    "timeout": ("7.5", 7.5),
    "memory": ("1GiB", 1024**3),
    "max_pixels": ("1e6", 1_000_000),
    "jobs": ("3", 3),
    "key_file": ("some.key", Path("some.key")),
    "overwrite": ("", True),
    "dry_run": ("", True),
    "no_report": ("", True),
    "log": ("run.log", Path("run.log")),
    "verbose": ("", True),
    "progress": ("json", "json"),
    "quiet": ("", True),
    "exclude": ("marks.csv", Path("marks.csv")),
}
