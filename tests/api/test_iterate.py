# SPDX-License-Identifier: MIT
"""Test `plainfilm.iterate`: arrays in order, in parallel, with bounded memory, and nothing left behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import rows_of

import plainfilm
from plainfilm.conversion.array_run import ArrayRun
from plainfilm.conversion.job import ArrayFolder
from plainfilm.options.options import Options

pytestmark = pytest.mark.slow

FRAMES = 12
LARGE = 768
"""Rows and columns of images that are mapped and not copied."""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own, and a home without a key."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Images of one and of several frames, a damaged one, a text, and a pipe."""
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    for number in range(8):
        film = build_case(centers=(1000 + 300 * number,), widths=(3000,), content="gradient")[0]
        (folder / f"{number}.dcm").write_bytes(to_bytes(film))
    cine = to_bytes(build_case(frames=FRAMES, content="gradient", centers=(2000,), widths=(3000,))[0])
    (folder / "3 cine.dcm").write_bytes(cine)
    (folder / "5 cut.dcm").write_bytes(cine[:-10])
    (folder / "a text.txt").write_text("no film")
    os.mkfifo(folder / "b pipe")
    (folder / "more" / "last.dcm").write_bytes((folder / "0.dcm").read_bytes())
    return folder


def children() -> set[str]:
    """The process ids of the workers of this process."""
    done = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "plainfilm.workers"], capture_output=True, text=True)
    return set(done.stdout.split())


def wait_until_gone(before: set[str]) -> None:
    deadline = time.monotonic() + 30
    while children() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children() <= before


def test_arrays_come_in_the_order_of_sources_and_frames_with_the_rows_of_a_run(films: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 32)
    plainfilm.convert(films, tmp_path / "out", jobs=2, key_file=tmp_path / "key")
    images, failures = rows_of(tmp_path / "out"), rows_of(tmp_path / "out", "failures")
    results = list(plainfilm.iterate(films, jobs=2, key_file=tmp_path / "key"))
    order = [(record.source, record.frame or 0) for record, _ in results]
    listed = ["0.dcm", "1.dcm", "2.dcm", "3 cine.dcm", "3.dcm", "4.dcm", "5 cut.dcm", "5.dcm", "6.dcm", "7.dcm"]
    sources = list(dict.fromkeys(source for source, _ in order))
    assert sources == [*listed, "a text.txt", "b pipe", "more/last.dcm"]
    assert [frame for source, frame in order if source == "3 cine.dcm"] == list(range(1, FRAMES + 1))
    assert [record.source for record, image in results if image is None] == [row["source"] for row in failures]
    by_name = {row["file_name"]: row for row in images}
    for record, image in results:
        if image is None:
            continue
        assert isinstance(record, plainfilm.Record)
        row = by_name.pop(record.file_name)
        shared = ("source", "patient", "study", "sop_instance", "status", "voi", "findings")
        assert [row[name] for name in shared] == [getattr(record, name) for name in shared]
        assert (record.sha256, record.duplicate_of, record.stored_hash) == ("", "", "")
        np.testing.assert_array_equal(image, plainfilm.render(films / record.source, frame=record.frame))
        assert image.flags.writeable
        image[:] = 0
    assert not by_name


def test_options_apply_and_no_key_or_file_is_made(films: Path, tmp_path: Path, temporary: Path) -> None:
    before = children()
    sources = [films / "0.dcm", films / "3 cine.dcm"]
    results = list(plainfilm.iterate(sources, jobs=1, look="stretch", bits=16, frames=2))
    assert [(record.source, record.frame) for record, _ in results] == [("0.dcm", None), ("3 cine.dcm", 2)]
    failure, record = results[0][0], results[1][0]
    assert isinstance(failure, plainfilm.Failure)
    assert failure.message == 'frames="2" was asked for and the instance has 1'
    assert isinstance(record, plainfilm.Record)
    assert (record.patient, record.study, record.series, record.sop_instance) == ("", "", "", "")
    image = results[1][1]
    assert image is not None
    np.testing.assert_array_equal(image, plainfilm.render(films / "3 cine.dcm", frame=2, look="stretch", bits=16))
    assert not (tmp_path / "home").exists()
    assert list(temporary.iterdir()) == []
    wait_until_gone(before)


