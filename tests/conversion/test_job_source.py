# SPDX-License-Identifier: MIT
"""Which jobs a run makes of its listed sources, without workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.job import ConvertJob
from plainfilm.conversion.job_source import JobSource, pseudonymize_path
from plainfilm.conversion.labels import Labels
from plainfilm.conversion.progress import ProgressReporter
from plainfilm.conversion.pseudonyms import Key, source_hash
from plainfilm.conversion.run_inputs import RunInputs
from plainfilm.conversion.run_log import RunLog
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.errors import Reason, Stage
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.options.options import Options
from plainfilm.options.output import Names
from plainfilm.options.redaction_list import Redactions, load_redactions
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure, Status
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing

KEY = Key(b"k" * 32)
CONTEXT = b"the context"
FINGERPRINT = RunFingerprint({}, {}, KEY.fingerprint, {"timeout": 1, "memory": 1})
SOCKET = Failure("socket", None, Status.SKIPPED, Reason.NOT_A_FILE, Stage.LIST, "a socket")
MakesJobSource = Callable[..., JobSource]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with (
        FolderOutput(tmp_path / "out", sync=False).open_for_run() as output,
        open_ledger(output.ledger_path, FINGERPRINT) as ledger,
    ):
        yield ledger


@pytest.fixture
def committer(ledger: Ledger, tmp_path: Path) -> ResultCommitter:
    return ResultCommitter(FolderOutput(tmp_path / "out", sync=False), ledger, RunLog())


@pytest.fixture
def reports() -> list[RunProgress]:
    """What the progress callback is called with."""
    return []


@pytest.fixture
def make_job_source(ledger: Ledger, committer: ResultCommitter, reports: list[Any], tmp_path: Path) -> MakesJobSource:
    def make(
        options: Options | None = None,
        redactions: Redactions | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> JobSource:
        inputs = RunInputs(
            Listing([tmp_path], None),
            tmp_path / "out",
            options or Options(),
            KEY,
            redactions or Redactions(),
            Labels(),
            FINGERPRINT,
        )
        progress = ProgressReporter(reports.append, committer.counts)
        return JobSource(inputs, ledger, committer, progress, is_stopped)

    return make


def reference(folder: Path, source: str) -> Reference:
    (folder / source).write_bytes(b"the content")
    return Reference(folder / source, source, source.removesuffix(".dcm"))


def payloads(job_source: JobSource, *entries: Reference | Failure) -> list[ConvertJob]:
    jobs = [job.payload for job in job_source.jobs(entries, CONTEXT)]
    assert all(isinstance(job, ConvertJob) for job in jobs)
    return [job for job in jobs if isinstance(job, ConvertJob)]


def test_a_new_source_is_a_job_with_the_context_of_the_run(make_job_source: MakesJobSource, tmp_path: Path) -> None:
    source, options = reference(tmp_path, "a.dcm"), Options.of({"bits": 16})
    (job,) = payloads(make_job_source(options), source)
    assert job.reference == source
    assert job.context_bytes == CONTEXT


def test_an_entry_that_is_no_file_is_a_failure_and_no_job(
    make_job_source: MakesJobSource, committer: ResultCommitter, ledger: Ledger
) -> None:
    assert payloads(make_job_source(), SOCKET) == []
    committer.flush()
    assert list(ledger.failures()) == [SOCKET]


def test_a_done_source_is_no_job_until_its_file_changes(
    make_job_source: MakesJobSource, ledger: Ledger, tmp_path: Path
) -> None:
    source = reference(tmp_path, "a.dcm")
    assert len(payloads(make_job_source(), source)) == 1
    ledger.mark_done(["a.dcm"])
    job_source = make_job_source()
    assert payloads(job_source, source) == []
    assert list(job_source.notes()) == ["1 file was done before and is as it was"]
    source.path.write_bytes(b"another content")
    job_source = make_job_source()
    assert len(payloads(job_source, source)) == 1
    assert list(job_source.notes()) == ["1 file has changed since it was converted: done again"]


def test_the_total_is_reported_when_all_sources_are_listed(
    make_job_source: MakesJobSource, reports: list[RunProgress], tmp_path: Path
) -> None:
    jobs = make_job_source().jobs([reference(tmp_path, "a.dcm"), SOCKET], CONTEXT)
    next(jobs)
    assert all(progress.total is None for progress in reports)
    assert list(jobs) == []
    assert (reports[-1].files, reports[-1].skipped, reports[-1].total) == (1, 1, 2)


def test_a_stopped_run_lists_no_more_sources(make_job_source: MakesJobSource, tmp_path: Path) -> None:
    job_source = make_job_source(redactions=redactions_of(tmp_path), is_stopped=lambda: True)
    assert payloads(job_source, reference(tmp_path, "a.dcm")) == []
    assert list(job_source.notes()) == [], "redactions may be for sources that were not listed"


def redactions_of(folder: Path) -> Redactions:
    (folder / "boxes.csv").write_text("source,x,y,w,h\na.dcm,1,2,3,4\nmissing.dcm,1,2,3,4\n")
    return load_redactions(folder / "boxes.csv")


def test_redactions_go_with_their_source_and_unused_ones_are_noted(
    make_job_source: MakesJobSource, tmp_path: Path
) -> None:
    job_source = make_job_source(Options.of({"names": "hash"}), redactions_of(tmp_path))
    first, second = payloads(job_source, reference(tmp_path, "a.dcm"), reference(tmp_path, "b.dcm"))
    assert (bool(first.boxes), bool(second.boxes)) == (True, False)
    (note,) = job_source.notes()
    assert "1 row of --redact-from" in note
    assert "line 3" in note


@pytest.mark.parametrize("names", [Names.HASH, Names.UID])
def test_a_hashed_path_appears_in_neither_source_nor_name(names: Names, tmp_path: Path) -> None:
    hashed = source_hash(KEY, "Doe/1.dcm")
    original = Reference(tmp_path / "Doe" / "1.dcm", "Doe/1.dcm", "Doe/1")
    assert pseudonymize_path(original, names, KEY) == Reference(original.path, hashed, f"{hashed[:2]}/{hashed}")
    failure = Failure("Doe/1.dcm", None, Status.FAILED, Reason.UNREADABLE, Stage.LIST, "gone")
    assert pseudonymize_path(failure, names, KEY).source == hashed


def test_names_keep_leaves_the_path(tmp_path: Path) -> None:
    original = Reference(tmp_path / "Doe" / "1.dcm", "Doe/1.dcm", "Doe/1")
    assert pseudonymize_path(original, Names.KEEP, KEY) == original


def test_a_file_is_in_work_until_the_results_of_its_job_are_committed(
    make_job_source: MakesJobSource, committer: ResultCommitter, tmp_path: Path
) -> None:
    job_source = make_job_source()
    for name in ("a.dcm", "b.dcm"):
        source = reference(tmp_path, name)
        (job,) = payloads(job_source, source)
        assert job_source.is_in_work(source.path)
        job_source.finish(job.reference)
        committer.finish_source(job.reference.source)
        assert job_source.is_in_work(source.path)
        committer.flush()
        assert not job_source.is_in_work(source.path)


def test_a_file_that_changes_while_it_is_converted_has_one_row(
    make_job_source: MakesJobSource, committer: ResultCommitter, ledger: Ledger, tmp_path: Path
) -> None:
    job_source, source = make_job_source(Options.of({"watch": True})), reference(tmp_path, "a.dcm")
    (job,) = payloads(job_source, source)
    committer.add(Failure("a.dcm", None, Status.FAILED, Reason.TRUNCATED_FILE, Stage.READ, "the file ends early"))
    job_source.finish(job.reference)
    committer.finish_source("a.dcm")
    source.path.write_bytes(b"the rest has arrived")
    while job_source.is_in_work(source.path):
        committer.flush()
    assert len(payloads(job_source, source)) == 1
    committer.flush()
    assert list(ledger.failures()) == [], "the second job decides"
