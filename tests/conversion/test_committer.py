# SPDX-License-Identifier: MIT
"""Test that a run killed between any two steps of a commit resumes without lost or partial rows.

The committer is used without workers: what they would stage is staged here. A run is killed before its Nth step, for
every N: what was not committed is gone then, as after a power cut.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.outputs import is_private

from plainfilm.conversion import run_parts as run_parts_module
from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.job import StagedImage
from plainfilm.conversion.labels import Labels
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.run_inputs import RunInputs
from plainfilm.conversion.run_log import RunLog
from plainfilm.conversion.run_progress import ignore_progress
from plainfilm.conversion.uid_names import InstanceNames
from plainfilm.errors import LedgerError, Reason, Stage, StorageFullError
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.options.options import Options
from plainfilm.options.redaction_list import Redactions
from plainfilm.output.directory import OutputDirectory
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import read_table
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.naming_rules import frame_name
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing

IDENTITY = RunFingerprint({"names": "uid"}, {}, "f" * 16, {"timeout": 1, "memory": 1})
STEPS = [
    *(
        (Ledger, name)
        for name in (
            "register_source",
            "mark_pending",
            "commit",
            "clear_pending",
            "add_images",
            "add_failure",
            "mark_done",
            "rename_images",
        )
    ),
    *((FolderOutput, name) for name in ("stage", "publish", "remove", "discard")),
    (OutputDirectory, "move_from"),
]
Tree = dict[str, bytes]


@dataclass(frozen=True)
class Input:
    """A source, whose images are named by its UID or, without one, by itself; frame 2 of `cut` fails."""

    source: str
    uid: str = ""
    frames: int = 1
    cut: bool = False


A, B, C = "aaaaaaaa" + "0" * 24, "bbbbbbbb" + "0" * 24, "cccccccc" + "0" * 24
ALIKE = "bbbbbbbb" + "1" * 24
CLASH = (Input(B, "1.2", 3, cut=True), Input(A, "1.2", 3), Input(C, "1.2"), Input("d" * 32, "1.3"), Input("e" * 32))


class Killed(BaseException):
    """The end of a process, without a word to anybody."""


@contextmanager
def killed_before(step: int | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Nothing is done any more from that step on; the list counts them."""
    steps = [0]
    with monkeypatch.context() as patch:
        for kind, name in STEPS:
            patch.setattr(kind, name, _counted(getattr(kind, name), steps, step))
        with suppress(Killed):
            yield steps


def _counted(done: Callable[..., Any], steps: list[int], last: int | None) -> Callable[..., Any]:
    def counted(*words: Any, **given: Any) -> Any:
        if steps[0] == last:
            raise Killed
        steps[0] += 1
        return done(*words, **given)

    return counted


def run(out: Path, inputs: Sequence[Input], at_a_time: int = 2, is_stopped: Callable[[], bool] = lambda: False) -> None:
    """Commit the results of these inputs, in this order."""
    # what a power cut does to the disk itself is no fear of these tests
    with FolderOutput(out, sync=False).open_for_run() as sink, open_ledger(sink.ledger_path, IDENTITY) as ledger:
        committer = ResultCommitter(sink, ledger, RunLog(), InstanceNames(sink, ledger))
        committer.recover()
        for number, one in enumerate(inputs, 1):
            path = out.parent / one.source
            path.touch()
            work = ledger.register_source(Reference(path, one.source, f"{one.source[:2]}/{one.source}"), FileStat(1, 1))
            if work is not None:
                committer.remove(work.obsolete_files)
                for frame in range(work.first_frame + 1, one.frames + 1):
                    committer.add(_result(one, frame, work.reference.name, sink))
                committer.finish_source(one.source)
            if number % at_a_time == 0:
                committer.flush()
        committer.close(is_stopped)


def _result(one: Input, frame: int, name: str, sink: FolderOutput) -> StagedImage | Failure:
    if one.cut and frame == 2:
        return Failure(one.source, frame, Status.FAILED, Reason.CORRUPT_CODESTREAM, Stage.DECODE, "cut")
    known: dict[str, Any] = {field.name: "" if field.type == "str" else 0 for field in fields(Record)}
    known |= {
        "source": one.source,
        "frame": frame,
        "frames": one.frames,
        "status": Status.OK,
        "affine": (),
        "carried": (),
        "labels": (),
    }
    known |= {"file_name": f"{frame_name(one.uid or name, frame, one.frames)}.png", "sop_instance": one.uid}
    return StagedImage(Record(**known), sink.stage([f"{one.source} {frame}".encode()]))


def tree(out: Path) -> Tree:
    every = [path for path in out.rglob("*") if path.is_file() and not is_private(path.relative_to(out).parts[0])]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in every}


def rows(out: Path) -> tuple[list[Record], list[Failure]]:
    with open_ledger(FolderOutput(out).ledger_path, IDENTITY) as ledger:
        return list(ledger.records()), list(ledger.failures())


def check(out: Path) -> None:
    """Every row has its own picture, and what has none is known to be on its way out or in."""
    files, (records, _) = tree(out), rows(out)
    for record in records:
        assert files.get(record.file_name) == f"{record.source} {record.frame}".encode()
    with open_ledger(FolderOutput(out).ledger_path, IDENTITY) as ledger:
        unsettled = {name for part in itertools.islice(ledger.orphaned_files(), 1) for name in part}
    assert set(files) - {record.file_name for record in records} <= unsettled


def whole(tmp_path: Path, inputs: Sequence[Input]) -> tuple[Tree, tuple[list[Record], list[Failure]]]:
    run(tmp_path / "whole", inputs)
    return tree(tmp_path / "whole"), rows(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0)])
