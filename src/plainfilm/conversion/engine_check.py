# SPDX-License-Identifier: MIT
"""Check that a worker of a cluster makes the same images as this process, and sees the same SOURCEs and OUT."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import cast

from plainfilm.conversion.job import RunContext
from plainfilm.conversion.run_inputs import OPTIONS_WITH_CONTENT, RunInputs
from plainfilm.conversion.summary import fingerprint_run
from plainfilm.engines.engine import WorkerCheck
from plainfilm.errors import ConversionError, PlainfilmError, Reason
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import PrivateNames
from plainfilm.output.store_staging import Staging, StoreStaging
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import RemoteFile
from plainfilm.sources.scheme import check_scheme
from plainfilm.sources.store import store_of

_PROBE = b"\n"
CHECK = "plainfilm.conversion.engine_check:fault_of_worker"


@dataclass(frozen=True, slots=True)
class _Expectation:
    """What a worker must agree with.

    fingerprint: that of the run, as JSON.
    probe: a staged file, or a staged object, that a worker can find if its OUT is the one of the run.
    paths: the files and folders that the SOURCEs begin with, and other files that the options name.
    files: a file of each URL among the SOURCEs.
    """

    fingerprint: str
    probe: str
    paths: tuple[Path, ...]
    files: tuple[RemoteFile, ...]


def worker_check(inputs: RunInputs, output: FolderOutput, context_bytes: bytes) -> WorkerCheck:
    """Return the check of a run, for which a small file is staged in OUT. Raises RunError where OUT cannot be written.

    context_bytes: the context of the jobs of the run.
    """
    staging: Staging = output if inputs.store is None else StoreStaging(inputs.store, output.names)
    state, paths = inputs.options.presentation.presentation, inputs.listing.root_paths
    if state is not None and state.path is not None:
        paths = (*paths, state.path.absolute())
    files = tuple(filter(_is_readable, inputs.listing.sample_files))
    expectation = _Expectation(inputs.fingerprint.to_json(), staging.stage([_PROBE]), paths, files)
    return WorkerCheck(CHECK, pickle.dumps((context_bytes, expectation)))


def _is_readable(file: RemoteFile) -> bool:
    """Whether this process can read a file: what it cannot read is a row of its own."""
    try:
        store_of(file.url).read(file, 0, 1)
    except ConversionError:
        return False
    return True


def fault_of_worker(argument: bytes) -> str:
    """Return what is wrong with this process as a worker of a run, '' for nothing. argument: from `worker_check`."""
    context_bytes, expectation = pickle.loads(argument)
    context: RunContext = pickle.loads(context_bytes)
    expected = RunFingerprint.from_json(expectation.fingerprint)
    assert context.key is not None
    assert context.out is not None
    # the contents of files that the options name are read by the run alone
    contents = {name: cast("str | None", expected.options.get(name)) for name in OPTIONS_WITH_CONTENT}
    fingerprint = fingerprint_run(context.options, context.key, contents)
    if differences := expected.differences(fingerprint):
        return f"it would make other images ({'; '.join(differences)}): install the same versions there"
    return _fault_of_out(context, expectation.probe) or _fault_of_sources(expectation)


def _fault_of_out(context: RunContext, probe: str) -> str:
    names = PrivateNames(context.options.run.shard)
    if context.store is not None:
        return _fault_of_store(StoreStaging(context.store, names), probe)
    assert context.out is not None
    output = FolderOutput(context.out, names=names)
    if output.staged_path(probe).is_file():
        return ""
    return f"its {context.out} is another folder: OUT must be a folder that all workers share"


def _fault_of_store(staging: StoreStaging, probe: str) -> str:
    """Return why a worker cannot put images into the store of OUT."""
    try:
        check_scheme(str(staging.out), "OUT")
        staging.read(probe, len(_PROBE))
        staging.discard(staging.stage([_PROBE]))
    except PlainfilmError as error:
        if error.reason is Reason.SOURCE_CHANGED:
            return f"its {staging.out} is another one: all workers must reach the same store under the same URL"
        return f"it cannot use {staging.out} as this machine does: {error.message}"
    return ""


def _fault_of_sources(expectation: _Expectation) -> str:
    if missing := [str(path) for path in expectation.paths if not path.exists()]:
        return f"it does not see {missing[0]}: all workers must see the SOURCEs under the same paths"
    for file in expectation.files:
        try:
            check_scheme(str(file.url), "SOURCE")
            store_of(file.url).read(file, 0, 1)
        except PlainfilmError as error:
            return f"it cannot read {file.url}: {error.message}"
    return ""
