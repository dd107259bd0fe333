# SPDX-License-Identifier: MIT
"""A DICOM file that is compressed with gzip is read, under limits; other gzip files are not DICOM."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
from tests.support.dicom_files import encode_file, image_dataset

import plainfilm
from plainfilm.errors import ConversionError, Reason
from plainfilm.sources.file_reader import open_source, read_head


@pytest.fixture(scope="session")
def film() -> bytes:
    pixels = np.random.default_rng(1).integers(0, 4096, (400, 300), np.uint16)
    return encode_file(image_dataset(Rows=400, Columns=300, PixelData=pixels.tobytes()))


@pytest.mark.parametrize("name", ["film.dcm.gz", "film.gz", "film", "film.dcm"])
def test_a_gzipped_film_is_read_whatever_its_name(film: bytes, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(film))
    with open_source(path) as content:
        assert content[:] == film
    assert read_head(path) == film[:4096]


def test_a_gzip_file_of_several_members_is_read(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm.gz"
    size = 65_000
    path.write_bytes(b"".join(gzip.compress(film[at : at + size]) for at in range(0, len(film), size)) + bytes(512))
    with open_source(path) as content:
        assert content[:] == film


@pytest.mark.parametrize("isolated", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_bytes_and_an_open_file_of_a_gzipped_film_are_rendered(film: bytes, tmp_path: Path, isolated: bool) -> None:
    expected, compressed, path = plainfilm.render(film), gzip.compress(film), tmp_path / "film.dcm.gz"
    path.write_bytes(compressed)
    with path.open("rb") as file:
        np.testing.assert_array_equal(plainfilm.render(file, isolated=isolated), expected)
    np.testing.assert_array_equal(plainfilm.render(compressed, isolated=isolated), expected)
    assert plainfilm.explain(compressed).to_dict() == plainfilm.explain(film).to_dict()


@pytest.mark.parametrize("inside", [b"", b"text", bytes(5000), b"\0" * 344 + b"n+1\0"])
def test_other_gzip_files_are_given_as_they_are(tmp_path: Path, inside: bytes) -> None:
    path = tmp_path / "other.gz"
    path.write_bytes(gzip.compress(inside))
    with open_source(path) as content:
        assert content == path.read_bytes()
    assert read_head(path) == path.read_bytes()[:4096]


def test_a_gzipped_film_that_is_cut_is_truncated(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm.gz"
    compressed = gzip.compress(film)
    path.write_bytes(compressed[: len(compressed) // 2])
    with pytest.raises(ConversionError) as failed, open_source(path):
        pass
    assert failed.value.reason is Reason.TRUNCATED_FILE


def test_a_gzip_bomb_is_refused(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb.dcm.gz"
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    with path.open("wb") as file:
        file.write(packer.compress(film[:2000]))
        for _ in range(200):
            file.write(packer.compress(bytes(1024**2)))
        file.write(packer.flush())
    with pytest.raises(ConversionError) as failed, open_source(path):
        pass
    assert failed.value.reason is Reason.SUSPICIOUS_COMPRESSION


def test_the_bytes_of_a_bad_gzip_file_are_refused_like_the_file(film: bytes) -> None:
    compressed = gzip.compress(film)
    for content, reason in (
        (compressed[: len(compressed) // 2], Reason.TRUNCATED_FILE),
        (gzip.compress(b"text"), Reason.NOT_DICOM),
    ):
        with pytest.raises(ConversionError) as failed:
            plainfilm.render(content)
        assert failed.value.reason is reason
