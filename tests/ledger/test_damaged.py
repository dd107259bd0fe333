# SPDX-License-Identifier: MIT
"""A ledger that is damaged, or that another program has written: an error that names the file, never a traceback."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from plainfilm.errors import LedgerError, Reason, Stage
from plainfilm.ledger.database import open_database
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.schema import SCHEMA
from plainfilm.ledger.serialization import record_from_text, record_to_text
from plainfilm.ledger.snapshot import open_snapshot
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.reference import Reference

FINGERPRINT = RunFingerprint({"look": "viewer"}, {}, "f" * 16, {"timeout": 1, "memory": 1})
SECRET = "Doe^Jane"
STAT = FileStat(1, 1)


def record(**values: Any) -> Record:
    content: dict[str, Any] = {field.name: "" if field.type == "str" else 0 for field in fields(Record)}
    content |= {"source": "x.dcm", "file_name": "x.png", "frame": 1, "status": Status.OK}
    content |= {"affine": (), "carried": (), "labels": ()}
    return Record(**(content | values))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with a source, two images and a failure."""
    path = tmp_path / "out" / ".plainfilm"
    path.parent.mkdir(parents=True)
    (tmp_path / "x.dcm").touch()
    with open_ledger(path, FINGERPRINT) as ledger:
        ledger.register_source(reference(path), STAT)
        ledger.add_images([record(), record(frame=2, file_name="y.png")], {"x.png": STAT, "y.png": STAT})
        ledger.add_overlay("x.dcm", "__overlays/x.png", STAT, "0")
        ledger.add_failure(Failure("z.dcm", None, Status.FAILED, Reason.EMPTY, Stage.READ, "why"))
        ledger.mark_done(["x.dcm"])
        ledger.commit()
    return path


def reference(path: Path) -> Reference:
    return Reference(path.parent.parent.parent / "x.dcm", "x.dcm", "x")


