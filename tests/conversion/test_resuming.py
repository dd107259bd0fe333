# SPDX-License-Identifier: MIT
"""Test that the same command resumes a stopped run, with the result of an uninterrupted run."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import case_file
from tests.support.outputs import tree
from tests.support.sweeps import sweep

from plainfilm.conversion import progress as progress_module
from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OutputLockedError, StorageFullError
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table
from plainfilm.workers import worker_thread

pytestmark = pytest.mark.slow

Converts = Callable[..., Run]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX knows them")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Films, cines, a damaged file, a copy, and what is no image."""
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for number in range(40):
        (folder / f"{number:02}.dcm").write_bytes(case_file(seed=number % 30))
    for number in range(4):
        (folder / "b" / f"cine{number}.dcm").write_bytes(case_file(frames=5, seed=number, content="gradient"))
    (folder / "b" / "cut.dcm").write_bytes(case_file()[:-100])
    (folder / "notes.txt").write_text("no film")
    return folder


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Converts:
    """Convert `source` into `tmp_path / "out"`, or what is given."""
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(*sources: Path, out: str = "out", **given: Any) -> Run:
        options = Options.of({"jobs": 2, "key_file": tmp_path / "key", **given})
        return Conversion(list(sources) or [source], tmp_path / out, options).run()

    return run


@pytest.fixture
def whole(convert: Converts, tmp_path: Path) -> dict[str, bytes]:
    """The tree of a run that nothing stopped."""
    convert(out="whole")
    return tree(tmp_path / "whole")


@posix
@pytest.mark.parametrize("seed", sweep(range(4), 1))
def test_after_kill_9_the_same_command_completes_the_run(
    seed: int, source: Path, whole: dict[str, bytes], convert: Converts, tmp_path: Path
) -> None:
    out, chance = tmp_path / "out", random.Random(seed)
    words = ["convert", str(source), str(out), "--jobs", "2", "--key-file", str(tmp_path / "key")]
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-m", "plainfilm", *words], stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 20
            while not list(out.rglob("*.png")) and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
        for name in out.rglob("*.png"):
            assert whole[name.relative_to(out).as_posix()] == name.read_bytes(), "half a file has a name"
    run = convert()
    assert tree(out) == whole
    assert run.exit_code == 1
    assert not list(out.rglob("*.tmp"))


def test_a_finished_run_converts_nothing_again(convert: Converts, whole: dict[str, bytes], tmp_path: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "whole").rglob("*.png")}
    run = convert(out="whole")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "whole").rglob("*.png")} == times
    assert tree(tmp_path / "whole") == whole
    assert any("done before" in note for note in run.notes)
    assert run.exit_code == 1, "the ledger holds a failure"


def test_a_stopped_run_resumes(
    convert: Converts, source: Path, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # it is told of every image, and the worker waits for it: it is stopped among the first ones however fast they come
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(worker_thread, "BATCHES_AHEAD", 1)
    options = Options.of({"jobs": 1, "key_file": tmp_path / "key"})
    conversion = Conversion([source], tmp_path / "out", options)
    stopped = conversion.run(lambda progress: conversion.stop(0.0) if progress.converted > 10 else None)
    assert stopped.interrupted
    assert 10 < stopped.converted < 60
    listed = [row["file_name"] for row in read_table(tmp_path / "out" / "metadata.csv")]
    assert sorted(listed) == sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.glob("out/**/*.png")
    )
    convert()
    assert tree(tmp_path / "out") == whole


