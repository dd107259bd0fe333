# SPDX-License-Identifier: MIT
"""A large file is read in parts, and a file that changes while it is read is an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from plainfilm import render
from plainfilm.errors import LimitError, Reason, SourceError
from plainfilm.options.options import Options
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.sources.file_reader import FileContent, open_source, read_head

MIB = 1024**2
FRAMES, SIDE = 2_000, 256
FRAME_BYTES = SIDE * SIDE * 2


def sparse_film(path: Path, frames: int = FRAMES) -> int:
    """Write a film of frames of zeros, of which the last is a ramp; where its Pixel Data begin."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7.3", "1.2.3"
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.NumberOfFrames = frames
    dataset.WindowCenter, dataset.WindowWidth = 32768, 65536
    dataset.save_as(path, enforce_file_format=True)
    size = frames * FRAME_BYTES
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"\xe0\x7f\x10\x00OW\0\0" + size.to_bytes(4, "little"))
        start = file.tell()
        file.seek(start + size - FRAME_BYTES)
        file.write(np.arange(SIDE * SIDE, dtype="<u2").tobytes())
    return start


def test_only_the_parts_of_a_large_file_that_are_used_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(100 * MIB)
        file.seek(70 * MIB)
        file.write(b"here")
    with open_source(path) as content:
        assert isinstance(content, FileContent)
        assert len(content) == 100 * MIB
        assert (content[70 * MIB : 70 * MIB + 4], content[100 * MIB - 3 :], content[5:5]) == (b"here", bytes(3), b"")


def test_a_small_file_is_read_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"bytes")
    with open_source(tmp_path / "small") as content:
        assert content == b"bytes"


def test_a_file_that_shrinks_while_it_is_read_is_reported_as_changed(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    start = sparse_film(path)
    with open_source(path) as content:
        film = open_instance(content, Options())
        assert film.load(FRAMES - 1).decoded.samples.max() == 65535
        os.truncate(path, start + 5 * FRAME_BYTES + 100)
        assert film.load(2).decoded.samples.max() == 0
        with pytest.raises(SourceError) as refused:
            film.load(FRAMES - 1)
    assert refused.value.reason is Reason.SOURCE_CHANGED


def test_a_file_of_more_than_a_tebibyte_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2 * 1024**4)
    with pytest.raises(LimitError), open_source(tmp_path / "huge"):
        pass


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as refused, open_source(tmp_path / "none"):
        pass
    assert refused.value.reason is Reason.UNREADABLE


def test_a_requested_frame_of_a_large_file_is_returned(tmp_path: Path) -> None:
    sparse_film(tmp_path / "film.dcm")
    assert render(tmp_path / "film.dcm", frame=FRAMES).max() == 255
    assert render(tmp_path / "film.dcm", frame=FRAMES - 1).max() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces --memory")
def test_converting_two_thousand_frames_needs_the_memory_of_a_few(tmp_path: Path) -> None:
    sparse_film(tmp_path / "film.dcm")
    assert (tmp_path / "film.dcm").stat().st_size > 250 * MIB
    out = tmp_path / "out"
    words = ["convert", str(tmp_path / "film.dcm"), str(out), "--jobs", "1", "--memory", "64MiB", "--progress", "none"]
    own = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "plainfilm", *words], capture_output=True, text=True, env=own)
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("*.png"))) == FRAMES


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.dcm")
    with pytest.raises(SourceError) as refused, open_source(tmp_path / "film.dcm"):
        pass
    assert refused.value.reason is Reason.SOURCE_CHANGED
    with pytest.raises(SourceError):
        read_head(tmp_path / "film.dcm")
