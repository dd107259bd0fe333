# SPDX-License-Identifier: MIT
"""The bytes of shards, and the keys of samples."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from plainfilm.errors import RunError
from plainfilm.output.shards import Sample, SampleKeys, WebDatasetFormat
from plainfilm.output.table_schema import metadata_columns

NAMES = ("file_name", "mean", "patient", "voi_center", "inverted")
COLUMNS = [column for name in NAMES for column in metadata_columns() if column.name == name]
CELLS = ("00000.tar/a.png", 0.5, None, None, True)
ROW = {"file_name": "00000.tar/a.png", "mean": 0.5, "patient": "", "voi_center": None, "inverted": True}


def samples(*keys: str) -> list[Sample]:
    return [Sample(key, ".png", f"image {key}".encode() * 100, CELLS) for key in keys]


def tar_of(*keys: str) -> tuple[bytes, list[int]]:
    positions: list[int] = []
    return b"".join(WebDatasetFormat(COLUMNS).chunks(samples(*keys), positions)), positions


def test_a_tar_file_has_the_image_and_the_row_of_each_sample_side_by_side() -> None:
    content, _ = tar_of("a", "left/b")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == ["a.png", "a.json", "left/b.png", "left/b.json"]
        members = archive.getmembers()
        assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in members} == {
            (0, 0, 0, "", 0o644)
        }
        row = archive.extractfile("a.json")
        assert row is not None
        assert json.load(row) == ROW
    assert len(content) % tarfile.RECORDSIZE == 0


def test_short_ascii_names_give_the_bytes_of_ustar() -> None:
    content, _ = tar_of("a")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in (
            ("a.png", samples("a")[0].image),
            ("a.json", json.dumps(ROW, separators=(",", ":")).encode()),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    assert content == stream.getvalue()


@pytest.mark.parametrize("key", ["x" * 180, "é" * 90, "folder/" * 20 + "x"])
def test_long_and_other_names_are_kept(key: str) -> None:
    content, _ = tar_of(key)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == [f"{key}.png", f"{key}.json"]


def test_images_are_read_back_at_their_positions(tmp_path: Path) -> None:
    content, positions = tar_of("a", "é" * 90, "c")
    (tmp_path / "x.tar").write_bytes(content)
    expected = [sample.image for sample in samples("a", "é" * 90, "c")]
    places = [(position, len(image)) for position, image in zip(positions, expected, strict=True)]
    assert list(WebDatasetFormat(COLUMNS).read(tmp_path / "x.tar", places)) == expected
    assert list(WebDatasetFormat(COLUMNS).read(tmp_path / "x.tar", places[::-1])) == expected[::-1]
    (tmp_path / "x.tar").write_bytes(content[: positions[-1]])
    with pytest.raises(RunError, match="shorter"):
        list(WebDatasetFormat(COLUMNS).read(tmp_path / "x.tar", places))


def test_the_names_of_tar_files_count_within_their_split() -> None:
    assert WebDatasetFormat(COLUMNS).shard_name("", 3, 4) == "00003.tar"
    assert WebDatasetFormat(COLUMNS).shard_name("train", 0, 4) == "train-00000.tar"


def test_keys_have_no_point_and_are_unique() -> None:
    keys = SampleKeys()
    names = ["a/1.2", "a/1_2", "a/1_2-2", "b.c/1_2", "a/1.2-2"]
    assert [keys.key_of(name) for name in names] == ["a/1_2", "a/1_2-2", "a/1_2-2-2", "b_c/1_2", "a/1_2-2-3"]