def test_sources_are_selected_as_in_a_run(films: Path, tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_text("source\n1.dcm\nmore/last.dcm\n")
    results = list(plainfilm.iterate(films, jobs=1, exclude=tmp_path / "marks.csv", where="frames=1"))
    excluded = [record.source for record, _ in results if getattr(record, "reason", "") == "excluded"]
    assert excluded == ["1.dcm", "3 cine.dcm", "5 cut.dcm", "more/last.dcm"]
    assert [record.source for record, image in results if image is not None] == [f"{n}.dcm" for n in (0, *range(2, 8))]


def test_messages_of_failures_speak_python(tmp_path: Path) -> None:
    (tmp_path / "0.dcm").write_bytes(to_bytes(build_case(centers=(1e6,), widths=(10,))[0]))
    ((failure, image),) = plainfilm.iterate(tmp_path / "0.dcm", jobs=1, strict=True)
    assert isinstance(failure, plainfilm.Failure)
    assert image is None
    assert failure.message.endswith("; strict=True forbids this repair")


def test_a_slow_consumer_does_not_make_memory_or_files_grow(tmp_path: Path) -> None:
    cine = to_bytes(build_case(rows=LARGE, columns=LARGE, frames=12, content="gradient")[0])
    for number in range(3):
        (tmp_path / f"{number}.dcm").write_bytes(cine)
    results = plainfilm.iterate([tmp_path / f"{number}.dcm" for number in range(3)], jobs=2)
    next(results)
    sizes = []
    for _ in range(3):
        time.sleep(0.7)
        sizes.append(mapped_images())
        next(results)
    assert max(sizes) <= 8, "two for each of the two jobs in work, and those that workers hold"
    results.close()


def mapped_images() -> int:
    """The large images that this process has mapped from files without a name."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sum("(deleted)" in line and _size_of(line) == LARGE * LARGE for line in lines)


def _size_of(line: str) -> int:
    start, end = line.split()[0].split("-")
    return int(end, 16) - int(start, 16)


def test_the_space_of_an_array_is_free_when_the_array_is_gone(tmp_path: Path) -> None:
    (tmp_path / "0.dcm").write_bytes(to_bytes(build_case(rows=LARGE, columns=LARGE, content="gradient")[0]))
    ((_, image),) = plainfilm.iterate(tmp_path / "0.dcm", jobs=1)
    assert image is not None
    part = image[:2].copy()
    assert mapped_images() == 1
    del image
    gc.collect()
    assert mapped_images() == 0
    assert part.shape == (2, LARGE)


def test_small_and_large_arrays_in_any_order_are_those_of_render_and_the_callers_own(tmp_path: Path) -> None:
    sizes = [64, LARGE, 100, 64, LARGE, LARGE, 80, LARGE, 64, 64, 100, 80] * 2
    paths = [tmp_path / f"{number:02}.dcm" for number in range(len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        case = build_case(rows=size, columns=size, centers=(1000 + 50 * number,), widths=(3000,), content="gradient")
        path.write_bytes(to_bytes(case[0]))
    images = [image for _, image in plainfilm.iterate(tmp_path, jobs=2)]
    for path, image in zip(paths, images, strict=True):
        assert image is not None
        np.testing.assert_array_equal(image, plainfilm.render(path))
        image[:] = 7
    assert all(image is not None and (image == 7).all() for image in images)


@pytest.mark.parametrize("end", ["close", "exception", "forgotten"])
def test_an_early_end_leaves_no_process_and_no_file(end: str, films: Path, temporary: Path) -> None:
    before, threads = children(), threading.active_count()
    results = plainfilm.iterate(films, jobs=2)
    if end == "exception":
        with pytest.raises(ZeroDivisionError):
            fail_on_first(results)
        results.close()
    else:
        next(results)
        assert children() - before
        if end == "close":
            results.close()
    del results
    gc.collect()
    wait_until_gone(before)
    assert list(temporary.iterdir()) == []
    assert threading.active_count() == threads


def fail_on_first(results: Iterator[Any]) -> None:
    for _ in results:
        raise ZeroDivisionError


@pytest.mark.parametrize("has_names", [False, True])
def test_files_with_and_without_names_give_the_same_arrays(has_names: bool, films: Path, temporary: Path) -> None:
    run = ArrayRun([films], Options.of({"jobs": 2}))
    results = list(run.results(ArrayFolder(temporary, has_names)))
    expected = list(plainfilm.iterate(films, jobs=1))
    for (record, image), (wanted, pixels) in zip(results, expected, strict=True):
        assert record == wanted
        if image is not None and pixels is not None:
            np.testing.assert_array_equal(image, pixels)
    assert list(temporary.iterdir()) == []


def test_a_consumer_that_keeps_many_arrays_can_still_open_files(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    cine = to_bytes(build_case(frames=150, content="gradient")[0])
    (tmp_path / "cine.dcm").write_bytes(cine)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        assert len([image for _, image in plainfilm.iterate(tmp_path / "cine.dcm", jobs=1)]) == 150
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_full_folder_for_temporary_files_is_named(films: Path, tmp_path: Path) -> None:
    run = ArrayRun([films / "0.dcm"], Options.of({"jobs": 1}))
    with pytest.raises(plainfilm.RunError, match="TMPDIR") as raised:
        list(run.results(ArrayFolder(tmp_path / "missing")))
    assert (raised.value.reason, raised.value.stage) == ("write_failed", "write")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": "hash"}, "names"),
        ({"overwrite": True}, "overwrite"),
        ({"dry_run": True}, "dry_run"),
        ({"log": "run.log"}, "log"),
        ({"job": 2}, "did you mean jobs"),
    ],
)
def test_options_that_make_no_sense_for_arrays_are_refused_at_once(
    options: dict[str, Any], said: str, films: Path
) -> None:
    with pytest.raises(TypeError, match=said):
        plainfilm.iterate(films, **options)


def test_wrong_sources_are_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing") as raised:
        plainfilm.iterate(tmp_path / "missing")
    assert isinstance(raised.value, plainfilm.RunError)
    for wrong in (None, 3, b"bytes", [None], np.zeros(3)):
        with pytest.raises(TypeError):
            plainfilm.iterate(wrong)  # type: ignore[arg-type]
    with pytest.raises(plainfilm.OptionsError, match="overlays"):
        plainfilm.iterate(tmp_path, overlays="mask")
    with pytest.raises(plainfilm.OptionsError, match="empty"):
        plainfilm.iterate([])


def test_a_thread_and_a_script_without_a_main_guard_may_iterate(films: Path, tmp_path: Path) -> None:
    counts: list[int] = []
    thread = threading.Thread(target=lambda: counts.append(len(list(plainfilm.iterate(films / "0.dcm", jobs=1)))))
    thread.start()
    thread.join(60)
    assert counts == [1]
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "import plainfilm\n"
        "for record, image in plainfilm.iterate(sys.argv[1], jobs=2):\n"
        "    print(record.source, None if image is None else image.shape)\n"
        "    if record.source == '3.dcm':\n"
        "        sys.exit(5)\n"
    )
    done = subprocess.run([sys.executable, str(script), str(films)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (5, "")
    assert len(done.stdout.splitlines()) == 4 + FRAMES
