# SPDX-License-Identifier: MIT
"""Put each image into the folder of its split and its class (`--split`, `--class-folders`).

An image is placed when it is published, as far as its folder is known then. At the end of a run, when all copies of an
image are known, `Placement.settle` moves the images of patients that turned out to share an image, and those whose
label has changed. So the result depends neither on the workers nor on interruptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from plainfilm.conversion.job import StagedImage
from plainfilm.conversion.labels import Labels, LabelUse, folders_of_labels, key_of_text
from plainfilm.conversion.moves import Move, move_images
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.split_choice import SplitChoice
from plainfilm.conversion.uid_names import base_name, plain_name
from plainfilm.errors import Reason, Stage
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.sql import UNPACKED
from plainfilm.options.counting import counted
from plainfilm.options.data_set import DataSetOptions, LabelKey, SplitBalance
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.output.folder import FolderOutput
from plainfilm.output.table_schema import DataSetColumns
from plainfilm.records import Failure, Record, Status


def placement_depth(options: DataSetOptions, layout: Layout) -> int:
    """Return the number of folders that come before the name of an image.

    With the layout folder these are the folders of the split and the class, with others the private folder and the
    class.
    """
    has_split_folder = layout is Layout.FOLDER and bool(options.split)
    return (layout is not Layout.FOLDER) + has_split_folder + (options.class_folders is not None)


def data_set_columns(options: Options) -> DataSetColumns:
    """Return the columns of the data set that the options ask for."""
    data_set = options.data_set
    has_split_folders = bool(data_set.split) and options.output.layout is Layout.FOLDER
    return DataSetColumns(data_set.split.names, has_split_folders, data_set.label.table_columns)


class Placement:
    """Chooses the folders of the images of one run. Every method raises StorageFullError and RunError."""

    def __init__(self, output: FolderOutput, ledger: Ledger, options: Options, labels: Labels, key: Key | None) -> None:
        """key: the key of the keyed hashes; it may be None without labels."""
        self._output = output
        self._ledger = ledger
        self._options = options.data_set
        self._layout = options.output.layout
        self._labels = labels
        self._key = key
        self._depth = placement_depth(self._options, self._layout)
        column = self._options.class_folders
        self._folders = {} if column is None else folders_of_labels(labels, column)
        self._split_choice = SplitChoice(ledger, self._options)
        self._label_use = LabelUse(labels)
        self._moved = 0
        self._has_settled = False

    def place(self, image: StagedImage) -> StagedImage | Failure:
        """Return an image, whose name has no folder of a split or class yet, with its folder; or why it has none."""
        if not self._places_images:
            return image
        placed = self._place(image.record)
        return placed if isinstance(placed, Failure) else replace(image, record=placed)

    def settle(self, is_stopped: Callable[[], bool]) -> None:
        """Move the images that lie in another folder than all images of the run together demand.

        is_stopped: whether the run has been stopped; the next run then moves the images.
        """
        if is_stopped() or not self._places_images:
            return
        self._label_use = LabelUse(self._labels)
        self._split_choice.choose()
        for page in self._ledger.splits.pages_of_images():
            if is_stopped():
                self._has_settled = False
                return
            self._settle_page(page)
        self._has_settled = True
        self._split_choice.record()

    @property
    def _places_images(self) -> bool:
        """Whether an image gets more than the name that it has: a folder, a split or labels."""
        return bool(self._depth or self._options.split or self._labels.columns)

    def notes(self) -> Iterator[str]:
        """Yield lines for the summary."""
        if self._moved:
            moved = counted(self._moved, "image was", "images were")
            yield f"{moved} moved to the split of another patient with an equal image"
        if self._has_settled and self._labels.columns:
            yield from self._label_use.notes()

    def _place(self, record: Record) -> Record | Failure:
        """Return an image, with the name that it has without a folder, in its folder."""
        split = self._split_choice.split_of(record)
        labels = self._labels.of(self._label_key(record)) if self._labels.columns else ()
        folder = split if self._layout is Layout.FOLDER else UNPACKED
        folders = [folder] if folder else []
        if self._options.class_folders is not None:
            label = labels[self._labels.columns.index(self._options.class_folders)]
            if not label:
                return _excluded(record, self._options.class_folders)
            folders.append(self._folders[label])
        return replace(record, split=split, labels=labels, file_name="/".join((*folders, record.file_name)))

    def _label_key(self, record: Record) -> str:
        """Return the key in the label file of an image whose name has no folder of a split or class."""
        if self._options.label_key is not LabelKey.FILE_NAME:
            return record.label_key
        assert self._key is not None
        # the images of a shard have names that `plainfilm merge` replaces
        name = record.file_name if self._output.names.share is None else plain_name(record.file_name)
        return key_of_text(self._key, LabelKey.FILE_NAME, name)

    def _settle_page(self, page: Iterable[Record]) -> None:
        moves = []
        for record in page:
            bare = replace(record, file_name=base_name(record.file_name, self._depth))
            if self._labels.columns:
                self._label_use.add(self._label_key(bare), record.source)
            placed = self._place(bare)
            if isinstance(placed, Failure):
                self._ledger.replace_image(record, placed)
                self._output.remove([record.file_name])
                self._output.remove_empty_folders([record.file_name])
                self._ledger.clear_pending([record.file_name])
                self._ledger.commit()
                continue
            self._moved += placed.split != record.split and self._options.split_balance is SplitBalance.HASH
            if placed.file_name != record.file_name:
                moves.append(Move(record, placed))
            elif placed != record:
                self._ledger.rename_images([placed])
        move_images(self._output, self._ledger, {move.old.file_name: [move] for move in moves})


def _excluded(record: Record, column: str) -> Failure:
    frame = record.frame if record.frames > 1 else None
    message = f"the image has no label in the column {column} of --labels, and --class-folders needs one"
    return Failure(record.source, frame, Status.SKIPPED, Reason.EXCLUDED, Stage.WRITE, message)
