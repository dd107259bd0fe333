# SPDX-License-Identifier: MIT
"""Lists of files are read from @ files, standard input and tables, and each file counts once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from plainfilm.errors import OptionsError, Reason, SourceMissingError
from plainfilm.options.sources import SourceOptions
from plainfilm.records import Failure, Status
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import iterate_references

DEFAULTS = SourceOptions()


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("d/a/x.dcm", "d/a/y.dcm", "d/b/x.dcm", "d/b/c/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sources_of(*sources: str | Path, options: SourceOptions = DEFAULTS) -> list[str]:
    entries = list(iterate_references(sources, None, options))
    assert not [entry for entry in entries if isinstance(entry, Failure)]
    return [entry.source for entry in entries]


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return f"@{path.name}"


def test_listed_files_keep_their_path_below_the_deepest_common_folder(films: Path) -> None:
    assert sources_of(write(films / "l.txt", "d/a/x.dcm\nd/b/c/z\n")) == ["a/x.dcm", "b/c/z"]
    assert sources_of(write(films / "l.txt", "d/a/x.dcm\nd/a/y.dcm\n")) == ["x.dcm", "y.dcm"]
    assert sources_of(write(films / "l.txt", f"{films}/d/b/x.dcm")) == ["x.dcm"]


@pytest.mark.parametrize(
    "content",
    [
        "d/a/x.dcm\r\n\r\n  \r\nd/b/x.dcm\r\n",
        "\ufeff# films\nd/a/x.dcm\n\n # more\nd/b/x.dcm",
        "d/a/x.dcm\nd/b/x.dcm\n./d/a/x.dcm\nd/a/../b/x.dcm\n",
        "d/a/x.dcm\nd/b/x.dcm\n".encode("utf-16"),
    ],
)
def test_blank_lines_comments_line_ends_and_repetitions_do_not_count(films: Path, content: str | bytes) -> None:
    assert sources_of(write(films / "l.txt", content)) == ["a/x.dcm", "b/x.dcm"]


def test_a_listed_folder_stands_for_its_files(films: Path) -> None:
    assert sources_of(write(films / "l.txt", "d/b\nd/b/x.dcm\nd/a/y.dcm")) == ["a/y.dcm", "b/x.dcm", "b/c/z"]
    assert sources_of(write(films / "l.txt", "d/b\nd/b/x.dcm")) == ["x.dcm", "c/z"]


def test_a_missing_file_in_a_list_is_a_failure_and_no_error(films: Path) -> None:
    entries = list(iterate_references([write(films / "l.txt", "d/a/x.dcm\nd/q/gone.dcm\nd/a/x.dcm/z")], None))
    failures = {entry.source: (entry.status, entry.reason) for entry in entries if isinstance(entry, Failure)}
    assert failures == dict.fromkeys(["q/gone.dcm", "a/x.dcm/z"], (Status.FAILED, Reason.UNREADABLE))
    assert [entry.source for entry in entries if isinstance(entry, Reference)] == ["a/x.dcm"]


def test_a_missing_list_and_an_unknown_scheme_in_a_list_are_errors(films: Path) -> None:
    with pytest.raises(SourceMissingError):
        sources_of("@gone.txt")
    with pytest.raises(OptionsError, match="s4://"):
        sources_of(write(films / "l.txt", "s4://bucket/key"))


def test_a_file_that_a_list_and_another_source_reach_counts_once(films: Path) -> None:
    listed = write(films / "l.txt", "d/a/x.dcm\nd/b/x.dcm")
    assert sources_of(listed, "d/a") == ["a/x.dcm", "b/x.dcm", "y.dcm"]
    assert sources_of("d/a", listed) == ["x.dcm", "y.dcm", "b/x.dcm"]


@pytest.mark.parametrize("null", [False, True])
def test_standard_input_is_a_list_without_comments(films: Path, monkeypatch: pytest.MonkeyPatch, null: bool) -> None:
    (films / "#x").write_bytes(b"1")
    content = b"#x\0d/a/x.dcm\0" if null else b"#x\nd/a/x.dcm\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert sources_of("-", options=SourceOptions(null=null)) == ["#x", "d/a/x.dcm"]


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_of_a_table_is_a_list(suffix: str) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"label": [1, 2, 3], "path": ["d/a/x.dcm", None, "d/b/x.dcm"]})
    (table.to_csv if suffix == "csv" else table.to_parquet)(f"t.{suffix}", index=False)
    assert sources_of(f"t.{suffix}", options=SourceOptions(source_column="path")) == ["a/x.dcm", "b/x.dcm"]
    with pytest.raises(OptionsError, match="'label', 'path'"):
        sources_of(f"t.{suffix}", options=SourceOptions(source_column="file"))
