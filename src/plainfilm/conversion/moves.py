# SPDX-License-Identifier: MIT
"""Rename images in OUT so that an interruption at any point leaves each image with a file under the name in its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plainfilm.errors import OutputError
from plainfilm.ledger.ledger import Ledger
from plainfilm.output.directory import open_regular_file
from plainfilm.output.folder import FolderOutput
from plainfilm.output.links import link_files
from plainfilm.pickling import dataclass
from plainfilm.records import Record


@dataclass(frozen=True, slots=True)
class Move:
    """An image with its present row, and with the row that has its new name."""

    old: Record
    new: Record


def move_images(output: FolderOutput, ledger: Ledger, groups: Mapping[str, Sequence[Move]]) -> set[str]:
    """Rename all images of each group, or none of it; return the names of the groups that could not be renamed.

    The file gets the new name too, or a copy gets it, before the row is updated; the older name is removed after that.
    The new names are free. Of an image in a shard only the row is updated. Raises StorageFullError and RunError.
    """
    groups = {name: _with_files(ledger, moves) for name, moves in groups.items()}
    ledger.mark_pending(move.new.file_name for moves in groups.values() for move in moves)
    ledger.commit()
    names = {move.old.file_name: move.new.file_name for moves in groups.values() for move in moves}
    unlinked = link_files(output, names)
    failed = {
        name
        for name, moves in groups.items()
        if not _copy(output, [move for move in moves if move.old.file_name in unlinked])
    }
    obsolete = []
    for name, moves in groups.items():
        if name not in failed:
            ledger.rename_images(move.new for move in moves)
            ledger.clear_pending(move.new.file_name for move in moves)
        obsolete += [move.new.file_name if name in failed else move.old.file_name for move in moves]
    ledger.mark_pending(obsolete)
    ledger.commit()
    unremoved = output.remove(obsolete)
    output.remove_empty_folders(obsolete)
    ledger.clear_pending(name for name in obsolete if name not in unremoved)
    ledger.commit()
    return failed


def _with_files(ledger: Ledger, moves: Iterable[Move]) -> list[Move]:
    """Return the moves of images that have files of their own; update the rows of all others."""
    with_files = []
    for move in moves:
        if ledger.shards.is_packed(move.old):
            ledger.rename_images([move.new])
        else:
            with_files.append(move)
    return with_files


def _copy(output: FolderOutput, moves: Iterable[Move]) -> bool:
    """Copy the files to their new names; return whether all could be copied."""
    new_names: dict[str, str] = {}
    for move in moves:
        try:
            with open_regular_file(output.out / move.old.file_name) as file:
                content = file.read()
            new_names[output.stage([content])] = move.new.file_name
        except (OSError, OutputError):
            output.discard(new_names)
            return False
    return not output.publish(new_names)
