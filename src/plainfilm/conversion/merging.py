# SPDX-License-Identifier: MIT
"""Join the shards of a run (`plainfilm merge OUT`). `Merge.run` lists the steps in their order.

No step reads an image, except where images are moved and the file system has no hard links. A merge that is killed at
any moment goes on when it is started again. Afterwards OUT is as one run over all sources would have left it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.labels import Labels, load_labels
from plainfilm.conversion.packing import finish_renames, pack_images
from plainfilm.conversion.placement import Placement, data_set_columns
from plainfilm.conversion.pseudonyms import Key, load_key
from plainfilm.conversion.removal import complete_removal, delete_removed_rows
from plainfilm.conversion.run_log import RunLog
from plainfilm.conversion.run_parts import instance_names
from plainfilm.conversion.run_results import count_reasons, write_results
from plainfilm.conversion.share_ledgers import ShareLedgers, read_share_ledgers, remove_private_files
from plainfilm.conversion.summary import RUN_FILE, Run, counts_of, run_json
from plainfilm.errors import LedgerError, OptionsError, OutputError, Reason, RunError
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.merge_state import MergeState
from plainfilm.ledger.merged_ledger import MergedLedger, open_merged_ledger, read_merge
from plainfilm.ledger.sql import UNPACKED
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.options.share import Share
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import shares_of
from plainfilm.output.tables import check_output_formats, write_run_file
from plainfilm.pickling import dataclass

# options of the process that converted a shard
_OF_PROCESS = ("shard", "shard_members", "overwrite", "log", "verbose", "quiet", "progress")


@dataclass(frozen=True, slots=True)
class MergeFiles:
    """The files of `--key-file` and `--labels`, where they are not where the shards have found them; None if they are.

    The key is needed for labels alone.
    """

    key_file: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a merge works with. shares: the ledgers that are to be joined; None where all are joined already."""

    state: MergeState
    fingerprint: RunFingerprint
    shares: ShareLedgers | None
    options: Options
    labels: Labels
    key: Key | None


_ALL_FILES = MergeFiles()


