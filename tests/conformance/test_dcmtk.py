# SPDX-License-Identifier: MIT
"""The viewer look against DCMTK's dcmj2pnm on real films: within one grey level wherever it follows the same rule."""

from __future__ import annotations

import csv
import subprocess
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

import plainfilm
from plainfilm.pipeline import PlannedFrame

pytestmark = [pytest.mark.real_film, pytest.mark.dcmtk]

JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
# How each VOI is asked for: DCMTK counts from 1.
VOIS = {"window:0": ("+Wi", "1"), "lut:0": ("+Wl", "1"), "none": ()}

# Where DCMTK follows another rule, by file and what it does instead; docs/decisions.md has the reasons.
OTHER_RULE = {
    "liver.dcm": "paints 1 of a 1-bit image as 128",
    "liver_1frame.dcm": "paints 1 of a 1-bit image as 128",
    "liver_expb.dcm": "paints 1 of a 1-bit image as 128",
    "liver_expb_1frame.dcm": "paints 1 of a 1-bit image as 128",
    "liver_nonbyte_aligned.dcm": "paints 1 of a 1-bit image as 128",
}
# What DCMTK does not decode or find at all.
NOT_SHOWN = {
    "GH1339.dcm": "no sequence delimiter",
    "MOVEKNEE.dcm": "window in a functional group",
    "eCT_Supplemental.dcm": "window in a functional group",
    "JLSL_08_07_0_1F.dcm": "JPEG-LS of 7 bits",
    "liver_rle.dcm": "RLE of 1 bit",
    "liver_nonbyte_aligned_rle.dcm": "RLE of 1 bit",
    "liver_deflate.dcm": "deflated image frame",
    "liver_nonbyte_aligned_deflate.dcm": "deflated image frame",
    "parametric_map.dcm": "floating point pixels",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "cut short",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One comparison: the picture of each side, and the pixels that both mean to show."""

    ours: npt.NDArray[np.uint8]
    theirs: npt.NDArray[np.uint8]
    shown: npt.NDArray[np.bool_]

    @property
    def difference(self) -> int:
        """The largest difference of a pixel that both mean to show."""
        return int(np.abs(self.ours.astype(int) - self.theirs.astype(int))[self.shown].max(initial=0))


def catalogue(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalog.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def native(path: Path) -> bytes:
    """A JPEG 2000 film rewritten as native by another decoder than ours; any other film as it is."""
    dataset = pydicom.dcmread(path, force=True)
    if dataset.file_meta.get("TransferSyntaxUID") not in JPEG_2000:
        return path.read_bytes()
    import imagecodecs

    frames = pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1)))
    cells = np.stack([imagecodecs.jpeg2k_decode(frame) for frame in frames])
    dataset.PixelData = cells.astype(cells.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].is_undefined_length = False
    dataset["PixelData"].VR = "OW" if cells.itemsize > 1 else "OB"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    out = BytesIO()
    dataset.save_as(out, implicit_vr=False, little_endian=True)
    return out.getvalue()


def dcmtk_picture(content: bytes, voi: str, tool: str, folder: Path) -> npt.NDArray[np.uint8] | None:
    source, target = folder / "film.dcm", folder / "film.pgm"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    subprocess.run([tool, "-O", "+F", "1", "+op", *VOIS[voi], source, target], capture_output=True, check=False)
    return cv2.imread(str(target), cv2.IMREAD_UNCHANGED) if target.exists() else None


def compare(content: bytes, planned: PlannedFrame, picture: npt.NDArray[np.uint8], voi: str) -> Shown:
    ours = plainfilm.render(content, voi=voi, pixels="stored")
    shown = np.ones(ours.shape, np.bool_)
    if planned.plan.padding is not None:
        from plainfilm.grayscale.stored import stored_values

        shown = ~planned.plan.padding.holds(stored_values(planned.plan.rules, planned.decoded.samples))
    return Shown(ours, picture, shown)


@pytest.mark.parametrize("voi", VOIS)
def test_real_films_are_shown_as_dcmtk_shows_them(film_folder: Path, dcmj2pnm: str, tmp_path: Path, voi: str) -> None:
    compared, faults = set(), []
    for row in catalogue(film_folder):
        path, name = film_folder / row["file"], Path(row["file"]).name
        if row["decode"].startswith("ok") and row["PhotometricInterpretation"].startswith("MONOCHROME"):
            fault = fault_of(path, voi, dcmj2pnm, tmp_path)
            compared |= {name} if fault == "" else set()
            faults += [f"{name}: {fault}"] if fault else []
    assert not faults, "\n".join(faults)
    assert len(compared) >= {"window:0": 55, "lut:0": 2, "none": 15}[voi], sorted(compared)


def fault_of(path: Path, voi: str, dcmj2pnm: str, folder: Path) -> str | None:
    """What differs, '' where nothing does, None where there is nothing to compare."""
    try:
        content = native(path)
        planned = plainfilm.explain(content, voi=voi, pixels="stored").planned
    except plainfilm.PlainfilmError:
        return None
    if planned.plan.voi != ("identity" if voi == "none" else voi):
        return None
    jpeg_ls = pydicom.dcmread(path, force=True, stop_before_pixels=True).file_meta.get("TransferSyntaxUID") in JPEG_LS
    tool = str(Path(dcmj2pnm).with_name("dcml2pnm")) if jpeg_ls else dcmj2pnm
    picture = dcmtk_picture(content, voi, tool, folder)
    if picture is None:
        return None if path.name in NOT_SHOWN else "DCMTK shows nothing"
    difference = compare(content, planned, picture, voi).difference
    if path.name in OTHER_RULE:
        return None if difference > 1 else "is listed as another rule, and agrees"
    return "" if difference <= 1 else f"differs by {difference}"


def test_the_radiographs_are_among_the_films_compared(film_folder: Path, dcmj2pnm: str, tmp_path: Path) -> None:
    windows = [
        film_folder / row["file"]
        for row in catalogue(film_folder)
        if row["kind"] == "radiograph" and row["WindowCenter"] and "GH133" not in row["file"]
    ]
    assert len(windows) >= 8
    faults = {path.name: fault_of(path, "window:0", dcmj2pnm, tmp_path) for path in windows}
    assert set(faults.values()) == {""}, faults
