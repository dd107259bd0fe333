# SPDX-License-Identifier: MIT
"""List the input files of the SOURCE arguments: files, folders and globs become References, one at a time.

Sources come in the order given; within a folder first its files, then its folders, each sorted. An entry that is not a
file becomes a Failure. The names of a glob's files are relative to the folder before its first wildcard. A file that
several SOURCEs reach is listed for the first of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from plainfilm.errors import OptionsError
from plainfilm.records import Failure
from plainfilm.sources.collisions import EntryNames, name_alone
from plainfilm.sources.entries import Entry, EntryKind, failure_of, failure_of_folder, read_entries
from plainfilm.sources.glob import AnyPattern, Positions
from plainfilm.sources.naming import assign_names
from plainfilm.sources.prefixes import EarlierNames, assign_prefixes, base_name_of
from plainfilm.sources.reference import Reference
from plainfilm.sources.roots import Root, resolve_roots

_NO_NAMES = EarlierNames()


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to walk.

    name, source: the prefixes of its entries' names and sources.
    shares_source: whether a file beside the folder has the same source.
    pattern, positions: the glob that its entries must match, and how much of it the folder's own path has matched.
    is_renamed: whether it, or a folder above it, has another name in OUT because another one has its name.
    overlaps: earlier roots that may reach entries of this folder; what one of them reaches is not listed again.
    """

    path: Path
    name: str = ""
    source: str = ""
    shares_source: bool = False
    pattern: AnyPattern | None = None
    positions: Positions = frozenset()
    overlaps: tuple[Root, ...] = ()
    is_renamed: bool = False

    def entries(self, argument: int = 0) -> Iterator[Entry]:
        """Yield the entries that match the glob so far. Raises OSError."""
        entries = read_entries(self.path, argument)
        matches = entries if self.pattern is None else filter(self._is_match, entries)
        return filter(self._is_new, matches) if self.overlaps else matches

    def subfolder(self, entry: str, names: EntryNames) -> _Folder:
        """Return a folder in this one. After the whole pattern has matched, all entries below match."""
        name, source = _join(self.name, names.name), _join(self.source, names.source)
        path = self.path / entry
        is_renamed = self.is_renamed or names.name != name_alone(Entry(entry, EntryKind.FOLDER)).name
        folder = _Folder(path, name, source, names.shares_source, overlaps=self.overlaps, is_renamed=is_renamed)
        if self.pattern is None:
            return folder
        positions = self.pattern.step(self.positions, entry)
        return folder if self.pattern.accepts(positions) else replace(folder, pattern=self.pattern, positions=positions)

    def item_of(self, entry: Entry, names: EntryNames) -> _Item:
        """Return what an entry of this folder stands for, with the folder's prefixes before its names."""
        if entry.kind is EntryKind.FOLDER:
            return self.subfolder(entry.name, names)
        source = _join(self.source, names.source)
        if entry.kind is not EntryKind.FILE:
            return failure_of(entry.kind, source)
        is_renamed = self.is_renamed or names.name != name_alone(entry).name
        return Reference(self.path / entry.name, source, _join(self.name, names.name), is_renamed)

    def failure(self, error: OSError) -> Failure:
        """Return the row of this folder, whose source differs from that of each file beside it."""
        return failure_of_folder(f"{self.source}/" if self.shares_source else self.source, error)

    def _is_new(self, entry: Entry) -> bool:
        """Whether no earlier root reaches an entry; a folder is reached if all that is in it is."""
        path = self.path / entry.name
        return not any(root.reaches(path) for root in self.overlaps)

    def _is_match(self, entry: Entry) -> bool:
        assert self.pattern is not None
        positions = self.pattern.step(self.positions, entry.name)
        is_folder = entry.kind in (EntryKind.FOLDER, EntryKind.LINK_TO_FOLDER)
        return bool(positions) if is_folder else self.pattern.accepts(positions)


_Item: TypeAlias = "Reference | Failure | _Folder"


def _is_any_folder(_source: str) -> bool:
    return True


