# SPDX-License-Identifier: MIT
"""The forms that an OUT can have: layouts, formats, tables, names, splits and class folders, each at least once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

HALVES = "train=0.5,test=0.5"
_LABELS = {"label": "side", "label_key": "PatientID"}

FORMS: dict[str, dict[str, Any]] = {
    "a folder": {},
    "names by hash": {"names": "hash", "table": "jsonl"},
    "names by UID": {"names": "uid"},
    "names by terms": {"names": "tags", "split": HALVES, "format": "jxl", "bits": 16},
    "splits": {"split": HALVES, "table": "parquet"},
    "splits in CSV": {"split": HALVES, **_LABELS},
    "class folders": {**_LABELS, "class_folders": "side"},
    "splits and class folders": {**_LABELS, "class_folders": "side", "split": HALVES, "table": "jsonl"},
    "tar files": {"layout": "webdataset", "samples_per_file": 4},
    "tar files with splits": {
        "layout": "webdataset",
        "samples_per_file": 4,
        "split": HALVES,
        "table": "jsonl",
        "format": "jpeg",
    },
    "tar files with labels": {"layout": "webdataset", "samples_per_file": 4, **_LABELS, "format": "npy"},
    "Parquet files": {"layout": "parquet", "samples_per_file": 4, "table": "parquet"},
    "Parquet files with splits": {
        "layout": "parquet",
        "samples_per_file": 4,
        "split": HALVES,
        "format": "tiff",
        **_LABELS,
    },
    "no report and no card": {"no_report": True, "no_card": True, "format": "webp"},
}
"""The options of each form, but for the file of the labels."""


def has_labels(form: str) -> bool:
    """Whether a form needs `--labels` with the columns PatientID and side."""
    return "label" in FORMS[form]


def options_of_form(form: str, labels: Path) -> dict[str, Any]:
    """The options of a form; labels: the file of the labels, for the forms that need one."""
    return {**FORMS[form], "labels": labels} if has_labels(form) else FORMS[form]


def words_of_form(form: str, labels: Path) -> Iterator[str]:
    """The options of a form as words of the command."""
    for name, value in options_of_form(form, labels).items():
        yield f"--{name.replace('_', '-')}"
        if value is not True:
            yield str(value)
