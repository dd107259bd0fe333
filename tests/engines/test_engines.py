# SPDX-License-Identifier: MIT
"""Every engine leaves the OUT that one local run leaves: the same files, bytes and rows."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.engine_runs import (
    DaskHosts,
    Engine,
    convert_in_remote_shards,
    convert_in_shards,
    convert_locally,
    folders_of,
    tree_of,
)

pytestmark = pytest.mark.slow

SPLITS = "train=0.5,validation=0.25,test=0.25"
CASES: dict[str, dict[str, object]] = {
    "defaults": {},
    "names uid": {"names": "uid"},
    "names hash, Parquet tables": {"names": "hash", "table": "parquet"},
    "names tags, JSON Lines": {"names": "tags", "table": "jsonl"},
    "split by hash": {"split": SPLITS},
    "exact split by uid": {"split": SPLITS, "split_balance": "exact", "names": "uid"},
    "class folders": {
        "split": SPLITS,
        "labels": "labels",
        "label": "state",
        "label_key": "PatientID",
        "class_folders": "state",
    },
    "labels by file name": {"names": "uid", "labels": "labels", "label": "state", "label_key": "file_name"},
    "overlays and members": {"overlays": "mask", "shard_members": True, "no_report": True, "no_card": True},
}


@pytest.fixture(params=["shards", pytest.param("dask", marks=pytest.mark.component)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine but the local one, with which each is compared."""
    if request.param == "shards":
        return convert_in_shards
    request.getfixturevalue("s3_server")
    hosts: DaskHosts = request.getfixturevalue("dask_hosts")
    return hosts.convert


@pytest.mark.parametrize("case", CASES)
def test_an_engine_leaves_what_one_local_run_leaves(
    engine: Engine, case: str, sources: Sequence[Path], key_file: Path, labels: Path
) -> None:
    check_engine(engine, case, sources, key_file, labels)


@pytest.mark.usefixtures("s3_server")
def test_shards_in_a_bucket_leave_what_one_local_run_leaves(
    sources: Sequence[Path], key_file: Path, labels: Path
) -> None:
    check_engine(convert_in_remote_shards, "exact split by uid", sources, key_file, labels)


def check_engine(engine: Engine, case: str, sources: Sequence[Path], key_file: Path, labels: Path) -> None:
    """Convert with an engine, and check that OUT is that of one local run."""
    tmp_path = key_file.parent
    given = {"jobs": 1, "key_file": key_file, **CASES[case]}
    if "labels" in given:
        given["labels"] = labels
    if given.get("label_key") == "file_name":
        labels.write_text("file_name,state\n1.2.0.png,well\n1.2.202_f0002.png,sick\n")
    whole = convert_locally(
        sources, tmp_path / "whole", {name: value for name, value in given.items() if name != "shard_members"}
    )
    run = engine(sources, tmp_path / "out", given)
    assert run.counts == whole.counts
    assert whole.counts.converted >= 20
    assert tree_of(tmp_path / "out") == tree_of(tmp_path / "whole")
    assert folders_of(tmp_path / "out") == folders_of(tmp_path / "whole")


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_an_engine_packs_every_image_once(
    engine: Engine, layout: str, sources: Sequence[Path], key_file: Path, tmp_path: Path
) -> None:
    given = {"jobs": 1, "key_file": key_file, "layout": layout, "samples_per_file": 4}
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert engine(sources, out, given).counts == convert_locally(sources, whole, given).counts
    assert folders_of(out) == folders_of(whole) == set()
    varying = {"file_name", "duplicate_of"}
    rows, expected = (
        [{name: value for name, value in row.items() if name not in varying} for row in metadata(folder)]
        for folder in (out, whole)
    )
    assert rows == expected
    assert stored_names(out, layout) == sorted(row["file_name"] for row in metadata(out))


def metadata(out: Path) -> list[dict[str, str]]:
    with open(out / "metadata.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def stored_names(out: Path, layout: str) -> list[str]:
    """The names of the images in the files of OUT, with the name of the file before them."""
    if layout == "webdataset":
        return sorted(
            f"{path.name}/{member}"
            for path in out.glob("*.tar")
            for member in tarfile.open(path).getnames()
            if member.endswith(".png")
        )
    import pyarrow.parquet as pq

    return sorted(
        f"{path.name}/{image['path']}"
        for path in out.glob("train-*.parquet")
        for image in pq.read_table(path, columns=["image"]).column("image").to_pylist()
    )
