# SPDX-License-Identifier: MIT
"""Convert a folder of DICOM files to PNG with one of several libraries, in the way of their own examples.

    python recipe.py PEER IN OUT [JOBS [SIZE]]

SIZE is the longest side of the images, which are resized after all other steps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

Frames = Callable[[Path], Iterator[Any]]


def _frames_of(pixels: Any) -> Iterator[Any]:
    return iter(pixels) if pixels.ndim == 3 else iter([pixels])


def _stretched(values: Any, inverted: bool) -> Any:
    """Stretch to 8 bits between percentiles that ignore the smallest and the largest value."""
    inner = values[(values > values.min()) & (values < values.max())]
    low, high = np.percentile(inner, (0.1, 99.9))
    grey = (values.astype(np.float32) - low).clip(0, high - low) / (high - low) * 255
    return (255 - grey if inverted else grey).astype(np.uint8)


def published(path: Path) -> Iterator[Any]:
    """Read with pydicom, use its apply_voi_lut, stretch, and invert MONOCHROME1."""
    from pydicom import dcmread
    from pydicom.pixels import apply_voi_lut

    dataset = dcmread(path)
    for frame in _frames_of(dataset.pixel_array):
        yield _stretched(apply_voi_lut(frame, dataset), dataset.PhotometricInterpretation == "MONOCHROME1")


def sitk(path: Path) -> Iterator[Any]:
    """Read with SimpleITK and stretch."""
    import SimpleITK

    for frame in _frames_of(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))):
        yield _stretched(frame, inverted=False)


def sdl(path: Path) -> Iterator[Any]:
    """Read with dicomsdl and stretch."""
    import dicomsdl

    dataset = dicomsdl.open(str(path))
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    count = int(dataset.NumberOfFrames or 1)
    for number in range(count):
        yield _stretched(dataset.pixelData(number), inverted)


def highdicom(path: Path) -> Iterator[Any]:
    """Use the VOI and presentation transforms of highdicom."""
    from highdicom import imread

    image = imread(str(path))
    for number in range(int(image.get("NumberOfFrames", 1))):
        frame = image.get_frame(number + 1, apply_voi_transform=True, apply_presentation_lut=True)
        yield (frame * 255 + 0.5).astype(np.uint8)


def dicom2jpg_library(path: Path) -> Iterator[Any]:
    """Use dicom2jpg.dicom2img."""
    import dicom2jpg

    yield dicom2jpg.dicom2img(str(path))


READERS: dict[str, Frames] = {
    "recipe": published,
    "pillow": published,
    "SimpleITK": sitk,
    "dicomsdl": sdl,
    "highdicom": highdicom,
    "dicom2jpg": dicom2jpg_library,
}


def _resized(image: Any, size: int) -> Any:
    import cv2

    scale = size / max(image.shape)
    rows, columns = (max(1, round(length * scale)) for length in image.shape)
    return image if scale >= 1 else cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)


def convert(peer: str, path: Path, out: Path, size: int) -> None:
    """Convert one file to its images."""
    for number, frame in enumerate(READERS[peer](path)):
        image = _resized(frame, size) if size else frame
        target = out / f"{path.stem}_{number}.png"
        if peer == "pillow":
            from PIL import Image

            Image.fromarray(image).save(target)
        else:
            import cv2

            cv2.imwrite(str(target), image)


def main(peer: str, folder: str, target: str, jobs: str = "1", size: str = "0") -> None:
    """Convert a folder; more than one job uses a process pool."""
    paths, out = sorted(Path(folder).iterdir()), Path(target)
    out.mkdir(parents=True)
    if jobs == "1":
        for path in paths:
            convert(peer, path, out, int(size))
    else:
        with ProcessPoolExecutor(int(jobs)) as pool:
            list(pool.map(partial(convert, peer, out=out, size=int(size)), paths))


if __name__ == "__main__":
    main(*sys.argv[1:])