def test_a_changed_file_is_converted_again_and_its_old_images_are_removed(
    convert: Converts, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    convert()
    (source / "00.dcm").write_bytes(case_file(rows=16, seed=99))
    (source / "b" / "cine0.dcm").write_bytes(case_file(frames=2, seed=99))
    (source / "b" / "cine1.dcm").write_bytes(b"no film any more")
    (source / "new.dcm").write_bytes(case_file(seed=98))
    run = convert()
    assert any("3 files have changed" in note for note in run.notes)
    convert(out="afresh")
    assert tree(out) == tree(tmp_path / "afresh")


@pytest.mark.parametrize("other", [{"bits": 16}, {"look": "minmax"}, {"names": "hash"}, {"frames": "first"}])
def test_resuming_with_other_options_is_refused(
    other: dict[str, Any], convert: Converts, whole: dict[str, bytes], tmp_path: Path
) -> None:
    (name, value), *_ = other.items()
    with pytest.raises(LedgerError, match=f"--{name}: .* there, {value} now"):
        convert(out="whole", **other)
    assert tree(tmp_path / "whole") == whole


def test_resuming_with_another_key_is_refused(convert: Converts, whole: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "other key").write_bytes(b"another secret of thirty-two bytes")
    with pytest.raises(LedgerError, match="key"):
        convert(out="whole", key_file=tmp_path / "other key")
    assert tree(tmp_path / "whole") == whole


def test_options_that_do_not_change_the_output_may_differ(
    convert: Converts, whole: dict[str, bytes], tmp_path: Path
) -> None:
    convert(out="whole", jobs=1, timeout=60, verify=True, progress="none")
    assert tree(tmp_path / "whole") == whole


def test_overwrite_converts_everything_again_and_leaves_no_image_without_a_row(
    convert: Converts, source: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    assert "b/cine0_f0001.png" in whole
    (source / "b" / "cine0.dcm").unlink()
    convert(out="whole", overwrite=True, bits=16)
    listed = {row["file_name"]: row["bits"] for row in read_table(tmp_path / "whole" / "metadata.csv")}
    assert set(listed.values()) == {"16"}
    assert {name for name in tree(tmp_path / "whole") if name.endswith(".png")} == set(listed)
    assert "b/cine0_f0001.png" not in listed


def test_a_second_source_folder_is_added_without_other_changes(
    convert: Converts, whole: dict[str, bytes], tmp_path: Path
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "00.dcm").write_bytes(case_file(seed=77))
    convert(second, out="whole")
    now = tree(tmp_path / "whole")
    assert {name: now[name] for name in whole if name.endswith(".png")} == {
        name: data for name, data in whole.items() if name.endswith(".png")
    }
    assert [name for name in now if name not in whole] == ["00-2.png"]


def test_a_run_on_a_full_disk_leaves_a_consistent_out_and_can_be_resumed(
    convert: Converts, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, flush = tmp_path / "out", ResultCommitter.flush

    def fill_up(committer: ResultCommitter) -> None:
        if committer.counts().converted > 10:
            raise StorageFullError("no space is left")
        flush(committer)

    monkeypatch.setattr(ResultCommitter, "flush", fill_up)
    with pytest.raises(StorageFullError):
        convert()
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert sorted(row["file_name"] for row in read_table(out / "metadata.csv")) == names
    assert 0 < len(names) < 60
    assert not list(out.rglob("*.tmp"))
    monkeypatch.undo()
    convert()
    assert tree(out) == whole


def test_hashed_names_reveal_no_path_and_do_not_depend_on_workers(convert: Converts, tmp_path: Path) -> None:
    convert(names="hash", jobs=1)
    convert(names="hash", out="again", jobs=2)
    now = tree(tmp_path / "out")
    assert now == tree(tmp_path / "again")
    assert len([name for name in now if name.endswith(".png")]) == 60
    text = now["metadata.csv"] + now["failures.csv"] + "".join(now).encode()
    for word in (b"cine", b"cut", b"notes"):
        assert word not in text
    for row in read_table(tmp_path / "out" / "metadata.csv"):
        folder, _, name = row["file_name"].partition("/")
        assert name.startswith(row["source"])
        assert row["source"][:2] == folder


def test_a_ledger_is_locked_by_one_run(source: Path, convert: Converts, tmp_path: Path) -> None:
    refused: list[OutputLockedError] = []

    def run_again(_: RunProgress) -> None:
        if not refused:
            with pytest.raises(OutputLockedError) as caught:
                convert()
            refused.append(caught.value)

    run = Conversion([source], tmp_path / "out", Options.of({"jobs": 1, "key_file": tmp_path / "key"})).run(run_again)
    assert refused
    assert run.converted == 60


def test_an_image_that_was_too_large_is_tried_again_with_a_higher_limit(convert: Converts, tmp_path: Path) -> None:
    source = tmp_path / "large.dcm"
    source.write_bytes(case_file(rows=16, columns=16))
    assert convert(source, max_pixels=255).failed == 1
    run = convert(source, max_pixels=256)
    assert (run.converted, run.failed) == (1, 0)
