# SPDX-License-Identifier: MIT
"""Test what a run leaves in OUT beside the images: tables of one format, and the data card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import case_file
from tests.support.outputs import rows_of

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options
from plainfilm.options.output import Table
from plainfilm.records import Status

pytestmark = pytest.mark.slow

Converts = Callable[..., Run]


@pytest.fixture
def convert(tmp_path: Path) -> Converts:
    """Converts six files, two of them damaged, one with three frames, into `out` or another folder."""
    folder = tmp_path / "in"
    (folder / "a").mkdir(parents=True)
    for number in range(3):
        (folder / "a" / f"{number}.dcm").write_bytes(case_file(seed=number))
    (folder / "frames.dcm").write_bytes(case_file(seed=9, frames=3))
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"not DICOM")
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(out: str = "out", **options: Any) -> Run:
        values = {"jobs": 2, "key_file": tmp_path / "key", **options}
        return Conversion([folder], tmp_path / out, Options.of(values)).run()

    return run


def run_files(out: Path) -> set[str]:
    """The names of the files of a run at the top of OUT, without the private ones."""
    names = {path.name for path in out.iterdir() if path.is_file() and not path.name.startswith(".plainfilm")}
    return {name for name in names if not name.endswith(".png")}


@pytest.mark.parametrize("table", Table)
def test_tables_of_each_format_do_not_depend_on_the_workers_or_on_a_resume(
    table: Table, convert: Converts, tmp_path: Path
) -> None:
    convert("two", table=table.value)
    convert("one", jobs=1, table=table.value)
    convert("changed", table="csv" if table is not Table.CSV else "jsonl")
    convert("changed", table=table.value)
    for name in (f"metadata.{table.value}", f"failures.{table.value}", "README.md"):
        content = (tmp_path / "two" / name).read_bytes()
        assert (tmp_path / "one" / name).read_bytes() == content
        assert (tmp_path / "changed" / name).read_bytes() == content
    expected = {f"metadata.{table.value}", f"failures.{table.value}", "README.md", "run.json"}
    assert {name for name in run_files(tmp_path / "changed") if not name.startswith("report")} == expected


@pytest.mark.parametrize("table", Table)
def test_the_result_of_a_run_gives_its_rows_with_their_types(table: Table, convert: Converts, tmp_path: Path) -> None:
    run = convert(table=table.value, columns="BitsStored,PatientComments")
    records, failures = list(run.records()), list(run.failures())
    assert [(record.source, record.frame) for record in records] == [
        *((f"a/{number}.dcm", 1) for number in range(3)),
        *(("frames.dcm", frame) for frame in (1, 2, 3)),
    ]
    assert {record.status for record in records} == {Status.OK}
    assert all(isinstance(record.mean, float) and len(record.affine) == 6 for record in records)
    assert {record.carried for record in records} == {(str(records[0].bits_stored), "")}
    assert [(failure.source, failure.frame, failure.status) for failure in failures] == [
        ("empty.dcm", None, Status.FAILED),
        ("notes.txt", None, Status.SKIPPED),
    ]
    convert("csv", columns="BitsStored,PatientComments")
    assert [row["sha256"] for row in rows_of(tmp_path / "csv")] == [record.sha256 for record in records]


def test_rows_can_be_changed_without_the_run(convert: Converts) -> None:
    (first, *_) = convert().records()
    assert replace(first, modality="CR").modality == "CR"


def test_without_a_card_there_is_no_readme_and_an_earlier_card_is_removed(convert: Converts, tmp_path: Path) -> None:
    convert(no_card=True)
    assert "README.md" not in run_files(tmp_path / "out")
    convert()
    assert "README.md" in run_files(tmp_path / "out")
    convert(no_card=True)
    assert "README.md" not in run_files(tmp_path / "out")


def test_a_readme_of_the_user_stays_and_a_note_says_so(convert: Converts, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("my own")
    run = convert(overwrite=True)
    assert [note for note in run.notes if "README.md in OUT is not plainfilm's" in note]
    convert(no_card=True)
    assert (tmp_path / "out" / "README.md").read_text() == "my own"


def test_names_of_splits_give_one_note_about_imagefolder_and_no_further_tables(
    convert: Converts, tmp_path: Path
) -> None:
    (tmp_path / "in" / "a").rename(tmp_path / "in" / "train")
    notes = [note for note in convert().notes if "imagefolder" in note]
    assert len(notes) == 1
    assert "leaves out 3 images and the table" in notes[0]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["notes"] == notes
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("metadata.*")] == [
        "metadata.csv"
    ]


@pytest.mark.parametrize("dry_run", [False, True])
def test_parquet_without_pyarrow_is_exit_code_2_before_any_work(dry_run: bool, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(case_file(seed=1))
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    script = "import sys; sys.modules['pyarrow'] = None; from plainfilm.cli.main import main; sys.exit(main())"
    words = ["convert", "in", "out", "--key-file", "key", "--table", "parquet", *(["--dry-run"] if dry_run else [])]
    command = [sys.executable, "-c", script, *words]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "plainfilm[parquet]" in run.stderr
    assert not (tmp_path / "out").exists()


def test_pyarrow_is_imported_only_for_parquet() -> None:
    script = (
        "import sys, plainfilm.api, plainfilm.cli.convert, plainfilm.output.tables; "
        "assert not {'pyarrow', 'pandas', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
