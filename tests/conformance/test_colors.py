# SPDX-License-Identifier: MIT
"""Compare every colour image of the catalogue with DCMTK."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

import plainfilm

# DCMTK's tables are off by up to two levels there: its greys have a tint
TINTED = ("SC_ybr_full_uncompressed.dcm",)


@pytest.mark.parametrize(("bits", "word"), [(8, "+on"), (16, "+on2")])
def test_colour_images_equal_dcmtk(bits: int, word: str, film_folder: Path, dcmj2pnm: str, tmp_path: Path) -> None:
    with open(film_folder / "catalog.csv", newline="", encoding="utf-8") as file:
        rows = [
            row for row in csv.DictReader(file) if row["PhotometricInterpretation"].startswith(("RGB", "YBR", "PAL"))
        ]
    differing, compared = set(), 0
    for row in rows:
        path, picture = film_folder / row["file"], tmp_path / "theirs.png"
        picture.unlink(missing_ok=True)
        tool = dcmj2pnm if "JPEG-LS" not in row["TransferSyntax"] else str(Path(dcmj2pnm).with_name("dcml2pnm"))
        subprocess.run([tool, "-O", word, str(path), str(picture)], capture_output=True, check=False, timeout=60)
        ours = plainfilm.render(path, bits=bits, pixels="stored")
        if not picture.exists():
            continue
        compared += 1
        theirs = np.atleast_3d(np.asarray(cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)))[:, :, ::-1]
        assert theirs.dtype == ours.dtype
        if np.abs(theirs.astype(int) - ours).max() > (1 if bits == 8 else 257):
            differing.add(path.name)
    assert differing == set(TINTED)
    assert compared >= 60
