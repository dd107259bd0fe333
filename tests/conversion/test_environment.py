# SPDX-License-Identifier: MIT
"""Too little memory and too few descriptors are never taken for properties of an image."""

from __future__ import annotations

import csv
import errno
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import simplejpeg
from pydicom.encaps import encapsulate
from pydicom.uid import UID
from rle.utils import encode_pixel_data
from tests.support.cases.build import build_case
from tests.support.cases.dataset import to_bytes
from tests.support.codestreams import synthetic_image

import plainfilm
from plainfilm.conversion.conversion import Conversion
from plainfilm.errors import environment_reason
from plainfilm.options.options import Options

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of Linux")
ROOT = "1.2.840.10008.1.2"
SIDE = 1024
MIB = 1 << 20


def _rle(image: Any) -> bytes:
    return bytes(
        encode_pixel_data(
            image.tobytes(), rows=SIDE, columns=SIDE, samples_per_pixel=1, bits_allocated=16, byteorder="<"
        )
    )


ENCODERS: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    ".5": (12, _rle),
    ".4.50": (8, lambda image: simplejpeg.encode_jpeg(image[:, :, None], colorspace="GRAY")),
    ".4.51": (12, lambda image: imagecodecs.jpeg8_encode(image, 95, bitspersample=12)),
    ".4.70": (12, lambda image: imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=12, predictor=1)),
    ".4.80": (12, imagecodecs.jpegls_encode),
    ".4.90": (12, lambda image: imagecodecs.jpeg2k_encode(image, codecformat="J2K", bitspersample=12)),
    ".4.201": (12, lambda image: imagecodecs.htj2k_encode(image)),
    ".4.110": (12, lambda image: imagecodecs.jpegxl_encode(image, lossless=True, bitspersample=16)),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image of each codec."""
    folder = tmp_path_factory.mktemp("codecs")
    for suffix, (bits, encode) in ENCODERS.items():
        image = synthetic_image((SIDE, SIDE), bits)
        dataset, _ = build_case(rows=4, columns=4)
        dataset.Rows = dataset.Columns = SIDE
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * image.itemsize, bits, bits - 1
        dataset.PixelData = encapsulate([bytes(encode(np.ascontiguousarray(image)))])
        dataset["PixelData"].is_undefined_length = True
        # pydicom does not write all of them, so another UID of the same length is replaced
        written = {23: f"{ROOT}.4.201", 22: f"{ROOT}.4.90", 19: f"{ROOT}.5"}[len(ROOT + suffix)]
        dataset.file_meta.TransferSyntaxUID = UID(written)
        content = to_bytes(dataset).replace(written.encode(), (ROOT + suffix).encode(), 1)
        (folder / f"film{suffix}.dcm").write_bytes(content)
    return folder


def _rows(out: Path, name: str) -> list[dict[str, str]]:
    with open(out / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_too_little_memory_is_the_reason_of_every_codec_and_is_tried_again(films: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 32)
    for memory in (1, 4, 8, 16):
        options = Options.of({"key_file": tmp_path / "key", "jobs": 2})
        # below the least value that --memory accepts
        limits = replace(options.limits, memory=memory * MIB)
        Conversion([films], tmp_path / "out", replace(options, limits=limits)).run()
        failures = _rows(tmp_path / "out", "failures")
        assert {row["reason"] for row in failures} <= {"memory_limit"}, (memory, failures)
        assert len(failures) == len(ENCODERS) or memory > 1
        assert {row["findings"] for row in _rows(tmp_path / "out", "metadata")} <= {""}
    run = plainfilm.convert(films, tmp_path / "out", key_file=tmp_path / "key")
    assert (run.converted, run.failed) == (len(ENCODERS), 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("descriptors", "words"),
    [
        *((number, ["--jobs", "1"]) for number in (8, 9, 11, 13, 15, 24)),
        (14, ["--jobs", "3", "--presentation", "auto"]),
    ],
)
def test_with_few_descriptors_a_run_ends_with_3_and_tables_or_gives_rows(
    descriptors: int, words: list[str], films: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(b"k" * 32)
    out, command = tmp_path / "out", f'ulimit -n {descriptors}; exec "$@"'
    arguments = [films, out, "--key-file", tmp_path / "key", *words]
    plainfilm_command = [sys.executable, "-m", "plainfilm", "convert", *arguments]
    run = subprocess.run(
        ["bash", "-c", command, "bash", *plainfilm_command], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in run.stderr
    assert run.returncode in (0, 1, 3), run.stderr
    assert run.returncode != 3 or "ulimit -n" in run.stderr
    images = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    has_tables = (out / "metadata.csv").exists() and (out / "failures.csv").exists()
    assert has_tables or (run.returncode == 3 and not images), run.stderr
    if has_tables:
        assert {row["file_name"] for row in _rows(out, "metadata")} == images
        failures = _rows(out, "failures")
        assert {row["reason"] for row in failures} <= {"unreadable", "write_failed"}, run.stderr
        assert run.returncode == 3 or len(images) + len(failures) == len(ENCODERS)
        assert run.returncode != 1 or failures


def test_memory_is_short_only_under_a_limit_that_a_decoder_can_exceed() -> None:
    code = (
        "from plainfilm.decode.process_state import is_memory_short\n"
        "from plainfilm.workers.limits import limit_address_space\n"
        "print(is_memory_short(1 << 40))\n"
        "for mib in (4096, 50):\n"
        "    limit_address_space(mib << 20)\n"
        "    print(is_memory_short(1 << 20))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False", "True"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "memory_limit"),
        (OSError(errno.ENOMEM, "no memory"), "memory_limit"),
        (OSError(errno.EMFILE, "descriptors"), "unreadable"),
        (OSError(errno.ENFILE, "descriptors"), "unreadable"),
        (OSError(errno.EIO, "storage"), "unreadable"),
        (OSError(errno.ENOENT, "no file"), None),
        (OSError("no number"), None),
        (ImportError("x.so: failed to map segment from shared object"), "memory_limit"),
        (ImportError("x.so: cannot open shared object file: Too many open files"), "unreadable"),
        (ImportError("No module named x"), None),
        (ValueError("x"), None),
    ],
)
def test_what_happened_is_the_reason_and_not_the_type_of_the_exception(error: Exception, reason: str | None) -> None:
    assert environment_reason(error) == reason
    outer = RuntimeError("the decoder failed")
    outer.__cause__ = error
    assert environment_reason(outer) == reason


def test_opencv_without_memory_is_no_defect() -> None:
    class OpenCvError(Exception):
        __module__ = "cv2"
        code = -4

    assert environment_reason(OpenCvError()) == "memory_limit"


def test_every_decoder_is_loaded_with_the_task() -> None:
    code = (
        "import sys, plainfilm.conversion.task\n"
        "names = ('simplejpeg._jpeg', '_openjpeg', 'rle.rle', 'imagecodecs._jpeg8', 'imagecodecs._jpegls',"
        " 'imagecodecs._jpeg2k', 'imagecodecs._jpegxl', 'imagecodecs._cms', 'imagecodecs._jpegsof3')\n"
        "print([name for name in names if name not in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
