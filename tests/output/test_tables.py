# SPDX-License-Identifier: MIT
"""Test that tables are reproducible, safe in spreadsheets and complete."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.errors import Reason, Stage
from plainfilm.output.folder import FolderOutput
from plainfilm.output.splits import Splits
from plainfilm.output.tables import COLUMNS, FAILURE_COLUMNS, UnwritableTableError, read_table
from plainfilm.output.tables import write_tables as write_rows
from plainfilm.records import Failure, Record, Status


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
    out: Path, records: Iterable[Record], failures: Iterable[Failure], carried: tuple[str, ...] = ()
) -> Splits:
    return write_rows(FolderOutput(out, sync=False), Given(tuple(records), tuple(failures)), carried)


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
    assert list(FAILURE_COLUMNS) == [column.name for column in fields(Failure)]


def test_values_are_written_as_documented(tmp_path: Path) -> None:
    (row,) = written(tmp_path, record())
    assert row["affine"] == "1.0 0.0 0.5 0.0 1.0 -2.25"
    assert (row["voi_center"], row["voi_width"], row["low"], row["high"]) == ("2048.0", "", "0.0", "0.1")
    assert (row["inverted"], row["polarity_suspect"]) == ("false", "true")
    assert (row["black_fraction"], row["width"], row["status"]) == ("1e-05", "4", "ok")


def test_numbers_of_numpy_are_written_as_numbers(tmp_path: Path) -> None:
    import numpy as np

    (row,) = written(tmp_path, record(mean=np.float64(0.5), width=np.int64(7), inverted=np.True_, entropy=float("nan")))
    assert (row["mean"], row["width"], row["inverted"], row["entropy"]) == ("0.5", "7", "true", "")


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
    rows = [record("a.dcm", carried=("Doe^Jane", "=cmd|x")), record("train/b.dcm", carried=("a\\b", ""))]
    write_tables(tmp_path, rows, [], ("PatientName", "PatientComments"))
    with open(tmp_path / "metadata.csv", newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    assert header == [*COLUMNS, "PatientName", "PatientComments"]
    assert [line[-2:] for line in lines] == [["Doe^Jane", "'=cmd|x"], ["a\\b", ""]]
    assert [row["PatientComments"] for row in read_table(tmp_path / "metadata.csv")] == ["=cmd|x", ""]
    assert "PatientName" not in (tmp_path / "train" / "metadata.csv").read_text()


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
    for name in ("metadata.csv", "train/metadata.csv"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UnwritableTableError) as error:
        write_tables(tmp_path, [record("train/x.dcm"), record("test/x.dcm")], [])
    assert error.value.message.count("cannot be written") == 2
    assert (error.value.exit_code, error.value.reason) == (3, Reason.WRITE_FAILED)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["failures.csv", "test/metadata.csv"]


def test_folders_that_hugging_face_reads_as_splits_have_their_own_tables(tmp_path: Path) -> None:
    names = ["train/a/x.dcm", "my_test_1/y.dcm", "site/val/z.dcm", "other/w.dcm"]
    splits = write_tables(tmp_path, [record(name) for name in names], [])
    assert splits.folders == ("my_test_1", "site/val", "train")
    assert splits.left_out == 1
    assert len(read_table(tmp_path / "metadata.csv")) == 4
    (row,) = read_table(tmp_path / "train/metadata.csv")
    assert (row["file_name"], row["source"]) == ("a/x.png", "train/a/x.dcm")
    assert not (tmp_path / "other/metadata.csv").exists()


def test_tables_of_splits_have_columns_of_one_type(tmp_path: Path) -> None:
    records = [
        record("train/a.dcm", findings="for_processing", view_position="AP", voi_center=None, model="1"),
        record("train/b.dcm", findings="", view_position="", model="2"),
        record("test/a.dcm", findings="", view_position="", modality="", body_part="7", model="1.5"),
        record("test/b.dcm", findings="", view_position="PA", modality="", body_part="8", model="2"),
    ]
    write_tables(tmp_path, records, [])
    columns = list(read_table(tmp_path / "train/metadata.csv")[0])
    assert columns == list(read_table(tmp_path / "test/metadata.csv")[0])
    assert set(COLUMNS) - set(columns) == {"findings", "modality", "body_part", "model"}


def test_the_table_of_a_single_split_has_every_column(tmp_path: Path) -> None:
    write_tables(tmp_path, [record("train/a.dcm")], [])
    assert tuple(read_table(tmp_path / "train/metadata.csv")[0]) == COLUMNS
