# SPDX-License-Identifier: MIT
"""Build synthetic images by parameter: one, many at random, or as the bytes of a DICOM file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from tests.support.cases.dataset import build, to_bytes
from tests.support.cases.pixels import CONTENTS, Array
from tests.support.cases.random import Case, random_case, random_cases
from tests.support.cases.spec import XRAY_ANGIOGRAPHY, GroupSpec, LutSpec, ShutterSpec, Spec, spec_of

__all__ = [
    "CONTENTS",
    "XRAY_ANGIOGRAPHY",
    "Case",
    "GroupSpec",
    "LutSpec",
    "ShutterSpec",
    "Spec",
    "build_case",
    "case_file",
    "random_case",
    "random_cases",
    "to_bytes",
    "write_case",
]


def build_case(**parameters: Any) -> tuple[Dataset, Array]:
    """The Dataset and raw cells of a `Spec`; the attributes of its top level (`GroupSpec`) may be given directly."""
    return build(spec_of(**parameters))


def case_file(**parameters: Any) -> bytes:
    """The bytes of a DICOM file that `build_case` describes."""
    return to_bytes(build_case(**parameters)[0])


def write_case(path: Path, **parameters: Any) -> Path:
    """Write the file that `build_case` describes, make its folder, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(case_file(**parameters))
    return path
