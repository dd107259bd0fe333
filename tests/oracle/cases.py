# SPDX-License-Identifier: MIT
"""Synthetic images by parameter: `build_case` one, `random_cases` many, `to_bytes` as a DICOM file."""

from __future__ import annotations

from typing import Any

from case_dataset import build, to_bytes
from case_pixels import CONTENTS, Array
from case_random import Case, random_case, random_cases
from case_spec import XRAY_ANGIOGRAPHY, GroupSpec, LutSpec, ShutterSpec, Spec, spec_of
from pydicom.dataset import Dataset

__all__ = [
    "CONTENTS",
    "XRAY_ANGIOGRAPHY",
    "Case",
    "GroupSpec",
    "LutSpec",
    "ShutterSpec",
    "Spec",
    "build_case",
    "random_case",
    "random_cases",
    "to_bytes",
]


def build_case(**parameters: Any) -> tuple[Dataset, Array]:
    """The Dataset and raw cells of a `Spec`; the attributes of its top level (`GroupSpec`) may be given directly."""
    return build(spec_of(**parameters))
