# SPDX-License-Identifier: MIT
"""The folders that a listing walks: those of the file system, of a list, and of an archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from plainfilm.errors import ConversionError
from plainfilm.pickling import dataclass
from plainfilm.records import Failure
from plainfilm.sources.archive import Archive, archive_packing, open_archive
from plainfilm.sources.archive_names import has_archive_suffix
from plainfilm.sources.collisions import EntryNames, name_alone
from plainfilm.sources.entries import Entry, EntryKind, failure_of, failure_of_folder, read_entries
from plainfilm.sources.glob import AnyPattern, Positions
from plainfilm.sources.naming import assign_names
from plainfilm.sources.reference import Location, Reference
from plainfilm.sources.remote_tree import RemoteFiles
from plainfilm.sources.roots import Root
from plainfilm.sources.selection import ALL_ITEMS, ItemSelection
from plainfilm.sources.source_list import ListedFiles


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to walk.

    path: of an archive and of a folder in one, that of the archive; of a URL, a path that only serves to compare it.
    name, source: the prefixes of its entries' names and sources.
    shares_source: whether a file beside the folder has the same source.
    pattern, positions: the glob that its entries must match, and how much of it the folder's own path has matched.
    overlaps: earlier roots that may reach entries of this folder; what one of them reaches is not listed again.
    is_renamed: whether it, or a folder above it, has another name in OUT because another one has its name.
    tree: what holds the entries if the file system does not: a list, an archive, or the files of URLs.
    place: the folder's path in it.
    is_archive: whether the folder is an archive that has not been opened.
    """

    path: Location
    name: str = ""
    source: str = ""
    shares_source: bool = False
    pattern: AnyPattern | None = None
    positions: Positions = frozenset()
    overlaps: tuple[Root, ...] = ()
    is_renamed: bool = False
    tree: ListedFiles | Archive | RemoteFiles | None = None
    place: str = ""
    is_archive: bool = False

    def opened(self) -> Folder:
        """Return the folder with the list of its archive, if it is one. Raises SourceError and LimitError."""
        return replace(self, tree=open_archive(self.path), is_archive=False) if self.is_archive else self

    def entries(self, argument: int = 0) -> Iterator[Entry]:
        """Yield the entries that match the glob so far. Raises OSError."""
        if isinstance(self.tree, Archive):
            return self.tree.entries(self.place, argument)
        entries = (
            read_entries(self._folder_path, argument) if self.tree is None else self.tree.entries(self.place, argument)
        )
        matches = entries if self.pattern is None else filter(self._is_match, entries)
        files = filter(self._is_new, matches) if self.overlaps else matches
        return map(self._with_archive, files)

    def item_of(self, entry: Entry, names: EntryNames) -> Item:
        """Return what an entry of this folder stands for, with the folder's prefixes before its names."""
        if entry.kind.is_folder:
            return self._subfolder(entry, names)
        source, place = join(self.source, names.source), join(self.place, entry.name)
        if entry.kind is EntryKind.REFUSED and isinstance(self.tree, Archive | RemoteFiles):
            return self.tree.failure_at(place, source)
        if entry.kind is not EntryKind.FILE:
            return failure_of(entry.kind, source)
        is_renamed, name = self.is_renamed or names.name != name_alone(entry).name, join(self.name, names.name)
        if isinstance(self.tree, Archive):
            return Reference(self.path, source, name, is_renamed, self.tree.member_at(place))
        return Reference(self._location_of(entry), source, name, is_renamed)

    def failure(self, error: OSError | ConversionError) -> Failure:
        """Return the row of this folder, whose source differs from that of each file beside it."""
        source = self.source or self.path.name
        return failure_of_folder(f"{source}/" if self.shares_source else source, error)

    def items(self, selection: ItemSelection = ALL_ITEMS) -> Iterator[Item]:
        """Yield what the entries of this folder stand for; a folder that cannot be listed is one failure.

        selection: the items to yield.
        """
        try:
            folder = self.opened()
            entries = assign_names(folder.entries())
        except (OSError, ConversionError) as error:
            yield self.failure(error)
            return
        for entry, names in entries:
            item = folder.item_of(entry, names)
            if folder.is_selected(item, selection):
                yield item
        if self.is_archive and isinstance(folder.tree, Archive) and folder.tree.damage is not None:
            yield self.failure(folder.tree.damage)

    def is_selected(self, item: Item, selection: ItemSelection) -> bool:
        """Whether an item of this folder is to be listed. Folders are listed, since their files may be selected."""
        if not isinstance(item, Folder):
            return selection.has_item(item, is_in_archive=isinstance(self.tree, Archive))
        return not item.is_archive or selection.has_archive(item.source)

    def _subfolder(self, entry: Entry, names: EntryNames) -> Folder:
        """Return a folder in this one. After the whole pattern has matched, all entries below match."""
        name, source = join(self.name, names.name), join(self.source, names.source)
        is_renamed, place = self.is_renamed or names.name != name_alone(entry).name, join(self.place, entry.name)
        if isinstance(self.tree, Archive):
            return replace(self, name=name, source=source, shares_source=names.shares_source, place=place)
        folder = Folder(self._location_of(entry), name, source, names.shares_source, is_renamed=is_renamed)
        if entry.kind is EntryKind.ARCHIVE:
            return replace(folder, is_archive=True)
        folder = replace(folder, overlaps=self.overlaps)
        if isinstance(self.tree, RemoteFiles) or (self.tree is not None and not self.tree.has_folder(place)):
            return replace(folder, tree=self.tree, place=place)
        if self.pattern is None:
            return folder
        positions = self.pattern.step(self.positions, entry.name)
        return folder if self.pattern.accepts(positions) else replace(folder, pattern=self.pattern, positions=positions)

    @property
    def _folder_path(self) -> Path:
        assert isinstance(self.path, Path)
        return self.path

    def _location_of(self, entry: Entry) -> Location:
        """Return where an entry is: a file of the file system, of a list, or of a store; or a folder."""
        if isinstance(self.tree, RemoteFiles) and entry.kind is not EntryKind.FOLDER:
            return self.tree.file_at(join(self.place, entry.name))
        return self._folder_path / entry.name

    def _with_archive(self, entry: Entry) -> Entry:
        """Return the entry of a file that is an archive as that of a folder."""
        if entry.kind is not EntryKind.FILE or not has_archive_suffix(entry.name):
            return entry
        is_archive = archive_packing(self._location_of(entry)) is not None
        return replace(entry, kind=EntryKind.ARCHIVE) if is_archive else entry

    def _is_new(self, entry: Entry) -> bool:
        """Whether no earlier root reaches an entry; a folder is reached if all that is in it is."""
        path = self._folder_path / entry.name
        return not any(root.reaches(path) for root in self.overlaps)

    def _is_match(self, entry: Entry) -> bool:
        assert self.pattern is not None
        positions = self.pattern.step(self.positions, entry.name)
        is_folder = entry.kind in (EntryKind.FOLDER, EntryKind.LINK_TO_FOLDER)
        return bool(positions) if is_folder else self.pattern.accepts(positions)


Item: TypeAlias = Reference | Failure | Folder


def join(folder: str, name: str) -> str:
    """Return the path of a name in a folder, '' being the top."""
    return f"{folder}/{name}" if folder else name
