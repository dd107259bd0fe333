# SPDX-License-Identifier: MIT
"""List the input files of the SOURCE arguments: files, folders, globs, lists and archives become References.

Sources come in the order given; within a folder first its files, then its folders, each sorted. An entry that is not a
file becomes a Failure. The names of a glob's files are relative to the folder before its first wildcard. A file that
several SOURCEs reach is listed for the first of them. The files that a DICOMDIR names come in its order.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from plainfilm.errors import ConversionError, OptionsError
from plainfilm.options.sources import SourceOptions
from plainfilm.records import Failure, Status
from plainfilm.sources.archive import Archive
from plainfilm.sources.archive_order import ArchiveOrder
from plainfilm.sources.collisions import name_alone
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.folder import Folder, Item
from plainfilm.sources.glob import Positions
from plainfilm.sources.medium import in_order_of_media
from plainfilm.sources.naming import assign_names
from plainfilm.sources.prefixes import EarlierNames, assign_prefixes, base_name_of
from plainfilm.sources.reference import Location, Reference
from plainfilm.sources.remote_file import RemoteFile
from plainfilm.sources.remote_tree import file_with_content
from plainfilm.sources.roots import Root, resolve_roots
from plainfilm.sources.selection import ALL_ITEMS, ItemSelection
from plainfilm.sources.store import store_of

_NO_NAMES = EarlierNames()
_DEFAULTS = SourceOptions()


def _is_any_folder(_folder: Folder) -> bool:
    return True


class Listing:
    """The SOURCEs of a run: resolved once, and listed as often as needed, each time with the same names.

    out: the folder OUT, which is not listed; None without one.
    options: how lists among the SOURCEs are read.
    earlier_names: names that earlier runs into OUT have given.

    Raises SourceMissingError for a source that does not exist (or a glob that matches nothing), and OptionsError for a
    URL or if `out` is itself a source.
    """

    def __init__(
        self,
        sources: Sequence[str | Path],
        out: Path | None,
        options: SourceOptions = _DEFAULTS,
        earlier_names: EarlierNames = _NO_NAMES,
    ) -> None:
        self._roots = resolve_roots(sources, options)
        self._out = out
        self._use(earlier_names)
        if any(root.is_whole_folder and _is_same(root.path, out) for root in self._roots):
            raise OptionsError("OUT is one of the SOURCEs: choose a folder of its own for the images")

    def _use(self, earlier_names: EarlierNames) -> None:
        folders = (root.path for root in self._roots if root.has_prefix)
        self.prefixes: Mapping[str, str] = assign_prefixes(folders, earlier_names)
        """The prefix of each folder among the SOURCEs, by its path; '' for none."""
        self._reserved = earlier_names.reserved(self.prefixes)
        self._ordered_roots = _in_order_of_names(self._roots, self.prefixes, earlier_names)

    def with_names(self, earlier_names: EarlierNames) -> Listing:
        """The same SOURCEs with the names of earlier runs into OUT."""
        listing = copy(self)
        listing._use(earlier_names)
        return listing

    @property
    def not_watchable(self) -> tuple[str, ...]:
        """The paths of the SOURCEs to which no files can come: files, archives and lists."""
        return tuple(
            os.fspath(root.path)
            for root in self._roots
            if root.kind is not EntryKind.FOLDER or root.listed is not None or root.remote is not None
        )

    @property
    def root_paths(self) -> tuple[Path, ...]:
        """The local paths that the SOURCEs begin with: files, folders, archives, and the common folders of lists."""
        return tuple(root.path for root in self._roots if root.remote is None)

    @property
    def sample_files(self) -> tuple[RemoteFile, ...]:
        """A file of each URL among the SOURCEs, but for searches and for stores that only this process sees."""
        remotes = (root.remote for root in self._roots if root.remote is not None and not root.remote.is_search)
        files = (next(iter(remote.listed_files()), None) for remote in remotes)
        return tuple(file for file in files if file is not None and store_of(file.url).is_shared)

    @property
    def folder_names(self) -> tuple[str, ...]:
        """The base names of the folders among the SOURCEs."""
        return tuple(map(base_name_of, self.prefixes))

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs among the SOURCEs below which every file is listed."""
        return tuple(root.remote.folder for root in self._roots if root.remote is not None and root.remote.folder)

    @property
    def file_sources(self) -> tuple[str, ...]:
        """The sources that several files among the SOURCEs would share."""
        counts = Counter(_source_of_file(root) for root in self._roots if not root.is_folder)
        return tuple(source for source, number in counts.items() if number > 1)

    def entries(
        self,
        is_wanted: Callable[[Folder], bool] = _is_any_folder,
        *,
        with_content: bool = False,
        selection: ItemSelection = ALL_ITEMS,
    ) -> Iterator[Reference | Failure]:
        """Yield the references of all sources, lazily.

        is_wanted: whether a folder or an archive below the top is listed.
        with_content: whether the members of archives that can only be read in order have their content. They come when
            their archive has been listed, one after the other, so that only what the caller keeps is in memory.
        selection: the items to list; it does not change their names.
        """
        walk = self._walk(is_wanted, selection, with_content=with_content)
        return in_order_of_media(walk, self._is_whole)

    def _walk(
        self, is_wanted: Callable[[Folder], bool], selection: ItemSelection, *, with_content: bool
    ) -> Iterator[Reference | Failure]:
        # a stack of iterators: a deep tree needs no recursion. Each with the archive that it lists.
        stack: list[tuple[Iterator[Item], Location | None]] = [(self._items_at_top(selection), None)]
        order = ArchiveOrder()
        while stack:
            item = next(stack[-1][0], None)
            if item is None:
                archive = stack.pop()[1]
                yield from order.read(None if not stack else archive)
            elif isinstance(item, Folder):
                if is_wanted(item) and (item.tree is not None or not _is_same(item.path, self._out)):
                    stack.append((item.items(selection), item.path if item.is_archive else None))
            elif not with_content or not order.takes(item):
                yield _with_content(item) if with_content else item

    def _is_whole(self, folder: Path) -> bool:
        """Whether all files of a folder are listed, because a SOURCE is this folder or one above it."""
        roots = (root for root in self._roots if root.is_whole_folder and root.remote is None)
        return any(root.path == folder or root.path in folder.parents for root in roots)

    def _items_at_top(self, selection: ItemSelection) -> Iterator[Item]:
        """Yield the items at the top of OUT, root by root. They are named together, so that no two roots collide.

        Roots that cannot be listed are named last, so that they do not change the names of other roots.
        """
        roots = self._ordered_roots
        tops = [self._top_of(root, roots[:position]) for position, root in enumerate(roots)]
        if not any(map(_is_listed, roots, tops, repeat(selection))):
            return
        unreadable: list[tuple[Root, OSError | ConversionError]] = []

        def entries() -> Iterator[Entry]:
            for argument, (root, top) in enumerate(zip(roots, tuple(tops), strict=True)):
                if not root.is_folder:
                    yield Entry(root.path.name, root.kind, argument)
                elif top.source:
                    yield Entry(top.source, root.kind, argument)
                else:
                    try:
                        tops[argument] = top.opened()
                        yield from tops[argument].entries(argument)
                    except (OSError, ConversionError) as error:
                        unreadable.append((root, error))
            for argument, (root, _) in enumerate(unreadable, len(roots)):
                yield Entry(root.path.name, EntryKind.FOLDER, argument)

        for entry, names in assign_names(entries(), at_top=True, reserved=self._reserved):
            if entry.argument >= len(roots):
                root, error = unreadable[entry.argument - len(roots)]
                yield Folder(root.path, names.name, names.source, names.shares_source).failure(error)
                continue
            root, top = roots[entry.argument], tops[entry.argument]
            if root.is_folder and top.source:
                item: Item = replace(top, shares_source=names.shares_source)
            else:
                item = (top if root.is_folder else Folder(root.path.parent, tree=root.remote)).item_of(entry, names)
            if _is_listed(root, top, selection) and top.is_selected(item, selection):
                yield item
        for root, top in zip(roots, tops, strict=True):
            if isinstance(top.tree, Archive) and top.tree.damage is not None and _is_listed(root, top, selection):
                yield top.failure(top.tree.damage)

    def _top_of(self, root: Root, earlier: Sequence[Root]) -> Folder:
        """The folder whose entries a root stands for, with its prefix."""
        prefix = self.prefixes.get(os.fspath(root.path), "") if root.has_prefix else ""
        overlaps = tuple(other for other in earlier if _may_overlap(root, other))
        positions = Positions() if root.pattern is None else root.pattern.start()
        is_renamed = bool(prefix) and prefix != base_name_of(os.fspath(root.path))
        path: Location = root.path
        if root.remote is not None and root.kind is EntryKind.ARCHIVE:
            path = root.remote.file_at(root.path.name)
        return Folder(
            path,
            prefix,
            prefix,
            pattern=root.pattern,
            positions=positions,
            overlaps=overlaps,
            is_renamed=is_renamed,
            tree=None if root.kind is EntryKind.ARCHIVE else root.remote or root.listed,
            is_archive=root.kind is EntryKind.ARCHIVE,
        )


