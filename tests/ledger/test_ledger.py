# SPDX-License-Identifier: MIT
"""Test that the ledger neither loses nor repeats work, keeps rows in order and gives each name once."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from plainfilm.errors import LedgerError, Reason, RunError, Stage
from plainfilm.ledger import sql
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.ledger.remaining_work import FileStat, RemainingWork
from plainfilm.ledger.schema import SCHEMA
from plainfilm.ledger.snapshot import open_snapshot
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.reference import Reference
from plainfilm.sources.remote_file import RemoteFile, parse_url

IDENTITY = RunFingerprint(
    {"look": "viewer", "bits": 8}, {"numpy": "2.4"}, "f" * 16, {"timeout": 120.0, "memory": 1 << 32}
)
OLD = FileStat(100, 1)
Opens = Callable[..., AbstractContextManager[Ledger]]


@pytest.fixture
def opens(tmp_path: Path) -> Opens:
    """Opens the ledger of a folder, as a run of IDENTITY or of what is given."""
    path = tmp_path / "out" / ".plainfilm"
    path.parent.mkdir()
    return lambda identity=IDENTITY, **given: open_ledger(path, identity, **given)


def record(source: str = "x.dcm", frame: int = 1, **values: Any) -> Record:
    """An image of a source, with values that are hard to keep."""
    stem = source.removesuffix(".dcm")
    known: dict[str, Any] = {field.name: "" if field.type == "str" else 0 for field in fields(Record)}
    known |= {"file_name": f"{stem}.png" if frame == 1 else f"{stem}_f{frame:04d}.png", "source": source}
    known |= {"frame": frame, "frames": 1, "status": Status.OK, "low": 0.1, "high": float("inf"), "mean": None}
    known |= {
        "carried": ("Ä", "x\\\\y"),
        "labels": ("left", ""),
        "affine": (1.0, 0.0, -0.0, 0.0, 1.0, 1e-300),
        "inverted": True,
        "manufacturer": "Ä \U0001f9b4 \x7f",
    }
    return Record(**(known | values))


def failure(source: str, reason: Reason = Reason.EMPTY, frame: int | None = None) -> Failure:
    return Failure(source, frame, Status.FAILED, reason, Stage.READ, "why")


def reference(source: str, folder: Path) -> Reference:
    path = folder / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return Reference(path, source, source.removesuffix(".dcm"))


def admitted(ledger: Ledger, what: Reference, stamp: FileStat = OLD) -> RemainingWork:
    admission = ledger.register_source(what, stamp)
    assert admission is not None
    return admission


def test_rows_round_trip_in_order(opens: Opens) -> None:
    images = [record(f"{name}.dcm", frame) for name in ("b", "a", "c/a", "é") for frame in (1, 2000, 10000)]
    others = [failure(name, frame=frame) for name in ("z", "y") for frame in (None, 2000, 10000)]
    random.Random(7).shuffle(images)
    random.Random(8).shuffle(others)
    with opens() as ledger:
        for image in images:
            ledger.add_images([image])
        for other in others:
            ledger.add_failure(other)
        ledger.commit()
    with opens() as ledger:
        assert list(ledger.records()) == sorted(images, key=lambda row: (row.source, row.frame))
        assert list(ledger.failures()) == sorted(others, key=lambda row: (row.source, row.frame or 0))
        assert ledger.counts == {Status.OK: 12, Status.FAILED: 6}


def test_a_duplicate_names_the_first_of_its_instance_or_pixels(opens: Opens) -> None:
    with opens() as ledger:
        for image in (
            record("d.dcm", stored_hash="pixels"),
            record("c.dcm", sop_instance="uid", stored_hash="pixels"),
            record("b.dcm", sop_instance="uid", stored_hash="others"),
            record("b.dcm", frame=2, sop_instance="uid", stored_hash="more"),
            record("a.dcm", stored_hash="unlike"),
            record("e.dcm"),
            record("f.dcm"),
        ):
            ledger.add_images([image])
        named = [(row.file_name, row.duplicate_of) for row in ledger.records()]
    assert named == [
        ("a.png", ""),
        ("b.png", ""),
        ("b_f0002.png", ""),
        ("c.png", "b.png"),
        ("d.png", "c.png"),
        ("e.png", ""),
        ("f.png", ""),
    ]


def test_an_unchanged_source_is_not_converted_again(opens: Opens, tmp_path: Path) -> None:
    file = reference("x.dcm", tmp_path)
    with opens() as ledger:
        assert admitted(ledger, file) == RemainingWork(file)
        ledger.add_images([record("x.dcm")])
        ledger.mark_done(["x.dcm"])
        ledger.commit()
    with opens() as ledger:
        assert ledger.register_source(file, OLD) is None


def test_uncommitted_rows_are_rolled_back(opens: Opens, tmp_path: Path) -> None:
    with opens() as ledger:
        admitted(ledger, reference("x.dcm", tmp_path))
        ledger.add_images([record("x.dcm")])
        ledger.mark_done(["x.dcm"])
    with opens() as ledger:
        assert list(ledger.records()) == []
        assert admitted(ledger, reference("x.dcm", tmp_path)).first_frame == 0


@pytest.mark.parametrize("stamp", [FileStat(101, 1), FileStat(100, 2)], ids=["size", "time"])
def test_a_changed_source_is_converted_again_and_its_images_are_removed(
    opens: Opens, tmp_path: Path, stamp: FileStat
) -> None:
    file = reference("x.dcm", tmp_path)
    with opens() as ledger:
        admitted(ledger, file)
        for frame in (1, 2):
            ledger.add_images([record("x.dcm", frame)])
        ledger.add_failure(failure("x.dcm", frame=3))
        ledger.mark_done(["x.dcm"])
        ledger.commit()
    with opens() as ledger:
        found = admitted(ledger, file, stamp)
        assert (found.has_changed, found.first_frame, set(found.obsolete_files)) == (True, 0, {"x.png", "x_f0002.png"})
        assert list(ledger.records()) == list(ledger.failures()) == []
        assert set(next(ledger.orphaned_files())) == set(found.obsolete_files)
        assert ledger.counts.total() == 0


def test_an_unfinished_instance_resumes_after_its_last_frame(opens: Opens, tmp_path: Path) -> None:
    file = reference("x.dcm", tmp_path)
    with opens() as ledger:
        admitted(ledger, file)
        ledger.add_images([record("x.dcm", 1)])
        ledger.add_failure(failure("x.dcm", frame=2))
        ledger.commit()
    with opens() as ledger:
        assert admitted(ledger, file) == RemainingWork(file, first_frame=2)
        assert len(list(ledger.records())) == 1


@pytest.mark.parametrize(
    ("reason", "again"),
    [(reason, True) for reason in (Reason.WRITE_FAILED, Reason.UNREADABLE, Reason.SOURCE_CHANGED, Reason.NETWORK)]
    + [(reason, False) for reason in (Reason.CORRUPT_HEADER, Reason.TIMEOUT, Reason.WORKER_DIED, Reason.NOT_DICOM)],
)
def test_failures_of_the_environment_are_retried_and_failures_of_the_file_are_not(
    reason: Reason, again: bool, opens: Opens, tmp_path: Path
) -> None:
    file = reference("x.dcm", tmp_path)
    with opens() as ledger:
        admitted(ledger, file)
        ledger.add_failure(failure("x.dcm", reason))
        ledger.mark_done(["x.dcm"])
        ledger.commit()
    with opens() as ledger:
        assert (ledger.register_source(file, OLD) is not None) == again
        assert [row.reason for row in ledger.failures()] == ([] if again else [reason])


@pytest.mark.parametrize(("limit", "reason"), [("timeout", Reason.TIMEOUT), ("memory", Reason.MEMORY_LIMIT)])
def test_a_failure_by_a_limit_is_retried_with_another_limit(
    limit: str, reason: Reason, opens: Opens, tmp_path: Path
) -> None:
    file = reference("x.dcm", tmp_path)
    with opens() as ledger:
        admitted(ledger, file)
        ledger.add_failure(failure("x.dcm", reason))
        ledger.mark_done(["x.dcm"])
        ledger.commit()
    raised = replace(IDENTITY, limits={**IDENTITY.limits, limit: 1 << 40})
    with opens(raised) as ledger:
        assert ledger.register_source(file, OLD) is not None


def test_an_unlistable_folder_is_retried(opens: Opens) -> None:
    with opens() as ledger:
        ledger.add_failure(failure("locked", Reason.UNREADABLE))
        ledger.add_failure(failure("socket", Reason.NOT_A_FILE))
        ledger.commit()
    with opens() as ledger:
        assert [row.source for row in ledger.failures()] == ["socket"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(IDENTITY, options={"look": "viewer", "bits": 16}), "--bits: 8 there, 16 now"),
        (replace(IDENTITY, options={"look": "viewer"}), "--bits: 8 there, not known now"),
        (replace(IDENTITY, versions={"numpy": "2.5"}), "numpy: 2.4 there, 2.5 now"),
        (replace(IDENTITY, key_fingerprint="0" * 16), "the key: ffff"),
    ],
)
def test_other_options_are_refused_with_the_difference(opens: Opens, other: RunFingerprint, said: str) -> None:
    with opens() as ledger:
        ledger.add_images([record()])
        ledger.commit()
    with pytest.raises(LedgerError, match="--overwrite") as refused, opens(other):
        pass
    assert said in refused.value.message
    assert (refused.value.reason, refused.value.exit_code) == (Reason.LEDGER_DIFFERS, 3)
    with opens() as ledger:
        assert len(list(ledger.records())) == 1


def test_overwrite_clears_the_ledger_and_lists_the_files_to_remove(opens: Opens, tmp_path: Path) -> None:
    with opens() as ledger:
        admitted(ledger, reference("x.dcm", tmp_path))
        ledger.add_images([record("x.dcm")])
        ledger.add_failure(failure("y.dcm"))
        ledger.commit()
    other = replace(IDENTITY, options={"look": "minmax"})
    with opens(other, overwrite=True) as ledger:
        assert list(ledger.records()) == list(ledger.failures()) == []
        assert next(ledger.orphaned_files()) == ["x.png"]
        ledger.clear_pending(["x.png"])
        assert list(ledger.orphaned_files()) == []
    with opens(other) as ledger:
        assert admitted(ledger, reference("x.dcm", tmp_path)).has_changed is False


def test_the_name_of_a_committed_image_is_settled(opens: Opens) -> None:
    with opens() as ledger:
        ledger.mark_pending(["x.png", "gone.png"])
        ledger.commit()
        ledger.add_images([record("x.dcm")])
        ledger.commit()
    with opens() as ledger:
        assert next(ledger.orphaned_files()) == ["gone.png"]


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("x.dcm", "X.dcm", "X-2"),
        ("x.dcm", "x", "x-2"),
        ("x_f0001.dcm", "x.dcm", "x-2"),
        ("x.dcm", "x_f0001.dcm", "x_f0001-2"),
        ("x.dcm", "xy.dcm", "xy"),
        ("x.dcm", "y/x.dcm", "y/x"),
    ],
)
def test_a_name_in_use_is_kept_and_a_later_one_is_changed(
    first: str, second: str, name: str, opens: Opens, tmp_path: Path
) -> None:
    with opens() as ledger:
        admitted(ledger, reference(first, tmp_path))
        ledger.commit()
    with opens() as ledger:
        assert admitted(ledger, reference(second, tmp_path)).reference.name == name


def test_another_file_of_the_same_relative_path_is_another_source(opens: Opens, tmp_path: Path) -> None:
    here, there = reference("x.dcm", tmp_path / "a"), reference("x.dcm", tmp_path / "b")
    for _ in range(2):
        with opens() as ledger:
            first, second = ledger.register_source(here, OLD), ledger.register_source(there, OLD)
            for admission in (first, second):
                if admission is not None:
                    source, name = admission.reference.source, admission.reference.name
                    ledger.add_images([record(source, file_name=f"{name}.png")])
                    ledger.mark_done([source])
            ledger.commit()
    with opens() as ledger:
        assert [(row.source, row.file_name) for row in ledger.records()] == [("x.dcm", "x.png"), ("x.dcm-2", "x-2.png")]
        assert ledger.register_source(there, OLD) is None


def test_an_object_of_another_url_is_another_source_of_a_shard_too(tmp_path: Path) -> None:
    here, there = (
        replace(reference("x.dcm", tmp_path), path=RemoteFile(parse_url(f"s3://{bucket}/x.dcm")))
        for bucket in ("one", "two")
    )
    path = tmp_path / ".plainfilm"
    with open_ledger(path, IDENTITY) as ledger:
        admitted(ledger, here)
        ledger.commit()
    with open_snapshot(path, IDENTITY) as snapshot:
        assert snapshot.named(here).source == "x.dcm"
        assert snapshot.named(there).source == "x.dcm-2"


def test_a_moved_folder_is_recognised_by_its_files(opens: Opens, tmp_path: Path) -> None:
    with opens() as ledger:
        admitted(ledger, reference("x.dcm", tmp_path / "a"))
        ledger.mark_done(["x.dcm"])
        ledger.commit()
    (tmp_path / "a").rename(tmp_path / "b")
    with opens() as ledger:
        assert ledger.register_source(reference("x.dcm", tmp_path / "b"), OLD) is None


def test_a_damaged_ledger_is_refused_and_overwrite_replaces_it(opens: Opens, tmp_path: Path) -> None:
    path = tmp_path / "out" / ".plainfilm"
    path.write_bytes(b"no database at all, and long enough to be looked at " * 20)
    with pytest.raises(LedgerError, match=r"damaged.*--overwrite"), opens():
        pass
    with opens(overwrite=True) as ledger:
        assert list(ledger.records()) == []


def test_a_missing_file_has_a_stat_that_no_file_has(tmp_path: Path) -> None:
    assert FileStat.of(tmp_path / "gone") == FileStat(-1, 0)
    (tmp_path / "there").write_bytes(b"xyz")
    assert FileStat.of(tmp_path / "there").size == 3


def test_a_ledger_of_another_schema_is_refused_unchanged(opens: Opens, tmp_path: Path) -> None:
    with opens() as ledger:
        ledger.add_images([record()])
        ledger.commit()
    path = tmp_path / "out" / ".plainfilm"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE name = 'schema'")
    for _ in range(2):
        with pytest.raises(LedgerError, match=f"its layout: 0 there, {SCHEMA} now") as refused, opens():
            pass
        assert (refused.value.exit_code, refused.value.reason) == (3, Reason.LEDGER_DIFFERS)
    with opens(overwrite=True) as ledger:
        assert list(ledger.records()) == []


def test_a_ledger_open_in_another_process_is_refused(opens: Opens, tmp_path: Path) -> None:
    path = tmp_path / "out" / ".plainfilm"
    with opens() as ledger:
        ledger.add_images([record()])
        ledger.commit()
        hold = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM images').fetchall()"
        other = subprocess.run([sys.executable, "-c", hold, str(path)], capture_output=True, text=True, check=False)
        assert "database is locked" in other.stderr
        with pytest.raises(RunError, match="cannot be written"), opens():
            pass
        ledger.add_images([record("y.dcm")])
        ledger.commit()
    with opens() as ledger:
        assert len(list(ledger.records())) == 2


def test_an_unwritable_ledger_is_an_error(opens: Opens, tmp_path: Path) -> None:
    with opens() as ledger:
        ledger.commit()
    folder = tmp_path / "out"
    (folder / ".plainfilm").chmod(0o400)
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("permissions do not bind this user")
        with pytest.raises(RunError, match="cannot be written") as refused, opens():
            pass
        assert refused.value.exit_code == 3
    finally:
        folder.chmod(0o700)


def test_withdrawn_images_are_converted_again_with_their_sources(opens: Opens, tmp_path: Path) -> None:
    first, second = reference("first.dcm", tmp_path), reference("second.dcm", tmp_path)
    with opens() as ledger:
        for one in (first, second):
            ledger.register_source(one, OLD)
            ledger.add_failure(failure(one.source, frame=1))
            ledger.add_images([record(one.source, frame=2)])
            ledger.mark_done([one.source])
        ledger.commit()
        assert ledger.delete_newest(1) == ["second_f0002.png"]
        ledger.commit()
        assert [row.source for row in ledger.records()] == ["first.dcm"]
        assert [row.source for row in ledger.failures()] == ["first.dcm"]
        assert ledger.counts == {Status.OK: 1, Status.FAILED: 1}
        assert next(ledger.orphaned_files()) == ["second_f0002.png"]
        assert ledger.register_source(first, OLD) is None
        assert ledger.register_source(second, OLD) == RemainingWork(second)


def test_a_source_that_becomes_a_file_has_one_row(opens: Opens, tmp_path: Path) -> None:
    with opens() as ledger:
        ledger.add_failure(failure("x.dcm", Reason.NOT_A_FILE))
        ledger.commit()
    with opens() as ledger:
        admitted(ledger, reference("x.dcm", tmp_path))
        ledger.add_images([record("x.dcm")])
        assert list(ledger.failures()) == []
        assert ledger.counts == {Status.OK: 1, Status.FAILED: 0}


@pytest.mark.parametrize(
    "statement",
    [
        *(sql.SOURCE_STATE, sql.FILES_OF_SOURCE, sql.PENDING_WITHOUT_ROW, sql.DELETE_PENDING_WITH_ROW),
        *(sql.COLLIDING_SOURCE, sql.IMAGES_BY_NAME, sql.MASKS_BY_NAME, sql.IMAGES_AFTER),
    ],
)
def test_a_statement_about_few_rows_does_not_read_all_images(statement: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql.CREATE_TABLES)
        parameters = ("",) * (1 if "?1" in statement else statement.count("?"))
        plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert plan
    # the pending names are few
    assert [step for step in plan if step.startswith("SCAN") and step != "SCAN p"] == []