class Merge:
    """One merge. `stop` ends it early, from a signal handler or another thread; the next merge goes on from there."""

    def __init__(self, out: Path, files: MergeFiles = _ALL_FILES) -> None:
        self._output = FolderOutput(out)
        self._files = files
        self._stopped = False

    def stop(self, _grace_seconds: float = 0.0) -> None:
        """End after the rows that are being joined."""
        self._stopped = True

    def run(self) -> Run:
        """Join all shards of OUT, and return the summary. An OUT that is merged already gets its tables anew.

        Raises LedgerError where there is no shard, one is missing, has not finished or differs from the others;
        OutputLockedError where a run uses OUT; OptionsError, StorageFullError and RunError.
        """
        started, started_at = time.monotonic(), datetime.now(UTC)
        out = self._output.out
        if not self._output.has_ledger() and not shares_of(out):
            # nothing is created in a folder that is refused
            raise _without_shards(out)
        try:
            with self._output.open_for_merge():
                inputs = self._load_inputs()
                with self._open_ledger(inputs) as ledger:
                    is_joined = self._join(ledger, inputs)
                    notes = self._settle(ledger, inputs) if is_joined else []
                    run = self._summary(ledger, inputs.options, time.monotonic() - started, notes)
                    if is_joined:
                        content = run_json(run, inputs.options, inputs.fingerprint.key_fingerprint, started_at)
                        write_run_file(self._output, RUN_FILE, content)
                    return run
        except OutputError as error:
            # an error that is no row of an image is one of the run
            raise RunError(error.message, reason=error.reason, stage=error.stage) from error

    def _load_inputs(self) -> _Inputs:
        """Return what the ledgers in OUT say. Raises RunError."""
        out = self._output.out
        earlier = read_merge(self._output.ledger_path) if self._output.has_ledger() else None
        shares = None
        if shares_of(out) and (earlier is None or earlier.state is None or earlier.state.is_joined):
            shares = read_share_ledgers(self._output, None if earlier is None else earlier.state)
            numbers = tuple(share.number for share in shares.shares)
            state = MergeState(shares.state.total, numbers, shares.state.options, shares.is_overwritten)
            fingerprint = shares.fingerprint
        elif earlier is None or earlier.state is None:
            raise _without_shards(out)
        else:
            state, fingerprint = earlier.state, earlier.fingerprint
        options = _options_of(state, self._files)
        check_output_formats(options.output)
        key = self._key(options, fingerprint)
        labels = Labels() if key is None else load_labels(options.data_set, key)
        if options.data_set.label and (labels.digest[:16] or None) != fingerprint.limits.get("labels"):
            message = "the label file has changed since the shards were run: give the earlier one with --labels"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
        return _Inputs(state, fingerprint, shares, options, labels, key)

    def _key(self, options: Options, fingerprint: RunFingerprint) -> Key | None:
        """Return the key if it is needed or given; None otherwise. Raises OptionsError and LedgerError."""
        if self._files.key_file is None and not options.data_set.label:
            return None
        try:
            key = load_key(options.run.key_file)
        except OptionsError as error:
            raise OptionsError(f"{error.message}: give it with --key-file") from error
        if key.fingerprint != fingerprint.key_fingerprint:
            message = f"the key {options.run.key_file} is not that of the shards: give theirs with --key-file"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
        return key

    @contextmanager
    def _open_ledger(self, inputs: _Inputs) -> Iterator[MergedLedger]:
        is_new = inputs.shares is not None and inputs.shares.is_overwritten
        with open_merged_ledger(self._output.ledger_path, inputs.fingerprint, is_overwritten=is_new) as ledger:
            yield ledger

    def _join(self, ledger: MergedLedger, inputs: _Inputs) -> bool:
        """Join the rows of all shards, and remove their ledgers; return False where the merge is stopped before."""
        state, out = inputs.state, self._output.out
        if inputs.shares is not None:
            state = ledger.begin(state, inputs.fingerprint, inputs.shares.prefixes)
        if state.is_joined:
            return not self._stopped
        shares = [Share(number, state.total) for number in state.numbers]
        state = ledger.join([self._output.path_of_share(share) for share in shares], state, self._is_stopped)
        if self._stopped:
            return False
        remove_private_files(out, shares)
        ledger.merge.write(replace(state, is_joined=True))
        ledger.commit()
        return True

    def _settle(self, ledger: MergedLedger, inputs: _Inputs) -> list[str]:
        """Settle names, splits and labels, and write tables, README.md and report; return lines for the summary."""
        options = inputs.options
        placement = Placement(self._output, ledger, options, inputs.labels, inputs.key)
        committer = ResultCommitter(
            self._output, ledger, RunLog(), instance_names(self._output, ledger, options), placement
        )
        finish_renames(self._output, ledger)
        # a patient may have been removed since the shards were run
        delete_removed_rows(ledger)
        committer.recover()
        ledger.count_rows()
        committer.close(self._is_stopped)
        if options.output.layout is not Layout.FOLDER:
            self._output.remove_empty_tree(UNPACKED)
            if ledger.patients.has_unfinished_removal:
                pack_images(self._output, ledger, options, self._is_stopped)
            ledger.note_packed_images()
        notes = (*write_results(self._output, ledger, options, self._is_stopped), *committer.notes())
        complete_removal(ledger, self._is_stopped)
        return [note for note in notes if note]

    def _summary(self, ledger: MergedLedger, options: Options, seconds: float, notes: list[str]) -> Run:
        ledger.count_rows()
        data_set = data_set_columns(options)
        return Run(
            counts_of(ledger.counts),
            seconds,
            self._stopped,
            tuple(notes),
            reasons=count_reasons(ledger.failures()),
            out=self._output.out,
            table=options.output.table,
            splits=data_set.splits if data_set.has_split_folders else (),
        )

    def _is_stopped(self) -> bool:
        return self._stopped


def _without_shards(out: Path) -> LedgerError:
    message = f"{out} holds no shards: run `plainfilm convert SOURCE... OUT --shard I/N --key-file K` first"
    return LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def _options_of(state: MergeState, files: MergeFiles) -> Options:
    """Return the options of the shards, without what concerns a single process. Raises LedgerError."""
    given = {"key_file": files.key_file, "labels": files.labels}
    values = {name: value for name, value in state.options.items() if name not in _OF_PROCESS and value is not None}
    try:
        return Options.of(values | {name: path for name, path in given.items() if path is not None})
    except OptionsError as error:
        message = f"the options of the shards cannot be used ({error.message}): run the shards again"
        raise LedgerError(message, reason=Reason.LEDGER_DIFFERS) from error