class Listing:
    """The SOURCEs of a run: resolved once, and listed as often as needed, each time with the same names.

    out: the folder OUT, which is not listed; None without one.
    earlier_names: names that earlier runs into OUT have given.

    Raises SourceMissingError for a source that does not exist (or a glob that matches nothing), and OptionsError for a
    URL or if `out` is itself a source.
    """

    def __init__(
        self, sources: Sequence[str | Path], out: Path | None, earlier_names: EarlierNames = _NO_NAMES
    ) -> None:
        self._roots = resolve_roots(sources)
        self._out = out
        self._use(earlier_names)
        if any(root.is_whole_folder and _is_same(root.path, out) for root in self._roots):
            raise OptionsError("OUT is one of the SOURCEs: choose a folder of its own for the images")

    def _use(self, earlier_names: EarlierNames) -> None:
        folders = (root.path for root in self._roots if root.is_folder)
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
    def folder_names(self) -> tuple[str, ...]:
        """The base names of the folders among the SOURCEs."""
        return tuple(map(base_name_of, self.prefixes))

    @property
    def file_sources(self) -> tuple[str, ...]:
        """The sources that several files among the SOURCEs would share."""
        counts = Counter(_source_of_file(root) for root in self._roots if not root.is_folder)
        return tuple(source for source, number in counts.items() if number > 1)

    def entries(self, is_wanted: Callable[[str], bool] = _is_any_folder) -> Iterator[Reference | Failure]:
        """Yield the references of all sources, lazily.

        is_wanted: whether a folder below the top, given by its source, is listed.
        """
        # a stack of iterators: a deep tree needs no recursion
        stack = [self._items_at_top()]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
            elif not isinstance(item, _Folder):
                yield item
            elif is_wanted(item.source) and not _is_same(item.path, self._out):
                stack.append(_items_in(item))

    def _items_at_top(self) -> Iterator[_Item]:
        """Yield the items at the top of OUT, root by root. They are named together, so that no two roots collide.

        Roots that cannot be listed are named last, so that they do not change the names of other roots.
        """
        roots = self._ordered_roots
        tops = [self._top_of(root, roots[:position]) for position, root in enumerate(roots)]
        unreadable: list[tuple[Root, OSError]] = []

        def entries() -> Iterator[Entry]:
            for argument, (root, top) in enumerate(zip(roots, tops, strict=True)):
                if not root.is_folder:
                    yield Entry(root.path.name, root.kind, argument)
                elif top.source:
                    yield Entry(top.source, EntryKind.FOLDER, argument)
                else:
                    try:
                        yield from top.entries(argument)
                    except OSError as error:
                        unreadable.append((root, error))
            for argument, (root, _) in enumerate(unreadable, len(roots)):
                yield Entry(root.path.name, EntryKind.FOLDER, argument)

        for entry, names in assign_names(entries(), at_top=True, reserved=self._reserved):
            if entry.argument >= len(roots):
                root, error = unreadable[entry.argument - len(roots)]
                yield _Folder(root.path, names.name, names.source, names.shares_source).failure(error)
                continue
            root, top = roots[entry.argument], tops[entry.argument]
            if root.is_folder and top.source:
                yield replace(top, shares_source=names.shares_source)
            else:
                yield (top if root.is_folder else _Folder(root.path.parent)).item_of(entry, names)

    def _top_of(self, root: Root, earlier: Sequence[Root]) -> _Folder:
        """The folder whose entries a root stands for, with its prefix."""
        prefix = self.prefixes.get(os.fspath(root.path), "") if root.is_folder else ""
        overlaps = tuple(other for other in earlier if _may_overlap(root, other))
        positions = Positions() if root.pattern is None else root.pattern.start()
        is_renamed = bool(prefix) and prefix != base_name_of(os.fspath(root.path))
        return _Folder(root.path, prefix, prefix, False, root.pattern, positions, overlaps, is_renamed)


def iterate_references(
    sources: Sequence[str | Path], out: Path | None, is_wanted: Callable[[str], bool] = _is_any_folder
) -> Iterator[Reference | Failure]:
    """Yield the references of all sources, lazily, as a `Listing` without earlier names does.

    Raises, before anything is listed, the errors of `Listing`.
    """
    return Listing(sources, out).entries(is_wanted)


def _in_order_of_names(roots: Sequence[Root], prefixes: Mapping[str, str], earlier: EarlierNames) -> list[Root]:
    """The roots in the order in which they get names, so that those of earlier runs get the same names again.

    Folders with a prefix come first where others have none. Folders without a prefix, and files of one name, have the
    order of the earlier runs.
    """
    old_folders = {path: number for number, path in enumerate(earlier.prefixes)}
    old_files = {path: number for paths in earlier.files.values() for number, path in enumerate(paths)}

    def key(root: Root) -> tuple[int, int]:
        path = os.fspath(root.path)
        if root.is_folder:
            return (0, 0) if prefixes[path] else (1, old_folders.get(path, len(old_folders)))
        return 2, old_files.get(path, len(old_files))

    return sorted(roots, key=key) if old_folders or old_files else list(roots)


def _may_overlap(root: Root, other: Root) -> bool:
    """Whether an earlier root can reach files that this folder or glob reaches too."""
    if not root.is_folder:
        return False
    path = other.path
    return root.path == path or root.path in path.parents or (other.is_folder and path in root.path.parents)


def _source_of_file(root: Root) -> str:
    return name_alone(Entry(root.path.name, root.kind)).source


def _is_same(path: Path, out: Path | None) -> bool:
    try:
        return out is not None and path.samefile(out)
    except (OSError, ValueError):
        return False


def _items_in(folder: _Folder) -> Iterator[_Item]:
    try:
        entries = assign_names(folder.entries())
    except OSError as error:
        yield folder.failure(error)
        return
    for entry, names in entries:
        yield folder.item_of(entry, names)


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