def test_a_run_killed_before_any_step_resumes_to_the_same_result(
    order: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(tmp_path, CLASH)
    inputs = [CLASH[at] for at in order]
    with killed_before(None, monkeypatch) as steps:
        run(tmp_path / "counted", inputs)
    assert steps[0] > 60
    for step in range(steps[0]):
        out = tmp_path / f"out{step}"
        with killed_before(step, monkeypatch):
            run(out, inputs)
        if FolderOutput(out).ledger_path.exists():
            check(out)
        with killed_before(step // 2, monkeypatch):
            run(out, inputs[::-1])
        check(out)
        run(out, inputs)
        assert (tree(out), rows(out)) == expected, f"killed before step {step}"
        assert not list(out.rglob("*.tmp"))


@pytest.mark.parametrize("at_a_time", [1, 2, 100])
def test_names_do_not_depend_on_the_order_of_results(at_a_time: int, tmp_path: Path) -> None:
    inputs = (*CLASH[:3], Input(ALIKE, "1.2"))
    expected = whole(tmp_path, inputs)
    assert set(expected[0]) == {
        *(f"1.2_f{frame:04}.png" for frame in (1, 2, 3)),
        *(f"1.2-bbbbbbbb_f{frame:04}.png" for frame in (1, 3)),
        f"1.2-{ALIKE}.png",
        "1.2-cccccccc.png",
    }
    for number, order in enumerate(itertools.permutations(inputs)):
        out = tmp_path / str(number)
        run(out, order, at_a_time)
        assert (tree(out), rows(out)) == expected


def test_an_earlier_source_found_in_a_later_run_gets_the_plain_name(tmp_path: Path) -> None:
    expected = whole(tmp_path, CLASH)
    out = tmp_path / "out"
    for one in CLASH:
        run(out, [one])
        check(out)
    assert (tree(out), rows(out)) == expected


def test_a_source_without_an_image_passes_the_plain_name_to_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, [Input(A, "1.2"), Input(B, "1.2")])
    with open_ledger(FolderOutput(out).ledger_path, IDENTITY) as ledger:
        committer = ResultCommitter(FolderOutput(out), ledger, RunLog(), InstanceNames(FolderOutput(out), ledger))
        work = ledger.register_source(Reference(tmp_path / A, A, f"aa/{A}"), FileStat(2, 2))
        assert work is not None
        committer.remove(work.obsolete_files)
        committer.add(Failure(A, None, Status.FAILED, Reason.EMPTY, Stage.READ, "empty"))
        committer.close()
    assert tree(out) == {"1.2.png": f"{B} 1".encode()}
    check(out)


def test_a_run_that_is_stopped_renames_nothing_more(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, CLASH, 1, lambda: True)
    check(out)
    assert tree(out)["1.2_f0001.png"] == f"{B} 1".encode()
    run(out, CLASH)
    assert (tree(out), rows(out)) == whole(tmp_path, CLASH)


def test_a_deleted_image_affects_no_other_image(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, [Input(B, "1.2"), Input(C, "1.2")])
    (out / "1.2.png").unlink()
    run(out, [Input(A, "1.2")])
    assert set(tree(out)) == {"1.2-aaaaaaaa.png", "1.2-cccccccc.png"}
    assert {record.file_name for record in rows(out)[0]} == {"1.2.png", "1.2-aaaaaaaa.png", "1.2-cccccccc.png"}


def test_a_name_is_never_given_to_two_rows(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, [Input(A, "1.2")])
    (record,), _ = rows(out)
    with open_ledger(FolderOutput(out).ledger_path, IDENTITY) as ledger, pytest.raises(LedgerError, match="UNIQUE"):
        ledger.add_images([replace(record, source=B)])
    assert rows(out)[0] == [record]


def test_reverting_the_newest_images_removes_their_files_and_the_next_run_makes_them_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    inputs = [Input("d" * 32, "1.3"), Input(A, "1.2", 3), Input(B, "1.4", 3, cut=True)]
    run(out, inputs)
    with open_ledger(FolderOutput(out).ledger_path, IDENTITY) as ledger:
        committer = ResultCommitter(FolderOutput(out), ledger, RunLog())
        assert committer.revert_newest(1)
        assert set(tree(out)) == {"1.3.png", *(f"1.2_f{frame:04}.png" for frame in (1, 2, 3))}
        assert (committer.counts().converted, committer.counts().failed) == (4, 0)
        assert committer.revert_newest(100)
        assert not committer.revert_newest(200), "no image is left"
    assert (tree(out), rows(out)) == ({}, ([], []))
    run(out, inputs)
    assert (tree(out), rows(out)) == whole(tmp_path, inputs)


def test_a_run_that_cannot_continue_removes_images_until_the_tables_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = RunInputs(Listing([], None), tmp_path / "out", Options(), Key(b"k" * 32), Redactions(), Labels(), IDENTITY)
    run(inputs.out, CLASH)
    write_tables = run_parts_module.write_tables
    images = len(rows(inputs.out)[0])

    def write_few_rows(output: FolderOutput, ledger: Ledger, *options: Any) -> object:
        if len(list(ledger.records())) > 5:
            raise StorageFullError("no space is left")
        return write_tables(output, ledger, *options)

    monkeypatch.setattr(run_parts_module, "write_tables", write_few_rows)
    with run_parts_module.open_run_parts(inputs, ignore_progress) as parts:
        run_parts_module.save_results(parts)
    listed = [row["file_name"] for row in read_table(inputs.out / "metadata.csv")]
    assert 0 < len(listed) <= 5 < images
    assert sorted(listed) == sorted(name for name in tree(inputs.out) if name.endswith(".png"))
