# SPDX-License-Identifier: MIT
"""`plainfilm link`: from patient IDs on standard input to the patient hashes of an OUT, for the holder of the key."""

from __future__ import annotations

import io
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import rows_of

from plainfilm.cli.main import main
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.patient_links import PatientLinks
from plainfilm.conversion.removal import Removal
from plainfilm.errors import LedgerError
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput

pytestmark = pytest.mark.slow

SECRET = b"a secret of thirty-two bytes, so."
PATIENTS = {"a": ("X7719", "here"), "b": ("X7719", "there"), "c": ("Müller 7", ""), "d": ("P4", ""), "e": ("", "here")}
Links = Callable[..., tuple[int, list[tuple[int, str]], str]]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OUT of five patients: two have the same ID from two issuers, one has no ID."""
    folder = tmp_path_factory.mktemp("link")
    (folder / "in").mkdir()
    for number, (name, (patient_id, issuer)) in enumerate(PATIENTS.items()):
        dataset, _ = build_case(rows=8, columns=8, seed=number)
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientID, dataset.IssuerOfPatientID = patient_id, issuer
        (folder / "in" / f"{name}.dcm").write_bytes(to_bytes(dataset))
    (folder / "key").write_bytes(SECRET)
    Conversion([folder / "in"], folder / "out", Options.of({"jobs": 1, "key_file": folder / "key"})).run()
    return folder / "out"


@pytest.fixture
def link(out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Links:
    """The exit code, lines and messages of the command for these bytes on standard input."""

    def run(content: bytes, *words: str, key: Path | None = None) -> tuple[int, list[tuple[int, str]], str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        capsys.readouterr()
        code = main(["link", str(out), "--key-file", str(key or out.parent / "key"), *words, "-"])
        captured = capsys.readouterr()
        lines = [line.split("\t") for line in captured.out.splitlines()]
        return code, [(int(number), patient) for number, patient in lines], captured.err

    return run


def hashes(out: Path, *names: str) -> list[str]:
    """The hashes of the images with these names, as the table has them."""
    patients = {row["source"]: row["patient"] for row in rows_of(out)}
    return sorted(patients[f"{name}.dcm"] for name in names)


def test_an_id_has_the_hashes_of_all_its_issuers(link: Links, out: Path) -> None:
    code, lines, message = link("P4\nnobody\nX7719\nMüller 7\n".encode())
    assert code == 0
    expected = [(1, hash_) for hash_ in hashes(out, "d")] + [(3, hash_) for hash_ in hashes(out, "a", "b")]
    assert lines == expected + [(4, hash_) for hash_ in hashes(out, "c")]
    assert message == f"3 of 4 patient IDs are in {out}\n"


@pytest.mark.parametrize(("issuer", "names"), [("here", "a"), ("there", "b"), ("", ""), ("elsewhere", "")])
def test_an_issuer_narrows_the_hashes(link: Links, out: Path, issuer: str, names: str) -> None:
    code, lines, _ = link(b"X7719\n", "--issuer", issuer)
    assert [patient for _, patient in lines] == hashes(out, *names)
    assert code == (0 if names else 1)


def test_blank_lines_spaces_and_the_ends_of_lines_do_not_matter(link: Links, out: Path) -> None:
    assert link(b"\xef\xbb\xbf\r\n\n  P4 \r\nP4")[:2] == (0, [(3, hashes(out, "d")[0]), (4, hashes(out, "d")[0])])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"x7719\n", b"P\n"])
def test_the_exit_code_says_that_no_patient_was_found(link: Links, content: bytes) -> None:
    assert link(content)[:2] == (1, [])


def test_no_id_is_printed_or_stored(link: Links, out: Path) -> None:
    _, _, message = link(b"X7719\nP4\n")
    for content in (message.encode(), *(path.read_bytes() for path in out.rglob("*") if path.is_file())):
        assert b"X7719" not in content
        assert "Müller".encode() not in content


def test_the_key_must_be_that_of_the_runs(link: Links, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(SECRET[::-1])
    code, lines, message = link(b"P4\n", key=tmp_path / "other")
    assert (code, lines) == (3, [])
    assert "was made with another key" in message
    assert link(b"P4\n", key=tmp_path / "none")[0] == 2
    assert link(b"\xff\n")[0] == 2


def test_an_id_on_the_command_line_is_refused_and_not_quoted(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = ["--key-file", str(out.parent / "key")]
    for words in ([str(out), "X7719"], [str(out)], [str(out), "-", "X7719"], [str(out), "X7719", "-"], ["X7719", "-"]):
        assert main(["link", *words, *key]) == 2
        assert "X7719" not in capsys.readouterr().err
    assert main(["link", str(out), "-"]) == 2
    assert "--key-file" in capsys.readouterr().err


def test_an_out_in_use_and_a_folder_without_a_run_are_refused(link: Links, out: Path, tmp_path: Path) -> None:
    with FolderOutput(out).lock():
        assert link(b"P4\n")[0] == 3
    assert main(["link", str(tmp_path), "--key-file", str(out.parent / "key"), "-"]) == 3


def test_shards_that_are_not_merged_are_refused(link: Links, out: Path, tmp_path: Path) -> None:
    for ledger in (out / ".plainfilm-shard-00001-of-00002", tmp_path / ".plainfilm-shard-00001-of-00002"):
        ledger.touch()
        with pytest.raises(LedgerError, match="not merged"):
            PatientLinks.load(ledger.parent, out.parent / "key")
        ledger.unlink()
    assert link(b"P4\n")[0] == 0


def test_a_ledger_of_an_earlier_version_is_refused_with_what_to_do(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    ledger = tmp_path / "out" / ".plainfilm"
    ledger.write_bytes((out / ".plainfilm").read_bytes())
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("UPDATE meta SET value = '3' WHERE name = 'schema'")
        connection.execute("DROP TABLE patients")
        connection.commit()
    assert main(["link", str(tmp_path / "out"), "--key-file", str(out.parent / "key"), "-"]) == 3
    assert "was made with another version of plainfilm" in capsys.readouterr().err


def test_a_removed_patient_is_not_found(link: Links, out: Path, tmp_path: Path) -> None:
    key = out.parent / "key"
    Conversion([out.parent / "in"], tmp_path / "out", Options.of({"jobs": 1, "key_file": key})).run()
    _, [(_, patient)], _ = link(b"P4\n")
    Removal(tmp_path / "out").run([patient])
    assert main(["link", str(tmp_path / "out"), "--key-file", str(key), "-"]) == 1
