# SPDX-License-Identifier: MIT
"""Test the tables with pandas: the types are those of the schema in every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.output.test_tables import record
from tests.support.loader_outputs import many_images

from plainfilm.output.table_schema import ColumnType, metadata_columns

pandas = pytest.importorskip("pandas")
pytestmark = pytest.mark.slow

KINDS = {ColumnType.TEXT: "O", ColumnType.INTEGER: "i", ColumnType.NUMBER: "f", ColumnType.BOOLEAN: "b"}


def read(out: Path, table: str, name: str = "metadata") -> Any:
    path = out / f"{name}.{table}"
    if table == "csv":
        return pandas.read_csv(path)
    return pandas.read_parquet(path) if table == "parquet" else pandas.read_json(path, lines=True)


@pytest.mark.parametrize("table", ["csv", "parquet", "jsonl"])
def test_columns_have_the_types_of_the_schema(make_out: Callable[..., list[str]], tmp_path: Path, table: str) -> None:
    make_out([record("a.dcm", voi_center=2048.0, spacing_x_mm=1.0), record("b.dcm", voi_center=None)], table)
    frame = read(tmp_path / "out", table)
    for column in metadata_columns():
        kind = frame[column.name].dtype.kind
        if column.type is ColumnType.NUMBER and table == "jsonl":
            assert kind in "fiO", "pandas takes whole numbers and null for other types"
        elif column.type is not ColumnType.TEXT:
            assert kind == KINDS[column.type], column.name
    assert list(frame["voi_center"].isna()) == [False, True]
    assert len(read(tmp_path / "out", table, "failures")) == 0


def test_a_column_without_any_fraction_is_fractional(make_out: Callable[..., list[str]], tmp_path: Path) -> None:
    make_out([record("a.dcm", voi_center=2048.0, voi_width=4096.0, low=0.0, high=4095.0)])
    frame = read(tmp_path / "out", "csv")
    assert {frame[name].dtype.kind for name in ("voi_center", "voi_width", "low", "high", "patient_age")} == {"f"}


def test_csv_and_parquet_hold_the_same_values(make_out: Callable[..., list[str]], tmp_path: Path) -> None:
    frames = []
    for table in ("csv", "parquet"):
        make_out([replace(row, model="M") for row in many_images(200)], table)
        frames.append(read(tmp_path / "out", table))
    pandas.testing.assert_frame_equal(frames[0].astype({"patient": str}), frames[1], check_dtype=False)
