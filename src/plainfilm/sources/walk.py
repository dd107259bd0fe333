# SPDX-License-Identifier: MIT
"""Files, folders and globs on the command line -> references, one by one, few names in memory at a time.

Sources come in the order given; of a folder first its files, then its folders, each sorted. What is no file is a row of
failures. A glob is taken relative to the folder before its first wildcard.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from plainfilm.errors import OptionsError, SourceMissingError
from plainfilm.records import Failure
from plainfilm.sources.entries import Entry, Kind, entries_of, failure_of, kind_of_source, unreadable_folder
from plainfilm.sources.glob import Pattern, split_pattern
from plainfilm.sources.naming import name_entries
from plainfilm.sources.naming_rules import Named
from plainfilm.sources.reference import Reference


@dataclass(frozen=True, slots=True)
class _Root:
    """One SOURCE: a file, a folder, or with a pattern the folder a glob starts from."""

    path: Path
    kind: Kind
    pattern: Pattern | None = None

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder as a whole."""
        return self.kind is Kind.FOLDER and self.pattern is None

    def is_entry(self, prefixed: bool) -> bool:
        """Whether the root itself is at the top of OUT, as a file is and each of several folders; or what is in it."""
        return self.kind is not Kind.FOLDER or (self.is_tree and prefixed)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to walk: where it is, what its entries' names begin with, and how far its path has come in a glob."""

    path: Path
    name: str = ""
    source: str = ""
    of_a_file_too: bool = False
    pattern: Pattern | None = None
    positions: frozenset[int] = frozenset()

    def entries(self, part: int = 0) -> Iterator[Entry]:
        """What of the folder the glob is about. Raises OSError."""
        every = entries_of(self.path, part)
        return every if self.pattern is None else filter(self._is_about, every)

    def below(self, entry: str, named: Named) -> _Folder:
        """A folder in this one; once the whole pattern is used up, everything below belongs to it."""
        name, source = _joined(self.name, named.name), _joined(self.source, named.source)
        path = self.path / entry
        if self.pattern is None:
            return _Folder(path, name, source, named.of_a_file_too)
        positions = self.pattern.step(self.positions, entry)
        if self.pattern.accepts(positions):
            return _Folder(path, name, source, named.of_a_file_too)
        return _Folder(path, name, source, named.of_a_file_too, self.pattern, positions)

    def called(self, entry: Entry, named: Named) -> Item:
        """An entry of this folder, with the names of the folders it is in before its own."""
        if entry.kind is Kind.FOLDER:
            return self.below(entry.name, named)
        source = _joined(self.source, named.source)
        if entry.kind is not Kind.FILE:
            return failure_of(entry.kind, source)
        return Reference(self.path / entry.name, source, _joined(self.name, named.name))

    def unreadable(self, error: OSError) -> Failure:
        """The row of this folder, whose source is that of no file beside it."""
        return unreadable_folder(f"{self.source}/" if self.of_a_file_too else self.source, error)

    def _is_about(self, entry: Entry) -> bool:
        assert self.pattern is not None
        positions = self.pattern.step(self.positions, entry.name)
        is_way = entry.kind in (Kind.FOLDER, Kind.LINK_TO_FOLDER)
        return bool(positions) if is_way else self.pattern.accepts(positions)


Item: TypeAlias = "Reference | Failure | _Folder"


def list_references(sources: Sequence[str | Path], out: Path | None) -> Iterator[Reference | Failure]:
    """The references of all sources, lazily; what lies in `out` is left out.

    Raises, before anything is listed, SourceMissingError for a source that does not exist (or a glob that matches
    nothing), and OptionsError where `out` is itself a source.
    """
    roots = [_root_of(os.fspath(source)) for source in sources]
    if any(root.is_tree and _is_same(root.path, out) for root in roots):
        raise OptionsError("OUT is one of the SOURCEs: choose a folder of its own for the images")
    return _references(roots, out)


