# SPDX-License-Identifier: MIT
"""What displays an image and cannot be used makes it repaired, which `strict` refuses."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

import plainfilm
from plainfilm.errors import RepairRefusedError

BASE: dict[str, tuple[str, Any]] = {
    "Rows": ("US", 8),
    "Columns": ("US", 8),
    "SamplesPerPixel": ("US", 1),
    "PhotometricInterpretation": ("CS", "MONOCHROME2"),
    "BitsAllocated": ("US", 16),
    "BitsStored": ("US", 12),
    "HighBit": ("US", 11),
    "PixelRepresentation": ("US", 0),
    "WindowCenter": ("DS", "30"),
    "WindowWidth": ("DS", "60"),
    "PixelData": ("OW", b"".join(number.to_bytes(2, "little") for number in range(64))),
}
DISPLAY, STORED = ("viewer", "clahe"), ("viewer", "clahe", "window", "stretch", "minmax", "equalize", "stored")
LOOKS = {
    "WindowCenter": (*DISPLAY, "stretch", "minmax"),
    "WindowWidth": (*DISPLAY, "stretch", "minmax"),
    "VOILUTSequence": (*DISPLAY, "stretch", "minmax"),
    "RescaleSlope": (*DISPLAY, "window"),
    "RescaleIntercept": (*DISPLAY, "window"),
    "ModalityLUTSequence": (*DISPLAY, "window"),
    "PixelRepresentation": STORED,
}


def film(damaged: str) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, (vr, value) in BASE.items():
        dataset.add_new(keyword, vr, value)
    if damaged.endswith("Sequence"):
        item = Dataset()
        item.LUTDescriptor = [4, 0, 16]
        setattr(dataset, damaged, [item])
    elif damaged == "PixelRepresentation":
        dataset.PixelRepresentation = 7
    elif damaged:
        dataset.add_new(damaged, "LO", "see report")
    content = io.BytesIO()
    dataset.save_as(content)
    return content.getvalue()


@pytest.mark.parametrize("look", STORED)
@pytest.mark.parametrize("damaged", ["", *LOOKS])
def test_an_image_is_repaired_if_its_look_needs_what_cannot_be_used(damaged: str, look: str) -> None:
    options: dict[str, Any] = {"window": "30,60"} if look == "window" else {"look": look}
    content = film(damaged)
    explanation = plainfilm.explain(content, **options).to_dict()
    is_repaired = look in LOOKS.get(damaged, ())
    assert explanation["status"] == ("repaired" if is_repaired else "ok")
    if not is_repaired:
        plainfilm.render(content, strict=True, **options)
        return
    with pytest.raises(RepairRefusedError) as refused:
        plainfilm.render(content, strict=True, **options)
    assert refused.value.reason == "repair_refused"
    assert damaged in str(refused.value)


def test_a_voi_that_the_user_leaves_out_needs_no_repair() -> None:
    assert plainfilm.explain(film("WindowCenter"), voi="none", strict=True).to_dict()["status"] == "ok"


@pytest.mark.parametrize("look", ["viewer", "clahe", "stretch", "minmax"])
@pytest.mark.parametrize(
    ("voi", "code", "used"),
    [
        ("lut", "voi_not_found", "window:0"),
        ("lut:3", "voi_not_found", "window:0"),
        ("no such Explanation", "voi_not_found", "window:0"),
        ("window:9", "voi_index_missing", "window:0"),
    ],
)
def test_a_voi_that_the_file_lacks_is_replaced_by_the_choice_of_the_file(
    look: str, voi: str, code: str, used: str
) -> None:
    content = film("")
    explanation = plainfilm.explain(content, look=look, voi=voi).to_dict()
    own = plainfilm.explain(content, look=look).to_dict()
    assert (explanation["status"], explanation["voi"], own["voi"]) == ("repaired", used, used)
    assert code in str(explanation["findings"])
    assert np.array_equal(plainfilm.render(content, look=look, voi=voi), plainfilm.render(content, look=look))
    with pytest.raises(RepairRefusedError, match="strict=True"):
        plainfilm.render(content, look=look, voi=voi, strict=True)
