# SPDX-License-Identifier: MIT
"""Test what a worker of a cluster checks before it works for a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.cases.build import case_file

from plainfilm.conversion.engine_check import CHECK, fault_of_worker, worker_check
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.run_inputs import RunInputs, load_run_inputs
from plainfilm.errors import SourceError
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.sources.remote_file import parse_url
from plainfilm.sources.store import store_of
from plainfilm.sources.walk import Listing

MakesArgument = Callable[[RunInputs], bytes]


@pytest.fixture
def inputs(tmp_path: Path) -> RunInputs:
    """The inputs of a run over one film."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.dcm").write_bytes(case_file())
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    out = tmp_path / "out"
    return load_run_inputs(Listing([tmp_path / "in"], out), out, Options.of({"key_file": tmp_path / "key", "size": 64}))


@pytest.fixture
def argument(inputs: RunInputs) -> Iterator[MakesArgument]:
    """Make the argument of the check of `inputs`, with the context of the inputs that are given."""
    with FolderOutput(inputs.out).open_for_run() as output:
        yield lambda other: worker_check(inputs, output, other.context(None).to_bytes()).argument


def test_a_worker_that_agrees_has_no_fault(inputs: RunInputs, argument: MakesArgument) -> None:
    assert fault_of_worker(argument(inputs)) == ""
    module, function = CHECK.split(":")
    assert (fault_of_worker.__module__, fault_of_worker.__name__) == (module, function)


def test_other_options_are_refused(inputs: RunInputs, argument: MakesArgument) -> None:
    others = replace(inputs, options=Options.of({"size": 65}))
    assert "--size: 65 there, 64 now" in fault_of_worker(argument(others))


def test_another_key_is_refused(inputs: RunInputs, argument: MakesArgument) -> None:
    assert "the key" in fault_of_worker(argument(replace(inputs, key=Key(b"x" * 32))))


def test_another_out_is_refused(inputs: RunInputs, argument: MakesArgument) -> None:
    content = argument(inputs)
    shutil.rmtree(inputs.out / ".plainfilm-staging")
    assert "OUT must be a folder that all workers share" in fault_of_worker(content)


def test_sources_that_the_worker_does_not_see_are_refused(
    inputs: RunInputs, argument: MakesArgument, tmp_path: Path
) -> None:
    content = argument(inputs)
    (tmp_path / "in").rename(tmp_path / "elsewhere")
    assert "all workers must see the SOURCEs" in fault_of_worker(content)


def test_a_presentation_state_that_the_worker_does_not_see_is_refused(inputs: RunInputs, tmp_path: Path) -> None:
    state = tmp_path / "state.dcm"
    options = Options.of({"presentation": state, "size": 64})
    with FolderOutput(inputs.out).open_for_run() as output:
        check = worker_check(replace(inputs, options=options), output, inputs.context(None).to_bytes())
        assert "it does not see" in (fault := fault_of_worker(check.argument))
    assert "state.dcm" in fault


@pytest.fixture
def store(inputs: RunInputs, tmp_path: Path) -> Callable[[], str]:
    """Return a function that says what is wrong with a worker of a run whose OUT is in the memory of this process."""
    pytest.importorskip("fsspec")
    out = parse_url(f"memory://{tmp_path.name}/out")
    remote = replace(inputs, store=out)
    with FolderOutput(inputs.out).open_for_run() as output:
        check = worker_check(remote, output, remote.context(None).to_bytes())
    return lambda: fault_of_worker(check.argument)


def test_a_worker_that_reaches_the_store_needs_no_folder(
    store: Callable[[], str], inputs: RunInputs, tmp_path: Path
) -> None:
    shutil.rmtree(inputs.out)
    assert store() == ""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    assert len(memory.find(f"/{tmp_path.name}/out")) == 1, "the worker removes what it has put to try the store"


def test_a_worker_that_reaches_another_store_is_refused(store: Callable[[], str], tmp_path: Path) -> None:
    pytest.importorskip("fsspec").filesystem("memory").rm(f"/{tmp_path.name}/out", recursive=True)
    assert "all workers must reach the same store" in store()


def test_a_worker_that_cannot_write_to_the_store_is_refused(
    store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object) -> None:
        raise SourceError("the store refuses access (PermissionError)")

    monkeypatch.setattr("plainfilm.sources.object_store.ObjectStore.put", put)
    assert "as this machine does: OUT: the store refuses access" in store()


def test_a_worker_that_cannot_read_a_url_among_the_sources_is_refused(
    inputs: RunInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.pipe(f"/{tmp_path.name}/in/x.dcm", case_file())
    # as that of a bucket
    monkeypatch.setattr(store_of(parse_url(f"memory://{tmp_path.name}")), "is_shared", True)
    listing = Listing([f"memory://{tmp_path.name}/in"], inputs.out, inputs.options.sources)
    with FolderOutput(inputs.out).open_for_run() as output:
        check = worker_check(replace(inputs, listing=listing), output, inputs.context(None).to_bytes())
        assert fault_of_worker(check.argument) == ""
        memory.rm(f"/{tmp_path.name}/in", recursive=True)
        assert f"it cannot read memory://{tmp_path.name}/in/x.dcm" in fault_of_worker(check.argument)


def test_the_paths_of_a_context_hold_in_every_folder(
    inputs: RunInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = Options.of({"presentation": "state.dcm"})
    context = replace(inputs, out=Path("out"), options=options).context(Path("out/index"))
    assert context.out == tmp_path / "out"
    assert context.presentation_index == tmp_path / "out" / "index"
    state = context.options.presentation.presentation
    assert state is not None
    assert state.path == tmp_path / "state.dcm"
