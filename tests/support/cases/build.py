# SPDX-License-Identifier: MIT
"""Synthetic images by parameter: `build_case` one, `random_cases` many, `to_bytes` as a DICOM file."""

from __future__ import annotations

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
    "random_case",
    "random_cases",
    "to_bytes",
]


def build_case(**parameters: Any) -> tuple[Dataset, Array]:
    """The Dataset and raw cells of a `Spec`; the attributes of its top level (`GroupSpec`) may be given directly."""
    return build(spec_of(**parameters))
