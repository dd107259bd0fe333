# SPDX-License-Identifier: MIT
"""List the input files of the SOURCE arguments: files, folders and globs become References, one at a time.

Sources come in the order given; within a folder first its files, then its folders, each sorted. An entry that is not a
file becomes a Failure. The names of a glob's files are relative to the folder before its first wildcard.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from plainfilm.errors import OptionsError, SourceMissingError
from plainfilm.records import Failure
from plainfilm.sources.collisions import EntryNames
from plainfilm.sources.entries import Entry, EntryKind, failure_of, failure_of_folder, kind_of_source, read_entries
from plainfilm.sources.glob import Pattern, split_pattern
from plainfilm.sources.naming import assign_names
from plainfilm.sources.reference import Reference
from plainfilm.sources.scheme import check_local


@dataclass(frozen=True, slots=True)
class _Root:
    """One SOURCE argument: a file, a folder, or a glob, as its pattern and the folder that it starts from."""

    path: Path
    kind: EntryKind
    pattern: Pattern | None = None

    @property
    def is_whole_folder(self) -> bool:
        return self.kind is EntryKind.FOLDER and self.pattern is None

    def is_at_top(self, has_folder_names: bool) -> bool:
        """Return whether the root itself, and not its entries, gets a name at the top of OUT.

        A file gets a name there. A whole folder gets one if several folders are given (`has_folder_names`).
        """
        return self.kind is not EntryKind.FOLDER or (self.is_whole_folder and has_folder_names)

    def as_folder(self) -> _Folder:
        """Return the folder whose entries this root stands for; their names have no prefix."""
        if self.pattern is None:
            return _Folder(self.path)
        return _Folder(self.path, pattern=self.pattern, positions=self.pattern.start())


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to walk.

    name, source: the prefixes of its entries' names and sources.
    shares_source: whether a file beside the folder has the same source.
    pattern, positions: the glob that its entries must match, and how much of it the folder's own path has matched.
    """

    path: Path
    name: str = ""
    source: str = ""
    shares_source: bool = False
    pattern: Pattern | None = None
    positions: frozenset[int] = frozenset()

    def entries(self, argument: int = 0) -> Iterator[Entry]:
        """Yield the entries that match the glob so far. Raises OSError."""
        entries = read_entries(self.path, argument)
        return entries if self.pattern is None else filter(self._is_match, entries)

    def subfolder(self, entry: str, names: EntryNames) -> _Folder:
        """Return a folder in this one. After the whole pattern has matched, all entries below match."""
        name, source = _join(self.name, names.name), _join(self.source, names.source)
        path = self.path / entry
        if self.pattern is None:
            return _Folder(path, name, source, names.shares_source)
        positions = self.pattern.step(self.positions, entry)
        if self.pattern.accepts(positions):
            return _Folder(path, name, source, names.shares_source)
        return _Folder(path, name, source, names.shares_source, self.pattern, positions)

    def item_of(self, entry: Entry, names: EntryNames) -> _Item:
        """Return what an entry of this folder stands for, with the folder's prefixes before its names."""
        if entry.kind is EntryKind.FOLDER:
            return self.subfolder(entry.name, names)
        source = _join(self.source, names.source)
        if entry.kind is not EntryKind.FILE:
            return failure_of(entry.kind, source)
        return Reference(self.path / entry.name, source, _join(self.name, names.name))

    def failure(self, error: OSError) -> Failure:
        """Return the row of this folder, whose source differs from that of each file beside it."""
        return failure_of_folder(f"{self.source}/" if self.shares_source else self.source, error)

    def _is_match(self, entry: Entry) -> bool:
        assert self.pattern is not None
        positions = self.pattern.step(self.positions, entry.name)
        is_folder = entry.kind in (EntryKind.FOLDER, EntryKind.LINK_TO_FOLDER)
        return bool(positions) if is_folder else self.pattern.accepts(positions)


_Item: TypeAlias = "Reference | Failure | _Folder"


def _is_any_folder(_source: str) -> bool:
    return True


