# SPDX-License-Identifier: MIT
"""Count how often `polarity_suspect` is right, on real and on synthetic radiographs in both polarities.

    python -m conformance.polarity [--crops N]

The real radiographs are those of the folder PLAINFILM_TEST_DATA, or of ../shared/data. Each radiograph is judged as it
is, with the polarity of --polarity reversed, and with the polarity of its header reversed; each with and without Pixel
Intensity Relationship Sign, and in N random parts (default 20), half of them in a white margin.
"""

from __future__ import annotations

import argparse
import copy
import csv
import os
import random
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset

import plainfilm
from plainfilm.demo.catalog import demo_radiographs
from plainfilm.demo.dataset import build_dataset

ROOT = Path(__file__).resolve().parent.parent
RADIOGRAPHS = ("CR", "DX", "IO", "MG", "PX", "RG")
# The real file whose header has the wrong polarity, so that a viewer shows a negative.
NEGATIVES = ("Fake_MONOHR1.dcm",)
OTHER = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1", "IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}
MIN_SIDE = 64


def real_radiographs(folder: Path) -> Iterator[tuple[str, Dataset]]:
    """Yield the name and the data set of each radiograph of at least 64 x 64 pixels."""
    with open(folder / "catalog.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Modality"] in RADIOGRAPHS and row["Rows"]]
    for row in rows:
        dataset = pydicom.dcmread(folder / row["file"], force=True)
        if min(int(row["Rows"]), int(row["Columns"])) >= MIN_SIDE and "PixelData" in dataset:
            yield Path(row["file"]).name, dataset


def is_suspect(dataset: Dataset, **options: Any) -> bool:
    """Whether the tables call the polarity of an image suspect."""
    findings: Any = plainfilm.explain(dataset, **options).to_dict()["findings"]
    return any(finding["code"] in ("polarity_conflict", "polarity_doubtful") for finding in findings)


def reversed_header(dataset: Dataset) -> Dataset:
    """Return a copy of a data set with the other Photometric Interpretation and Presentation LUT Shape."""
    other = copy.deepcopy(dataset)
    for keyword in ("PhotometricInterpretation", "PresentationLUTShape"):
        if dataset.get(keyword):
            setattr(other, keyword, OTHER[dataset[keyword].value])
    return other


def parts(image: Any, body_part: str, count: int, seed: str) -> Iterator[Dataset]:
    """Yield random parts of a picture, of at least 40 % of each side, every second one in a white margin."""
    source = random.Random(seed)
    for number in range(count):
        rows, columns = (round(side * source.uniform(0.4, 1)) for side in image.shape)
        top, left = source.randint(0, image.shape[0] - rows), source.randint(0, image.shape[1] - columns)
        part = image[top : top + rows, left : left + columns]
        if number % 2:
            part = np.pad(part, round(0.1 * max(rows, columns)), constant_values=255)
        yield picture(part, body_part)


def picture(image: Any, body_part: str) -> Dataset:
    """Return an 8-bit image whose values are display values."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.Modality, dataset.BodyPartExamined, dataset.PhotometricInterpretation = "CR", body_part, "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = image.tobytes() + bytes(image.size % 2)
    dataset["PixelData"].VR = "OB"
    return dataset


def judge(name: str, dataset: Dataset, crops: int) -> Iterator[tuple[str, bool, bool]]:
    """Yield for each variant its name, whether its picture is a negative, and whether it is suspect."""
    is_negative = name in NEGATIVES
    option = "monochrome2" if plainfilm.explain(dataset).to_dict()["inverted"] else "monochrome1"
    for label, signed in (("with the sign", True), ("without the sign", False)):
        subject = copy.deepcopy(dataset)
        if not signed and "PixelIntensityRelationshipSign" in subject:
            del subject.PixelIntensityRelationshipSign
        yield f"as it is, {label}", is_negative, is_suspect(subject)
        yield f"reversed by --polarity, {label}", not is_negative, is_suspect(subject, polarity=option)
        yield f"reversed in the header, {label}", not is_negative, is_suspect(reversed_header(subject))
    image = plainfilm.render(dataset, polarity=option if is_negative else "auto")
    for part in parts(image, str(dataset.get("BodyPartExamined") or ""), crops, name):
        yield "parts, without the sign", False, is_suspect(part)
        yield "parts reversed, without the sign", True, is_suspect(reversed_header(part))


def main() -> None:
    """Judge all radiographs and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=20, metavar="N", help="parts of each radiograph (%(default)s)")
    crops = parser.parse_args().crops
    warnings.simplefilter("ignore")
    folder = Path(os.environ.get("PLAINFILM_TEST_DATA", ROOT.parent / "shared" / "data"))
    synthetic = ((radiograph.name, build_dataset(radiograph)) for radiograph in demo_radiographs())
    for group, subjects in (("real", real_radiographs(folder)), ("synthetic", synthetic)):
        counts, wrong = Counter[tuple[str, bool, bool]](), list[str]()
        for name, dataset in subjects:
            for variant, is_negative, suspect in judge(name, dataset, crops):
                counts[variant, is_negative, suspect] += 1
                if suspect != is_negative and not variant.startswith("parts"):
                    wrong.append(f"  {'missed' if is_negative else 'false alarm'}: {name}, {variant}")
        for variant in dict.fromkeys(key[0] for key in counts):
            hits, misses = counts[variant, True, True], counts[variant, True, False]
            alarms, quiet = counts[variant, False, True], counts[variant, False, False]
            print(f"{group}, {variant}: hits {hits}/{hits + misses}, false alarms {alarms}/{alarms + quiet}")
        print("\n".join(wrong))


if __name__ == "__main__":
    main()
