# SPDX-License-Identifier: MIT
"""Test that tables are reproducible, safe in spreadsheets and complete."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.errors import Reason, RunError, Stage
from plainfilm.options.output import Table
from plainfilm.output.folder import FolderOutput
from plainfilm.output.table_schema import FAILURE_COLUMNS, ColumnType, metadata_columns
from plainfilm.output.tables import UnwritableTableError, read_failures, read_records, read_table
from plainfilm.output.tables import write_tables as write_rows
from plainfilm.records import Failure, Record, Status

COLUMNS = tuple(column.name for column in metadata_columns())


def record(source: str = "x.dcm", frame: int = 1, **values: Any) -> Record:
    """A row of ordinary values, but for those given."""
    ordinary: dict[str, Any] = {
        "file_name": f"{source.removesuffix('.dcm')}{f'_f{frame:04d}' if frame > 1 else ''}.png",
        "source": source,
        "sop_instance": "",
        "patient": "p",
        "study": "s",
        "series": "e",
        "frame": frame,
        "frames": 1,
        "status": Status.OK,
        "findings": "",
        "width": 4,
        "height": 3,
        "bits": 8,
        "look": "viewer/1",
        "voi": "window:0",
        "voi_center": 2048.0,
        "voi_width": None,
        "voi_function": "linear",
        "low": -0.0,
        "high": 0.1,
        "inverted": False,
        "decoder": "native",
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "modality": "DX",
        "body_part": "HAND",
        "view_position": "",
        "laterality": "L",
        "patient_sex": "F",
        "patient_age": 45.0,
        "manufacturer": "Maker",
        "model": "Model",
        "photometric_interpretation": "MONOCHROME2",
        "bits_stored": 12,
        "rows": 3,
        "columns": 4,
        "spacing_x_mm": None,
        "spacing_y_mm": None,
        "affine": (1.0, 0.0, 0.5, 0.0, 1.0, -2.25),
        "presentation_intent": "FOR PRESENTATION",
        "burned_in_annotation": "",
        "padding_fraction": 0.0,
        "black_fraction": 1e-05,
        "white_fraction": None,
        "mean": 0.5,
        "entropy": 7.25,
        "polarity_suspect": True,
        "duplicate_of": "",
        "sha256": "ab" * 32,
        "stored_hash": "",
    }
    return Record(**(ordinary | values))


def failure(source: str = "y.dcm", frame: int | None = None, message: str = "why") -> Failure:
    return Failure(source, frame, Status.FAILED, Reason.EMPTY, Stage.READ, message)


@dataclass(frozen=True)
class Given:
    """Rows that are there already."""

    images: tuple[Record, ...]
    others: tuple[Failure, ...]

    def records(self) -> Iterator[Record]:
        return iter(sorted(self.images, key=lambda row: (row.source, row.frame)))

    def failures(self) -> Iterator[Failure]:
        return iter(sorted(self.others, key=lambda row: (row.source, row.frame or 0)))


def write_tables(
    out: Path,
    records: Iterable[Record],
    failures: Iterable[Failure],
    carried: tuple[str, ...] = (),
    table: Table = Table.CSV,
) -> None:
    write_rows(FolderOutput(out, sync=False), Given(tuple(records), tuple(failures)), table, carried)


def written(out: Path, *records: Record) -> list[dict[str, str]]:
    write_tables(out, records, [])
    return read_table(out / "metadata.csv")


FIXED = """
file_name source sop_instance patient study series frame frames status findings width height bits look voi voi_center
voi_width voi_function low high inverted decoder transfer_syntax modality body_part view_position laterality
patient_sex patient_age manufacturer model photometric_interpretation bits_stored rows columns spacing_x_mm
spacing_y_mm affine presentation_intent burned_in_annotation padding_fraction black_fraction white_fraction mean
entropy polarity_suspect duplicate_of sha256
"""


def test_the_columns_are_stable(tmp_path: Path) -> None:
    write_tables(tmp_path, [], [])
    fixed = FIXED.split()
    assert list(COLUMNS)[: len(fixed)] == fixed
    assert "stored_hash" not in COLUMNS
    assert (tmp_path / "metadata.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert (tmp_path / "failures.csv").read_text() == "source,frame,status,reason,stage,message\n"
    assert [column.name for column in FAILURE_COLUMNS] == [column.name for column in fields(Failure)]


def test_values_are_written_as_documented(tmp_path: Path) -> None:
    (row,) = written(tmp_path, record())
    assert row["affine"] == "1.0 0.0 0.5 0.0 1.0 -2.25"
    assert (row["voi_center"], row["voi_width"], row["low"], row["high"]) == ("2048.0", "", "0.0", "0.1")
    assert (row["inverted"], row["polarity_suspect"]) == ("false", "true")
    assert (row["black_fraction"], row["width"], row["status"]) == ("1.0e-05", "4", "ok")


def test_numbers_of_numpy_are_written_as_numbers(tmp_path: Path) -> None:
    import numpy as np

    (row,) = written(
        tmp_path, record(mean=np.float64(0.5), width=np.int64(7), inverted=np.True_, entropy=float("nan"), low=np.inf)
    )
    assert (row["mean"], row["width"], row["inverted"], row["entropy"], row["low"]) == ("0.5", "7", "true", "", "")


def test_a_row_is_written_alike_after_every_other_row(tmp_path: Path) -> None:
    first, second = record("a.dcm", mean=0.0, width=1, inverted=True), record("b.dcm", mean=0.5, width=2, model="C 3")
    same = record("c.dcm", mean=-0.0, width=True, inverted=1, affine=(1, 0, 0.5, 0, 1, -2.25))
    rows = written(tmp_path, first, second, same)
    assert rows[1] == written(tmp_path, second)[0] != rows[0]
    names = {"file_name": rows[2]["file_name"], "source": "c.dcm"}
    assert rows[2] == rows[0] | names == written(tmp_path, same)[0]


def test_no_hash_of_the_source_is_written(tmp_path: Path) -> None:
    write_tables(tmp_path, [record(stored_hash="cafe" * 16)], [])
    assert b"cafe" not in (tmp_path / "metadata.csv").read_bytes()


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "'=x",
    "''@",
    'a"b',
    "a,b",
    "a\r\nb",
    "'",
    " =x",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_a_spreadsheet_would_run_is_escaped_and_round_trips(tmp_path: Path, text: str) -> None:
    write_tables(tmp_path, [record(manufacturer=text)], [failure(message=text)])
    for table, column in (("metadata.csv", "manufacturer"), ("failures.csv", "message")):
        path = tmp_path / table
        (row,) = csv.DictReader(io.StringIO(path.read_bytes().decode(), newline=""))
        assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert row[column] in (text, "'" + text)
        assert read_table(path)[0][column] == text


@given(st.text(alphabet="'=+-@\t\r\n\",;a \u202e\u00e9", max_size=6))
def test_every_text_round_trips(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    out = tmp_path_factory.getbasetemp() / "texts"
    out.mkdir(exist_ok=True)
    (row,) = written(out, record(model=text))
    assert row["model"] == text


def test_file_names_and_numbers_are_never_prefixed(tmp_path: Path) -> None:
    write_tables(tmp_path, [record(file_name="-x.png", low=-1.5, high=-0.5)], [])
    (row,) = csv.DictReader(io.StringIO((tmp_path / "metadata.csv").read_text(), newline=""))
    assert (row["file_name"], row["low"], row["high"]) == ("-x.png", "-1.5", "-0.5")


def test_characters_that_a_table_cannot_hold_are_replaced(tmp_path: Path) -> None:
    (row,) = written(tmp_path, record(model="a\0b\x1bc\x85d\udcffe"))
    assert row["model"] == "a\ufffdb\ufffdc\ufffdd\ufffde"


def test_requested_columns_come_last_and_are_escaped(tmp_path: Path) -> None:
    rows = [record("a.dcm", carried=("Doe^Jane", "=cmd|x")), record("b.dcm", carried=("a\\b", ""))]
    write_tables(tmp_path, rows, [], ("PatientName", "PatientComments"))
    with open(tmp_path / "metadata.csv", newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    assert header == [*COLUMNS, "PatientName", "PatientComments"]
    assert [line[-2:] for line in lines] == [["Doe^Jane", "'=cmd|x"], ["a\\b", ""]]
    assert [row["PatientComments"] for row in read_table(tmp_path / "metadata.csv")] == ["=cmd|x", ""]


def test_a_table_is_replaced_atomically(tmp_path: Path) -> None:
    write_tables(tmp_path, [record()], [])
    before = (tmp_path / "metadata.csv").read_bytes()
    (tmp_path / "failures.csv").unlink()
    (tmp_path / "failures.csv").mkdir()
    with pytest.raises(UnwritableTableError, match=r"failures\.csv cannot be written \(.*move away"):
        write_tables(tmp_path, [record()], [])
    assert (tmp_path / "metadata.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["metadata.csv"]


def test_a_folder_in_the_place_of_one_table_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").mkdir()
    with pytest.raises(UnwritableTableError) as error:
        write_tables(tmp_path, [record("train/x.dcm")], [failure()])
    assert (error.value.exit_code, error.value.reason) == (3, Reason.WRITE_FAILED)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["failures.csv"]


@pytest.mark.parametrize("number", [0.1, 1.0, 1e-05, -2.5e-07, 1e16, 1.5e300, -0.0, 123456789.0])
def test_a_number_that_can_be_fractional_always_has_a_point(tmp_path: Path, number: float) -> None:
    (row,) = written(tmp_path, record(low=number, affine=(number, 0, 1, 2, 3, 4)))
    assert "." in row["low"]
    assert float(row["low"]) == number
    assert all("." in part for part in row["affine"].split(" "))
    assert float(row["affine"].split(" ")[0]) == number


@pytest.mark.parametrize("table", Table)
def test_a_change_of_the_format_removes_the_tables_of_the_others(tmp_path: Path, table: Table) -> None:
    for other in (*Table, table):
        write_tables(tmp_path, [record()], [failure()], table=other)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        f"failures.{table.value}",
        f"metadata.{table.value}",
    ]


ROWS = [
    record("a.dcm", findings="for_processing;burned_in_likely", voi_center=None, mean=1e-7),
    record("b.dcm", frame=2, frames=3, model="=cmd", laterality="", spacing_x_mm=0.143, carried=("x", "")),
]
FAILURES = [failure("c.dcm"), failure("d.dcm", 7, '\'=x, "and" more\nlines')]


@pytest.mark.parametrize("table", Table)
def test_rows_are_read_back_with_their_types(tmp_path: Path, table: Table) -> None:
    rows = [replace(row, carried=row.carried or ("", "")) for row in ROWS]
    write_tables(tmp_path, rows, FAILURES, ("KVP", "StudyDate"), table)
    assert list(read_records(tmp_path, table)) == rows
    assert list(read_failures(tmp_path, table)) == FAILURES


@pytest.mark.parametrize("table", Table)
def test_tables_without_rows_can_be_read(tmp_path: Path, table: Table) -> None:
    write_tables(tmp_path, [], [], table=table)
    assert list(read_records(tmp_path, table)) == []
    assert list(read_failures(tmp_path, table)) == []


@pytest.mark.parametrize("table", Table)
def test_a_damaged_table_is_an_error_that_quotes_no_cell(tmp_path: Path, table: Table) -> None:
    write_tables(tmp_path, [record(patient="SECRET")], [], table=table)
    path = tmp_path / f"metadata.{table.value}"
    path.write_bytes(path.read_bytes().replace(b",DX,", b",DX,SECRET,").replace(b'"ok"', b'"SECRET"')[:-10])
    with pytest.raises(RunError, match="is damaged") as error:
        list(read_records(tmp_path, table))
    assert "SECRET" not in str(error.value)


def test_json_lines_hold_typed_values_and_no_text_is_null(tmp_path: Path) -> None:
    write_tables(tmp_path, ROWS, FAILURES, table=Table.JSONL)
    (first, second) = map(json.loads, (tmp_path / "metadata.jsonl").read_text().splitlines())
    assert list(first) == list(second) == list(COLUMNS)
    assert (first["width"], first["mean"], first["inverted"]) == (4, 1e-7, False)
    assert (first["voi_center"], second["laterality"], second["model"]) == (None, "", "=cmd")
    assert [json.loads(line)["frame"] for line in (tmp_path / "failures.jsonl").read_text().splitlines()] == [None, 7]


def test_parquet_has_the_types_of_the_schema_and_bounded_row_groups(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [record(f"{number:05}.dcm", carried=("70",)) for number in range(5000)]
    write_tables(tmp_path, rows, FAILURES, ("KVP",), Table.PARQUET)
    file = parquet.ParquetFile(tmp_path / "metadata.parquet")
    types = {field.name: str(field.type).replace("double", "float64") for field in file.schema_arrow}
    assert types == {column.name: column.type.value for column in metadata_columns(("KVP",))}
    assert file.metadata.num_rows == 5000
    assert file.metadata.num_row_groups == 2
    frames = parquet.read_table(tmp_path / "failures.parquet")["frame"].to_pylist()
    assert frames == [None, 7]


def test_no_column_has_a_name_that_loaders_take_for_an_image() -> None:
    from pydicom.datadict import keyword_dict

    names = {*COLUMNS, *keyword_dict} - {"file_name"}
    assert not [name for name in names if name == "image" or name.endswith(("file_name", "file_names"))]


def test_every_column_has_the_type_of_its_field() -> None:
    types = {column.name: column.type for column in metadata_columns()}
    for field in fields(Record):
        if field.name in types and field.type in ("int", "float", "float | None", "bool"):
            expected = {"int": ColumnType.INTEGER, "bool": ColumnType.BOOLEAN}.get(str(field.type), ColumnType.NUMBER)
            assert types[field.name] is expected