def iterate_references(
    sources: Sequence[str | Path], out: Path | None, is_wanted: Callable[[str], bool] = _is_any_folder
) -> Iterator[Reference | Failure]:
    """Yield the references of all sources, lazily, without those in the folder `out`.

    is_wanted: whether a folder below the top, given by its source, is listed.

    Raises, before anything is listed, SourceMissingError for a source that does not exist (or a glob that matches
    nothing), and OptionsError if `out` is itself a source.
    """
    roots = [_root_of(os.fspath(source)) for source in sources]
    if any(root.is_whole_folder and _is_same(root.path, out) for root in roots):
        raise OptionsError("OUT is one of the SOURCEs: choose a folder of its own for the images")
    return _walk(roots, out, is_wanted)


def _root_of(source: str) -> _Root:
    check_local(source, "SOURCE")
    try:
        return _Root(_absolute(source), kind_of_source(source))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        glob = split_pattern(source)
    except OSError:
        return _Root(_absolute(source), EntryKind.BROKEN)
    if glob is None:
        raise SourceMissingError(f"SOURCE {_printable(source)} does not exist")
    root = _Root(_absolute(glob[0]), EntryKind.FOLDER, glob[1])
    if not _has_match(root.as_folder()):
        raise SourceMissingError(f"SOURCE {_printable(source)} matches nothing")
    return root


def _absolute(source: str | Path) -> Path:
    """Return an absolute path, which a worker process can open, and whose last component is a name."""
    path = Path(source).absolute()
    return path.resolve() if path.name == os.pardir else path


def _printable(source: str) -> str:
    return repr(source.encode("utf-8", "backslashreplace").decode())


def _is_same(path: Path, out: Path | None) -> bool:
    try:
        return out is not None and path.samefile(out)
    except (OSError, ValueError):
        return False


def _has_match(start: _Folder) -> bool:
    """Return whether a glob matches anything."""
    # a stack of folders, each with the names of its subfolders that are not searched yet
    stack = [(start, _subfolders_to_search(start))]
    while stack:
        parent, names = stack[-1]
        if names is None:
            return True
        if not names:
            stack.pop()
            continue
        folder = parent.subfolder(names.pop(), EntryNames("", ""))
        stack.append((folder, _subfolders_to_search(folder)))
    return False


def _subfolders_to_search(folder: _Folder) -> list[str] | None:
    """Return the subfolders in which a glob may match; None if it matches here already."""
    if folder.pattern is None:
        return None
    names = []
    with suppress(OSError):
        for entry in folder.entries():
            if entry.kind is EntryKind.FOLDER:
                names.append(entry.name)
            elif folder.pattern.accepts(folder.pattern.step(folder.positions, entry.name)):
                return None
    return names


def _walk(roots: list[_Root], out: Path | None, is_wanted: Callable[[str], bool]) -> Iterator[Reference | Failure]:
    """Yield references and failures, depth first, from a stack of iterators: a deep tree needs no recursion."""
    stack = [_items_at_top(roots)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif not isinstance(item, _Folder):
            yield item
        elif is_wanted(item.source) and not _is_same(item.path, out):
            stack.append(_items_in(item))


def _items_at_top(roots: list[_Root]) -> Iterator[_Item]:
    """Yield the items at the top of OUT, root by root. They are named together, so that no two roots collide.

    Roots that cannot be listed are named last, so that they do not change the names of other roots.
    """
    has_folder_names = sum(root.is_whole_folder for root in roots) > 1
    unreadable: list[tuple[_Root, OSError]] = []

    def entries() -> Iterator[Entry]:
        for argument, root in enumerate(roots):
            if root.is_at_top(has_folder_names):
                yield Entry(root.path.name, root.kind, argument)
                continue
            try:
                yield from root.as_folder().entries(argument)
            except OSError as error:
                unreadable.append((root, error))
        for argument, (root, _) in enumerate(unreadable, len(roots)):
            yield Entry(root.path.name, EntryKind.FOLDER, argument)

    for entry, names in assign_names(entries(), at_top=True):
        if entry.argument >= len(roots):
            root, error = unreadable[entry.argument - len(roots)]
            yield _Folder(root.path, names.name, names.source, names.shares_source).failure(error)
        else:
            root = roots[entry.argument]
            folder = _Folder(root.path.parent) if root.is_at_top(has_folder_names) else root.as_folder()
            yield folder.item_of(entry, names)


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
