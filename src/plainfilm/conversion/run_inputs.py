# SPDX-License-Identifier: MIT
"""Collect what a run needs before it starts: sources, OUT, options, key and redactions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from plainfilm.conversion.job import RunContext
from plainfilm.conversion.labels import Labels, load_labels
from plainfilm.conversion.pseudonyms import Key, load_key
from plainfilm.conversion.redaction_lookup import load_matched_redactions
from plainfilm.conversion.summary import fingerprint_run
from plainfilm.errors import OptionsError
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.options.exclusion_list import Exclusions, load_exclusions
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.options.redaction_list import Redactions
from plainfilm.output.tables import check_output_formats
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import RemoteUrl
from plainfilm.sources.walk import Listing

OPTIONS_WITH_CONTENT = ("redact_from", "presentation", "labels")
"""The options that name a file of which the content counts, and not the path."""


@dataclass(frozen=True, slots=True)
class RunInputs:
    """The inputs of a run, with the files that the options name already read.

    listing: the SOURCEs.
    key: the key of the keyed hashes.
    redactions: the redaction boxes of `--redact-from`.
    exclusions: the sources of `--exclude`.
    labels: the labels of `--labels`.
    fingerprint: everything that the images and tables depend on.
    store: the URL of OUT, if the workers do not see the folder OUT of this machine and put the images into the store.
    """

    listing: Listing
    out: Path
    options: Options
    key: Key
    redactions: Redactions
    labels: Labels
    fingerprint: RunFingerprint
    exclusions: Exclusions = Exclusions()
    store: RemoteUrl | None = None

    def context(self, presentation_index: Path | None, removed_patients: Iterable[str] = ()) -> RunContext:
        """Return what all jobs of the run have in common; its paths hold for a process in another folder too.

        removed_patients: the keyed hashes of patients that must not come back into OUT.
        """
        options, state = self.options, self.options.presentation.presentation
        if state is not None and state.path is not None:
            absolute = replace(options.presentation, presentation=replace(state, path=state.path.absolute()))
            options = replace(options, presentation=absolute)
        index = None if presentation_index is None else presentation_index.absolute()
        out, removed = self.out.absolute(), frozenset(removed_patients)
        return RunContext(options, self.key, out, index, removed_patients=removed, store=self.store)


def load_run_inputs(listing: Listing, out: Path, options: Options) -> RunInputs:
    """Read key, redactions and presentation state. Raises OptionsError where an option cannot be used."""
    check_share(options)
    check_output_formats(options.output)
    if options.run.scheduler is not None and options.run.key_file is None:
        raise OptionsError("--scheduler needs --key-file: the key goes to the workers of the cluster")
    redactions = load_matched_redactions(listing, options.privacy)
    exclusions = load_exclusions(options.selection.exclude)
    key = load_key(options.run.key_file)
    labels = load_labels(options.data_set, key)
    digests = (redactions.fingerprint[:16] or None, fingerprint_presentation(options), labels.digest[:16] or None)
    fingerprint = fingerprint_run(options, key, dict(zip(OPTIONS_WITH_CONTENT, digests, strict=True)))
    return RunInputs(listing, out, options, key, redactions, labels, fingerprint, exclusions)


def check_share(options: Options) -> None:
    """Raise OptionsError where `--shard` lacks what it needs, or another option contradicts it."""
    if options.run.shard is None:
        return
    if options.run.key_file is None:
        raise OptionsError("--shard needs --key-file: all shards must have the same key")
    if options.data_set.split and options.output.layout is not Layout.FOLDER:
        raise OptionsError(f"--split with --shard contradicts --layout {options.output.layout}: it needs layout folder")
    if options.run.prune:
        raise OptionsError("--prune contradicts --shard: give it to `plainfilm convert` after `plainfilm merge`")


def fingerprint_presentation(options: Options) -> str | None:
    """Return the fingerprint of the presentation state of `--presentation`, None without one.

    Raises OptionsError where the file is no presentation state.
    """
    if options.presentation.presentation is None:
        return None
    # imported late: the libraries that read DICOM take time to load
    from plainfilm.conversion.presentation_index import presentation_fingerprint

    return presentation_fingerprint(options)