def _root_of(source: str) -> _Root:
    try:
        return _Root(_absolute(source), kind_of_source(source))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        glob = split_pattern(source)
    except OSError:
        return _Root(_absolute(source), Kind.BROKEN)
    if glob is not None:
        root = _Root(_absolute(glob[0]), Kind.FOLDER, glob[1])
        if _matches_anything(root):
            return root
        raise SourceMissingError(f"SOURCE {_shown(source)} matches nothing")
    raise SourceMissingError(f"SOURCE {_shown(source)} does not exist")


def _absolute(source: str | Path) -> Path:
    """Absolute, so that a worker elsewhere can open it, and with a name of its own."""
    path = Path(source).absolute()
    return path.resolve() if path.name == os.pardir else path


def _shown(source: str) -> str:
    return repr(source.encode("utf-8", "backslashreplace").decode())


def _is_same(path: Path, out: Path | None) -> bool:
    try:
        return out is not None and path.samefile(out)
    except (OSError, ValueError):
        return False


def _matches_anything(root: _Root) -> bool:
    # of folders that are still to be looked into, only their names
    folder = _base_of(root)
    waiting = [(folder, _ways_in(folder))]
    while waiting:
        above, names = waiting[-1]
        if names is None:
            return True
        if not names:
            waiting.pop()
            continue
        folder = above.below(names.pop(), Named("", ""))
        waiting.append((folder, _ways_in(folder)))
    return False


def _ways_in(folder: _Folder) -> list[str] | None:
    """The folders in a folder through which a glob may lead; None where it has found something already."""
    if folder.pattern is None:
        return None
    names = []
    with suppress(OSError):
        for entry in folder.entries():
            if entry.kind is Kind.FOLDER:
                names.append(entry.name)
            elif folder.pattern.accepts(folder.pattern.step(folder.positions, entry.name)):
                return None
    return names


def _references(roots: list[_Root], out: Path | None) -> Iterator[Reference | Failure]:
    """Item by item. A stack of iterators: deep trees need no recursion, and wide ones keep their names only."""
    waiting = [_top(roots)]
    while waiting:
        item = next(waiting[-1], None)
        if item is None:
            waiting.pop()
        elif not isinstance(item, _Folder):
            yield item
        elif not _is_same(item.path, out):
            waiting.append(_inside(item))


def _top(roots: list[_Root]) -> Iterator[Item]:
    """What lands at the top of OUT, root by root, and is named together, whichever root it comes from.

    Roots that cannot be listed come last: they take no name from others.
    """
    prefixed = sum(root.is_tree for root in roots) > 1
    unreadable: list[tuple[_Root, OSError]] = []

    def entries() -> Iterator[Entry]:
        for part, root in enumerate(roots):
            if root.is_entry(prefixed):
                yield Entry(root.path.name, root.kind, part)
                continue
            try:
                yield from _base_of(root).entries(part)
            except OSError as error:
                unreadable.append((root, error))
        for part, (root, _) in enumerate(unreadable, len(roots)):
            yield Entry(root.path.name, Kind.FOLDER, part)

    for entry, named in name_entries(entries(), at_top=True):
        if entry.part >= len(roots):
            root, error = unreadable[entry.part - len(roots)]
            yield _Folder(root.path, named.name, named.source, named.of_a_file_too).unreadable(error)
        else:
            root = roots[entry.part]
            base = _Folder(root.path.parent) if root.is_entry(prefixed) else _base_of(root)
            yield base.called(entry, named)


def _base_of(root: _Root) -> _Folder:
    """The folder whose entries a root is about."""
    return _Folder(
        root.path, pattern=root.pattern, positions=frozenset() if root.pattern is None else root.pattern.start()
    )


def _inside(folder: _Folder) -> Iterator[Item]:
    try:
        entries = name_entries(folder.entries())
    except OSError as error:
        yield folder.unreadable(error)
        return
    for entry, named in entries:
        yield folder.called(entry, named)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
