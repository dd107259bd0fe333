# SPDX-License-Identifier: MIT
"""Choose the split of each patient from the images that a ledger has (`--split`, `--split-balance`)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from plainfilm.conversion.moves import Move, move_images
from plainfilm.conversion.patient_splits import PatientGroups, balance_splits, split_of_hash
from plainfilm.conversion.uid_names import base_name
from plainfilm.ledger.ledger import Ledger
from plainfilm.options.data_set import DataSetOptions, SplitBalance
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Record


class SplitChoice:
    """The splits of the patients of one OUT. Every method raises StorageFullError and RunError.

    Until `choose` is called, a patient's split depends on the patient's hash alone.
    """

    def __init__(self, ledger: Ledger, options: DataSetOptions) -> None:
        self._ledger = ledger
        self._options = options
        self._groups = PatientGroups()
        self._splits: dict[str, str] = {}

    def split_of(self, record: Record) -> str:
        """Return the split of an image, '' without splits."""
        if not self._options.split:
            return ""
        group = self._groups.group_of(_patient_of(record))
        return self._splits.get(group) or split_of_hash(group, self._options.split)

    def choose(self) -> None:
        """Join the patients that share images, and with `--split-balance exact` choose the splits of all groups."""
        if not self._options.split:
            return
        for images in self._ledger.splits.images_with_shared_pixels():
            self._groups.join(map(_patient_of, images))
        if self._options.split_balance is SplitBalance.EXACT:
            pages = self._ledger.splits.pages_of_images()
            sizes = Counter(self._groups.group_of(_patient_of(record)) for page in pages for record in page)
            recorded = self._ledger.splits.recorded()
            # of joined groups with different splits, the patient with the smallest hash decides
            of_groups = {
                self._groups.group_of(patient): recorded[patient] for patient in sorted(recorded, reverse=True)
            }
            self._splits = balance_splits(sizes, self._options.split, of_groups)

    def record(self) -> None:
        """Record the split of each patient, so that later images of a patient join the earlier ones."""
        if self._options.split_balance is not SplitBalance.EXACT or not self._options.split:
            return
        for page in self._ledger.splits.pages_of_images():
            self._ledger.splits.record({_patient_of(record): record.split for record in page})
        self._ledger.commit()


def settle_splits(output: FolderOutput, ledger: Ledger, options: Options, is_stopped: Callable[[], bool]) -> None:
    """Move the images that lie in another split than the images of OUT together demand.

    This happens where the patient that joined two groups is no longer there. Raises StorageFullError and RunError.
    """
    if not options.data_set.split:
        return
    choice = SplitChoice(ledger, options.data_set)
    choice.choose()
    for page in ledger.splits.pages_of_images():
        if is_stopped():
            return
        moves = [Move(record, _moved(record, choice.split_of(record), options.output.layout)) for record in page]
        move_images(output, ledger, {move.old.file_name: [move] for move in moves if move.old != move.new})
    choice.record()


def _moved(record: Record, split: str, layout: Layout) -> Record:
    name = f"{split}/{base_name(record.file_name, 1)}" if layout is Layout.FOLDER else record.file_name
    return replace(record, split=split, file_name=name)


def _patient_of(record: Record) -> str:
    """Return the keyed hash of the patient; of an image without a patient, one that stands for the image alone."""
    return record.patient or record.sop_instance or hashlib.sha256(record.source.encode(errors="replace")).hexdigest()
