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
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import PrivateNames
from plainfilm.pickling import dataclass

CHECK = "plainfilm.conversion.engine_check:fault_of_worker"


@dataclass(frozen=True, slots=True)
class _Expectation:
    """What a worker must agree with.

    fingerprint: that of the run, as JSON.
    probe: a staged file that a worker can find if its OUT is the one of the run.
    sources: the files and folders that the SOURCEs begin with.
    """

    fingerprint: str
    probe: str
    sources: tuple[Path, ...]


def worker_check(inputs: RunInputs, output: FolderOutput, context_bytes: bytes) -> WorkerCheck:
    """Return the check of a run, for which a small file is staged in OUT. Raises RunError where OUT cannot be written.

    context_bytes: the context of the jobs of the run.
    """
    expectation = _Expectation(inputs.fingerprint.to_json(), output.stage([b"\n"]), inputs.listing.root_paths)
    return WorkerCheck(CHECK, pickle.dumps((context_bytes, expectation)))


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
    output = FolderOutput(context.out, names=PrivateNames(context.options.run.shard))
    if not output.is_staged(expectation.probe):
        return f"its {context.out} is another folder: OUT must be a folder that all workers share"
    if missing := [str(path) for path in expectation.sources if not path.exists()]:
        return f"it does not see {missing[0]}: all workers must see the SOURCEs under the same paths"
    return ""