def iterate_references(
    sources: Sequence[str | Path], out: Path | None, options: SourceOptions = _DEFAULTS, *, with_content: bool = False
) -> Iterator[Reference | Failure]:
    """Yield the references of all sources, lazily, as a `Listing` without earlier names does.

    Raises, before anything is listed, the errors of `Listing`.
    """
    return Listing(sources, out, options).entries(with_content=with_content)


def _in_order_of_names(roots: Sequence[Root], prefixes: Mapping[str, str], earlier: EarlierNames) -> list[Root]:
    """The roots in the order in which they get names, so that those of earlier runs get the same names again.

    Folders with a prefix come first where others have none. Folders without a prefix, and files of one name, have the
    order of the earlier runs.
    """
    old_folders = {path: number for number, path in enumerate(earlier.prefixes)}
    old_files = {path: number for paths in earlier.files.values() for number, path in enumerate(paths)}

    def key(root: Root) -> tuple[int, int]:
        path = os.fspath(root.path)
        if root.has_prefix:
            return (0, 0) if prefixes[path] else (1, old_folders.get(path, len(old_folders)))
        return 2, old_files.get(path, len(old_files))

    return sorted(roots, key=key) if old_folders or old_files else list(roots)


def _is_listed(root: Root, top: Folder, selection: ItemSelection) -> bool:
    """Whether a root may have items of the selection: an archive has all or none, by its own name."""
    return root.kind is not EntryKind.ARCHIVE or selection.has_archive(top.source or root.path.name)


def _may_overlap(root: Root, other: Root) -> bool:
    """Whether an earlier root can reach files that this folder or glob reaches too."""
    if not root.is_folder:
        return False
    path = other.path
    return root.path == path or root.path in path.parents or (other.is_folder and path in root.path.parents)


def _source_of_file(root: Root) -> str:
    return name_alone(Entry(root.path.name, root.kind)).source


def _with_content(item: Reference | Failure) -> Reference | Failure:
    """The entry with the bytes of its file, where worker processes cannot read it."""
    if isinstance(item, Failure) or not isinstance(item.path, RemoteFile):
        return item
    file = file_with_content(item.path)
    if isinstance(file, ConversionError):
        return Failure(item.source, None, Status.FAILED, file.reason, file.stage, file.message)
    return item if file is item.path else replace(item, path=file)


def _is_same(path: Location, out: Path | None) -> bool:
    try:
        return out is not None and isinstance(path, Path) and path.samefile(out)
    except (OSError, ValueError):
        return False
