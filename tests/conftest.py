# SPDX-License-Identifier: MIT
"""Where tests find what is not in the project: the real films and DCMTK; skipped with a reason, a failure under CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def lacking(what: str) -> None:
    """Skip for want of something, or fail where its absence would hide a defect."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (under CI this must be there)")
    pytest.skip(what)


@pytest.fixture(scope="session")
def film_folder() -> Path:
    """The folder of real films: PLAINFILM_TEST_DATA, else ../shared/data from the project's root."""
    folder = Path(os.environ.get("PLAINFILM_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "catalog.csv").is_file():
        lacking(f"no real films in {folder}: set PLAINFILM_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def dciodvfy() -> str:
    """The path of dicom3tools' dciodvfy, which validates an object against its IOD."""
    found = shutil.which("dciodvfy")
    if found is None:
        lacking("dciodvfy is not installed (Debian package dicom3tools)")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def pngcheck() -> str:
    """The path of pngcheck, which reads a PNG as strictly as ISO/IEC 15948 asks."""
    found = shutil.which("pngcheck")
    if found is None:
        lacking("pngcheck is not installed (Debian package pngcheck)")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def dcmj2pnm() -> str:
    """The path of DCMTK's dcmj2pnm."""
    found = shutil.which("dcmj2pnm")
    if found is None:
        lacking("DCMTK's dcmj2pnm is not installed (Debian package dcmtk)")
    assert found is not None
    return found