def change(path: Path, script: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if values:
            connection.execute(script, values)
        else:
            connection.executescript(script)


def use_everything(ledger: Ledger, path: Path) -> None:
    """Read every row, as a run does."""
    list(ledger.orphaned_files())
    for page in ledger.files.pages():
        for file in page:
            ledger.files.sha256(file)
    ledger.register_source(reference(path), STAT)
    ledger.images_of_source("x.dcm")
    list(ledger.records())
    list(ledger.failures())
    ledger.delete_newest(1)


def row_with(**values: object) -> str:
    names = [field.name for field in fields(Record)]
    row = json.loads(record_to_text(record()))
    for name, value in values.items():
        row[names.index(name)] = value
    return json.dumps(row)


ROWS = {
    "no JSON": SECRET,
    "no list": json.dumps({"file_name": SECRET}),
    "a short list": json.dumps([SECRET]),
    "a deep list": "[" * 100_000,
    "an empty text": "",
    "bytes": b"\xff\xfe" + SECRET.encode(),
    "a number": 7,
    "a text that is a number": row_with(source=7),
    "a number that is a text": row_with(width=SECRET),
    "a huge number": row_with(mean=10**400),
    "an unknown status": row_with(status=SECRET),
    "a tuple of texts": row_with(affine=[SECRET]),
    "a tuple of lists": row_with(carried=[[SECRET]]),
    "a text that is null": row_with(findings=None),
    "a name outside of OUT": row_with(file_name="../x.png"),
    "an absolute name": row_with(file_name="/x.png"),
}
STATEMENTS = [
    "UPDATE sources SET path = 7",
    f"UPDATE sources SET size = '{SECRET}'",
    f"UPDATE sources SET name = x'ff'; UPDATE images SET source = '{SECRET}' WHERE frame = 2",
    f"UPDATE images SET size = '{SECRET}'",
    f"UPDATE images SET mtime_ns = x'00'; UPDATE images SET source = '{SECRET}' WHERE frame = 2",
    "UPDATE images SET file_name = '../../x.png' WHERE frame = 1",
    "UPDATE images SET file_name = x'00ff' WHERE frame = 1",
    "UPDATE masks SET file_name = '/etc/x.png'",
    "UPDATE masks SET sha256 = x'00'",
    "INSERT INTO pending VALUES ('../../x.png')",
    "INSERT INTO pending VALUES (x'00ff')",
    f"UPDATE failures SET row = '{SECRET}'",
    f"""UPDATE failures SET row = '["a", null, "{SECRET}", "empty", "read", ""]'""",
    """UPDATE failures SET row = '["a", "1", "failed", "empty", "read", ""]'""",
    "UPDATE failures SET row = x'ff'",
    f"UPDATE images SET row = CAST(x'ff' || '{SECRET}' AS TEXT)",
    f"UPDATE meta SET value = '{SECRET}' WHERE name = 'identity'",
    "UPDATE meta SET value = x'ff' WHERE name = 'identity'",
    """UPDATE meta SET value = '{"options": [], "versions": {}, "key_fingerprint": "", "limits": 1}'
    WHERE name = 'identity'""",
    *(f"DROP TABLE {table}" for table in ("meta", "sources", "images", "masks", "failures", "pending")),
    "ALTER TABLE images DROP COLUMN size",
    "DROP INDEX images_file",
    "DROP TABLE failures; CREATE VIEW failures AS SELECT * FROM images",
    f"CREATE TRIGGER planted AFTER INSERT ON images BEGIN SELECT '{SECRET}'; END",
]


def check_refused(path: Path, use: Callable[[Ledger, Path], None] = use_everything) -> None:
    with pytest.raises(LedgerError) as error, open_ledger(path, FINGERPRINT) as ledger:
        use(ledger, path)
    message = error.value.message
    assert str(path) in message or str(path.parent.parent) in message
    assert "--overwrite" in message
    assert "another OUT" in message
    assert SECRET not in message
    assert (error.value.exit_code, error.value.reason) == (3, Reason.LEDGER_DIFFERS)
    cause = error.value.__cause__
    assert cause is None or SECRET not in str(cause)


def check_overwrite(path: Path) -> None:
    with open_ledger(path, FINGERPRINT, overwrite=True) as ledger:
        use_everything(ledger, path)
        assert list(ledger.records()) == []


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_damaged_row_of_an_image_is_an_error_that_names_the_file(row: object, path: Path) -> None:
    change(path, "UPDATE images SET row = ? WHERE frame = 1", row)
    check_refused(path)
    check_overwrite(path)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_damaged_table_is_an_error_that_names_the_file(statement: str, path: Path) -> None:
    change(path, statement)
    check_refused(path)
    check_overwrite(path)


@pytest.mark.parametrize("position", [0, 100, 4096, 4096 * 3 + 7, 4096 * 9])
def test_damaged_bytes_are_an_error_that_names_the_file(position: int, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[position : position + 4096] = b"\xa5" * len(content[position : position + 4096])
    path.write_bytes(content)
    check_refused(path)
    check_overwrite(path)


@pytest.mark.parametrize("size", [20, 100, 5000])
def test_a_ledger_that_was_cut_is_an_error_that_names_the_file(size: int, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:size])
    check_refused(path)
    check_overwrite(path)


def test_a_dry_run_refuses_a_damaged_ledger_too(path: Path) -> None:
    change(path, f"UPDATE sources SET size = '{SECRET}'")
    with pytest.raises(LedgerError, match="damaged"), open_snapshot(path, FINGERPRINT) as snapshot:
        snapshot.done_source(reference(path), STAT)


def test_a_ledger_of_schema_1_is_refused_as_another_layout(path: Path) -> None:
    change(path, "UPDATE meta SET value = '1' WHERE name = 'schema'; ALTER TABLE images DROP COLUMN size")
    with pytest.raises(LedgerError, match=f"its layout: 1 there, {SCHEMA} now"), open_ledger(path, FINGERPRINT):
        pass
    with open_ledger(path, FINGERPRINT, overwrite=True) as ledger:
        assert {"x.png", "y.png"} <= set(next(ledger.orphaned_files())), "older images are removed"


def test_a_ledger_without_tables_is_that_of_a_run_that_was_killed_at_once(path: Path) -> None:
    path.write_bytes(b"")
    with open_snapshot(path, FINGERPRINT) as snapshot:
        assert snapshot.done_source(reference(path), STAT) is None
    with open_ledger(path, FINGERPRINT) as ledger:
        assert list(ledger.records()) == []


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_at_the_place_of_the_ledger_is_refused(suffix: str, overwrite: bool, path: Path, tmp_path: Path) -> None:
    victim, planted = tmp_path / "victim", path.with_name(path.name + suffix)
    victim.write_bytes(path.read_bytes())
    before = victim.read_bytes()
    planted.unlink(missing_ok=True)
    planted.symlink_to(victim)
    with (
        pytest.raises(LedgerError, match=r"symbolic link.*another OUT") as error,
        open_ledger(path, FINGERPRINT, overwrite=overwrite),
    ):
        pass
    assert str(planted) in error.value.message
    with pytest.raises(LedgerError, match="symbolic link"), open_snapshot(path, FINGERPRINT):
        pass
    assert victim.read_bytes() == before
    assert planted.is_symlink()


def test_a_folder_at_the_place_of_the_ledger_is_refused(path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(LedgerError, match=r"folder.*another OUT"), open_ledger(path, FINGERPRINT, overwrite=True):
        pass


def test_functions_in_a_planted_schema_are_not_trusted(path: Path) -> None:
    with open_database(path) as database:
        assert database.fetch_one("PRAGMA trusted_schema") == (0,)


def test_text_that_is_not_utf_8_can_be_stored() -> None:
    image = record(manufacturer="\udce4", carried=("Ä\udcff",))
    text = record_to_text(image)
    assert text.encode()
    assert record_from_text(text) == image
